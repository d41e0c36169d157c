"""What became of traces in which a program failed, worked by hand."""

import pytest

from numina.measure.recovery import counts, fate
from tests.conftest import make_trace


def made(*ran: tuple[str, str], answer: str | None = "1"):
    """A trace whose programs ended with these statuses and outputs."""
    text = "".join(f"```python\nx\n```\n```output\n{output}\n```\n" for _, output in ran)
    return make_trace(answer=answer, text=text, statuses=tuple(status for status, _ in ran))


FINE, EMPTY, RAISED = ("ok", "1"), ("ok", ""), ("error", "NameError: x")
STOPPED = ("timeout", "TimeoutError: no result")


@pytest.mark.parametrize(
    ("ran", "reached"),
    [
        ([], None),
        ([FINE, FINE], None),
        ([RAISED, FINE], "recovered"),
        ([EMPTY, FINE], "recovered"),
        ([FINE, STOPPED, FINE], "recovered"),
        ([RAISED, RAISED, FINE], "recovered"),
        ([RAISED], "gave_up"),
        ([EMPTY], "gave_up"),
        ([FINE, RAISED], "gave_up"),
        ([RAISED, FINE, EMPTY], "gave_up"),
        ([RAISED, RAISED], "repeated"),
        ([EMPTY, RAISED], "repeated"),
        ([FINE, STOPPED, EMPTY], "repeated"),
    ],
)
def test_a_trace_recovers_repeats_or_gives_up(ran, reached):
    assert fate(made(*ran)) == reached


def test_an_output_that_was_asked_for_but_never_came_is_no_failure():
    trace = make_trace(text="```python\nx\n```\n```output\n1\n```\n```python\nx\n```\n```output\n")
    assert fate(trace) is None


def test_counts_add_up():
    traces = [
        (made(FINE), "1"),
        (made(RAISED, FINE), "1"),
        (made(RAISED, FINE), "2"),
        (made(RAISED, EMPTY, answer=None), "1"),
        (made(RAISED), "1"),
    ]
    assert counts(traces) == {
        "failed_traces": 4,
        "recovered": 2,
        "recovered_right": 1,
        "repeated": 1,
        "gave_up": 1,
    }
