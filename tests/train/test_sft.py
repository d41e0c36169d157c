"""Fine-tuning with the real TRL trainer on a model of 60k parameters."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from numina.errors import UserError
from numina.records.problem import Problem
from numina.rows import write_rows
from numina.template import TEMPLATES
from numina.train.sft import fine_tune
from tests.conftest import changed_params

ROOT = Path(__file__).resolve().parents[2]
CHANGES = {"epochs": 2, "learning_rate": 0.01, "batch_size": 2, "max_length": 128}
WHOLE = changed_params(
    {
        **{f"sft_cot.{knob}": value for knob, value in CHANGES.items()},
        "hardware.checkpoint_steps": 0,
    }
)
PARAMS, HARDWARE = WHOLE.sft_cot, WHOLE.hardware
ROWS = [
    Problem(str(i), f"What is ${i}+1$?", str(i + 1), "t", f"It is $\\boxed{{{i + 1}}}$.")
    for i in range(24)
]


def losses(out: Path) -> list[float]:
    with (out / "loss.csv").open() as rows:
        return [float(row["loss"]) for row in csv.DictReader(rows)]


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("packing", [True, False])
def test_every_parameter_moves_and_the_loss_falls(model_folder, tmp_path, packing):
    from transformers import AutoModelForCausalLM

    params = PARAMS.model_copy(update={"packing": packing})
    fine_tune(model_folder, ROWS, tmp_path / "out", params, HARDWARE, TEMPLATES["boundary"])
    before = dict(AutoModelForCausalLM.from_pretrained(model_folder).named_parameters())
    after = dict(AutoModelForCausalLM.from_pretrained(tmp_path / "out").named_parameters())
    assert before.keys() == after.keys()
    assert [name for name in before if before[name].equal(after[name])] == []
    curve = losses(tmp_path / "out")
    assert curve[-1] < curve[0]
    assert (tmp_path / "out" / "tokenizer.json").exists()


def test_packed_samples_do_not_see_each_other(model_folder):
    import torch
    from transformers import AutoModelForCausalLM

    network = AutoModelForCausalLM.from_pretrained(model_folder, use_cache=False).eval()
    first, other, second = ([3, 4, 5, 6], [9, 8, 7, 6], [10, 11, 12])
    positions = torch.tensor([[0, 1, 2, 3, 0, 1, 2]])

    def logits(ids):
        return network(input_ids=torch.tensor([ids]), position_ids=positions).logits[0, 4:]

    with torch.inference_mode():
        assert torch.equal(logits(first + second), logits(other + second))
        alone = network(input_ids=torch.tensor([second])).logits[0]
        assert torch.allclose(logits(first + second), alone, atol=1e-5)


def test_the_same_seed_gives_the_same_weights(model_folder, tmp_path):
    for name in ("a", "b"):
        fine_tune(model_folder, ROWS, tmp_path / name, PARAMS, HARDWARE, TEMPLATES["boundary"])
    a, b = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("a", "b"))
    assert a == b


def test_rows_that_are_all_too_long_are_refused(model_folder, tmp_path):
    params = PARAMS.model_copy(update={"max_length": 16})
    with pytest.raises(UserError, match="max_length: 16"):
        fine_tune(model_folder, ROWS, tmp_path / "out", params, HARDWARE, TEMPLATES["boundary"])
    assert not (tmp_path / "out").exists()


def test_a_killed_run_resumes_to_the_same_loss(model_folder, tmp_path):
    rows = tmp_path / "rows.jsonl"
    write_rows(rows, ROWS)
    params = PARAMS.model_copy(update={"epochs": 30})
    hardware = HARDWARE.model_copy(update={"checkpoint_steps": 1})
    program = (
        "import sys; from pathlib import Path; from numina.rows import read_problems;"
        "from numina.settings.hardware import Hardware; from numina.settings.training import Sft;"
        "from numina.template import TEMPLATES;"
        "from numina.train.sft import fine_tune;"
        f"fine_tune(Path({str(model_folder)!r}), read_problems(Path({str(rows)!r})),"
        f"Path(sys.argv[1]), Sft.model_validate_json({params.model_dump_json()!r}),"
        f"Hardware.model_validate_json({hardware.model_dump_json()!r}), TEMPLATES['boundary'])"
    )

    def start(out: str, cache: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / out)],
            cwd=ROOT,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / cache)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    killed = start("killed", "cache-killed")
    checkpoints = tmp_path / "cache-killed" / "numina" / "checkpoints"
    deadline = time.monotonic() + 120
    while not list(checkpoints.glob("*/checkpoint-*/trainer_state.json")):
        assert time.monotonic() < deadline
        assert killed.poll() is None, "it ended before it could be killed"
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "killed").exists()
    # The kill may also fall inside the writing of a checkpoint; make sure that this is met.
    (run,) = checkpoints.iterdir()
    (run / "checkpoint-998").mkdir()
    (run / "checkpoint-999").mkdir()
    (run / "checkpoint-999" / "trainer_state.json").write_text('{"epoch": 1')
    assert start("killed", "cache-killed").wait() == 0
    assert start("whole", "cache-whole").wait() == 0
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    assert not list(checkpoints.glob("*/checkpoint-*")), "checkpoints go on success"
