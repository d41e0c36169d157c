"""Select the attempts to train on. It asks no teacher and runs no program, so a changed knob costs
seconds."""

from __future__ import annotations

import dataclasses
import itertools
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from numina.corpus.programs import canonical, grams, likeness, only_checks, programs
from numina.corpus.sifted import Sifted
from numina.records.attempt import Attempt
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.rows import picked
from numina.settings.data import TirSelect

ENOUGH = "recovery_share"


def select(
    problems: Sequence[Problem], attempts: Iterable[Attempt], params: TirSelect, rows: Sifted
) -> None:
    """Keep right attempts as samples, and leave out the others.

    Rules, in this order: ``wrong`` and ``failed`` are the attempt's verdict. ``hard`` and ``easy``:
    the share of its problem's attempts that are right is outside the bounds; solutions that
    sources gave are not asked for it. ``only_checks``: its programs find nothing.
    ``same_program``: as in another sample of the problem. ``per_problem``: the problem has enough
    samples. ``recovery_share``: enough samples have a program that was mended.

    Args:
        problems: that were tried.
        attempts: in the order of their parts.
        params: the knobs.
        rows: takes the samples, and the attempts that are left out, each in its problem's row. A
            problem's second sample has the id ``ID#2``.
    """
    places = {row.id: place for place, row in enumerate(problems)}
    kept = Kept()
    for _, group in itertools.groupby(attempts, key=lambda attempt: attempt.part):
        part = list(group)
        rules = chosen(part, params, kept)
        samples: Counter[str] = Counter()
        tried = list(dict.fromkeys(attempt.problem_id for attempt in part))
        rows_tried = picked(problems, [places[name] for name in tried])
        asked = dict(zip(tried, rows_tried, strict=True))
        for attempt, rule in zip(part, rules, strict=True):
            row = asked[attempt.problem_id]
            row = dataclasses.replace(row, solution=attempt.text, tools="")
            if rule:
                where = f"round {attempt.round}, sample {attempt.sample}"
                reason = ", ".join(filter(None, attempt.errors))
                rows.reject(Removal(row, rule, reason=reason, where=where))
                continue
            samples[row.id] += 1
            number = samples[row.id]
            rows.keep(dataclasses.replace(row, id=f"{row.id}#{number}") if number > 1 else row)


@dataclass(slots=True)
class Kept:
    """Samples so far: those with a program that was mended, and the others."""

    recovered: int = 0
    others: int = 0


def chosen(part: Sequence[Attempt], params: TirSelect, kept: Kept) -> list[str]:
    """The rule that leaves out each attempt at some problems, "" for those that are kept.

    Args:
        part: the attempts; all of those at these problems.
        params: the knobs.
        kept: counts samples, and is added to.
    """
    by_problem: dict[str, list[int]] = defaultdict(list)
    for at, attempt in enumerate(part):
        by_problem[attempt.problem_id].append(at)
    rules = [""] * len(part)

    def choose(tried: Sequence[int]) -> None:
        given = [rules[at] if rules[at] == ENOUGH else "" for at in tried]
        found = of_problem([part[at] for at in tried], given, params)
        for at, rule in zip(tried, found, strict=True):
            rules[at] = rule

    for tried in by_problem.values():
        choose(tried)
    while True:
        taken = [at for at, rule in enumerate(rules) if not rule]
        recovered = [at for at in taken if part[at].recovered]
        others = kept.others + len(taken) - len(recovered)
        most = most_recovered(others, params.recovery_share) - kept.recovered
        excess = recovered[max(0, most) :]
        if not excess:
            break
        for at in excess:
            rules[at] = ENOUGH
        for name in dict.fromkeys(part[at].problem_id for at in excess):
            choose(by_problem[name])
    kept.recovered += len(recovered)
    kept.others = others
    return rules


def most_recovered(others: int, share: float) -> int:
    """How many samples with a mended program are at most a share of all, beside the others."""
    return math.floor(others * share / (1 - share)) if share < 1 else sys.maxsize


def of_problem(attempts: Sequence[Attempt], given: Sequence[str], params: TirSelect) -> list[str]:
    """The rule that leaves out each attempt at a problem, "" for those that are kept.

    Args:
        attempts: at the problem.
        given: rules that leave out some of them already; "" for the others.
        params: the knobs.
    """
    rules = [rule or other for rule, other in zip(given, unfit(attempts, params), strict=True)]
    forms: dict[str, int] = {}
    for at, attempt in enumerate(attempts):
        if not rules[at]:
            form = canonical(programs(attempt.text))
            if forms.setdefault(form, at) != at:
                rules[at] = "same_program"
    shapes = {at: grams(form) for form, at in forms.items()}
    taken: list[int] = []
    while len(taken) < len(shapes):
        likest = {
            at: max((likeness(shape, shapes[other]) for other in taken), default=0.0)
            for at, shape in shapes.items()
            if at not in taken
        }
        taken.append(min(likest, key=lambda at: (likest[at], at)))
    for at in taken[params.per_problem :]:
        rules[at] = "per_problem"
    return rules


def unfit(attempts: Sequence[Attempt], params: TirSelect) -> Iterator[str]:
    """The rule by which each attempt at a problem cannot be trained on; "" if it can."""
    passed = sum(attempt.verdict == "right" for attempt in attempts) / len(attempts)
    for attempt in attempts:
        taught = attempt.teacher != "source"
        if attempt.verdict != "right":
            yield attempt.verdict
        elif taught and passed < params.min_pass:
            yield "hard"
        elif taught and passed > params.max_pass:
            yield "easy"
        elif only_checks(attempt.text, attempt.answer):
            yield "only_checks"
        else:
            yield ""
