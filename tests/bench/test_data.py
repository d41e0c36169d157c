"""The benchmark of the data build, on few rows."""

import pytest

from numina.bench import data
from numina.errors import UserError


@pytest.mark.parametrize("name", data.STEPS)
def test_a_step_is_measured(name):
    found = data.measure(name, 300)
    assert found["rows"] == 300
    assert found["cpu_s"] > 0
    planted = {"duplicates": range(250, 300), "leaks": [0]}  # all rows are validation problems
    assert found["out"] in planted.get(name, [300])


def test_growth_is_between_the_least_and_the_most_rows(monkeypatch):
    monkeypatch.setattr(data, "STEPS", {"duplicates": data.STEPS["duplicates"]})
    found = data.bench([400, 200, 200])
    assert list(found) == ["duplicates, 200", "duplicates, 400", "duplicates, growth"]
    assert set(found["duplicates, growth"]) == {"exponent", "bytes_a_row"}


def test_a_step_that_fails_is_one_line_with_its_reason():
    with pytest.raises(UserError, match="bench data: unknown, 9 rows: KeyError: 'unknown'"):
        data.in_process("unknown", 9)
