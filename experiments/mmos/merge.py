"""Merge the programs of a tool-integrated solution into one, as single-step code has it."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import NamedTuple

from numina.fences import CODE_END, CODE_START, OUTPUT_START, blocks, dedented, failed


class Step(NamedTuple):
    """A program of a solution that was run.

    Attributes:
        thought: the text before it, in one line.
        program: of several blocks before one output, all.
        output: what it printed.
    """

    thought: str
    program: str
    output: str

    @property
    def failed(self) -> bool:
        """Whether it raised an exception or printed nothing."""
        return failed(self.output)


def steps_of(solution: str) -> list[Step]:
    """The programs of a solution that have an output, with the thoughts that lead to them."""
    found, waiting, thought, position = [], [], "", 0
    for block in blocks(solution):
        thought += solution[position : block.start]
        position = block.end
        if block.kind == "python":
            waiting.append(dedented(block.text))
        elif block.kind == "output" and waiting:
            found.append(Step(" ".join(thought.split()), "\n".join(waiting), block.text.strip()))
            waiting, thought = [], ""
    return found


def candidates(steps: Sequence[Step]) -> list[str]:
    """Programs that may stand for all steps, the best first; whether one does shows when it runs.

    Steps that failed are left out. As a later step may use a name that one of them set, the second
    candidate has those that printed nothing, which ran to their end.
    """
    worked = [step.program for step in steps if not step.failed]
    ran = [step.program for step in steps if not step.failed or not step.output]
    return list(dict.fromkeys(map(joined, (worked, ran))))


def joined(programs: Sequence[str]) -> str:
    """Programs one after another, of which the last alone prints."""
    if not programs:
        return ""
    *before, last = programs
    return "\n".join(filter(None, [*map(without_prints, before), last]))


def without_prints(program: str) -> str:
    """A program without the lines that only print at its top level; as it is if it cannot be read.

    Prints in loops and functions stay: what they print is not the last output.
    """
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return program
    lines = program.split("\n")
    others = {
        line
        for node in tree.body
        if not prints(node)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    for node in filter(prints, tree.body):
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
            if line not in others:
                lines[line - 1] = ""
    return "\n".join(line for line in lines if line.strip())


def prints(node: ast.stmt) -> bool:
    """Whether a statement is a call of print."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == "print"
    )


def single_step(steps: Sequence[Step], program: str, output: str) -> str:
    """The solution with one program, which ends with its output.

    It keeps the thoughts that lead to programs, but not those that mend one that failed.
    """
    mends = [False, *(step.failed for step in steps[:-1])]
    kept = [step.thought for step, mending in zip(steps, mends, strict=True) if not mending]
    thought = " ".join(filter(None, kept))
    return f"{thought}\n{CODE_START}{program}\n{CODE_END}\n{OUTPUT_START}{output}\n```".lstrip()
