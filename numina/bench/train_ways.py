"""One of the trainings that `numina bench train` compares, in this process.

python -m numina.bench.train_ways WAY FOLDER
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoTokenizer, TrainerCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from numina.rows import read_object, read_problems, write_json
from numina.settings.hardware import Hardware
from numina.settings.training import Sft
from numina.template import training_template
from numina.train.cards import computes_in_bf16, take_one_card
from numina.train.configure import configuration, steps_of_epoch
from numina.train.prepared import prepare
from numina.train.sft import make_trainer


class Clock(TrainerCallback):
    """The seconds of each optimiser step, its data loading included."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.ends = [time.monotonic()]

    def on_step_end(self, *_: Any, **__: Any) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.ends.append(time.monotonic())

    def seconds(self) -> list[float]:
        """Of all steps but the first, in which caches and kernels are set up."""
        return [end - begin for begin, end in zip(self.ends[1:], self.ends[2:], strict=False)]


def ours(inputs: dict[str, Any], rows: Path, folder: Path) -> Any:
    """The trainer of the stages, for a number of steps."""
    params = Sft.model_validate({**inputs["params"], "held_out": 0})
    hardware = Hardware.model_validate(inputs["hardware"])
    hardware = hardware.model_copy(update={"checkpoint_steps": 0, "trackers": ()})
    model, template = Path(inputs["model"]), training_template(inputs["template"])
    tokenizer = AutoTokenizer.from_pretrained(model)
    run = folder / "ours"
    run.mkdir()
    data = prepare(run, rows, tokenizer, template, params, hardware)
    epoch = steps_of_epoch(len(data.blocks), params.batch_size)
    # Half a step less, so that the trainer, which rounds up, makes exactly these.
    epochs = (inputs["steps"] - 0.5) / epoch
    params = params.model_copy(update={"epochs": epochs})
    config = configuration(params, hardware, run, epoch, "ours", folder)
    return make_trainer(model, tokenizer, data, config)


def plain(inputs: dict[str, Any], rows: Path, folder: Path, *, packing: bool) -> Any:
    """TRL's quick start: prompts and completions, the defaults, our batch, length and precision."""
    params, template = Sft.model_validate(inputs["params"]), training_template(inputs["template"])
    config = SFTConfig(
        output_dir=str(folder / "plain"),
        max_steps=inputs["steps"],
        seed=params.seed,
        per_device_train_batch_size=params.batch_size,
        learning_rate=params.learning_rate,
        max_length=params.max_length,
        packing=packing,
        bf16=computes_in_bf16(),
        logging_steps=1,
        save_strategy="no",
        report_to="none",
    )
    texts = [
        {"prompt": template.render(row.problem), "completion": row.solution.strip()}
        for row in read_problems(rows)
    ]
    return SFTTrainer(model=inputs["model"], args=config, train_dataset=Dataset.from_list(texts))


def peak_bytes() -> int:
    """The most memory so far: of the card, or else of this process, its libraries included."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    way, folder = sys.argv[1], Path(sys.argv[2])
    take_one_card()
    inputs = read_object(folder / "inputs.json")
    rows = folder / "rows.jsonl"
    if way == "ours":
        trainer = ours(inputs, rows, folder)
    else:
        trainer = plain(inputs, rows, folder, packing=way == "plain_packing")
    clock = Clock()
    trainer.add_callback(clock)
    trainer.train()
    counted = [row["num_tokens"] for row in trainer.state.log_history if "loss" in row]
    seconds, tokens = clock.seconds(), counted[-1] - counted[0]
    figures = {
        "steps": len(counted),
        "step_s": round(statistics.median(seconds), 4),
        "tokens_a_step": round(counted[-1] / len(counted), 1),
        "tokens_per_s": round(tokens / sum(seconds), 1),
        "peak_gb": round(peak_bytes() / 1e9, 3),
    }
    write_json(folder / f"{way}.json", figures)


if __name__ == "__main__":
    main()
