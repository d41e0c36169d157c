"""The traces that a reader could want to see, and in which order the page takes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from numina.answer.equal import canonical
from numina.fences import blocks
from numina.measure.results import Results
from numina.measure.systems import GREEDY, SCTIR
from numina.records.problem import Problem
from numina.records.trace import Trace, Verdict

DRAWING = re.compile(r"\[asy\](.*?)\[/asy\]", re.S)
# What is shown first, should there be too many.
WINNER, DISSENTER, ONLY, LATER_WINNER, LATER_DISSENTER, REST = range(6)
RULE = (
    "for each problem one trace that voted for the winner with the first seed, then one that did "
    "not, the greedy traces, the same of the other seeds, then the rest"
)
Kind = Literal["text", "python", "output", "asy", "block"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a text: prose, a program, its output, the source of a drawing, another block."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A trace that could be shown.

    Attributes:
        tier: what is least is shown first.
        position: of the problem in its split.
        system: a name of `numina.measure.systems`.
        verdict: the vote that it was part of; None for a greedy one.
    """

    tier: int
    position: int
    split: str
    problem: Problem
    system: str
    trace: Trace
    verdict: Verdict | None


def segments(text: str) -> list[Segment]:
    """Cut a trace into prose, programs and outputs; an output may be empty."""
    found: list[Segment] = []
    position = 0
    for block in blocks(text):
        kind: Kind = "block"
        if block.kind in ("python", "output"):
            kind = block.kind
        found.append(Segment("text", text[position : block.start].strip()))
        found.append(Segment(kind, block.text.rstrip()))
        position = block.end
    found.append(Segment("text", text[position:].strip()))
    return [segment for segment in found if segment.text or segment.kind == "output"]


def statement(text: str) -> list[Segment]:
    """Cut a problem's statement into prose and the sources of its drawings."""
    kinds: tuple[Kind, Kind] = ("text", "asy")
    parts = [Segment(kinds[n % 2], part.strip()) for n, part in enumerate(DRAWING.split(text))]
    return [segment for segment in parts if segment.text]


def entries(results: Results) -> list[Entry]:
    """All traces, those first that the page should show first."""
    found: list[Entry] = []
    for split, problems in results.problems.items():
        for position, problem in enumerate(problems):
            for system in GREEDY:
                trace = results.greedy[system.model][split][position]
                found.append(Entry(ONLY, position, split, problem, system.name, trace, None))
            for turn, verdicts in enumerate(results.sctir[split].values()):
                verdict = verdicts[position]
                for tier, trace in tiers(verdict, first_seed=turn == 0):
                    found.append(Entry(tier, position, split, problem, SCTIR.name, trace, verdict))
    return sorted(found, key=lambda entry: (entry.tier, entry.position))


def tiers(verdict: Verdict, *, first_seed: bool) -> Iterator[tuple[int, Trace]]:
    """Each trace of a vote with its tier."""
    seen: set[bool] = set()
    for trace in verdict.traces:
        answers = [answer and canonical(answer) for answer in (trace.answer, verdict.answer)]
        won = answers[0] is not None and answers[0] == answers[1]
        if won in seen:
            yield REST, trace
        elif won:
            yield WINNER if first_seed else LATER_WINNER, trace
        else:
            yield DISSENTER if first_seed else LATER_DISSENTER, trace
        seen.add(won)
