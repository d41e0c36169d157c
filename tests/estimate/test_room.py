"""Whether a machine has room for a training: said before the first step, with the numbers."""

from types import SimpleNamespace

import psutil
import pytest

from numina.errors import UserError
from numina.estimate import room
from numina.estimate.memory import Training, checkpoint_bytes, training_bytes
from numina.estimate.room import check_room, shape_in
from numina.estimate.shapes import Shape
from numina.rows import read_object, write_json

ALONE = Training(processes=1, tokens=256, half=False, checkpointing=False)


def shape(model) -> Shape:
    found = shape_in(model)
    assert found
    return found


def machine_with(monkeypatch, memory: float = 1e12, free: float = 1e12) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=int(memory)))
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(free=0))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=int(free)))


@pytest.fixture
def states(model_folder) -> int:
    parts = training_bytes(shape(model_folder), ALONE)
    return sum(parts[name] for name in room.STATES)


def check(model, tmp_path, how=ALONE, here=1, saves=True) -> None:
    check_room(model, tmp_path / "out", tmp_path / "run", how, here, saves)


def test_too_little_memory_for_the_states_is_refused(model_folder, tmp_path, monkeypatch, states):
    machine_with(monkeypatch, memory=states - 1)
    with pytest.raises(
        UserError, match=r"too little memory to train: weights .*gradients .*optimiser .*are free"
    ):
        check(model_folder, tmp_path)


def test_processes_on_a_machine_share_its_memory(model_folder, tmp_path, monkeypatch, states):
    machine_with(monkeypatch, memory=states * 1.2)
    check(model_folder, tmp_path)
    with pytest.raises(UserError, match=r"for each of 2 processes; .*are free for each"):
        check(model_folder, tmp_path, Training(2, 256, half=False, checkpointing=False), here=2)


def test_memory_that_activations_may_exceed_is_a_warning(
    model_folder, tmp_path, monkeypatch, states, capsys
):
    machine_with(monkeypatch, memory=states + 1)
    check(model_folder, tmp_path)
    assert "memory may not suffice: training takes about" in capsys.readouterr().err
    machine_with(monkeypatch)
    check(model_folder, tmp_path)
    assert "memory" not in capsys.readouterr().err


def test_too_little_disk_is_refused_with_both_places(model_folder, tmp_path, monkeypatch):
    machine_with(monkeypatch, free=1000)
    with pytest.raises(UserError, match=r"too little disk to train: .* needed in .*out, .*run, "):
        check(model_folder, tmp_path)


def test_what_a_killed_run_left_is_not_needed_again(model_folder, tmp_path, monkeypatch):
    size = 2 * checkpoint_bytes(shape(model_folder), 1, half=False)
    machine_with(monkeypatch, free=shape(model_folder).parameters * 4)
    with pytest.raises(UserError, match="too little disk"):
        check(model_folder, tmp_path)
    check(model_folder, tmp_path, saves=False)
    (tmp_path / "run/checkpoint-10").mkdir(parents=True)
    (tmp_path / "run/checkpoint-10/optimizer.pt").write_bytes(b"0" * size)
    check(model_folder, tmp_path)


def test_an_architecture_of_unknown_sizes_is_trained(model_folder, tmp_path, monkeypatch):
    machine_with(monkeypatch, memory=1, free=1)
    config = read_object(model_folder / "config.json")
    write_json(tmp_path / "config.json", {**config, "model_type": "new"})
    check(tmp_path, tmp_path)
