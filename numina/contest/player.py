"""Answer a contest's problems one at a time, against the clock, from any thread.

A contest's server calls from threads of its own and waits for the reply. The agent needs an event
loop that keeps running, so it has one in another thread. The model is loaded there while the server
already serves: a contest allows some minutes until it does, and more until the first reply.
"""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from contextlib import AbstractAsyncContextManager, suppress

from numina import terminal
from numina.agent.trace import Agent
from numina.contest.answers import Answers, digest
from numina.errors import UserError
from numina.records.problem import Problem
from numina.sctir.clock import Clock
from numina.sctir.journal import Journal
from numina.sctir.solve import solve
from numina.settings.contests import ContestRules
from numina.settings.decoding import Sctir

LATE_S = 0.5  # beyond a deadline, after which the vote is not waited for
END_S = 10.0  # for what still runs when a contest ends


class Player:
    """Gives an answer to every problem. Use it as a context manager.

    Args:
        agent: opens the agent; called in the thread of the event loop.
        sctir: how a problem is solved; the seed is the first of `seeds`.
        rules: what counts as an answer, and the answer if there is none.
        clock: allots the time of each problem.
        journal: the finished traces of the problems that have no answer yet.
        answers: those that were given, which are given again.
        answered: is called with each problem's id and its answer.
    """

    def __init__(
        self,
        agent: Callable[[], AbstractAsyncContextManager[Agent]],
        sctir: Sctir,
        rules: ContestRules,
        clock: Clock,
        journal: Journal,
        answers: Answers,
        answered: Callable[[str, str], object] = lambda *_: None,
    ) -> None:
        self.open_agent, self.sctir, self.rules, self.clock = agent, sctir, rules, clock
        self.journal, self.answers, self.answered = journal, answers, answered
        self.seed = sctir.seeds[0]
        self.turn = threading.Lock()
        self.opened: Future[Agent] = Future()
        self.runs = threading.Event()
        self.loop: asyncio.AbstractEventLoop
        self.ended: asyncio.Event

    def __enter__(self) -> Player:
        self.thread = threading.Thread(target=self.keep_open, name="agent", daemon=True)
        self.thread.start()
        self.runs.wait()
        return self

    def __exit__(self, *_: object) -> None:
        """End what runs; an agent that does not end in time is left to the process's end."""
        with suppress(RuntimeError):  # the loop has ended by itself
            self.loop.call_soon_threadsafe(self.ended.set)
        self.thread.join(END_S)

    def keep_open(self) -> None:
        """Run an event loop, with the agent open in it, until the contest ends."""

        async def main() -> None:
            self.loop, self.ended = asyncio.get_running_loop(), asyncio.Event()
            self.runs.set()
            async with self.open_agent() as agent:
                self.opened.set_result(agent)
                await self.ended.wait()

        try:
            asyncio.run(main())
        except BaseException as error:
            if not self.opened.done():
                self.opened.set_exception(error)

    def wait_until_open(self) -> None:
        """Wait until the model is loaded.

        Raises:
            UserError: the agent cannot be opened.
        """
        self.opened.result()

    def refuse_failed(self) -> None:
        """Check that the agent was not in vain.

        Raises:
            UserError: it could not be opened, so all answers were the contest's default.
        """
        if self.opened.done():
            self.opened.result()

    def answer(self, name: str, text: str) -> str:
        """The answer to a problem, by its deadline; the contest's default if there is none.

        It never fails: what goes wrong with a problem is shown, and costs that problem only.
        """
        with self.turn:
            answer = self.answers.get(name, text)
            if answer is None:
                answer, trouble = self.decide(
                    Problem(f"{name}-{digest(text)}", text, "", "contest")
                )
                if trouble:
                    terminal.say(f"{name}: {trouble}; answered {answer}")
                else:  # else a run that is started again tries it again
                    self.answers.add(name, text, answer)
            self.answered(name, answer)
            return answer

    def decide(self, problem: Problem) -> tuple[str, str]:
        """An answer, and what went wrong, if something did."""
        try:
            agent = self.opened.result(self.clock.remaining_s())
        except TooLate:
            return self.rules.default, "the model is still being loaded"
        except Exception as error:
            return self.rules.default, in_words(error)
        seconds, trouble = self.clock.allot(self.rules.reply_s), ""
        future = asyncio.run_coroutine_threadsafe(self.vote(agent, problem, seconds), self.loop)
        try:
            answer = future.result(None if seconds is None else seconds + LATE_S)
        except TooLate:
            future.cancel()
            answer = self.votes_so_far(problem)
        except Exception as error:
            answer, trouble = self.votes_so_far(problem), in_words(error)
        return self.rules.default if answer is None else answer, trouble

    async def vote(self, agent: Agent, problem: Problem, seconds: float | None) -> str | None:
        """The answer of SC-TIR.

        Raises:
            UserError: the problem cannot be asked, or no server answers.
        """
        clock = asyncio.get_running_loop().time
        started = clock()
        await asyncio.to_thread(agent.check, problem)  # which may tokenise a long text
        left = None if seconds is None else max(0.0, seconds - (clock() - started))
        sctir, rule, journal = self.sctir, self.rules.answer, self.journal
        verdict = await solve(agent, problem, self.seed, sctir, rule, journal, left, alone=True)
        return verdict.answer

    def votes_so_far(self, problem: Problem) -> str | None:
        """The most frequent answer of the traces that have finished, by its spelling."""
        traces = self.journal.of(problem.id, self.seed)
        answers = Counter(trace.answer for trace in traces if trace.answer is not None)
        return max(answers, key=lambda answer: (answers[answer], answer), default=None)


def in_words(error: BaseException) -> str:
    """An error that a person can mend in its own words; a bug with its traceback."""
    if isinstance(error, UserError):
        return str(error)
    return "".join(traceback.format_exception(error)).strip()
