"""Several processes train as one does: ZeRO-3 by DeepSpeed on this machine's processors."""

import csv
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from numina.errors import UserError
from numina.estimate.memory import checkpoint_bytes
from numina.estimate.shapes import shape_of
from numina.profile import merged
from numina.records.problem import Problem
from numina.train import extension as ext
from numina.train.launch import accelerate_config, launches, node_command, node_rank
from numina.train.world import NODE_RANK, forward_passes, processes
from tests.conftest import ROOT, changed_params, shards

LIMIT_S = 900  # of one training; the first one compiles what DeepSpeed needs
ROWS = [  # 19 blocks of those not held out, so that two processes have to fill up
    Problem(str(i), f"What is ${i}+1$?" * (1 + i % 4), str(i + 1), "t", f"$\\boxed{{{i + 1}}}$.")
    for i in range(57)
]
HELD_OUT = 3
KNOBS = {
    "sft_cot.epochs": 2,
    "sft_cot.learning_rate": 1e-3,
    "sft_cot.batch_size": 4,
    "sft_tir.batch_size": 4,
    "sft_cot.max_length": 128,
    "sft_cot.held_out": HELD_OUT,
    "eval_greedy.max_context": 256,
    "sctir.max_context": 256,
    "quantize.group_size": 32,
    "hardware.checkpoint_steps": 0,
}
HARDWARE = changed_params().hardware
NODES = HARDWARE.nodes.model_copy(update={"hosts": ("a", "b")})
slow = pytest.mark.slow


def prepare(folder: Path, rows: list[Problem], **hardware: object) -> list[str]:
    """A folder to train in, and the command of the stage."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    shards(folder / "data/train", *rows)
    knobs = KNOBS | {f"hardware.{key.replace('__', '.')}": hardware[key] for key in hardware}
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    (folder / "params.yaml").write_text(yaml.safe_dump(merged(knobs, raw)))
    paths = {"data": "data", "out": "out", "loss": "loss.csv", "rows": "rows.json"}
    parts = [part for name, path in paths.items() for part in (f"--{name}", path)]
    return [sys.executable, "-m", "stages.sft", "--section", "sft_cot", *parts]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def train(folder: Path, model: Path, **hardware: object) -> tuple[list[float], dict]:
    """Losses, of steps and then on held-out rows, and weights of a training with some hardware."""
    from safetensors.torch import load_file

    command = [*prepare(folder, ROWS, **hardware), "--model", str(model)]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    log = folder / "logs/sft.log"
    assert done.returncode == 0, done.stderr + log.read_text()[-5000:]
    assert done.stderr.count("Fine-tune a model on solved problems. (log: ") == 1
    with (folder / "loss.csv").open() as rows:
        steps = list(csv.DictReader(rows))
    names = ("loss", "held_out_loss")
    losses = [float(step[name]) for name in names for step in steps if step[name]]
    return losses, load_file(folder / "out/model.safetensors")


@pytest.fixture(scope="session")
def alone(model_folder, tmp_path_factory):
    """What one process makes of it."""
    return train(tmp_path_factory.mktemp("alone"), model_folder)


def differ(one: dict, other: dict) -> float:
    """The largest difference of two models' weights, which have the same names and shapes."""
    assert {name: one[name].shape for name in one} == {name: other[name].shape for name in other}
    return max((one[name] - other[name]).abs().max().item() for name in one)


@slow
@pytest.mark.parametrize("micro_batch", [1, 2])
def test_two_processes_train_as_one(model_folder, tmp_path, alone, micro_batch):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    losses, weights = train(tmp_path, model_folder, processes=2, micro_batch=micro_batch, samples=2)
    assert losses == pytest.approx(alone[0], abs=1e-5)
    assert differ(weights, alone[1]) < 1e-6
    # A whole checkpoint: it loads without a weight missing, and decodes.
    network, found = AutoModelForCausalLM.from_pretrained(
        tmp_path / "out", output_loading_info=True
    )
    assert not found["missing_keys"]
    assert not found["unexpected_keys"]
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    text = tokenizer("### Problem: What is $4+1$?\n", return_tensors="pt")
    assert network.generate(**text, max_new_tokens=8).shape[1] > text["input_ids"].shape[1]
    samples = (tmp_path / "logs/out.samples.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in samples] == [1, 1, 2, 2]
    assert json.loads((tmp_path / "rows.json").read_text())["trained"] == len(ROWS) - HELD_OUT
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["data", "params.yaml", "logs", "out", "loss.csv", "rows.json"]
    )


@slow
def test_two_nodes_train_as_one_machine(model_folder, tmp_path, alone):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    losses, weights = train(
        tmp_path,
        model_folder,
        nodes__hosts=["127.0.0.1", "localhost"],
        nodes__port=port,
        nodes__start="sh -c {command}",
    )
    assert losses == pytest.approx(alone[0], abs=1e-5)
    assert differ(weights, alone[1]) < 1e-6


