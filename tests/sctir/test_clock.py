"""The time bank."""

import pytest

from numina.errors import UserError
from numina.sctir.clock import Clock
from numina.settings.decoding import TimeBank


def shares(bank: TimeBank, used: list[float]) -> list[float | None]:
    """What each problem is allotted when the problems take the times in `used`."""
    now = 0.0
    clock = Clock(bank, len(used), lambda: now)
    allotted = []
    for seconds in used:
        allotted.append(clock.allot())
        now += seconds
    return allotted


def test_without_a_budget_there_is_no_deadline():
    assert shares(TimeBank(budget_s=0, base_s=0, most_s=0), [5, 5]) == [None, None]


def test_unused_time_is_banked_and_drawn():
    bank = TimeBank(budget_s=40, base_s=10, most_s=0)
    assert shares(bank, [2, 18, 10, 10]) == [10, 18, 10, 10]


def test_draws_are_capped():
    bank = TimeBank(budget_s=40, base_s=10, most_s=12)
    assert shares(bank, [1, 1, 12, 12]) == [10, 12, 12, 12]


def test_what_is_beyond_the_base_times_is_in_the_bank_from_the_start():
    assert shares(TimeBank(budget_s=40, base_s=5, most_s=0), [5, 5, 5, 5]) == [25, 25, 25, 25]


def test_being_late_is_shared_by_those_to_come():
    bank = TimeBank(budget_s=40, base_s=10, most_s=0)
    assert shares(bank, [22, 6, 6, 6]) == [10, 6, 6, 6]


def test_nothing_is_left_after_the_end():
    assert shares(TimeBank(budget_s=10, base_s=0, most_s=0), [30, 0])[1] == 0


def test_base_times_beyond_the_budget_are_refused():
    with pytest.raises(UserError, match="base_s"):
        Clock(TimeBank(budget_s=40, base_s=11, most_s=0), 4, lambda: 0.0)
