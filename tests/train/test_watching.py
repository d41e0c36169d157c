"""What a person sees of a training while it runs, and that seeing it changes nothing."""

import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from numina.errors import UserError
from numina.monitor.trackers import check_trackers
from numina.records.problem import Problem
from numina.rows import write_rows
from numina.template import IGNORED, TEMPLATES, encode
from numina.train.held_out import places
from numina.train.sft import fine_tune
from numina.train.tokens import Counts
from tests.conftest import changed_params

ROWS = [
    Problem(str(i), f"What is ${i}+1$?", str(i + 1), "t", f"It is $\\boxed{{{i + 1}}}$.")
    for i in range(24)
]
KNOBS = {
    "sft_cot.epochs": 2,
    "sft_cot.learning_rate": 0.01,
    "sft_cot.batch_size": 2,
    "sft_tir.batch_size": 2,
    "sft_cot.max_length": 128,
    "hardware.checkpoint_steps": 0,
}


def held_out(count: int, seed: int) -> tuple[list[Problem], list[Problem]]:
    """The rows to train on, and those held out."""
    chosen = places(len(ROWS), count, seed)
    return (
        [row for at, row in enumerate(ROWS) if at not in chosen],
        [row for at, row in enumerate(ROWS) if at in chosen],
    )


SPLIT = held_out(5, 42)


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def train(
    model: Path, out: Path, rows: Sequence[Problem] = ROWS, watched: bool = False, **knobs: Any
) -> Counts:
    """Train to a folder, the loss curve beside it; what is watched goes to `live` beside it.

    Args:
        knobs: `sft_cot__held_out=5` and the like.
    """
    changes = {name.replace("__", "."): value for name, value in knobs.items()}
    params = changed_params(KNOBS | changes)
    data = out.with_suffix(".jsonl")
    write_rows(data, rows)
    return fine_tune(
        *(model, data, out, params.sft_cot, params.hardware, TEMPLATES["boundary"]),
        out.with_suffix(".loss.csv"),
        live=out.parent / "live" if watched else None,
    )


def table(file: Path) -> list[dict[str, str]]:
    with file.open() as rows:
        return list(csv.DictReader(rows))


def weights(out: Path) -> bytes:
    return (out / "model.safetensors").read_bytes()


@pytest.mark.parametrize(("count", "kept"), [(0, 24), (1, 23), (23, 1)])
def test_a_split_is_whole_and_by_its_seed(count, kept):
    learnt, held = held_out(count, 42)
    assert (len(learnt), len(held)) == (kept, count)
    assert sorted([*learnt, *held], key=ROWS.index) == ROWS
    assert [*learnt] == sorted(learnt, key=ROWS.index)
    assert held_out(count, 42) == (learnt, held)


def test_another_seed_holds_out_other_rows():
    assert held_out(5, 1) != held_out(5, 2)


@pytest.mark.parametrize("count", [24, 25, 10**9])
def test_a_split_that_leaves_nothing_to_train_on_is_refused(model_folder, tmp_path, count):
    with pytest.raises(UserError, match=f"held_out: {count} of 24 rows leave none to train on"):
        train(model_folder, tmp_path / "out", sft_cot__held_out=count)
    assert not (tmp_path / "out").exists()


