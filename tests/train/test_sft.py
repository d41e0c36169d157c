"""Fine-tuning with the real TRL trainer on a model of 60k parameters."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from numina.errors import UserError
from numina.records.problem import Problem
from numina.rows import write_rows
from numina.settings.training import Sft
from numina.template import TEMPLATES
from numina.train.checkpoints import last_whole_checkpoint
from numina.train.sft import fine_tune
from numina.train.tokens import Counts
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


def train(model: Path, out: Path, params: Sft = PARAMS, rows: Sequence[Problem] = ROWS) -> Counts:
    """Train to a folder, with the rows and the loss curve beside it."""
    data, curve = data_of(out, rows), out.with_suffix(".loss.csv")
    return fine_tune(model, data, out, params, HARDWARE, TEMPLATES["boundary"], curve)


def data_of(out: Path, rows: Sequence[Problem] = ROWS) -> Path:
    """The file of rows that an out is trained on."""
    write_rows(out.with_suffix(".jsonl"), rows)
    return out.with_suffix(".jsonl")


def column(out: Path, name: str) -> list[float]:
    with out.with_suffix(".loss.csv").open() as rows:
        return [float(row[name]) for row in csv.DictReader(rows)]


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("packing", ["best_fit", "wrapped", "none"])
def test_every_parameter_moves_and_the_loss_falls(model_folder, tmp_path, packing):
    from transformers import AutoModelForCausalLM

    params = PARAMS.model_copy(update={"packing": packing})
    counts = train(model_folder, tmp_path / "out", params)
    assert (counts.rows, counts.trained, counts.too_long) == (24, 24, 0)
    before = dict(AutoModelForCausalLM.from_pretrained(model_folder).named_parameters())
    after = dict(AutoModelForCausalLM.from_pretrained(tmp_path / "out").named_parameters())
    assert before.keys() == after.keys()
    assert [name for name in before if before[name].equal(after[name])] == []
    curve = column(tmp_path / "out", "loss")
    assert curve[-1] < curve[0]
    assert column(tmp_path / "out", "tokens")[-1] >= counts.tokens
    assert (tmp_path / "out" / "tokenizer.json").exists()
    assert not (tmp_path / "out" / "loss.csv").exists()


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
        train(model_folder, tmp_path / name)
    a, b = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("a", "b"))
    assert a == b


def test_rows_that_are_all_too_long_are_refused(model_folder, tmp_path):
    params = PARAMS.model_copy(update={"max_length": 16})
    with pytest.raises(UserError, match="max_length: every sample is longer than"):
        train(model_folder, tmp_path / "out", params)
    assert not (tmp_path / "out").exists()


def test_a_killed_run_resumes_to_the_same_loss(model_folder, tmp_path):
    rows = tmp_path / "rows.jsonl"
    write_rows(rows, ROWS)
    params = PARAMS.model_copy(update={"epochs": 30})
    hardware = HARDWARE.model_copy(update={"checkpoint_steps": 1})
    program = (
        "import sys; from pathlib import Path;"
        "from numina.settings.hardware import Hardware; from numina.settings.training import Sft;"
        "from numina.template import TEMPLATES;"
        "from numina.train.sft import fine_tune;"
        f"fine_tune(Path({str(model_folder)!r}), Path({str(rows)!r}),"
        f"Path(sys.argv[1]), Sft.model_validate_json({params.model_dump_json()!r}),"
        f"Hardware.model_validate_json({hardware.model_dump_json()!r}), TEMPLATES['boundary'],"
        "Path(sys.argv[1]).with_suffix('.loss.csv'))"
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
    deadline = time.monotonic() + 300
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
    for file in ("killed.loss.csv", "killed/model.safetensors"):
        whole = tmp_path / file.replace("killed", "whole")
        assert (tmp_path / file).read_bytes() == whole.read_bytes()
    tokens = column(tmp_path / "whole", "tokens")
    assert tokens == sorted(tokens)
    assert not list(checkpoints.glob("*/checkpoint-*")), "checkpoints go on success"


def test_samples_that_are_not_packed_go_through_the_model_one_by_one(
    model_folder, tmp_path, monkeypatch
):
    from transformers import LlamaModel

    seen = []
    forward = LlamaModel.forward

    def counted(self, *args, **given):
        seen.append(tuple(given["input_ids"].shape))
        return forward(self, *args, **given)

    monkeypatch.setattr(LlamaModel, "forward", counted)
    params = PARAMS.model_copy(update={"packing": "none", "epochs": 1, "batch_size": 8})
    train(model_folder, tmp_path / "out", params)
    assert len(column(tmp_path / "out", "loss")) == 3
    assert len(seen) == 24
    assert {rows for rows, _ in seen} == {1}


def test_rows_that_are_too_long_are_counted(model_folder, tmp_path):
    long = Problem("long", "What?", "1", "t", "We add. " * 99 + "\\boxed{1}.")
    counts = train(model_folder, tmp_path / "out", rows=[*ROWS, long])
    assert (counts.rows, counts.trained, counts.too_long) == (25, 24, 1)


def test_a_row_with_nothing_to_learn_is_named(model_folder, tmp_path):
    row = Problem("empty", "What?", "1", "t", " ")
    with pytest.raises(UserError, match="row 'empty': all tokens are masked"):
        train(model_folder, tmp_path / "out", rows=[*ROWS, row])
    assert not (tmp_path / "out").exists()


def with_weight(model: Path, out: Path, value: float) -> Path:
    from safetensors.torch import load_file, save_file

    shutil.copytree(model, out)
    tensors = load_file(out / "model.safetensors")
    tensors["model.norm.weight"][0] = value
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    return out


def test_a_loss_that_is_not_a_number_ends_the_run_at_its_step(model_folder, tmp_path):
    broken = with_weight(model_folder, tmp_path / "broken", float("nan"))
    with pytest.raises(UserError, match=r"failed at step 1: the loss is nan") as error:
        train(broken, tmp_path / "out")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.loss.csv").exists()


def test_the_last_good_checkpoint_outlives_a_loss_that_is_not_a_number(
    model_folder, tmp_path, monkeypatch
):
    from transformers import LlamaModel

    forward = LlamaModel.forward
    calls = []

    def failing(self, *args, **given):
        calls.append(1)
        result = forward(self, *args, **given)
        if len(calls) > 6:  # two forward passes a step: the fourth step
            result.last_hidden_state = result.last_hidden_state * float("nan")
        return result

    monkeypatch.setattr(LlamaModel, "forward", failing)
    params = PARAMS.model_copy(update={"packing": "none"})
    hardware = HARDWARE.model_copy(update={"checkpoint_steps": 1})
    curve = tmp_path / "out.loss.csv"
    with pytest.raises(UserError, match="failed at step 4: the loss is nan"):
        fine_tune(
            model_folder,
            data_of(tmp_path / "out"),
            tmp_path / "out",
            params,
            hardware,
            TEMPLATES["boundary"],
            curve,
        )
    (run,) = (tmp_path / "cache" / "numina" / "checkpoints").iterdir()
    assert last_whole_checkpoint(run) == str(run / "checkpoint-3")


def test_a_tokenizer_without_an_end_token_is_one_line(model_folder, tmp_path):
    endless = tmp_path / "endless"
    shutil.copytree(model_folder, endless)
    config = json.loads((endless / "tokenizer_config.json").read_text())
    del config["eos_token"]
    (endless / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=f"{endless}: has no end token"):
        train(endless, tmp_path / "out")


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_broken_model_folder_is_one_line(model_folder, tmp_path, name):
    broken = tmp_path / "broken"
    shutil.copytree(model_folder, broken)
    cut_short(broken / name)
    with pytest.raises(UserError, match=str(broken)) as error:
        train(broken, tmp_path / "out")
    assert "\n" not in str(error.value)


@pytest.fixture
def two_checkpoints(model_folder, tmp_path) -> Path:
    """A folder with two whole checkpoints, as the trainer writes them."""
    from transformers import LlamaForCausalLM

    for step in (10, 20):
        folder = tmp_path / "run" / f"checkpoint-{step}"
        LlamaForCausalLM.from_pretrained(model_folder).save_pretrained(folder)
        import torch

        for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth"):
            torch.save({"step": step}, folder / name)
        (folder / "trainer_state.json").write_text("{}")
    return tmp_path / "run"


@pytest.mark.parametrize(
    "name",
    ["model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"],
)
def test_the_checkpoint_before_a_broken_one_is_gone_on_from(two_checkpoints, capsys, name):
    assert last_whole_checkpoint(two_checkpoints) == str(two_checkpoints / "checkpoint-20")
    cut_short(two_checkpoints / "checkpoint-20" / name)
    assert last_whole_checkpoint(two_checkpoints) == str(two_checkpoints / "checkpoint-10")
    assert f"checkpoint-20: {name} is" in capsys.readouterr().err
    assert not (two_checkpoints / "checkpoint-20").exists()


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt"])
def test_a_checkpoint_without_a_file_is_broken(two_checkpoints, name):
    (two_checkpoints / "checkpoint-20" / name).unlink()
    assert last_whole_checkpoint(two_checkpoints) == str(two_checkpoints / "checkpoint-10")


def test_two_runs_do_not_share_a_checkpoint_folder(model_folder, tmp_path):
    from numina.resume import locked
    from numina.train.prepared import run_folder

    data = data_of(tmp_path / "out")
    folder = run_folder(model_folder, data, PARAMS, TEMPLATES["boundary"], "")
    with locked(folder), pytest.raises(UserError, match="another run with the same settings"):
        train(model_folder, tmp_path / "out")
    train(model_folder, tmp_path / "out")


def test_a_cache_that_cannot_be_written_is_named(model_folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(UserError, match=f"{tmp_path / 'file'}/numina/checkpoints/.*cannot be used"):
        train(model_folder, tmp_path / "out")


def test_of_several_cards_one_is_taken_and_named(monkeypatch, capsys):
    import torch

    from numina.train.cards import take_one_card

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,4,5,6,7,0,1,2")
    take_one_card()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"
    assert "8 cards are visible; training uses one of them, 3" in capsys.readouterr().err


def test_weights_keep_their_data_type_and_are_trained_in_float32(model_folder, tmp_path):
    import torch
    from safetensors.torch import load_file
    from transformers import LlamaForCausalLM

    half = tmp_path / "half"
    shutil.copytree(model_folder, half)
    LlamaForCausalLM.from_pretrained(model_folder, dtype=torch.bfloat16).save_pretrained(half)
    params = PARAMS.model_copy(update={"learning_rate": 1e-4})
    train(half, tmp_path / "out", params)
    before, after = (load_file(folder / "model.safetensors") for folder in (half, tmp_path / "out"))
    assert {weight.dtype for weight in after.values()} == {torch.bfloat16}
    moved = sum(int((before[name] != after[name]).sum()) for name in before)
    assert moved > 0
