"""What quantisation cost: the quantiser's own record, and the greedy answers that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numina.measure.results import Results
from numina.measure.score import Outcome, grade
from numina.rows import read_object

BEFORE, AFTER = "tir_greedy", "gptq_greedy"  # the systems that differ by quantisation alone
RECORD_FIELDS = (
    *("method", "bits", "group_size", "calibration_rows", "loss_rows", "loss_tokens"),
    *("loss_before", "loss_after", "perplexity_before", "perplexity_after"),
    *("top1_agreement", "kl", "bytes_before", "bytes_after"),
)


def read_record(quantised: Path) -> dict[str, Any]:
    """What the quantiser wrote about itself, beside its checkpoint.

    Raises:
        UserError: it is missing or lacks a field.
    """
    return read_object(quantised / "cost.json", *RECORD_FIELDS)


def quantisation(
    record: Mapping[str, Any], results: Results, found: Sequence[Outcome]
) -> dict[str, Any]:
    """The quantiser's record, with the greedy answers that changed.

    Returns:
        The record, and `answers`: of how many problems, how many answers changed, went from right
        to wrong, and from wrong to right, each with the problems as ``split/id``. An answer that
        is written differently and equal has not changed.
    """
    changed = []
    for split, problems in results.problems.items():
        pairs = zip(results.greedy["tir"][split], results.greedy["quantised"][split], strict=True)
        for problem, (before, after) in zip(problems, pairs, strict=True):
            if not same(before.answer, after.answer):
                changed.append(f"{split}/{problem.id}")
    right = {
        system: [f"{o.split}/{o.problem.id}" for o in found if o.system == system and o.by_seed[0]]
        for system in (BEFORE, AFTER)
    }
    lost = [name for name in right[BEFORE] if name not in right[AFTER]]
    won = [name for name in right[AFTER] if name not in right[BEFORE]]
    answers = {
        "problems": sum(map(len, results.problems.values())),
        "changed": len(changed),
        "right_to_wrong": len(lost),
        "wrong_to_right": len(won),
        "which": {"changed": changed, "right_to_wrong": lost, "wrong_to_right": won},
    }
    return {**record, "answers": answers}


def same(before: str | None, after: str | None) -> bool:
    """Whether two answers are equal; none equals only none."""
    if before is None or after is None:
        return before is after
    return before == after or grade(after, before) is True
