"""The curve over depth, and what became of programs that failed."""

from numina.report.csv_tables import DepthRow
from numina.report.depth import depth_chart, open_votes, recovery_rows


def row(split: str, depth: int, guessed: int = 0) -> DepthRow:
    return DepthRow(split, depth, 0.5, 0.25, 0.75, guessed)


def test_votes_that_other_traces_could_have_changed_are_named_by_depth():
    rows = [row("s", 1, 1), row("s", 2), row("t", 1, 2), row("all", 1, 3), row("all", 2)]
    assert open_votes(rows) == {1: 3}


def test_all_splits_together_are_a_line_where_there_are_several():
    one = [row(split, depth) for split in ("mini_amc", "all") for depth in (1, 2)]
    assert "all splits" not in depth_chart(one)
    assert "all splits" in depth_chart([*one, row("mini_aime", 1), row("mini_aime", 2)])


def test_without_programs_there_is_no_chart():
    assert depth_chart([]) == ""


def test_counts_are_those_of_all_splits():
    figures = {
        "failed_traces": 4,
        "recovered": 2,
        "recovered_right": 1,
        "repeated": 1,
        "gave_up": 1,
    }
    table = {"s": {"sctir": dict.fromkeys(figures, 9.0)}, "all": {"sctir": figures}}
    assert [row.systems["sctir"] for row in recovery_rows(table)] == [4, 2, 1, 1, 1]
