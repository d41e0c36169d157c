"""Which problems are sampled, how samples are labelled, and how often each problem is solved."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from experiments.kto.record import Sample
from numina.agent.trace import Agent, run_trace
from numina.answer.grade import grade
from numina.errors import UserError
from numina.progress import progress_bar
from numina.records.problem import Problem
from numina.records.trace import Trace
from numina.rows import StoredProblems, picked
from numina.sctir.journal import Kept
from numina.settings.splits import AnswerRule

ANY = AnswerRule(integer=False, modulus=0, lowest=None, highest=None, from_output=False)
RATE_FIELDS = ("problem_id", "source", "level", "samples", "right", "pass_rate")


def draw(
    problems: StoredProblems, count: int, seed: int, left_out: Counter[str]
) -> Sequence[Problem]:
    """Draw problems that have an answer.

    Args:
        problems: the training problems.
        count: how many, at most.
        seed: of the choice.
        left_out: is added to, by rule.
    """
    known: list[tuple[str, int]] = []
    for place, row in enumerate(problems):
        rule = "no_answer" if not row.answer.strip() else "unsound" if row.unsound else ""
        if rule:
            left_out[rule] += 1
        else:
            known.append((row.id, place))
    drawn = random.Random(seed).sample(sorted(known), min(count, len(known)))
    return list(picked(problems, [place for _, place in drawn]))


def fitting(agent: Agent, problems: Iterable[Problem], left_out: Counter[str]) -> list[Problem]:
    """The problems that leave room for an answer."""
    found = []
    for problem in problems:
        try:
            agent.check(problem)
        except UserError:
            left_out["too_long"] += 1
        else:
            found.append(problem)
    return found


async def sampled(
    agent: Agent,
    problems: Sequence[Problem],
    samples: int,
    seed: int,
    journal: Kept,
    at_once: int,
) -> list[tuple[Problem, Trace]]:
    """Sample every problem; traces that a killed run finished are taken from the journal.

    Args:
        agent: decodes, and runs the programs.
        problems: what is asked.
        samples: of each problem.
        seed: of all samples.
        journal: each trace that ends is written to it.
        at_once: traces in flight.

    Returns:
        The traces with their problems, in the order of the problems and of their indices.
    """
    places = asyncio.Semaphore(at_once)
    kept = {
        (problem.id, trace.index): trace
        for problem in problems
        for trace in journal.of(problem.id, seed)
    }
    asked = [(problem, index) for problem in problems for index in range(samples)]
    done = sum((problem.id, index) in kept for problem, index in asked)
    with progress_bar(len(asked), "samples", done) as bar:

        async def attempt(problem: Problem, index: int) -> Trace:
            if (problem.id, index) in kept:
                return kept[problem.id, index]
            async with places:
                trace = await run_trace(agent, problem, seed, index, ANY)
            if trace.end != "failed":  # a run that goes on tries it again
                journal.add(trace)
            bar.update()
            return trace

        traces = await asyncio.gather(*[attempt(*one) for one in asked])
    return [(problem, trace) for (problem, _), trace in zip(asked, traces, strict=True)]


def labelled(
    traces: Sequence[tuple[Problem, Trace]], left_out: Counter[str]
) -> list[tuple[Problem, Sample]]:
    """Label traces by their answers.

    A trace whose request failed, or whose answer the grader cannot decide, is left out.
    """
    answered = [(problem, trace) for problem, trace in traces if trace.answer]
    pairs = [(str(trace.answer), problem.answer) for problem, trace in answered]
    verdicts = {
        (trace.problem_id, trace.index): verdict.equal
        for (_, trace), verdict in zip(answered, grade(pairs), strict=True)
    }
    found = []
    for problem, trace in traces:
        right = verdicts.get((trace.problem_id, trace.index), False)
        if trace.end == "failed" or right is None:
            left_out["failed" if trace.end == "failed" else "undecided"] += 1
            continue
        sample = Sample(
            problem_id=problem.id,
            index=trace.index,
            problem=problem.problem,
            gold=problem.answer,
            text=trace.text,
            answer=trace.answer or "",
            end=trace.end,
            right=right,
        )
        found.append((problem, sample))
    return found


def pass_rates(samples: Iterable[tuple[Problem, Sample]]) -> list[dict[str, str | int | float]]:
    """How many of each problem's samples are right: a row of `RATE_FIELDS` a problem."""
    by_problem: dict[str, list[tuple[Problem, Sample]]] = defaultdict(list)
    for problem, sample in samples:
        by_problem[problem.id].append((problem, sample))
    rows: list[dict[str, str | int | float]] = []
    for name, found in by_problem.items():
        problem, right = found[0][0], sum(sample.right for _, sample in found)
        rows.append(
            {
                "problem_id": name,
                "source": problem.source,
                "level": problem.level,
                "samples": len(found),
                "right": right,
                "pass_rate": round(right / len(found), 4),
            }
        )
    return rows


def counted(
    rates: Sequence[Mapping[str, str | int | float]], left_out: Mapping[str, int]
) -> dict[str, object]:
    """How many problems are always, never and sometimes solved."""
    shares = [row["pass_rate"] for row in rates]
    return {
        "problems": len(rates),
        "samples": sum(int(row["samples"]) for row in rates),
        "right": sum(int(row["right"]) for row in rates),
        "mixed": sum(share not in (0, 1) for share in shares),
        "all_right": shares.count(1),
        "all_wrong": shares.count(0),
        "left_out": dict(left_out),
    }
