"""Supervised fine-tuning of all weights with TRL, as both stages of the recipe do it.

Labels are prepared here (`numina.template.encode`): the prompt and what programs print carry no
loss, the end token does. Samples are packed into blocks (best fit) whose `position_ids` restart
at each sample, one block a forward pass, without an attention mask and without a key-value cache:
under these conditions no sample sees another (measured exact on the sdpa and eager kernels).
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.progress import training_bar
from numina.records.problem import Problem
from numina.resume import resume_folder
from numina.rows import write_text
from numina.settings.hardware import Hardware
from numina.settings.training import Sft
from numina.template import Template, encode
from numina.terminal import say


def encode_rows(
    tokenizer: Any, template: Template, rows: Sequence[Problem], params: Sft
) -> list[dict[str, list[int]]]:
    """Token ids and labels of each row that fits in `params.max_length`; says what does not.

    Raises:
        UserError: no row fits.
    """
    encoded = [
        encode(
            tokenizer,
            template,
            row.problem,
            row.solution,
            mask_prompt=params.mask_prompt,
            mask_output=params.mask_output,
        )
        for row in rows
    ]
    kept = [row for row in encoded if len(row["input_ids"]) <= params.max_length]
    if len(kept) < len(rows):
        say(f"{len(rows) - len(kept)} of {len(rows)} samples exceed {params.max_length} tokens")
    if not kept:
        raise UserError(f"max_length: {params.max_length} tokens is less than every sample needs")
    return kept


def last_whole_checkpoint(checkpoints: Path) -> str | None:
    """The newest checkpoint that was written to its end; those that a kill cut short are removed.

    The trainer writes a checkpoint's `trainer_state.json` last.
    """
    steps = [(int(path.name.rpartition("-")[2]), path) for path in checkpoints.glob("checkpoint-*")]
    for _, path in sorted(steps, reverse=True):
        try:
            json.loads((path / "trainer_state.json").read_text())
        except (OSError, ValueError):
            shutil.rmtree(path)
        else:
            return str(path)
    return None


def fine_tune(
    model: Path,
    rows: Sequence[Problem],
    out: Path,
    params: Sft,
    hardware: Hardware,
    template: Template,
) -> None:
    """Fine-tune `model` on solved problems and write the result and its loss curve to `out`.

    A killed run goes on from its last checkpoint when it is started again; the checkpoints are
    removed on success. `out/loss.csv` has step, epoch, loss (nats a trained token), learning rate
    and tokens seen.

    Args:
        model: a folder that transformers loads.
        rows: problems with solutions; with tool use, the solutions hold code and output blocks.
        out: the folder to write: weights, tokenizer and loss.csv.
        params: the stage's knobs.
        hardware: how often a checkpoint is written, and what memory is traded for time.
        template: how a problem becomes a prompt.

    Raises:
        UserError: no row is short enough.
    """
    import torch
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    tokenizer = AutoTokenizer.from_pretrained(model)
    encoded = encode_rows(tokenizer, template, rows, params)
    checkpoints = resume_folder("checkpoints", model, [params.model_dump(), encoded])
    network = AutoModelForCausalLM.from_pretrained(model, use_cache=False)
    bf16 = torch.cuda.is_available() and network.dtype == torch.bfloat16
    config = SFTConfig(
        output_dir=str(checkpoints),
        seed=params.seed,
        data_seed=params.seed,
        num_train_epochs=params.epochs,
        learning_rate=params.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=params.warmup_ratio,  # transformers 5: a float below 1 is a share
        # One block a forward pass keeps packed samples apart; see the module's docstring.
        per_device_train_batch_size=1 if params.packing else params.batch_size,
        gradient_accumulation_steps=params.batch_size if params.packing else 1,
        max_length=params.max_length,
        packing=params.packing,
        bf16=bf16,
        gradient_checkpointing=hardware.gradient_checkpointing,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps" if hardware.checkpoint_steps else "no",
        save_steps=hardware.checkpoint_steps or 1,
        save_total_limit=1,
        report_to="none",
        dataset_num_proc=None,
    )
    trainer = SFTTrainer(
        model=network,
        args=config,
        train_dataset=Dataset.from_list(encoded),
        processing_class=tokenizer,
        callbacks=[training_bar()],
    )
    trainer.train(resume_from_checkpoint=last_whole_checkpoint(checkpoints))
    network.config.use_cache = True
    trainer.save_model(str(out))
    (out / "training_args.bin").unlink(missing_ok=True)  # holds paths, so its hash never settles
    write_text(out / "loss.csv", loss_table(trainer.state.log_history))
    shutil.rmtree(checkpoints, ignore_errors=True)


def loss_table(history: Sequence[dict[str, Any]]) -> str:
    """The training log as CSV, a row an optimiser step."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["step", "epoch", "loss", "learning_rate", "tokens"])
    for row in history:
        if "loss" in row:
            table.writerow(
                [
                    row["step"],
                    round(row["epoch"], 4),
                    round(float(row["loss"]), 5),
                    f"{float(row['learning_rate']):.3e}",
                    int(row.get("num_tokens", 0)),
                ]
            )
    return text.getvalue()
