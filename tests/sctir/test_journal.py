"""The journal: what is in it after a kill."""

import pytest

from numina.errors import UserError
from numina.sctir.journal import Journal
from tests.conftest import make_trace

TRACES = [make_trace("p", 1, "4"), make_trace("p", 0, None), make_trace("q", 0, "7", text="\\(é\n")]


def test_traces_come_back_in_the_order_in_which_they_finished(tmp_path):
    path = tmp_path / "folder" / "traces.jsonl"
    with Journal(path) as journal:
        for trace in TRACES:
            journal.add(trace)
    with Journal(path) as journal:
        assert journal.of("p", 1) == TRACES[:2]
        assert journal.of("q", 1) == TRACES[2:]
        assert journal.of("q", 2) == []


@pytest.mark.parametrize("lost", [1, 2, 40])
def test_a_torn_last_line_is_dropped_and_written_over(tmp_path, lost):
    path = tmp_path / "traces.jsonl"
    with Journal(path) as journal:
        for trace in TRACES:
            journal.add(trace)
    path.write_bytes(path.read_bytes()[:-lost])
    with Journal(path) as journal:
        assert journal.of("q", 1) == []
        journal.add(TRACES[2])
    with Journal(path) as journal:
        assert journal.of("p", 1) == TRACES[:2]
        assert journal.of("q", 1) == TRACES[2:]


def test_another_line_that_is_no_trace_is_named(tmp_path):
    path = tmp_path / "traces.jsonl"
    path.write_text('{"a": 1}\n')
    with pytest.raises(UserError, match="line 1"), Journal(path):
        pass


def test_a_trace_that_is_on_file_twice_votes_once(tmp_path):
    path = tmp_path / "traces.jsonl"
    with Journal(path) as journal:
        for trace in [*TRACES, TRACES[0], make_trace("p", 1, "5")]:
            journal.add(trace)
    with Journal(path) as journal:
        assert journal.of("p", 1) == TRACES[:2]


def test_two_runs_never_share_a_journal(tmp_path):
    with Journal(tmp_path / "traces.jsonl") as journal:
        journal.add(TRACES[0])
        with pytest.raises(UserError, match=r"another run .* \(process \d+\)"):
            Journal(tmp_path / "traces.jsonl").__enter__()
    with Journal(tmp_path / "traces.jsonl") as journal:
        assert journal.of("p", 1) == TRACES[:1]
