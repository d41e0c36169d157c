"""Supervised fine-tuning of all weights with TRL, for both stages of the recipe.

Labels are prepared here (`numina.template.encode`): the prompt and program outputs carry no
loss, and the end token does. Samples are packed into blocks (best fit) whose `position_ids` restart
at each sample, one block per forward pass, without an attention mask or a key-value cache:
then no sample attends to another (measured as exact with the sdpa and eager kernels). Wrapped
blocks have neither, as the winners had them: there a sample attends to those before it.

Weights, gradients and the optimiser's state are float32; where the card has bfloat16, the forward
and backward passes compute in it (autocast). Bfloat16 weights lose most updates at a rate of 2e-5.
Where several processes train (`numina.train.launch`), ZeRO-3 shares out weights, gradients and the
optimiser's state; on cards with bfloat16 it keeps a float32 copy of the weights that it updates.
"""

from __future__ import annotations

import csv
import io
import shutil
import signal
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.models.folder import check_model_folder
from numina.models.loading import load_whole, readable
from numina.progress import training_bar
from numina.resume import locked
from numina.rows import read_object, write_json, write_text
from numina.settings.hardware import Hardware
from numina.settings.training import Sft
from numina.template import Template
from numina.train.cards import computes_in_bf16, take_one_card
from numina.train.checkpoints import last_whole_checkpoint
from numina.train.prepared import prepare, run_folder
from numina.train.ranks import die_with_parent
from numina.train.tokens import Counts
from numina.train.world import forward_passes, is_first, is_rank, together


def fine_tune(
    model: Path,
    data: Path,
    out: Path,
    params: Sft,
    hardware: Hardware,
    template: Template,
    loss: Path,
) -> Counts:
    """Fine-tune `model` on solved problems and write the result to `out`, its loss curve to `loss`.

    A killed run continues from its last checkpoint when it is started again; the checkpoints are
    removed on success. The curve has step, epoch, loss (nats per trained token), learning rate
    and tokens seen.

    Args:
        model: a folder that transformers loads.
        data: a JSONL file of problems with solutions; with tool use, the solutions hold code and
            output blocks.
        out: the folder to write: weights, in the data type of `model`, and tokenizer.
        params: the stage's knobs.
        hardware: how often checkpoints are written, whether time is traded for memory, and how
            many processes prepare the rows.
        template: how a problem becomes a prompt.
        loss: the CSV file to write.

    Returns:
        How many rows were trained on, and how many were too long.

    Raises:
        UserError: the model cannot be loaded, a row is wrong or has no token to learn, no row is
            short enough, another run with the same settings is training, or the loss or a weight
            is not finite.
    """
    check_model_folder(model)
    if is_rank():
        die_with_parent(signal.SIGTERM)
    else:
        take_one_card()
    from transformers import AutoConfig, AutoTokenizer

    with readable(str(model)):
        tokenizer = AutoTokenizer.from_pretrained(model)
        kept_as = AutoConfig.from_pretrained(model).dtype
    checkpoints = run_folder(model, data, params, template, hardware.cache)
    with locked(checkpoints) if is_first() else nullcontext():
        blocks, counts = prepare(checkpoints, data, tokenizer, template, params, hardware)
        trainer = make_trainer(model, tokenizer, blocks, params, hardware, checkpoints)
        trainer.train(resume_from_checkpoint=newest(checkpoints))
        network: Any = trainer.model
        refuse_broken_weights(network)
        network.config.use_cache = True
        if kept_as is not None and not is_rank():
            network.to(kept_as)
        trainer.save_model(str(out))  # every process has its share of the weights to give
        if is_first():
            if is_rank():
                narrow(out, kept_as)
            (out / "training_args.bin").unlink(missing_ok=True)  # its paths: no hash would settle
            write_text(loss, loss_table(trainer.state.log_history))
            shutil.rmtree(checkpoints, ignore_errors=True)
    return counts


def newest(checkpoints: Path) -> str | None:
    """The checkpoint to go on from: the first process looks, the others take what it has found."""
    found = last_whole_checkpoint(checkpoints) if is_first() else None
    if not is_rank():
        return found
    from numina.train.shared import from_first

    return from_first(found)


def make_trainer(
    model: Path,
    tokenizer: Any,
    blocks: Any,
    params: Sft,
    hardware: Hardware,
    checkpoints: Path,
) -> Any:
    """TRL's trainer, with the model loaded.

    Raises:
        UserError: the model cannot be loaded, or the processes do not share out a batch evenly.
    """
    import torch
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    from numina.train.watch import Watch

    world = together()
    # Before the model is loaded: by then ZeRO-3 has to be set up, else each process loads it whole.
    config = SFTConfig(
        output_dir=str(checkpoints),
        seed=params.seed,
        data_seed=params.seed,
        num_train_epochs=params.epochs,
        learning_rate=params.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=params.warmup_ratio,  # transformers 5: a float below 1 is a share
        # TRL makes one row of the packed blocks of a forward pass, which keeps their samples apart.
        per_device_train_batch_size=hardware.micro_batch,
        gradient_accumulation_steps=forward_passes(params.batch_size, hardware.micro_batch, world),
        max_length=params.max_length,
        packing=params.packing == "best_fit",  # positions that restart at each sample
        dataset_kwargs={"skip_prepare_dataset": True},  # it comes tokenised, cut and packed
        bf16=computes_in_bf16(),
        use_cpu=world > 1 and not torch.cuda.is_available(),  # else accelerate looks for cards
        gradient_checkpointing=hardware.gradient_checkpointing,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps" if hardware.checkpoint_steps else "no",
        save_steps=hardware.checkpoint_steps or 1,
        save_total_limit=1,
        report_to="none",
        dataset_num_proc=None,
    )
    with readable(str(model)):
        network = load_whole(str(model), use_cache=False, dtype=torch.float32)
    trainer: Any = SFTTrainer
    if world > 1:
        from numina.train.shared import SharedTrainer as trainer
    return trainer(
        model=network,
        args=config,
        train_dataset=blocks,
        processing_class=tokenizer,
        callbacks=[Watch(), training_bar()],
    )


def refuse_broken_weights(network: Any) -> None:
    """Refuse a model with weights that are not finite.

    Raises:
        UserError: one is not, with its name.
    """
    whole: Any = nullcontext
    if is_rank():
        from numina.train.shared import whole
    for name, weight in network.named_parameters():
        with whole(weight):
            if not weight.isfinite().all():
                raise UserError(f"training failed: {name} holds values that are not finite")


def narrow(model: Path, dtype: Any) -> None:
    """Rewrite saved float32 weights in the 16 bits that the model came in, if it did."""
    import torch
    from safetensors.torch import load_file, save_file

    if dtype not in (torch.bfloat16, torch.float16):
        return
    for file in sorted(model.glob("*.safetensors")):
        weights = load_file(file)
        narrowed = {name: weight.to(dtype) for name, weight in weights.items()}
        save_file(narrowed, file, {"format": "pt"})
    config = read_object(model / "config.json")
    write_json(model / "config.json", {**config, "dtype": str(dtype).removeprefix("torch.")})


def loss_table(history: Sequence[dict[str, Any]]) -> str:
    """The training log as CSV, one row per optimiser step."""
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
