"""The time bank: one budget of seconds for a sequence of problems."""

from __future__ import annotations

from collections.abc import Callable

from numina.errors import UserError
from numina.settings.decoding import TimeBank


class Clock:
    """Divides a budget among problems that are solved one after another.

    Each problem has a base time. Unused time goes to the bank, and the next problem may use all of
    the bank, up to a cap; the base time of later problems is never used. This is the scheme of the
    winner of the second AIMO.

    Args:
        bank: the knobs; with `budget_s` 0 no problem has a deadline.
        problems: how many there are.
        now: a clock in seconds, as `time.monotonic`.

    Raises:
        UserError: the base times together exceed the budget.
    """

    def __init__(self, bank: TimeBank, problems: int, now: Callable[[], float]) -> None:
        if bank.base_s * problems > bank.budget_s > 0:
            raise UserError(
                f"time_bank.base_s: {bank.base_s} s for each of {problems} problems is more than "
                f"time_bank.budget_s {bank.budget_s}"
            )
        self.bank, self.now, self.left = bank, now, problems
        self.base_s = bank.base_s or bank.budget_s / max(1, problems)
        self.end = now() + bank.budget_s

    def remaining_s(self) -> float | None:
        """Seconds left of the budget; None for no limit."""
        return max(0.0, self.end - self.now()) if self.bank.budget_s else None

    def allot(self, most_s: float = 0) -> float | None:
        """Seconds for the next problem; None for no limit. Called once a problem, at its start.

        Args:
            most_s: the most for this problem, beside `time_bank.most_s`; 0: no limit.
        """
        remaining = self.remaining_s()
        if remaining is None:
            return most_s or None
        self.left = max(0, self.left - 1)  # a contest may send more than announced
        spare = remaining - self.base_s * self.left
        share = max(spare, remaining / (self.left + 1))  # all are late together, the last not alone
        return min(share, self.bank.most_s or share, most_s or share)

    def banked_s(self) -> float:
        """Seconds beyond the base times of the problems still to come."""
        return max(0.0, self.end - self.now()) - self.base_s * self.left
