"""Problems of several visitors: a queue, a few solved at a time, each within its own time."""

from __future__ import annotations

import asyncio
import dataclasses
import traceback
from collections import deque
from dataclasses import dataclass
from typing import Any

from numina.agent.trace import Agent
from numina.demo.growth import Growth
from numina.demo.visit import Visit
from numina.errors import UserError
from numina.records.problem import Problem
from numina.records.trace import Verdict
from numina.sctir.solve import solve
from numina.settings.decoding import Sctir
from numina.settings.splits import AnswerRule
from numina.terminal import say

LONGEST = 4000  # characters of a problem
KEPT = 100  # visits that are over, for pages that come back
GRACE_S = 5.0  # for a problem to end after its time or after it was stopped
CROWD = 4  # times `at_once`: the most problems in work, those without a place included


class Refused(Exception):
    """A problem that is not taken, with the reason for its visitor."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What each visitor gets.

    Attributes:
        at_once: problems solved side by side; the others wait in the order in which they came.
        seconds: for a problem, from its turn; then the best vote so far stands.
        waiting: problems that may wait; more are refused.
        quiet_s: a problem that tells nothing for so long gives its place up, and goes on beside.
        absence_s: a problem that no page has followed for so long is stopped.
    """

    at_once: int
    seconds: float
    waiting: int = 50
    quiet_s: float = 30.0
    absence_s: float = 20.0


class Desk:
    """Takes visitors' problems and solves them with one agent.

    A problem has its own sandboxes and its own time, so one that fails or hangs costs its visitor
    only: once it is quiet for a while, its place is given to the next, and at the end of its time
    it is over, even if its work cannot be ended.

    Args:
        agent: open as long as this is used.
        sctir: the knobs of the vote.
        rule: what counts as an answer.
        terms: what each visitor gets.
    """

    def __init__(self, agent: Agent, sctir: Sctir, rule: AnswerRule, terms: Terms) -> None:
        self.agent, self.sctir, self.rule, self.terms = agent, sctir, rule, terms
        self.visits: dict[str, Visit] = {}
        self.waiting: deque[Visit] = deque()
        self.solving: dict[Visit, asyncio.Task[None]] = {}
        self.placed: set[Visit] = set()
        self.votes: set[asyncio.Task[Verdict]] = set()

    def ask(self, text: str) -> Visit:
        """Take a problem; it is solved when its turn comes.

        Raises:
            Refused: it is empty or too long, or too many are waiting.
        """
        if len(text) > LONGEST:
            raise Refused(f"The problem has {len(text)} characters; at most {LONGEST} are taken.")
        problem = problem_of(text)
        try:
            self.agent.check(problem)
        except UserError as error:
            raise Refused(str(error).removeprefix(f"problem {problem.id}: ")) from None
        if len(self.waiting) >= self.terms.waiting:
            raise Refused("Too many problems are waiting. Try again in a few minutes.")
        visit = Visit(text)
        self.visits[visit.id] = visit
        self.waiting.append(visit)
        self.advance()
        self.watch_absence(visit)
        return visit

    def stop(self, visit: Visit) -> None:
        """End a visitor's problem; its best vote so far is its answer."""
        visit.stopping.set()
        if visit in self.waiting:
            self.waiting.remove(visit)
            visit.end("failed", text="You stopped it before its turn came.")
            self.advance()

    def watch_absence(self, visit: Visit) -> None:
        """Stop a problem in a while, if no page has followed it until then."""
        arrivals = visit.arrivals

        def check() -> None:
            if visit.arrivals == arrivals:
                self.stop(visit)

        if not (visit.readers or visit.over):
            asyncio.get_running_loop().call_later(self.terms.absence_s, check)

    async def close(self) -> None:
        """End all problems, before the agent is closed."""
        for visit in [*self.waiting, *self.solving]:
            visit.end("failed", text="The demo was closed.")
        self.waiting.clear()
        for task in [*self.solving.values(), *self.votes]:
            task.cancel()
        if ending := {*self.solving.values(), *self.votes}:
            await asyncio.wait(ending, timeout=GRACE_S)

    def advance(self) -> None:
        """Give free places to those who wait, and tell the others how many are before them."""
        places = self.terms.at_once
        while self.waiting and len(self.placed) < places and len(self.solving) < CROWD * places:
            visit = self.waiting.popleft()
            self.placed.add(visit)
            self.solving[visit] = asyncio.create_task(self.serve(visit))
        for ahead, visit in enumerate(self.waiting):
            visit.tell("waiting", ahead=ahead)
        over = [visit.id for visit in self.visits.values() if visit.over]
        for old in over[: max(0, len(over) - KEPT)]:
            del self.visits[old]

    async def serve(self, visit: Visit) -> None:
        """Solve a visitor's problem and tell the result; whatever happens, the place is freed."""
        try:
            await self.solve(visit)
        except UserError as error:
            say(f"a problem was not solved: {error}")
            visit.end("failed", text="The engine cannot answer now. The terminal says why.")
        except Exception:
            traceback.print_exc()
            say("a problem was not solved: an unexpected error, which is in logs/demo.log")
            visit.end("failed", text="An unexpected error ended this problem.")
        finally:
            del self.solving[visit]
            self.give_place_up(visit)

    def give_place_up(self, visit: Visit) -> None:
        self.placed.discard(visit)
        self.advance()

    async def solve(self, visit: Visit) -> None:
        """Solve a visitor's problem, until it is done, stopped, or out of time."""
        clock = asyncio.get_running_loop().time
        started, seed = clock(), self.sctir.seeds[0]
        growth = Growth(visit.tell, self.sctir, seed)
        growth.begin(visit.text, self.terms.seconds)
        solving = asyncio.create_task(
            solve(
                dataclasses.replace(self.agent, watch=growth.watch),
                problem_of(visit.text),
                seed,
                self.sctir,
                self.rule,
                growth.kept,
                self.terms.seconds,
                alone=self.terms.at_once == 1,
            )
        )
        self.votes.add(solving)
        solving.add_done_callback(self.votes.discard)
        stopping = asyncio.create_task(visit.stopping.wait())
        try:
            await self.wait(visit, {solving, stopping})
        finally:
            stopping.cancel()
            solving.cancel()
        if not solving.done():
            await asyncio.wait({solving}, timeout=GRACE_S)
        if solving.done() and not solving.cancelled():
            verdict = solving.result()
        else:
            verdict = growth.verdict("stopped" if visit.stopping.is_set() else "deadline")
        visit.end("verdict", **growth.close(verdict, clock() - started))

    async def wait(self, visit: Visit, either: set[asyncio.Task[Any]]) -> None:
        """Wait until a problem is solved or stopped, or its time is up.

        If it is quiet meanwhile, its place is given to the next.
        """
        clock = asyncio.get_running_loop().time
        ends = clock() + self.terms.seconds + GRACE_S
        while (now := clock()) < ends and not any(task.done() for task in either):
            quiet = visit.told_at + self.terms.quiet_s
            if quiet <= now:
                self.give_place_up(visit)
                quiet = ends
            most = min(quiet, ends) - now
            await asyncio.wait(either, timeout=most, return_when=asyncio.FIRST_COMPLETED)


def problem_of(text: str) -> Problem:
    """A visitor's problem; with this id its traces are those of `numina solve`."""
    return Problem(id="problem", problem=text, answer="", source="visitor")
