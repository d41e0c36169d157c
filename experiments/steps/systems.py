"""The systems that the recipe is taken apart into, and which of them each is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.score import Evaluation, Problems, read
from numina.errors import UserError
from numina.measure.curves import first_k
from numina.measure.depth import cut
from numina.measure.pools import pool_of
from numina.measure.results import in_order, seed_of
from numina.records.trace import Verdict
from numina.rows import read_object, read_records
from numina.sctir.vote import weight_of
from numina.settings.decoding import Sctir
from numina.settings.splits import AnswerRule

WHOLE, SMALL = "the recipe", "sized down"
COUNTS = (1, 3, 5, 9, 17, 33)  # traces of a vote; odd, so that a vote is not wasted on ties
BASE, CONTROL = "base", "control"
# Variants that were trained here, by folder: what the picture calls them.
TRAINED = {
    CONTROL: "CoT then TIR",
    "tir_only": "TIR only",
    "one_round": "One round of teaching",
    "padded": "Padded, not packed",
    "outputs_trained": "Outputs not masked",
}


@dataclass(frozen=True, slots=True)
class System:
    """A way to solve the problems, and the results.

    Attributes:
        name: of its figures.
        label: what people read.
        group: `WHOLE`, or `SMALL`: trained on a part of the rows.
        against: the name of the system without the step that this one has; "" for none.
        right: [problems, seeds], 1 for right.
        guessed: votes whose result the traces at hand do not settle.
    """

    name: str
    label: str
    group: str
    against: str
    right: NDArray[np.float64]
    guessed: int = 0


def greedy_systems(base: Path, greedy: Path, problems: Problems) -> list[System]:
    """The models of the recipe, decoded greedily.

    Args:
        base: the base model's evaluation.
        greedy: the recipe's, one folder a model.
        problems: by split.
    """
    given = (
        (BASE, "Base model, greedy", "", base),
        ("cot", "CoT only, greedy", BASE, greedy / "cot"),
        ("tir", "CoT then TIR, greedy", "cot", greedy / "tir"),
        ("quantised", "Quantised, greedy", "tir", greedy / "quantised"),
    )
    return [
        System(name, label, WHOLE, against, flat(read(folder, problems)))
        for name, label, against, folder in given
    ]


def trained_systems(folder: Path, problems: Problems) -> list[System]:
    """The variants that were trained on a part of the rows, decoded greedily."""
    return [
        System(
            name,
            label,
            SMALL,
            "" if name == CONTROL else CONTROL,
            flat(read(folder / name, problems)),
        )
        for name, label in TRAINED.items()
    ]


def flat(found: Evaluation) -> NDArray[np.float64]:
    """The results of all splits, one after another."""
    return np.concatenate(list(found.right.values()))


def voting_systems(
    folder: Path, problems: Problems, rules: Mapping[str, AnswerRule]
) -> list[System]:
    """Votes of fewer traces, and of traces that run fewer programs, all from one run's traces.

    Args:
        folder: what stages.eval_sctir wrote.
        problems: by split.
        rules: what counts as an answer, by split.

    Raises:
        UserError: a file is missing or damaged.
    """
    run = read_object(folder / "run.json", *Sctir.model_fields)
    knobs = Sctir(**{name: run[name] for name in Sctir.model_fields})
    votes = read_votes(folder, problems)
    whole, found = f"n{knobs.n}", []
    for k in [*(k for k in COUNTS if k < knobs.n), knobs.n]:
        against, words = ("quantised", "One sampled trace") if k == 1 else ("n1", f"Vote of {k}")
        right, guessed = results(votes, problems, knobs, rules, k, knobs.depth)
        found.append(System(f"n{k}", words, WHOLE, against, right, guessed))
    for depth in range(1, knobs.depth):
        right, guessed = results(votes, problems, knobs, rules, knobs.n, depth)
        words = f"Vote of {knobs.n}, {depth} program{'s' if depth > 1 else ''} at most"
        found.append(System(f"depth{depth}", words, WHOLE, whole, right, guessed))
    return found


def read_votes(folder: Path, problems: Problems) -> dict[str, list[list[Verdict]]]:
    """By split, for each seed the verdicts in the order of the problems."""
    votes = {}
    for split, rows in problems.items():
        files = sorted((folder / split).glob("seed_*.jsonl"), key=seed_of)
        if not files:
            raise UserError(f"{folder / split}: holds no seed_*.jsonl")
        votes[split] = [in_order(file, rows, list(read_records(file, Verdict))) for file in files]
    return votes


def results(
    votes: Mapping[str, list[list[Verdict]]],
    problems: Problems,
    knobs: Sctir,
    rules: Mapping[str, AnswerRule],
    k: int,
    depth: int,
) -> tuple[NDArray[np.float64], int]:
    """Whether the vote of the first k traces is right, [problems, seeds], and how many are guessed.

    Args:
        votes: by split and seed.
        problems: by split.
        knobs: that the votes were cast with.
        rules: what counts as an answer, by split.
        k: traces.
        depth: programs that a trace may run.
    """
    weight, guessed, rows = weight_of(knobs), 0, []
    for split, seeds in votes.items():
        for problem, *verdicts in zip(problems[split], *seeds, strict=True):
            row = []
            for verdict in verdicts:
                pool = pool_of(cut(verdict, depth, rules[split]), problem.answer, weight)
                right, sure = first_k(pool)
                row.append(right[k - 1])
                guessed += not sure[k - 1]
            rows.append(row)
    return np.array(rows, float), guessed
