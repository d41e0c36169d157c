"""What fits into a contest, measured."""

import pytest

from numina.contest.plan import plan
from numina.errors import UserError
from tests.contest.test_play import small


def test_the_plan_follows_from_the_contest_and_from_what_was_measured(model_folder):
    params = small()
    found = plan(params, model_folder, params.contests.aimo2, seconds=5)
    assert (found.problems, found.budget_s, found.n) == (50, 18000, 2)
    assert found.problem_s == pytest.approx((18000 - found.load_s) / 50, abs=0.1)
    assert found.most_s == 1800
    assert found.traces_that_fit == pytest.approx(found.problem_s * found.traces_a_second, rel=0.01)
    assert found.traces_a_second > 0
    assert "the 2 of sctir.n fit" in found.lines()[2]


def test_too_short_a_time_to_measure_is_said(model_folder):
    params = small()
    with pytest.raises(UserError, match="no trace finished"):
        plan(params, model_folder, params.contests.aimo, seconds=1e-6)