@slow
def test_a_killed_run_goes_on_to_the_same_end_and_leaves_no_process(model_folder, tmp_path, alone):
    hardware = {"processes": 2, "checkpoint_steps": 2, "cache": str(tmp_path / "cache")}
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/extensions").symlink_to(ext.kept("extensions"))
    command = [*prepare(tmp_path / "run", ROWS, **hardware), "--model", str(model_folder)]
    killed = subprocess.Popen(
        command,
        cwd=tmp_path / "run",
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + LIMIT_S
    while not list((tmp_path / "cache").glob("checkpoints/*/checkpoint-*/trainer_state.json")):
        assert time.monotonic() < deadline
        assert killed.poll() is None, (tmp_path / "run/logs/sft.log").read_text()[-5000:]
        time.sleep(0.02)
    ranks = psutil.Process(killed.pid).children(recursive=True)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert len(ranks) >= 3  # the launcher, and two that train
    _, alive = psutil.wait_procs(ranks, timeout=60)
    assert alive == []
    assert not (tmp_path / "run/out").exists()
    files = next((tmp_path / "cache").glob("checkpoints/*/checkpoint-*")).rglob("*")
    size = sum(file.stat().st_size for file in files if file.is_file())
    shape = shape_of(json.loads((model_folder / "config.json").read_text()), "model")
    assert checkpoint_bytes(shape, 2, half=False) == pytest.approx(size, rel=0.1)
    losses, weights = train(tmp_path / "run", model_folder, **hardware)
    assert losses == pytest.approx(alone[0], abs=1e-5)
    assert differ(weights, alone[1]) < 1e-6
    assert list((tmp_path / "cache").glob("checkpoints/*/checkpoint-*")) == []


@slow
def test_what_is_wrong_is_said_once_and_nothing_is_written(model_folder, tmp_path):
    too_long = [Problem(str(i), "Why? " * 400, "1", "t", "$\\boxed{1}$.") for i in range(5)]
    command = [*prepare(tmp_path, too_long, processes=2), "--model", str(model_folder)]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("error: max_length: every sample is longer than 128 tokens") == 1
    assert "error: training failed on this machine" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "loss.csv").exists()


def test_a_batch_is_shared_out_evenly_or_refused_with_the_numbers():
    assert forward_passes(32, 4, 8) == 1
    assert forward_passes(32, 1, 2) == 16
    with pytest.raises(UserError, match=r"32 .* 3 processes .* that take 2 at once .*6"):
        forward_passes(32, 2, 3)
    hardware = HARDWARE.model_copy(update={"processes": 3})
    with pytest.raises(UserError, match=r"batch_size: 4 blocks .* 3 processes"):
        launches(hardware, 4)


@pytest.mark.parametrize(
    ("changes", "rank", "expected"),
    [
        ({"processes": 2}, 0, (1, 2, 0, "127.0.0.1", None)),
        (
            {"processes": 8, "nodes": NODES},
            1,
            (2, 16, 1, "a", 29500),
        ),
    ],
)
def test_accelerate_is_told_of_processes_and_nodes(changes, rank, expected):
    hardware = HARDWARE.model_copy(update=changes)
    found = accelerate_config(hardware, 32, rank, on_cards=False)
    keys = ("num_machines", "num_processes", "machine_rank", "main_process_ip")
    machines, count, at, address, port = expected
    assert tuple(found[key] for key in keys) == (machines, count, at, address)
    assert found["main_process_port"] == port or (port is None and found["main_process_port"])
    assert found["deepspeed_config"]["gradient_accumulation_steps"] == 32 // count
    assert found["deepspeed_config"]["zero3_init_flag"] is True
    assert (found["use_cpu"], found["mixed_precision"]) == (True, "no")


@pytest.mark.parametrize(
    ("visible", "asked", "found"), [(0, 0, 1), (0, 3, 3), (4, 0, 4), (4, 2, 2)]
)
def test_processes_are_those_asked_for_or_the_visible_cards(monkeypatch, visible, asked, found):
    monkeypatch.setattr("torch.cuda.device_count", lambda: visible)
    assert processes(HARDWARE.model_copy(update={"processes": asked})) == found


@pytest.mark.parametrize(
    "changes",
    [
        {"hardware.processes": 3},
        {"hardware.micro_batch": 3},
        {"hardware.processes": 2, "hardware.micro_batch": 4},
        {"hardware.processes": 4, "hardware.nodes.hosts": ["a", "b"]},
        {"hardware.processes": 2, "sft_tir.batch_size": 5},
    ],
)
def test_params_with_an_uneven_batch_are_refused_by_every_stage(changes):
    with pytest.raises(
        UserError, match=r"sft_...\.batch_size: \d blocks are not shared out evenly"
    ):
        changed_params(changes)


