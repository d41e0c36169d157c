"""The rows that cross module borders, and how they are read from and written to JSONL.

A file is written whole to a temporary name and then moved, with its keys in a fixed order, so
that a killed stage leaves nothing half-written and that equal rows have equal hashes.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """A problem with its worked solution where there is one.

    Attributes:
        id: unique in its file.
        problem: the statement, in English with LaTeX.
        answer: the final answer as text; "" where it is not known.
        source: where it comes from: a family's name, a file, a hub data set.
        solution: a worked chain of thought that ends in ``\\boxed{answer}``, or "".
        subject: algebra, number_theory, counting, geometry, sequences, or the source's own word.
        level: difficulty from 1 to 5; 0 where it is not known.
        contest: the paper it was set in, such as ``AIME II 2023``; "" where there is none.
        unsound: why `answer` is known to be wrong, where a published set holds it so; "" elsewhere.
    """

    id: str
    problem: str
    answer: str
    source: str
    solution: str = ""
    subject: str = ""
    level: int = 0
    contest: str = ""
    unsound: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Trace:
    """One sampled solution of one problem: decoded text with the outputs of its programs.

    Attributes:
        problem_id: the problem's id.
        seed: the run's seed; 0 for greedy decoding.
        index: which of the N samples of the problem this is, from 0.
        text: all that follows the prompt, program outputs included.
        answer: the final answer found in the text, or None.
        end: why the trace ended. With a vote: ``answer``; or any of the others, where an answer
            stands before that. ``no_answer``, ``not_integer``, ``out_of_range``: it came to its
            end without one that counts. ``depth``, ``context``, ``length``: a limit. ``no_code``:
            it asked for an output without a program. ``empty_output``: its program printed
            nothing. ``repeat``: the same failure twice.
        block_statuses: the sandbox status of each program run: ok, error, timeout, ...
        prompt_tokens: tokens sent to the engine, over all its steps.
        cached_tokens: of these, tokens that it had read before.
        generated_tokens: tokens that the engine decoded.
        logprob: mean log-probability of the decoded tokens at temperature 1 (natural log).
        decode_s: seconds in the engine.
        execute_s: seconds running programs.
        wait_s: seconds waiting for a place in the engine's batch or the sandbox.
    """

    problem_id: str
    seed: int
    index: int
    text: str
    answer: str | None
    end: str
    block_statuses: list[str]
    prompt_tokens: int
    cached_tokens: int
    generated_tokens: int
    logprob: float
    decode_s: float
    execute_s: float
    wait_s: float


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """SC-TIR's answer to one problem with one seed, and everything that it rests on.

    Attributes:
        problem_id: the problem's id.
        seed: the run's seed.
        answer: the winner of the vote, or None where no trace had a vote to give.
        votes: weight of the votes for each answer, most first.
        n: how many traces the full vote has.
        traces: the traces that were run to their end, in the order of their indices.
        stop: why there are no more: ``full`` (all N are there), ``lossless``, ``beta``, ``esc``, or
            ``deadline``.
        margin: the leader's weight less the runner-up's.
        outstanding: votes not cast. With ``lossless``, margin > outstanding: the certificate that
            they could not have changed the answer.
        cancelled: traces that were begun and given up; what they decoded is not counted.
        seconds: wall-clock from the first trace's start to the answer.
    """

    problem_id: str
    seed: int
    answer: str | None
    votes: dict[str, float]
    n: int
    traces: list[Trace]
    stop: str
    margin: float
    outstanding: int
    cancelled: int
    seconds: float


def read_lines(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Read a ``.jsonl`` or ``.jsonl.gz`` file: each row with its line's number, from 1.

    Blank lines hold no row, but are counted.

    Raises:
        ValueError: a line that is not a JSON object in UTF-8, or a gzip file that is cut short or
            damaged, with the file and the line.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    rows, number = [], 0
    with opener(path, "rb") as lines:
        try:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    rows.append((number, parse_row(line, f"{path}, line {number}")))
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path}, line {number + 1}: damaged gzip file ({error})") from None
    return rows


def parse_row(line: bytes, where: str) -> dict[str, Any]:
    """One line of a JSONL file.

    Raises:
        ValueError: it is not a JSON object in UTF-8.
    """
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"{where}: not UTF-8 ({error})") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{where}: not JSON ({error})") from None
    if not isinstance(row, dict):
        raise ValueError(f"{where}: {type(row).__name__}, not an object")
    return row


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Read a ``.jsonl`` or ``.jsonl.gz`` file; each line must be a JSON object.

    Raises:
        ValueError: as `read_lines`.
    """
    return [row for _, row in read_lines(path)]


def read_problems(path: Path) -> list[Problem]:
    """Read problems; fields that `Problem` does not have are left out.

    Raises:
        ValueError: as `read_lines` and `to_problem`, or an id seen twice.
    """
    seen: dict[str, int] = {}
    problems = []
    for number, row in read_lines(path):
        problem = to_problem(row, f"{path}, line {number}")
        if problem.id in seen:
            first = seen[problem.id]
            raise ValueError(
                f"{path}, line {number}: field 'id': {problem.id!r} is already in line {first}"
            )
        seen[problem.id] = number
        problems.append(problem)
    return problems


def to_problem(row: Mapping[str, Any], where: str) -> Problem:
    """A problem from a row's fields.

    Raises:
        ValueError: a missing or empty statement, or a field of the wrong type, with its place.
    """
    for field in ("id", "problem", "answer"):
        if not isinstance(row.get(field), str):
            raise ValueError(f"{where}: field {field!r} must be text, got {row.get(field)!r}")
    if not row["problem"].strip():
        raise ValueError(f"{where}: field 'problem' is empty")
    level = row.get("level", 0)
    if not isinstance(level, int):
        raise ValueError(f"{where}: field 'level' must be a whole number, got {level!r}")
    return Problem(
        id=row["id"],
        problem=row["problem"],
        answer=row["answer"],
        source=str(row.get("source", "")),
        solution=str(row.get("solution", "")),
        subject=str(row.get("subject", "")),
        level=level,
        contest=str(row.get("contest", "")),
        unsound=str(row.get("unsound", "")),
    )


def write_rows(path: Path, rows: Iterable[Any]) -> None:
    """Write dataclass instances or dicts as JSONL, whole or not at all."""
    plain = (row if isinstance(row, dict) else dataclasses.asdict(row) for row in rows)
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in plain))


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def progress_bar(total: int, what: str) -> tqdm:
    """A progress bar on a terminal, and now and then a line of counts elsewhere."""
    from tqdm import tqdm

    return tqdm(total=total, desc=what, mininterval=0.5 if os.isatty(2) else 20)
