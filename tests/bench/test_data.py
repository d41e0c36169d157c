"""The benchmark of the data build, on few rows."""

import pytest

from numina.bench import data
from numina.bench.build import build
from numina.errors import UserError


@pytest.mark.parametrize("name", data.STEPS)
def test_a_step_is_measured(name):
    found = data.measure(name, 300)
    assert found["rows"] == 300
    assert found["cpu_s"] > 0
    planted = {"duplicates": range(250, 300), "leaks": [0]}  # all rows are validation problems
    assert found["out"] in planted.get(name, [300])


def test_growth_is_between_the_least_and_the_most_rows(monkeypatch):
    def built(rows, model):
        return {"collect": {"rows": rows, "cpu_s": rows / 100, "memory_mb": 50 + rows / 100}}

    monkeypatch.setattr(data, "STEPS", {"duplicates": data.STEPS["duplicates"]})
    monkeypatch.setattr(data, "build", built)
    found = data.bench([400, 200, 200])
    names = ("duplicates", "stage collect")
    assert list(found) == [f"{name}, {of}" for name in names for of in ("200", "400", "growth")]
    assert set(found["duplicates, growth"]) == {"exponent", "bytes_a_row"}
    assert found["stage collect, growth"] == {"exponent": 1.0, "bytes_a_row": 10486}


def test_stages_are_measured_from_rows_to_tokens():
    found = build(300, None)
    assert list(found) == ["collect", "dedup", "cot_data", "tir_data", "tir_select", "tokens"]
    assert found["collect"]["rows"] == found["collect"]["out"] == 300
    for before, after in (("collect", "dedup"), ("dedup", "cot_data"), ("cot_data", "tokens")):
        assert 0 < found[after]["rows"] == found[before]["out"]
    assert found["dedup"]["out"] < 300 and found["tokens"]["out"] == found["cot_data"]["out"]
    for stage in found.values():
        assert stage["cpu_s"] > 0 and 0 < stage["memory_mb"] <= stage["peak_mb"] * 3


def test_a_stage_that_fails_is_one_line_with_its_reason(monkeypatch):
    monkeypatch.setattr("numina.bench.build.STAGES", {"dedup": "--collected a --out b"})
    with pytest.raises(UserError, match=r"bench data: stages.dedup: .*required: --validation"):
        build(10, None)


def test_a_step_that_fails_is_one_line_with_its_reason():
    with pytest.raises(UserError, match="bench data: unknown, 9 rows: KeyError: 'unknown'"):
        data.in_process("unknown", 9)
