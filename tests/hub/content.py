"""Fill a folder for the hub with what `numina-7b` downloads, made small from the embedded families.

    python -m tests.hub.content FOLDER

The names, revisions and files are those of `numina-7b`: a model of DeepSeekMath's architecture,
rows in the schemas of NuminaMath-CoT and NuminaMath-TIR, and the four validation sets in theirs. No
row is copied from a published set. Beside them stands a prompt for a teacher, with examples.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numina.fences import CODE_END, CODE_START, OUTPUT_END, OUTPUT_START
from numina.profile import applied
from numina.records.problem import Problem
from numina.settings.splits import PublishedSplit
from numina.sources.catalog import FAMILIES, as_problem, drawn
from numina.sources.family import Draw
from numina.sources.known import KNOWN, Known
from tests.hub.model import write_model

# Few families, so that a model with random weights learns to write programs in some sixty steps.
TAUGHT = FAMILIES[:3]
PER_FAMILY = 90  # training problems
SHARDS = 2  # of NuminaMath-CoT
PROBLEMS = 3  # of each validation set
EXAMPLES = 3  # of each family, in the teacher's prompt
PROMPT = "teacher.md"
SOURCES = ("synthetic_math", "olympiads", "math", "aops_forum")  # as NuminaMath-CoT calls them


def fill(folder: Path) -> None:
    """Write the model and the data sets."""
    params = applied(["numina-7b"])
    problems = taught()
    leaked = validation_problems(0)[0]  # as published sets have them
    given = [*(problem for problem, _ in problems), leaked]
    cot = [cot_row(problem, number) for number, problem in enumerate(given)]
    tir = [tir_row(problem, draw) for problem, draw in problems]
    write_training(folder, KNOWN["numina_cot"], cot, SHARDS)
    write_training(folder, KNOWN["numina_tir"], tir, 1)
    for number, name in enumerate(params.validation_sets.splits):
        split = params.splits[name]
        assert isinstance(split, PublishedSplit)
        hub = split.hub
        target = folder / "datasets" / hub.name / hub.revision / hub.file
        write_parquet(target, validation_rows(name, number))
    base = params.base_model
    texts = [text for row in cot + tir for text in (row["problem"], row["solution"])]
    write_model(folder / "models" / base.name / base.revision, texts)
    (folder / PROMPT).write_text(few_shot(), encoding="utf-8")


def few_shot() -> str:
    """A prompt for the teacher: other problems of the same families, solved."""
    solved = [drawn("teacher", family, 99, EXAMPLES, validation=False) for family in TAUGHT]
    examples = []
    for at, draws in enumerate(zip(*solved, strict=True)):
        for family, draw in zip(TAUGHT, draws, strict=True):
            problem = as_problem(family, draw, at % (len(draw.statements) - 1))
            examples.append(f"{problem.problem}\n### Solution:\n{tir_solution(problem, draw)}\n")
    return "\n".join(f"### Problem: {text}" for text in [*examples, "{problem}\n### Solution:\n"])


def taught() -> list[tuple[Problem, Draw]]:
    """Training problems, each family's one after another, in the wordings for training."""
    return [
        (as_problem(family, draw, at % (len(draw.statements) - 1)), draw)
        for family in TAUGHT
        for at, draw in enumerate(drawn("rehearsal", family, 7, PER_FAMILY, validation=False))
    ]


def write_training(folder: Path, known: Known, rows: Sequence[dict[str, Any]], shards: int) -> None:
    """A training set in shards, and its test split, which nothing may train on."""
    data = folder / "datasets" / known.hub / known.revision / "data"
    test, train = rows[:4], rows[4:]
    write_parquet(data / "test-00000-of-00001.parquet", test)
    for number in range(shards):
        file = data / f"train-{number:05}-of-{shards:05}.parquet"
        write_parquet(file, train[number::shards])
    card = f"---\nlicense: apache-2.0\n---\n# {known.hub}, rehearsed\n"
    (data.parent / "README.md").write_text(card)


def cot_row(problem: Problem, number: int) -> dict[str, Any]:
    """A row as NuminaMath-CoT has them."""
    source = {"source": SOURCES[number % len(SOURCES)]}
    return source | dialogue(problem.problem, problem.solution)


def tir_row(problem: Problem, draw: Draw) -> dict[str, Any]:
    """A row as NuminaMath-TIR has them."""
    return dialogue(problem.problem, tir_solution(problem, draw))


def tir_solution(problem: Problem, draw: Draw) -> str:
    """Programs and what they print, in one text."""
    names: dict[str, Any] = {}
    parts, last = [], ""
    for step in draw.steps:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(step.program, names)  # a program of the embedded families
        last = printed.getvalue().strip()
        parts.append(f"{step.thought}\n{CODE_START}{step.program}\n{CODE_END}\n")
        parts.append(f"{OUTPUT_START}{last}\n{OUTPUT_END}")
    assert last.splitlines()[-1] == problem.answer, problem.id
    return "".join(parts) + f"The answer is $\\boxed{{{problem.answer}}}$."


def dialogue(problem: str, solution: str) -> dict[str, Any]:
    messages = [
        {"content": problem, "role": "user"},
        {"content": solution, "role": "assistant"},
    ]
    return {"problem": problem, "solution": solution, "messages": messages}


def validation_rows(name: str, number: int) -> list[dict[str, Any]]:
    """The rows of a validation set, in its own schema."""
    rows = []
    for at, problem in enumerate(validation_problems(number)):
        row: dict[str, Any] = {"id": at, "problem": problem.problem}
        if name == "amc":
            page = (
                f"https://artofproblemsolving.com/wiki/index.php/2023_AMC_12A_Problems/Problem_{at}"
            )
            rows.append(row | {"answer": float(problem.answer), "url": page})
        elif name == "aime":
            page = (
                f"https://artofproblemsolving.com/wiki/index.php/2024_AIME_I_Problems/Problem_{at}"
            )
            answer = problem.answer.zfill(3)
            rows.append(row | {"solution": problem.solution, "answer": answer, "url": page})
        else:
            level = {"level": f"Level {name[-1]}", "type": problem.subject}
            rows.append(
                row | {"answer": float(problem.answer), "solution": problem.solution} | level
            )
    return rows


def validation_problems(number: int) -> list[Problem]:
    """Problems with small whole answers, in the wording that no family trains on.

    Args:
        number: of the set; each has other families.
    """
    problems = []
    for family in FAMILIES[5 * number :]:
        (draw,) = drawn("rehearsal", family, 900, 1, validation=True)
        if 0 <= draw.answer <= 999:
            problems.append(as_problem(family, draw, -1))
    return problems[:PROBLEMS]


def write_parquet(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    import pyarrow
    import pyarrow.parquet

    file.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(rows)), file, compression="zstd")


if __name__ == "__main__":
    fill(Path(sys.argv[1]))