def test_more_processes_than_cards_are_refused(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(UserError, match=r"hardware\.processes: 8 processes, and 2 cards"):
        processes(HARDWARE.model_copy(update={"processes": 8}))


def test_one_process_starts_no_other(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 8)
    assert not launches(HARDWARE, 4)
    assert launches(HARDWARE.model_copy(update={"processes": 0}), 8)
    monkeypatch.setenv("WORLD_SIZE", "8")
    assert not launches(HARDWARE.model_copy(update={"processes": 8}), 8)


def test_a_node_is_told_its_rank_by_its_command(monkeypatch, tmp_path):
    nodes = NODES
    monkeypatch.chdir(tmp_path)
    command = node_command(1, "stages.sft", ["--out", "a b"])
    assert command.startswith(f"cd {tmp_path} && {NODE_RANK}=1 ")
    assert command.endswith("-m stages.sft --out 'a b'")
    assert node_rank(nodes) == 0
    monkeypatch.setenv(NODE_RANK, "1")
    assert node_rank(nodes) == 1
    monkeypatch.setenv(NODE_RANK, "2")
    with pytest.raises(UserError, match="NUMINA_NODE_RANK: '2' is not that of one of 2 nodes"):
        node_rank(nodes)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("rank", 1, "rank 1 is not that of one of 0 hosts"),
        ("hosts", ["a", "a"], "hosts repeat"),
        ("start", "ssh {host}", "start has no {command}"),
    ],
)
def test_nodes_that_cannot_be_are_refused(key, value, reason):
    with pytest.raises(UserError, match=reason):
        changed_params({f"hardware.nodes.{key}": value})


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """A cache in which nothing is built, and a build that takes no time."""
    monkeypatch.setattr(
        ext,
        "BUILD",
        "import os; d = os.environ['TORCH_EXTENSIONS_DIR'];"
        f"os.makedirs(d + '/{ext.NAME}'); open(d + '/{ext.NAME}/made', 'w').close()",
    )
    return tmp_path / "cache"


def test_it_is_built_once_and_a_lock_left_by_a_kill_is_removed(cache):
    with ext.extension(str(cache), False) as environment:
        folder = Path(environment["TORCH_EXTENSIONS_DIR"])
        assert folder.is_relative_to(cache)
        assert environment["DS_ACCELERATOR"] == "cpu"
    made = folder / ext.NAME / "made"
    first = made.stat().st_mtime_ns
    (folder / ext.NAME / "lock").touch()
    with ext.extension(str(cache), False):
        assert made.stat().st_mtime_ns == first
        assert not (folder / ext.NAME / "lock").exists()


def test_a_lock_is_left_to_those_who_are_using_it(cache):
    with ext.extension(str(cache), False) as environment:
        folder = Path(environment["TORCH_EXTENSIONS_DIR"])
        (folder / ext.NAME / "lock").touch()
        with ext.extension(str(cache), False):
            assert (folder / ext.NAME / "lock").exists()


def test_a_half_built_one_is_built_anew(cache):
    with ext.extension(str(cache), False) as environment:
        folder = Path(environment["TORCH_EXTENSIONS_DIR"])
    (folder / "built").unlink()
    (folder / ext.NAME / "lock").touch()
    with ext.extension(str(cache), False):
        assert not (folder / ext.NAME / "lock").exists()


@pytest.mark.parametrize(
    ("build", "limit_s", "reason"),
    [
        ("import time; time.sleep(60)", 1, "not compiled within 1 s"),
        ("raise SystemExit('no such header')", 60, "cannot be compiled:\nno such header"),
    ],
)
def test_a_build_that_hangs_or_fails_is_said_and_leaves_nothing(
    cache, monkeypatch, build, limit_s, reason
):
    monkeypatch.setattr(ext, "BUILD", build)
    monkeypatch.setattr(ext, "BUILD_S", limit_s)
    with pytest.raises(UserError, match=reason), ext.extension(str(cache), False):
        pass
    assert not list(cache.glob(f"extensions/*/{ext.NAME}"))
    # Nor is anything held: the next one can try at once.
    (users,) = cache.glob("extensions/*/in use")
    with users.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_missing_compiler_is_named(cache, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with (
        pytest.raises(UserError, match="needs a C\\+\\+ compiler"),
        ext.extension(str(cache), False),
    ):
        pass


def test_cards_need_nothing_compiled(cache):
    with ext.extension(str(cache), True) as environment:
        assert environment == {}
    assert not cache.exists()
