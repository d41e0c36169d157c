"""Rules that find leaks of validation problems, on labelled pairs and on whole files, in one run:
ours beside shared n-grams of 8, 10 (the winners'), 13 and 20 words."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numina.corpus.leaks import Covered, LeakRule, SharedNgram
from numina.corpus.wording import read
from numina.errors import UserError
from numina.records.problem import Problem
from numina.rows import read_lines, read_problems

OWN = Path(__file__).with_name("pairs") / "leaks.jsonl"  # written for the rules, kind by kind
NGRAMS = (8, 10, 13, 20)  # words


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """A training row and a validation problem, and whether they are the same problem."""

    train: Problem
    test: Problem
    same: bool
    kind: str


def bench(
    coverage: float, train: Sequence[Path], validation: Sequence[Path], labels: Path | None
) -> dict[str, Any]:
    """Precision and recall of each rule on our pairs, and on files what each removes.

    Args:
        coverage: of our rule.
        train: files of training rows.
        validation: files of validation problems.
        labels: rows {train, test, same} with ids of those files.

    Raises:
        UserError: a file is missing or wrong, or names an id that no file has.
    """
    found: dict[str, Any] = {}
    own = read_pairs(OWN)
    for name, rule in rules([pair.test for pair in own], coverage).items():
        found[f"own pairs, {name}"] = verdicts(rule, own)
    if not (train and validation):
        return found
    rows = [row for file in train for row in read_problems(file)]
    problems = [row for file in validation for row in read_problems(file)]
    labelled = chosen(labels, rows, problems) if labels else []
    for name, rule in rules(problems, coverage).items():
        began = time.process_time()
        removed = sum(rule.find(row, read(row.problem)) is not None for row in rows)
        seconds = round(time.process_time() - began, 1)
        counts = {"rows": len(rows), "removed": removed, "cpu_s": seconds}
        found[f"files, {name}"] = {**counts, **(verdicts(rule, labelled) if labelled else {})}
    return found


def rules(validation: Sequence[Problem], coverage: float) -> Mapping[str, LeakRule]:
    """The rules that are compared, by name."""
    return {
        "ours": Covered(validation, coverage),
        **{f"{n}-grams": SharedNgram(validation, n) for n in NGRAMS},
    }


def verdicts(rule: LeakRule, pairs: Sequence[LabelledPair]) -> dict[str, Any]:
    """A rule's precision and recall, and the kinds of pairs that it has wrong."""
    leaks = [rule.find(pair.train, read(pair.train.problem)) is not None for pair in pairs]
    both = list(zip(pairs, leaks, strict=True))
    right = sum(leak and pair.same for pair, leak in both)
    return {
        "same": sum(pair.same for pair in pairs),
        "other": sum(not pair.same for pair in pairs),
        "precision": round(right / max(1, sum(leaks)), 4),
        "recall": round(right / max(1, sum(pair.same for pair in pairs)), 4),
        "missed": sorted({pair.kind for pair, leak in both if pair.same and not leak}),
        "wrongly": sorted({pair.kind for pair, leak in both if leak and not pair.same}),
    }


def read_pairs(file: Path) -> list[LabelledPair]:
    """Pairs with their texts and answers."""
    return [
        LabelledPair(
            Problem(f"train-{n}", row["train"], row["train_answer"], file.name),
            Problem(f"test-{n}", row["test"], row["test_answer"], file.name),
            row["same"],
            row["kind"],
        )
        for n, row in read_lines(file)
    ]


def chosen(
    labels: Path, rows: Sequence[Problem], problems: Sequence[Problem]
) -> list[LabelledPair]:
    """Pairs that are given by their ids."""
    sides = {"train": {r.id: r for r in rows}, "test": {r.id: r for r in problems}}
    pairs = []
    for line, row in read_lines(labels):
        for side, known in sides.items():
            if row.get(side) not in known:
                raise UserError(f"{labels}, line {line}: field {side!r}: no row {row.get(side)!r}")
        if not isinstance(row.get("same"), bool):
            raise UserError(f"{labels}, line {line}: field 'same' must be true or false")
        pair = LabelledPair(
            sides["train"][row["train"]],
            sides["test"][row["test"]],
            row["same"],
            "same" if row["same"] else "other",
        )
        pairs.append(pair)
    return pairs
