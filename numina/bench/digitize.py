"""Digitised exams against what they should read: problems found and right, and the error rate."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from numina.bench.draw_exam import draw
from numina.bench.drawn_exams import EXAMS
from numina.bench.exam_labels import Labelled, distance, read_labels
from numina.errors import UserError
from numina.exams.exam import read_all
from numina.exams.kept import KeptPages
from numina.exams.pages import Page, Reader
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.settings.params import Params


def bench(params: Params, exams: Sequence[Path], labels: Sequence[Path]) -> dict[str, Any]:
    """What is found of each exam, and of all.

    Args:
        params: params.yaml; the reader of exams is that of a run.
        exams: PDFs; without any, the exams of our own.
        labels: of each, in the same order: a ``.tex`` file or JSONL.

    Raises:
        UserError: an exam has no labels, or a file cannot be read.
    """
    if len(exams) != len(labels):
        raise UserError(
            f"--exam and --labels go in pairs: {len(exams)} and {len(labels)} are given"
        )
    hardware = params.hardware
    strict = params.digitize.model_copy(update={"on_bad_file": "fail"})
    reader = Reader(strict, hardware.vision, KeptPages(hardware.cache))
    found = {name: measured(file, wanted, reader) for name, file, wanted in chosen(exams, labels)}
    total = {key: sum(row[key] for row in found.values()) for key in next(iter(found.values()))}
    return {name: shown(row) for name, row in {**found, "all": total}.items()}


def chosen(
    exams: Sequence[Path], labels: Sequence[Path]
) -> Iterator[tuple[str, Path, Sequence[Labelled]]]:
    """Each exam's name, its PDF, and its labels."""
    for file, truth in zip(exams, labels, strict=True):
        yield file.stem, file, read_labels(truth)
    if not exams:
        with tempfile.TemporaryDirectory() as folder:
            for name, exam in EXAMS.items():
                file = Path(folder) / "exam.pdf"
                draw(exam, file)
                yield name, file, exam.labels


def measured(file: Path, labels: Sequence[Labelled], reader: Reader) -> dict[str, float]:
    """What is found of an exam: counts, characters and seconds, which add up over exams."""
    pages: list[Page] = []
    started = time.monotonic()
    rows = list(read_all([file], reader, pages.append))
    seconds = time.monotonic() - started
    read: dict[str, Problem] = {}
    for row in rows:
        problem = row.row if isinstance(row, Removal) else row
        assert isinstance(problem, Problem)
        read[problem.id.partition("/")[2]] = problem
    right = errors = characters = 0
    for label in labels:
        problem = read.get(label.label)
        texts = (problem.problem, problem.solution) if problem else ("", "")
        parts = [
            distance(text, wanted)
            for text, wanted in zip(texts, (label.problem, label.solution), strict=True)
        ]
        right += problem is not None and all(part.right for part in parts)
        errors += sum(part.errors for part in parts)
        characters += sum(part.characters for part in parts)
    wanted = {label.label for label in labels}
    return {
        "pairs": len(labels),
        "found": len(wanted & set(read)),
        "right": right,
        "others": len(set(read) - wanted),
        "formulas_lost": sum(isinstance(row, Removal) for row in rows),
        "errors": errors,
        "characters": characters,
        "pages": len(pages),
        "seconds": seconds,
    }


def shown(row: dict[str, float]) -> dict[str, float]:
    """A row with the rate of errors in the place of their number."""
    rate = row["errors"] / max(1, row["characters"])
    kept = {key: value for key, value in row.items() if key not in ("errors", "characters")}
    return {**kept, "cer": round(rate, 4), "seconds": round(row["seconds"], 1)}
