"""Every word that a run writes has its description on the page."""

import re
from typing import get_args, get_type_hints

from numina.records.trace import Trace, Verdict
from numina.report.ties import TieBreak
from numina.report.wording import ENDS, PROGRAMS, STOPS, TIES
from numina.sandbox.result import Result


def documented(kind: type, field: str, following: str) -> set[str]:
    """The words that a record's docstring names for a field."""
    text = (kind.__doc__ or "").split(f"        {field}:")[1].split(f"        {following}:")[0]
    return set(re.findall(r"``(\w+)``", text))


def test_every_end_of_a_trace():
    words = documented(Trace, "end", "block_statuses")
    assert {"answer", "failed", "repeat"} <= words
    assert words == set(ENDS)


def test_every_reason_to_close_a_vote():
    words = documented(Verdict, "stop", "margin")
    assert {"full", "lossless", "deadline"} <= words
    assert words == set(STOPS)


def test_every_fate_of_a_program():
    assert set(get_args(get_type_hints(Result)["status"])) == set(PROGRAMS)


def test_every_way_to_break_a_tie():
    assert set(get_args(TieBreak)) == set(TIES)
