"""Recorded tool-integrated traces: their programs, and what those printed for their authors."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from numina.errors import UserError
from numina.fences import blocks
from numina.rows import read_lines
from numina.sandbox.session import Result
from numina.sources.catalog import training_problems

FAMILY_DRAWS = 20  # of each family, where no recorded traces are given


@dataclass(frozen=True, slots=True)
class RecordedProgram:
    """A program of a trace, and the output that stands behind it."""

    code: str
    output: str


def own_programs() -> list[Sequence[str]]:
    """The programs of the embedded families' solutions, a list a solution."""
    drawn = training_problems(seed=1, per_family=FAMILY_DRAWS)
    return [[step.program for step in draw.steps] for _, draw in drawn]


def read_traces(path: Path) -> list[list[RecordedProgram]]:
    """The programs of each trace of a JSONL file (.gz too) in ToRA's format.

    Raises:
        UserError: as `read_lines`, or a row has no text in `code`, with the file and its line.
    """
    traces = []
    for number, row in read_lines(path):
        code = row.get("code")
        if not isinstance(code, list) or not code or not isinstance(code[0], str):
            raise UserError(f"{path}, line {number}: field 'code' must hold a text")
        traces.append(programs_of(code[0]))
    return traces


def programs_of(text: str) -> list[RecordedProgram]:
    """The programs of a text that an output follows."""
    found = blocks(text)
    return [
        RecordedProgram(block.text, after.text)
        for block, after in itertools.pairwise(found)
        if block.kind == "python" and after.kind == "output"
    ]


def authors_text(result: Result) -> str:
    """A result as the authors' executor showed it: what was printed, or the exception's line."""
    if result.traceback:
        return result.traceback.strip().rsplit("\n", 1)[-1]
    return result.stdout.strip()


def differences(
    traces: Sequence[Sequence[RecordedProgram]], results: Sequence[Sequence[Result]]
) -> list[tuple[RecordedProgram, str]]:
    """The programs whose output is another now, with what it is now."""
    found = []
    for programs, done in zip(traces, results, strict=True):
        for program, result in zip(programs, done, strict=True):
            text = authors_text(result)
            if text != program.output.strip():
                found.append((program, text))
    return found
