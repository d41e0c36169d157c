"""Padding, wrapped blocks and ours: real tokens, and tokens a second of a training step.

One model trains on the same rows in each way, in turns. `padding` is TRL's default: a batch of
samples, drawn at random, padded to the longest; it holds as many samples as a block of ours does.
`wrapped` is the winners' way: samples one after another, cut into blocks, so that neighbours see
each other. `ours` has whole samples that see none (`packing: best_fit`).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from numina.bench.small_model import small_model
from numina.machine import machine
from numina.models.folder import check_model_folder
from numina.models.loading import load_whole, readable
from numina.progress import progress_bar
from numina.rows import read_problems, write_rows
from numina.settings.params import Params
from numina.sources.catalog import training_problems
from numina.template import training_template
from numina.train.cards import computes_in_bf16
from numina.train.prepared import Prepared, prepare
from numina.train.tokens import batches

DRAWS = 16  # of a family, where no rows are given
PACKINGS = {"padding": "none", "wrapped": "wrapped", "ours": "best_fit"}
TURNS = 3


@dataclass
class Way:
    """One way of putting rows together.

    Attributes:
        passes: what goes through the model at once, each the blocks of one forward pass.
        collate: makes tensors of them.
        places: of all passes, padding and what a block lacks included.
        tokens: of all passes.
        trained: tokens of the measured steps.
        seconds: that they took.
    """

    passes: list[list[dict[str, Any]]]
    collate: Any
    places: int
    tokens: int
    trained: int = 0
    seconds: float = 0.0


def bench(params: Params, model: Path | None, rows: Path | None, steps: int) -> dict[str, Any]:
    """Train a few steps in each way, in turns.

    Args:
        params: all knobs; `sft_cot`, `template` and `hardware` are used.
        model: a folder that transformers loads; None for a small one, with random weights.
        rows: a JSONL file of solved problems; None for problems of the embedded families.
        steps: optimiser steps of each way and turn, on `batch_size` blocks.

    Raises:
        UserError: a file is wrong.
    """
    if model:
        check_model_folder(model)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if rows is None:
            rows = folder / "rows.jsonl"
            write_rows(rows, [problem for problem, _ in training_problems(1, DRAWS)])
        size = params.sft_cot.max_length
        model = model or small_model(folder / "model", read_problems(rows), size)
        with readable(str(model)):
            from transformers import AutoTokenizer

            tokenizer = AutoTokenizer.from_pretrained(model)
        data = {way: prepared(folder, way, rows, tokenizer, params) for way in PACKINGS}
        ways = ways_of(data, tokenizer, params)
        with readable(str(model)):
            trainee = Trainee(load_whole(str(model), use_cache=False, dtype="float32"))
        with progress_bar(TURNS * steps * len(ways), "steps") as bar:
            for way in ways.values():  # once, not measured
                trainee.step(way, way.passes[:1])
            for turn in range(TURNS * steps):
                for way in ways.values():
                    measure(trainee, way, turn, params.sft_cot.batch_size)
                    bar.update()
    found = {name: summary(way) for name, way in ways.items()}
    return {
        **found,
        "ratios": {
            f"tokens_per_s_over_{name}": round(
                found["ours"]["tokens_per_s"] / found[name]["tokens_per_s"], 2
            )
            for name in ("padding", "wrapped")
        },
        "work": {
            "rows": data["ours"].counts.trained,
            "tokens": data["ours"].counts.tokens,
            "block": size,
            "steps": TURNS * steps,
        },
        "machine": machine(),
    }


def prepared(folder: Path, way: str, rows: Path, tokenizer: Any, params: Params) -> Prepared:
    """The blocks of a way."""
    knobs = params.sft_cot.model_copy(update={"packing": PACKINGS[way], "held_out": 0})
    run = folder / way
    run.mkdir()
    how = training_template(params.template.name)
    return prepare(run, rows, tokenizer, how, knobs, params.hardware)


def ways_of(data: dict[str, Prepared], tokenizer: Any, params: Params) -> dict[str, Way]:
    """The forward passes of each way, in a random order."""
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    ours = data["ours"]
    at_once = {"padding": max(1, round(ours.counts.trained / len(ours.blocks)))}
    size, filler = params.sft_cot.max_length, tokenizer.pad_token_id or tokenizer.eos_token_id
    ways = {}
    for name, found in data.items():
        rows = list(found.blocks)
        Random(params.sft_cot.seed).shuffle(rows)
        passes = list(batches(rows, at_once.get(name, 1)))
        longest = [max(len(row["input_ids"]) for row in one) for one in passes]
        places = sum(len(one) * most for one, most in zip(passes, longest, strict=True))
        ways[name] = Way(
            passes=passes,
            collate=DataCollatorForLanguageModeling(filler, padding_free=name == "ours"),
            places=places if name == "padding" else size * len(passes),
            tokens=sum(len(row["input_ids"]) for row in rows),
        )
    return ways


def measure(trainee: Trainee, way: Way, turn: int, passes: int) -> None:
    """Time an optimiser step of a way."""
    chosen = [way.passes[(turn * passes + at) % len(way.passes)] for at in range(passes)]
    began = time.monotonic()
    trainee.step(way, chosen)
    way.seconds += time.monotonic() - began
    way.trained += sum(len(row["input_ids"]) for one in chosen for row in one)


class Trainee:
    """A model and its optimiser."""

    def __init__(self, network: Any) -> None:
        import torch

        self.place = "cuda" if torch.cuda.is_available() else "cpu"
        self.network = network.to(self.place).train()
        self.optimizer = torch.optim.AdamW(network.parameters(), lr=1e-6)

    def step(self, way: Way, passes: Sequence[list[dict[str, Any]]]) -> None:
        """Forward and backward passes, and an update of the weights."""
        import torch

        for blocks in passes:
            batch = {
                name: value.to(self.place) if torch.is_tensor(value) else value
                for name, value in way.collate(blocks).items()
            }
            computed = (
                torch.autocast("cuda", torch.bfloat16) if computes_in_bf16() else nullcontext()
            )
            with computed:
                loss = self.network(**batch).loss
            (loss / len(passes)).backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.place == "cuda":
            torch.cuda.synchronize()


def summary(way: Way) -> dict[str, float]:
    """The figures of a way."""
    return {
        "real_tokens_percent": round(100 * way.tokens / way.places, 1),
        "tokens_per_s": round(way.trained / way.seconds, 1),
        "tokens_a_pass": round(way.tokens / len(way.passes)),
    }
