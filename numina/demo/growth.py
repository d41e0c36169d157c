"""From the agent's events of one problem to the messages that its visitor's page draws.

Kinds of messages, beside `waiting` and `failed` of `numina.demo.desk`:

- `begin`: the statement, `n` traces at most, the seconds allowed.
- `start`, `grow`, `ended`: of a `trace`. `grow` replaces its parts from the number `at`; `doing`
  says whether its program runs or it writes.
- `votes`: the answers so far with their weights and the traces that gave them; how many votes are
  `outstanding`, and how many of them are at least `needed` before no other answer can catch up.
- `verdict`: the answer, its certificate, its doubts, what it took.

Formulas are numbered over a visit; a message brings those that are new in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numina.agent.trace import Event
from numina.demo.finding import finding
from numina.fences import OUTPUT_END, OUTPUT_STARTS
from numina.records.trace import Trace, Verdict
from numina.report.browser import segment_data
from numina.report.traces import Segment, segments, statement
from numina.report.typeset import Formulas, Piece
from numina.report.wording import ENDS
from numina.sctir.journal import Journal
from numina.sctir.stop import lossless
from numina.sctir.vote import groups, margin, tally, weight_of
from numina.settings.decoding import Sctir

TYPESET = 20_000  # characters of prose in one piece, above which formulas are left as they are
FORMULA = re.compile(r"[\\^_={}()]")


class Kept(Journal):
    """The finished traces of one problem, in memory.

    Args:
        added: is called with each trace that is added.
    """

    def __init__(self, added: Callable[[Trace], object]) -> None:
        super().__init__(Path())
        self.added = added

    def add(self, trace: Trace) -> None:
        self.keep(trace)
        self.added(trace)


class Growth:
    """Tells a visitor's page how the traces of a problem grow.

    Args:
        tell: takes a message's kind and content.
        sctir: the knobs of the vote.
        seed: of the run.

    Attributes:
        kept: the finished traces, for `numina.sctir.solve.solve`.
    """

    def __init__(self, tell: Callable[..., None], sctir: Sctir, seed: int) -> None:
        self.tell, self.sctir, self.seed = tell, sctir, seed
        self.kept = Kept(self.add)
        self.formulas, self.sent = Formulas(), 0
        self.texts: dict[int, str] = {}
        self.parts: dict[int, list[Segment]] = {}
        self.ended: set[int] = set()

    def begin(self, text: str, seconds: float) -> None:
        """The problem's turn has come."""
        shown = self.drawn(statement(text))
        self.send("begin", statement=shown, n=self.sctir.n, seconds=seconds)
        self.votes()

    def watch(self, event: Event) -> None:
        """Take an event of the agent."""
        if event.kind == "start":
            self.texts[event.index] = ""
            self.parts[event.index] = []
            self.send("start", trace=event.index)
        elif event.kind == "text":
            runs = event.text.endswith(OUTPUT_STARTS)
            self.grow(event.index, event.text, "runs" if runs else "writes")
        elif event.kind == "output":
            self.grow(event.index, f"{event.text}\n{OUTPUT_END}", "writes")
        else:
            self.ended.add(event.index)
            if event.text.startswith("(failed"):  # it is not among those that are kept
                self.send("ended", trace=event.index, answer=None, why=ENDS["failed"])
            self.votes()

    def grow(self, index: int, more: str, doing: str) -> None:
        """Send what is new in a trace."""
        before = self.parts[index]
        self.texts[index] += more
        now = segments(self.texts[index])
        if doing == "runs" and now and now[-1] == Segment("output", ""):
            now.pop()
        same = 0
        while same < min(len(before), len(now)) and before[same] == now[same]:
            same += 1
        self.parts[index] = now
        self.send("grow", trace=index, at=same, parts=self.drawn(now[same:]), doing=doing)

    def add(self, trace: Trace) -> None:
        """A trace has ended, and its vote counts if it has one."""
        self.send(
            "ended",
            trace=trace.index,
            answer=None if trace.answer is None else self.typeset_answer(trace.answer),
            why=ENDS.get(trace.end, trace.end),
            tokens=trace.generated_tokens,
        )
        self.votes()

    def votes(self) -> None:
        """Send the votes so far."""
        verdict = self.verdict("")
        needed = lossless(list(verdict.votes.items()), verdict.outstanding)
        given = {group.answer: group.traces for group in groups(verdict.traces)}
        rows = [
            {
                "answer": self.typeset_answer(answer),
                "weight": weight,
                "traces": [trace.index for trace in given[answer]],
            }
            for answer, weight in verdict.votes.items()
        ]
        self.send("votes", rows=rows, outstanding=verdict.outstanding, needed=needed)

    def verdict(self, stop: str) -> Verdict:
        """How the vote stands now."""
        traces = sorted(
            (trace for group in self.kept.finished.values() for trace in group.values()),
            key=lambda trace: trace.index,
        )
        votes = tally(traces, weight_of(self.sctir))
        return Verdict(
            problem_id="problem",
            seed=self.seed,
            answer=votes[0][0] if votes else None,
            votes=dict(votes),
            n=self.sctir.n,
            traces=traces,
            stop=stop,
            margin=round(margin(votes), 6),
            outstanding=self.sctir.n - len(self.ended),
            cancelled=len(self.texts) - len(self.ended),
            seconds=0.0,
        )

    def close(self, verdict: Verdict, seconds: float) -> dict[str, Any]:
        """The content of the last message."""
        found = finding(verdict, self.sctir)
        content = {
            "answer": None if found.answer is None else self.typeset_answer(found.answer),
            "certificate": found.certificate,
            "doubts": list(found.doubts),
            "ran": len(self.ended),
            "n": verdict.n,
            "tokens": sum(trace.generated_tokens for trace in verdict.traces),
            "seconds": round(seconds, 1),
        }
        return {**content, "formulas": self.new_formulas()}

    def drawn(self, parts: list[Segment]) -> list[list[Any]]:
        """Segments with their formulas typeset."""
        return [
            ["text", [part.text]]
            if part.kind == "text" and len(part.text) > TYPESET
            else segment_data([part], self.formulas)[0]
            for part in parts
        ]

    def typeset_answer(self, answer: str) -> list[Piece]:
        """An answer: a formula if it has a sign of one, else text."""
        return [self.formulas.number(answer, False) if FORMULA.search(answer) else answer]

    def send(self, kind: str, **content: Any) -> None:
        self.tell(kind, **content, formulas=self.new_formulas())

    def new_formulas(self) -> list[Any]:
        """The formulas that no message has brought yet."""
        start, self.sent = self.sent, len(self.formulas.rows)
        return self.formulas.rows[start:]
