"""The report: one static page that says what ran, how well, at what cost, and shows traces."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from numina.records import Problem, Trace, Verdict
from numina.score import Results, is_right

NAMES = {
    "cot_greedy": "Chain of thought, greedy",
    "tir_greedy": "Tool-integrated, greedy",
    "gptq_greedy": "Tool-integrated, 8-bit, greedy",
    "sctir": "SC-TIR (8-bit, votes)",
}
FENCE = re.compile(r"```(python|output)\n(.*?)(?:```(?:\n|$)|$)", re.S)
Table = dict[str, dict[str, dict[str, float]]]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a trace's text: what the model wrote, a program, or its output."""

    kind: Literal["text", "python", "output"]
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A trace to read, with why it was chosen."""

    why: str
    problem: Problem
    trace: Trace
    segments: list[Segment]
    right: bool
    votes: dict[str, int]


def segments(text: str) -> list[Segment]:
    """Cut a trace into prose, programs and outputs."""
    found: list[Segment] = []
    position = 0
    for match in FENCE.finditer(text):
        found.append(Segment("text", text[position : match.start()].strip()))
        kind: Literal["python", "output"] = "python" if match[1] == "python" else "output"
        found.append(Segment(kind, match[2].rstrip()))
        position = match.end()
    found.append(Segment("text", text[position:].strip()))
    return [segment for segment in found if segment.text]


def percent(value: float) -> str:
    """A share in percent, with one digit where it is not whole."""
    return f"{100 * value:.1f}".removesuffix(".0")


def interval(row: dict[str, float]) -> str:
    """A 95% interval in whole percent."""
    return f"[{100 * row['ci95_low']:.0f}, {100 * row['ci95_high']:.0f}]"


def headline(table: Table) -> str:
    """The result in plain words, computed from the figures."""
    everything = table["all"]
    cot, tir, sctir = (everything[name] for name in ("cot_greedy", "tir_greedy", "sctir"))
    text = (
        f"Over {cot['n']:.0f} problems, chain of thought alone answers "
        f"{percent(cot['accuracy'])}% {interval(cot)} right, running its own programs lifts the "
        f"model to {percent(tir['accuracy'])}% {interval(tir)}, and voting over sampled traces "
        f"of the 8-bit model gives {percent(sctir['accuracy'])}% {interval(sctir)}."
    )
    none = [name for name, row in table.items() if name != "all" and row["sctir"]["accuracy"] == 0]
    for name in none:
        row = table[name]["sctir"]
        text += f" On {name} it solves none: 0 of {row['n']:.0f}, {interval(row)}%."
    best = max(row["accuracy"] for row in everything.values())
    if best < 0.2:
        text += " These problems are beyond this model: read the figures as that."
    return text


def choose_traces(results: Results) -> list[Shown]:
    """Three traces to read: a right one with a program, the longest vote's winner, a wrong one."""
    pool: list[tuple[Problem, Verdict, Trace, bool]] = []
    for split, by_seed in results.sctir.items():
        golds = {row.id: row for row in results.problems[split]}
        for verdicts in by_seed.values():
            for verdict in verdicts:
                problem = golds[verdict.problem_id]
                pool += [
                    (problem, verdict, trace, is_right(trace.answer, problem.answer))
                    for trace in verdict.traces
                ]
    right = [entry for entry in pool if entry[3] and entry[2].block_statuses]
    contested = [entry for entry in right if len(entry[1].votes) > 1]
    wrong = [entry for entry in pool if not entry[3]]
    wishes = [
        ("A right answer that took the most programs", right, lambda e: -len(e[2].block_statuses)),
        ("A right answer to the most contested vote", contested, lambda e: -len(e[1].votes)),
        ("A wrong answer", wrong, lambda e: (e[2].answer is None, e[0].level)),
    ]
    shown: list[Shown] = []
    for why, candidates, order in wishes:
        seen = {row.problem.id for row in shown}
        fresh = [entry for entry in candidates if entry[0].id not in seen]
        if fresh:
            problem, verdict, trace, ok = min(fresh, key=order)
            shown.append(Shown(why, problem, trace, segments(trace.text), ok, verdict.votes))
    return shown


def counts(results: Results) -> dict[str, Any]:
    """Why traces ended and what became of programs, over all SC-TIR traces."""
    traces = [
        trace
        for by_seed in results.sctir.values()
        for verdicts in by_seed.values()
        for verdict in verdicts
        for trace in verdict.traces
    ]
    return {
        "traces": len(traces),
        "ends": Counter(trace.end for trace in traces).most_common(),
        "blocks": Counter(s for trace in traces for s in trace.block_statuses).most_common(),
        "stopped": sum(
            verdict.stop == "lossless"
            for by_seed in results.sctir.values()
            for verdicts in by_seed.values()
            for verdict in verdicts
        ),
    }


def render(content: dict[str, Any]) -> str:
    """The page; everything that is not markup of ours is escaped."""
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    environment.filters["interval"] = interval
    return environment.get_template("page.html.jinja").render(names=NAMES, **content)
