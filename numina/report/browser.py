"""The data that the page's script shows traces from."""

from __future__ import annotations

import json
from typing import Any

from numina.measure.results import Results
from numina.measure.score import grade
from numina.records.trace import Verdict
from numina.report.ties import tie_break
from numina.report.traces import RULE, Entry, Segment, entries, segments, statement
from numina.report.typeset import Formulas, typeset
from numina.settings.decoding import Sctir

MOST_BYTES = 8_000_000  # of data, so that the page stays under 10 MB
MOST_VOTES = 8  # answers shown of a vote


class Numbered:
    """Rows that are kept once and referred to by number."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self._numbers: dict[Any, int] = {}

    def number(self, key: Any) -> int | None:
        """The number of a row; None where it is not there."""
        return self._numbers.get(key)

    def add(self, key: Any, row: Any) -> int:
        """Keep a row; its number."""
        self._numbers[key] = len(self.rows)
        self.rows.append(row)
        return self._numbers[key]


def browser_data(results: Results, sctir: Sctir, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """What the page's script shows: formulas, problems, votes and traces.

    Traces are taken in the order of `traces.entries` until their data would exceed `most_bytes`;
    `shown` and `total` count them, and `rule` says in words which came first. `sctir` are
    the knobs that the votes were cast with.
    """
    formulas, problems, votes = Formulas(), Numbered(), Numbered()
    kept: list[tuple[Entry, dict[str, Any]]] = []
    everything = entries(results)
    size = 0
    for entry in everything:
        before = [len(part.rows) for part in (formulas, problems, votes)]
        row = trace_data(entry, formulas)
        row["problem"] = problem_number(entry, problems, formulas)
        row["vote"] = vote_number(entry, votes, sctir)
        parts = zip((formulas, problems, votes), before, strict=True)
        size += len(compact([row, *(part.rows[start:] for part, start in parts)]).encode())
        if size > most_bytes and kept:
            break
        kept.append((entry, row))
    splits = list(results.problems)
    kept.sort(key=lambda pair: (splits.index(pair[0].split), pair[0].position))
    return {
        "formulas": formulas.rows,
        "problems": problems.rows,
        "votes": votes.rows,
        "traces": [row for _, row in kept],
        "total": len(everything),
        "shown": len(kept),
        "rule": RULE,
    }


def problem_number(entry: Entry, problems: Numbered, formulas: Formulas) -> int:
    """The number of a trace's problem, which is added where it is new."""
    key, problem = (entry.split, entry.problem.id), entry.problem
    known = problems.number(key)
    if known is not None:
        return known
    row = {
        "split": entry.split,
        "id": problem.id,
        "statement": segment_data(statement(problem.problem), formulas),
        "gold": problem.answer,
        "contest": problem.contest,
        "subject": problem.subject,
        "level": problem.level,
        "unsound": problem.unsound,
    }
    return problems.add(key, row)


def vote_number(entry: Entry, votes: Numbered, sctir: Sctir) -> int | None:
    """The number of a trace's vote, which is added where it is new; None for a greedy trace."""
    verdict: Verdict | None = entry.verdict
    if verdict is None:
        return None
    key = entry.split, verdict.problem_id, verdict.seed
    known = votes.number(key)
    if known is not None:
        return known
    row = {
        "answer": verdict.answer,
        "right": grade(verdict.answer, entry.problem.answer),
        "votes": list(verdict.votes.items())[:MOST_VOTES],
        "more": max(0, len(verdict.votes) - MOST_VOTES),
        "n": verdict.n,
        "ran": len(verdict.traces),
        "stop": verdict.stop,
        "tie": tie_break(verdict, sctir),
    }
    return votes.add(key, row)


def trace_data(entry: Entry, formulas: Formulas) -> dict[str, Any]:
    """A trace as the script reads it; `right` is None where that is undecided."""
    trace = entry.trace
    return {
        "system": entry.system,
        "seed": trace.seed,
        "index": trace.index,
        "answer": trace.answer,
        "right": grade(trace.answer, entry.problem.answer),
        "end": trace.end,
        "programs": trace.block_statuses,
        "tokens": trace.generated_tokens,
        "seconds": [round(trace.decode_s, 2), round(trace.execute_s, 2), round(trace.wait_s, 2)],
        "segments": segment_data(segments(trace.text), formulas),
    }


def segment_data(parts: list[Segment], formulas: Formulas) -> list[list[Any]]:
    """Segments as the script reads them: prose with its formulas cut out, all else as it is."""
    return [
        [part.kind, typeset(part.text, formulas) if part.kind == "text" else part.text]
        for part in parts
    ]


def compact(value: Any) -> str:
    """JSON that can stand in a script element: nothing in it ends or opens one."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