def loss_on(out: Path, rows: Sequence[Problem]) -> float:
    """Nats a token that is learnt, over the rows one by one."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    network = AutoModelForCausalLM.from_pretrained(out).eval()
    tokenizer = AutoTokenizer.from_pretrained(out)
    total, tokens = 0.0, 0
    for row in rows:
        encoded = encode(tokenizer, TEMPLATES["boundary"], row.problem, row.solution)
        labels = torch.tensor(encoded["labels"])[1:]
        with torch.no_grad():
            logits = network(torch.tensor([encoded["input_ids"]])).logits[0, :-1]
        total += torch.nn.functional.cross_entropy(
            logits, labels, ignore_index=IGNORED, reduction="sum"
        ).item()
        tokens += int((labels != IGNORED).sum())
    return total / tokens


@pytest.mark.parametrize(("packing", "micro_batch"), [("best_fit", 2), ("none", 1)])
def test_the_loss_on_rows_that_were_not_trained_on(model_folder, tmp_path, packing, micro_batch):
    rest, held = SPLIT
    options = {"sft_cot__packing": packing, "hardware__micro_batch": micro_batch}
    counts = train(model_folder, tmp_path / "out", sft_cot__held_out=5, **options)
    assert (counts.rows, counts.trained, counts.held_out) == (24, 19, 5)
    train(model_folder, tmp_path / "rest", rows=rest, **options)
    assert weights(tmp_path / "out") == weights(tmp_path / "rest")
    rows = table(tmp_path / "out.loss.csv")
    without = [{key: row[key] for key in row if key != "held_out_loss"} for row in rows]
    assert without == table(tmp_path / "rest.loss.csv")
    half = len(rows) // 2 - 1  # two epochs: their last steps
    found = {at: row["held_out_loss"] for at, row in enumerate(rows) if row["held_out_loss"]}
    assert list(found) == [half, len(rows) - 1]
    assert float(rows[half]["epoch"]) == 1.0
    assert float(found[len(rows) - 1]) == pytest.approx(loss_on(tmp_path / "out", held), abs=2e-5)


def test_half_an_epoch_ends_with_an_evaluation(model_folder, tmp_path):
    train(model_folder, tmp_path / "out", sft_cot__held_out=5, sft_cot__epochs=1.5)
    rows = table(tmp_path / "out.loss.csv")
    assert next(row["epoch"] for row in rows if row["held_out_loss"]) == "1.0"
    assert rows[-1]["held_out_loss"]


def test_a_run_that_is_stopped_in_an_evaluation_continues_to_the_same_curve(
    model_folder, tmp_path, monkeypatch
):
    from numina.train import trainer

    options: dict[str, Any] = {"sft_cot__held_out": 5, "hardware__checkpoint_steps": 1}
    train(model_folder, tmp_path / "whole", **options)
    evaluate = trainer.Trainer.evaluate
    calls = []

    def stopped(self, *args, **given):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return evaluate(self, *args, **given)

    monkeypatch.setattr(trainer.Trainer, "evaluate", stopped)
    with pytest.raises(KeyboardInterrupt):
        train(model_folder, tmp_path / "stopped", **options)
    train(model_folder, tmp_path / "stopped", **options)
    assert len(calls) == 3  # the first epoch's is in the checkpoint
    assert weights(tmp_path / "stopped") == weights(tmp_path / "whole")
    curves = [(tmp_path / f"{name}.loss.csv").read_bytes() for name in ("stopped", "whole")]
    assert curves[0] == curves[1]


def test_what_is_watched_is_written_and_changes_nothing(model_folder, tmp_path, capsys):
    train(model_folder, tmp_path / "alone", sft_cot__held_out=5)
    capsys.readouterr()
    train(model_folder, tmp_path / "out", watched=True, sft_cot__held_out=5, hardware__samples=2)
    for file in ("model.safetensors", "config.json"):
        alone, out = ((tmp_path / name / file).read_bytes() for name in ("alone", "out"))
        assert alone == out
    curves = [(tmp_path / f"{name}.loss.csv").read_bytes() for name in ("alone", "out")]
    assert curves[0] == curves[1]
    shown = capsys.readouterr().err
    assert "19 of 24 rows, 5 held out, " in shown
    assert "sdpa attention, adamw_torch_fused, float32" in shown
    assert shown.count("on held-out rows") == 2
    assert "tokens/s" in shown

    live = table(tmp_path / "live/out.live.csv")
    losses = table(tmp_path / "out.loss.csv")
    assert [row["step"] for row in live] == [row["step"] for row in losses]
    for row, line in zip(live, losses, strict=True):
        assert round(float(row["loss"]), 5) == float(line["loss"])
        assert row["tokens"] == line["tokens"]
        assert bool(row["held_out_loss"]) == bool(line["held_out_loss"])
        for name in ("grad_norm", "tokens_per_s", "memory_gb"):
            assert math.isfinite(float(row[name]))
            assert float(row[name]) > 0

    lines = (tmp_path / "live/out.samples.jsonl").read_text().splitlines()
    samples = [json.loads(line) for line in lines]
    asked = [row.id for row in SPLIT[1][:2]]
    assert [(row["epoch"], row["id"]) for row in samples] == [(e, i) for e in (1, 2) for i in asked]
    assert samples[-1]["step"] == int(losses[-1]["step"])
    assert samples[-1]["completion"] == greedy(tmp_path / "out", SPLIT[1][1].problem)


def greedy(out: Path, problem: str) -> str:
    """What a trained model writes, by transformers as it is."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    network = AutoModelForCausalLM.from_pretrained(out)
    tokenizer = AutoTokenizer.from_pretrained(out)
    asked = tokenizer(TEMPLATES["boundary"].render(problem), return_tensors="pt")
    start = asked["input_ids"].shape[1]
    whole = network.generate(**asked, do_sample=False, max_new_tokens=128 - start)[0, start:]
    return tokenizer.decode(whole, skip_special_tokens=True)


