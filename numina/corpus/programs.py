"""Compare the programs of solutions, and recognise those that compute nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Set

from numina.answer.equal import equal
from numina.answer.find import find_answer
from numina.fences import blocks, dedented

GRAM = 3  # tokens
TOKEN = re.compile(r"\w+|[^\w\s]")
VERDICTS = {"true", "false", "yes", "no", "correct", "incorrect", "ok", "none", "passed"}
SHOWING = {"print", "str", "int", "float", "round", "repr", "format"}


def programs(text: str) -> list[str]:
    """The programs of a solution."""
    return [dedented(block.text) for block in blocks(text) if block.kind == "python"]


def canonical(programs: Iterable[str]) -> str:
    """A text that programs share if only comments, spaces, quotes or their own names differ."""
    names: dict[str, str] = {}
    return "\n".join(canonical_program(program, names) for program in programs)


def canonical_program(program: str, names: dict[str, str]) -> str:
    """One program; the names given so far are added to. What cannot be parsed keeps its words."""
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return " ".join(program.split())
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.setdefault(node.id, f"v{len(names)}")
        elif isinstance(node, ast.arg):
            names.setdefault(node.arg, f"v{len(names)}")
        elif isinstance(node, ast.FunctionDef):
            names.setdefault(node.name, f"v{len(names)}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
        elif isinstance(node, ast.arg):
            node.arg = names.get(node.arg, node.arg)
        elif isinstance(node, ast.keyword) and node.arg in names:
            node.arg = names[node.arg]
        elif isinstance(node, ast.FunctionDef):
            node.name = names.get(node.name, node.name)
            if ast.get_docstring(node) is not None and len(node.body) > 1:
                del node.body[0]
    return ast.unparse(tree)


def grams(canonical: str) -> Set[tuple[str, ...]]:
    """The runs of `GRAM` tokens of a program, in which every number is the same."""
    tokens = TOKEN.findall(re.sub(r"\b\d+(?:\.\d+)?\b", "0", canonical))
    last = max(1, len(tokens) - GRAM + 1)
    return {tuple(tokens[at : at + GRAM]) for at in range(last)}


def likeness(one: Set[tuple[str, ...]], other: Set[tuple[str, ...]]) -> float:
    """The share of runs of tokens that two programs have in common, from 0 to 1 (Jaccard)."""
    return len(one & other) / max(1, len(one | other))


def only_checks(text: str, answer: str) -> bool:
    """Whether the programs of a solution only check or repeat an answer that they do not find.

    They do if the prose before their first output states the answer, if they print truth values
    alone, or if they compute nothing.

    Args:
        text: the solution.
        answer: its final answer.
    """
    found = blocks(text)
    first = next((block for block in found if block.kind == "output"), None)
    if first is None:
        return True
    stated = find_answer(text[: first.start])
    if stated is not None and equal(stated, answer).equal:
        return True
    shown = " ".join(block.text for block in found if block.kind == "output")
    words = [word.lower() for word in re.findall(r"\w+", shown)]
    if words and set(words) <= VERDICTS and answer.strip().lower() not in VERDICTS:
        return True
    return not any(map(computes, programs(text)))


def computes(program: str) -> bool:
    """Whether a program has an operation, a loop, or a call beyond printing; one that cannot be
    parsed counts as such."""
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    return any(map(is_operation, ast.walk(tree)))


def is_operation(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return not (isinstance(node.func, ast.Name) and node.func.id in SHOWING)
    kinds = (ast.BinOp, ast.AugAssign, ast.For, ast.While, ast.comprehension, ast.Subscript)
    return isinstance(node, kinds)
