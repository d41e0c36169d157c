"""What may be paid for answers: a request is sent only if its longest answer is in the budget."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from numina.errors import UserError
from numina.settings.hardware import TeacherHardware
from numina.teacher.kept import Paid

MILLION = 10**6


class Budget:
    """A limit in money and tokens.

    Args:
        hardware: prices and limits.
        paid: says what was paid for so far, in this and earlier runs.
    """

    def __init__(self, hardware: TeacherHardware, paid: Callable[[], Paid]) -> None:
        self.hardware, self.paid = hardware, paid
        self.held: list[Paid] = []
        self.changed = asyncio.Event()

    def money(self, paid: Paid) -> float:
        """The price of tokens."""
        prompts = paid.prompt_tokens * self.hardware.price_prompt
        return (prompts + paid.answer_tokens * self.hardware.price_answer) / MILLION

    @contextmanager
    def holding(self, most: Paid) -> Iterator[None]:
        """Hold back what a request may cost while it is in flight."""
        self.held.append(most)
        try:
            yield
        finally:
            self.held.remove(most)
            self.changed.set()
            self.changed = asyncio.Event()

    async def room(self, most: Paid) -> None:
        """Wait until a request is within the budget; those in flight may leave room.

        Args:
            most: that it may cost.

        Raises:
            UserError: the budget is spent.
        """
        while over := self.over(most):
            if not self.held:
                raise UserError(over)
            await self.changed.wait()

    def over(self, most: Paid) -> str:
        """Which limit a request would exceed, in a line; "" if none."""
        given, so_far = self.hardware, [self.paid(), *self.held]
        money = sum(map(self.money, so_far)) + self.money(most)
        tokens = sum(paid.tokens for paid in so_far) + most.tokens
        if given.budget and money > given.budget:
            knob, limit = "budget", f"{given.budget:g}"
        elif given.budget_tokens and tokens > given.budget_tokens:
            knob, limit = "budget_tokens", f"{given.budget_tokens:,}"
        else:
            return ""
        return (
            f"hardware.teacher.{knob}: {limit} does not cover another answer of up to "
            f"{most.answer_tokens:,} tokens; paid so far: {self.line()}. All answers are kept: "
            "raise it and run again to go on"
        )

    def line(self) -> str:
        """What was paid so far, in words."""
        paid = self.paid()
        money = f" for {self.money(paid):.4g}" if self.money(paid) else ""
        return f"{paid.answers:,} answers of {paid.tokens:,} tokens{money}"