def test_the_live_files_of_a_stopped_run_go_on(model_folder, tmp_path, monkeypatch):
    from numina.train import watch

    options: dict[str, Any] = {"hardware__checkpoint_steps": 2, "hardware__samples": 1}
    on_log = watch.Watch.on_log
    monkeypatch.setattr("numina.monitor.curve.WRITE_S", 0)

    def stopped(self, args, state, control, **given):
        on_log(self, args, state, control, **given)
        if state.global_step == 5:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(watch.Watch, "on_log", stopped)
        with pytest.raises(KeyboardInterrupt):
            train(model_folder, tmp_path / "out", watched=True, **options)
    assert [row["step"] for row in table(tmp_path / "live/out.live.csv")] == list("1234")
    train(model_folder, tmp_path / "out", watched=True, **options)
    live = table(tmp_path / "live/out.live.csv")
    losses = table(tmp_path / "out.loss.csv")
    assert [row["step"] for row in live] == [row["step"] for row in losses]
    assert all(0 < float(row["tokens_per_s"]) < 1e6 for row in live)
    lines = (tmp_path / "live/out.samples.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]


@pytest.mark.parametrize(
    ("knob", "value", "reason"),
    [
        ("sft_cot.optimizer", "adam", "sft_cot.optimizer: .*adamw_torch_fused.*got 'adam'"),
        ("sft_tir.optimizer", "adafactor", "sft_tir.optimizer: .*got 'adafactor'"),
        ("sft_cot.schedule", "cosin", "sft_cot.schedule: .*cosine.*got 'cosin'"),
        ("sft_cot.schedule", "reduce_lr_on_plateau", "sft_cot.schedule"),
        ("sft_cot.weight_decay", -0.1, "sft_cot.weight_decay"),
        ("sft_cot.weight_decay", 1, "sft_cot.weight_decay"),
        ("sft_cot.max_grad_norm", -1, "sft_cot.max_grad_norm"),
        ("sft_cot.max_grad_norm", "nan", "sft_cot.max_grad_norm"),
        ("sft_cot.held_out", -1, "sft_cot.held_out"),
        ("sft_cot.held_out", 0.1, "sft_cot.held_out"),
        ("hardware.samples", 65, "hardware.samples"),
        ("hardware.trackers", ["mlflow"], "hardware.trackers.*tensorboard.*got 'mlflow'"),
        ("hardware.trackers", "wandb", "hardware.trackers"),
    ],
)
def test_knobs_that_cannot_be_are_refused_with_their_value(knob, value, reason):
    with pytest.raises(UserError, match=reason):
        changed_params({knob: value})


@pytest.mark.parametrize(
    ("optimizer", "schedule", "rates"),
    [
        ("adamw_torch", "linear", lambda found: found[2] > found[-1] > 0),
        ("sgd", "constant", lambda found: found == [1e-3] * len(found)),
        ("rmsprop", "constant_with_warmup", lambda found: found[0] < found[-1] == 1e-3),
        ("adagrad", "polynomial", lambda found: found[2] > found[-1] > 0),
        ("adamw_torch_fused", "inverse_sqrt", lambda found: found[2] > found[-1] > 2e-4),
    ],
)
def test_every_optimiser_and_schedule_trains(model_folder, tmp_path, optimizer, schedule, rates):
    train(
        model_folder,
        tmp_path / "out",
        sft_cot__learning_rate=1e-3,
        sft_cot__epochs=4,
        sft_cot__optimizer=optimizer,
        sft_cot__schedule=schedule,
    )
    assert weights(tmp_path / "out") != weights(model_folder)
    rows = table(tmp_path / "out.loss.csv")
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert rates([float(row["learning_rate"]) for row in rows]), rows


@pytest.mark.parametrize(("knob", "value"), [("weight_decay", 0.5), ("max_grad_norm", 0.1)])
def test_decay_and_clipping_reach_the_optimiser(model_folder, tmp_path, knob, value):
    train(model_folder, tmp_path / "usual", sft_cot__optimizer="sgd")
    train(model_folder, tmp_path / "out", sft_cot__optimizer="sgd", **{f"sft_cot__{knob}": value})
    assert weights(tmp_path / "out") != weights(tmp_path / "usual")


def test_checkpointing_of_gradients_is_not_reentrant_and_changes_nothing(
    model_folder, tmp_path, monkeypatch
):
    import torch.utils.checkpoint

    train(model_folder, tmp_path / "usual")
    checkpoint = torch.utils.checkpoint.checkpoint
    reentrant = []

    def counted(*args, **given):
        reentrant.append(given["use_reentrant"])
        return checkpoint(*args, **given)

    monkeypatch.setattr(torch.utils.checkpoint, "checkpoint", counted)
    monkeypatch.setattr("transformers.modeling_utils.checkpoint", counted)
    train(model_folder, tmp_path / "out", hardware__gradient_checkpointing=True)
    assert set(reentrant) == {False}
    assert weights(tmp_path / "out") == weights(tmp_path / "usual")


@pytest.mark.parametrize(
    ("packing", "bf16", "installed", "expected"),
    [
        (True, True, True, "flash_attention_2"),
        (False, True, True, None),
        (True, False, True, None),
        (True, True, False, None),
    ],
)
def test_the_attention_kernel_is_what_there_is(monkeypatch, packing, bf16, installed, expected):
    from transformers.utils import import_utils

    from numina.train import cards

    monkeypatch.setattr(cards, "computes_in_bf16", lambda: bf16)
    monkeypatch.setattr(import_utils, "is_flash_attn_2_available", lambda: installed)
    assert cards.attention_kernel(packing) == expected


def test_a_tracker_that_is_not_installed_is_one_line_before_anything_is_loaded(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("numina.monitor.trackers.find_spec", lambda name: None)
    reason = r"^hardware\.trackers: wandb is not installed; pip install wandb, or leave it out$"
    with pytest.raises(UserError, match=reason):
        train(tmp_path / "no model", tmp_path / "out", hardware__trackers=["wandb"])
    check_trackers([])


def test_tensorboard_gets_the_figures(model_folder, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", "")
    monkeypatch.delenv("TENSORBOARD_LOGGING_DIR")
    train(
        model_folder,
        tmp_path / "out",
        watched=True,
        sft_cot__held_out=5,
        hardware__trackers=["tensorboard"],
    )
    events = EventAccumulator(str(tmp_path / "live/tensorboard/out"))
    events.Reload()
    names = {"loss", "grad_norm", "learning_rate", "tokens_per_s", "memory_gb", "num_tokens"}
    assert {f"train/{name}" for name in names} | {"eval/loss"} <= set(events.Tags()["scalars"])
    rows = table(tmp_path / "out.loss.csv")
    shown = [(event.step, round(event.value, 3)) for event in events.Scalars("train/loss")]
    assert shown == [(int(row["step"]), round(float(row["loss"]), 3)) for row in rows]
    assert len(events.Scalars("eval/loss")) == 2


def test_wandb_gets_the_figures(model_folder, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    train(model_folder, tmp_path / "out", hardware__trackers=["wandb"])
    assert list((tmp_path / "wandb").glob("offline-run-*/run-*.wandb"))


def test_trackio_gets_the_figures(model_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))  # read when it is imported
    pytest.importorskip("trackio")
    train(model_folder, tmp_path / "out", hardware__trackers=["trackio"])
    assert list((tmp_path / "trackio").glob("*.db"))
