"""How many processes decode, what each has of the machine, and how they end."""

import multiprocessing
import os
import signal
import time
from functools import partial

import pytest

from numina.agent import processes
from numina.agent.processes import count_processes, lost, run_in_processes, share, share_of
from numina.errors import UserError
from numina.machine import CORES
from numina.terminal import say
from tests.conftest import changed_params

LONG_S = 600
GIGABYTE = 10**9


@pytest.fixture
def model(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"0" * 1000)
    return tmp_path


@pytest.fixture
def laptop(monkeypatch):
    """A machine of two cores, without a card, and the gigabytes that a test sets."""

    def of(gigabytes: int) -> None:
        monkeypatch.setattr(processes, "CORES", 2)
        monkeypatch.setattr(processes, "accelerators", list)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        monkeypatch.setattr(processes, "memory", lambda: gigabytes * GIGABYTE)

    return of


@pytest.mark.parametrize(
    ("gigabytes", "jobs", "changes", "count"),
    [
        (16, 80, {}, 2),
        (8, 80, {}, 1),  # it does not suffice for two engines
        (2, 80, {}, 1),
        (16, 1, {}, 1),
        (16, 0, {}, 1),
        (16, 80, {"engine.name": "server", "hardware.server.urls": ["http://h/v1"]}, 1),
        (16, 80, {"engine.name": "replay", "engine.recording": "r.jsonl"}, 1),
        (8, 80, {"hardware.solvers": 5}, 5),
        (8, 3, {"hardware.solvers": 5}, 3),
        (16, 80, {"hardware.solvers": 1}, 1),
    ],
)
def test_the_number_of_processes_suits_the_machine(laptop, model, gigabytes, jobs, changes, count):
    laptop(gigabytes)
    params = changed_params({"engine.name": "transformers", **changes})
    assert count_processes(params, model, jobs) == count


def test_a_large_model_is_decoded_by_one_process(laptop, model):
    laptop(64)
    os.truncate(model / "model.safetensors", 7 * GIGABYTE)
    assert count_processes(changed_params({"engine.name": "transformers"}), model, 80) == 1


def test_one_process_decodes_on_one_card_or_one_core(laptop, model, monkeypatch):
    laptop(64)
    params = changed_params({"engine.name": "transformers"})
    monkeypatch.setattr(processes, "CORES", 1)
    assert count_processes(params, model, 80) == 1
    laptop(64)
    monkeypatch.setattr(processes, "accelerators", lambda: ["a card"])
    assert count_processes(params, model, 80) == 1
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # the card is hidden
    assert count_processes(params, model, 80) == 2


def test_processes_on_a_cpu_share_the_memory_and_those_on_cards_have_one_each():
    params = changed_params({"engine.name": "transformers", "engine.batch_size": 9})
    cache_mb = params.hardware.transformers.cache_mb
    on_a_cpu, on_cards = share_of(params, 2, []), share_of(params, 2, ["0", "1"])
    assert on_a_cpu.engine.batch_size == 5
    assert on_a_cpu.hardware.transformers.cache_mb == cache_mb / 2
    assert on_cards.engine.batch_size == 9
    assert on_cards.hardware.transformers.cache_mb == cache_mb


@pytest.mark.parametrize(
    ("items", "place", "count", "own"),
    [
        ("abcd", 0, 2, "ab"),
        ("abcd", 1, 2, "cd"),
        ("abc", 1, 2, "b"),
        ("a", 1, 2, "a"),
        ("", 0, 2, ""),
    ],
)
def test_cores_and_cards_are_shared_out_unless_there_are_too_few(items, place, count, own):
    assert share(list(items), place, count) == list(own)


async def cores(number, params, first):
    say("the same line")
    first.tell(number)
    first.ask(number)
    return number, os.sched_getaffinity(0)


async def refuse(params, first):
    raise UserError("this file is not a model")


async def end(params, first):
    os.kill(os.getpid(), signal.SIGKILL)


async def last_long(params, first):
    time.sleep(LONG_S)


def test_each_task_has_its_cores_and_what_they_say_is_shown_once(capfd):
    heard = []
    tasks = [partial(cores, number) for number in (3, 4)]
    found = run_in_processes(changed_params({}), tasks, heard.append, "")
    assert [number for number, _ in found] == [3, 4]
    assert sorted(heard) == [3, 3, 4, 4]
    if CORES > 1:
        assert not found[0][1] & found[1][1]
    assert capfd.readouterr().err == "the same line\n"


@pytest.mark.parametrize(
    ("task", "message"),
    [(refuse, "this file is not a model"), (end, f"{lost(1, 2, -9)}; run it again")],
)
def test_a_failure_of_one_ends_all(task, message):
    with pytest.raises(UserError) as caught:
        run_in_processes(changed_params({}), [last_long, task], print, "run it again")
    assert str(caught.value) == message
    assert not multiprocessing.active_children()
