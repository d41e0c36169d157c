"""Stand-ins for an engine and a sandbox: scripts, for tests of what is around them."""

import contextlib

from numina.engine.protocol import Completion, Sampling, cut_at_stop
from numina.template import Template

PLAIN = Template("{problem} ")


class Scripted:
    """Gives the next line of a script for each step, one word a token."""

    def __init__(self, *steps: str) -> None:
        self.steps = steps
        self.prompts: list[str] = []
        self.asked: list[Sampling] = []

    async def __aenter__(self) -> "Scripted":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        self.prompts.append(prompt)
        self.asked.append(sampling)
        done = sum(step in prompt for step in self.steps)
        text = self.steps[min(done, len(self.steps) - 1)]
        stopped = cut_at_stop(text, sampling.stop) is not None
        return Completion(text, "stop" if stopped else "end", 1, len(text.split()), -1.0)


class NoPrograms:
    """A sandbox for traces that run nothing."""

    @contextlib.asynccontextmanager
    async def session(self, seed=0):
        yield None
