"""`cot_data` with a teacher on a server: Chinese rows come out in English, each paid for once."""

import asyncio
import importlib
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from numina.errors import UserError
from numina.profile import merged
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.rows import read_problems
from numina.rows.rejected import each_removal
from numina.settings.params import document
from tests.conftest import ROOT, shards
from tests.corpus.test_rewriting import CHOICE, ENGLISH, IN_ENGLISH, ROW, WORKED, WORKED_REPLY
from tests.engine.misbehaving import Asked, Reply, Told

LOST = Problem("lost", "求 $7^3$ 的值。", "343", "exam", solution="$7^3=343$。")
FILTERED = Problem("filtered", "求 $8^3$ 的值。", "512", "exam", solution="$8^3=512$。")
PLAIN = Problem("plain", "What is $2+3$?", "5", "test", solution="It is \\boxed{5}.")
TABLE = {ROW.solution: ENGLISH, CHOICE.solution: IN_ENGLISH, WORKED.answer: WORKED_REPLY}
TABLE[LOST.solution] = "<problem>\nFind it.\n</problem>\n<solution>\nIt is $343$.\n</solution>"


def translate(asked: Asked) -> Reply:
    """What a chat server says to a prompt with one of these rows."""
    prompt = asked.body["messages"][0]["content"]
    if FILTERED.solution in prompt:
        return said("", "content_filter")
    texts = [reply for original, reply in TABLE.items() if original in prompt]
    return said(texts[0] if texts else "2")


def said(text: str, finish: str = "stop") -> Reply:
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 300, "completion_tokens": 100}
    return Reply({"choices": [{"message": message, "finish_reason": finish}], "usage": usage})


@pytest.fixture
def server() -> Iterator[tuple[Told, str]]:
    """A server in a thread of its own, and its address."""
    told, ready, addresses = Told(by=translate), threading.Event(), []
    loop = asyncio.new_event_loop()

    def serve() -> None:
        asyncio.set_event_loop(loop)
        served = loop.run_until_complete(asyncio.start_server(told.serve, "127.0.0.1", 0))
        addresses.append(f"http://127.0.0.1:{served.sockets[0].getsockname()[1]}/v1")
        ready.set()
        loop.run_forever()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert ready.wait(10)
    yield told, addresses[0]
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


def run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, rows: list[Problem], **knobs: Any
) -> tuple[dict[str, Problem], dict[str, Removal], dict[str, Any]]:
    """Rows kept and left out by id, and the counts."""
    changes = {
        "cot_data.teacher": "server",
        "teacher.model": "m",
        "hardware.cache": str(folder / "cache"),
        "hardware.teacher.patience_s": 0.5,
        **{f"hardware.teacher.{name}": value for name, value in knobs.items()},
    }
    params = merged(changes, document(ROOT / "params.yaml"))
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    shards(folder / "clean/problems", *rows)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["cot_data", "--clean", "clean", "--out", "cot"])
    importlib.import_module("stages.cot_data").main()
    kept = {row.id: row for row in read_problems(folder / "cot/train")}
    left_out = {removal.row.id: removal for removal in each_removal(folder / "cot/rejected")}
    return kept, left_out, json.loads((folder / "cot/counts.json").read_text())


def test_rows_are_translated_and_a_rerun_asks_for_nothing(tmp_path, monkeypatch, server):
    told, url = server
    rows = [ROW, CHOICE, LOST, PLAIN, FILTERED, WORKED]
    kept, left_out, counts = run(tmp_path, monkeypatch, rows, urls=[url])
    assert kept.keys() == {"zh", "choice", "worked", "plain"}
    assert kept["plain"].solution == PLAIN.solution
    assert kept["choice"].solution.endswith("The answer is $\\boxed{C}$.")
    assert kept["worked"].answer == "31"
    assert counts == {"in": 6, "kept": 4, "rejected": {"not_translated": 2}}
    assert "lost the formula 7^3" in left_out["lost"].reason
    assert "content_filter" in left_out["filtered"].reason
    assert left_out["lost"].row.problem == LOST.problem
    bought = len(told.asked)
    again = run(tmp_path, monkeypatch, rows, urls=[url])
    assert (kept, left_out, counts) == again
    assert len(told.asked) == bought == 7  # two of them for each that was refused


def test_a_spent_budget_ends_the_stage_with_the_knob_and_writes_nothing(
    tmp_path, monkeypatch, server
):
    with pytest.raises(UserError, match=r"hardware\.teacher\.budget_tokens"):
        run(tmp_path, monkeypatch, [ROW], urls=[server[1]], budget_tokens=9)
    assert not (tmp_path / "cot").exists()


def test_a_teacher_that_cannot_be_reached_is_said_with_its_address(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"hardware\.teacher\.urls.*http://127\.0\.0\.1:9/v1"):
        run(tmp_path, monkeypatch, [ROW], urls=["http://127.0.0.1:9/v1"])
    assert not (tmp_path / "cot").exists()


def test_a_teacher_without_a_name_or_an_address_is_refused_before_any_row(tmp_path, monkeypatch):
    with pytest.raises(
        UserError, match=r"cot_data\.teacher: 'server' needs hardware\.teacher\.urls"
    ):
        run(tmp_path, monkeypatch, [ROW], urls=[])
