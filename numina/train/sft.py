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

import shutil
import signal
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from numina import terminal
from numina.errors import UserError
from numina.estimate.memory import Training
from numina.estimate.room import check_room
from numina.machine import accelerators
from numina.models.folder import check_model_folder
from numina.models.loading import load_whole, readable
from numina.monitor.attach import Asked, attach
from numina.monitor.trackers import check_trackers
from numina.resume import locked
from numina.rows import read_object, write_json, write_text
from numina.settings.hardware import Hardware
from numina.settings.training import Sft
from numina.template import Template
from numina.train.cards import attention_kernel, computes_in_bf16, take_one_card
from numina.train.checkpoints import last_whole_checkpoint
from numina.train.configure import configuration, steps_of_epoch
from numina.train.heap import keep_freed_memory
from numina.train.held_out import rows_to_show
from numina.train.loss_curve import loss_table
from numina.train.prepared import Prepared, prepare, run_folder
from numina.train.ranks import die_with_parent
from numina.train.tokens import Counts
from numina.train.world import is_first, is_rank, together, together_here


def fine_tune(
    model: Path,
    data: Path,
    out: Path,
    params: Sft,
    hardware: Hardware,
    template: Template,
    loss: Path,
    live: Path | None = None,
) -> Counts:
    """Fine-tune `model` on solved problems and write the result to `out`, its loss curve to `loss`.

    A killed run continues from its last checkpoint when it is started again; the checkpoints are
    removed on success. The curve has step, epoch, loss (nats per trained token), learning rate
    and tokens seen; if rows are held out, also the loss on them, at the last step of each epoch.

    Args:
        model: a folder that transformers loads.
        data: problems with solutions, a folder of shards or a JSONL file; with tool use, the
            solutions hold code and output blocks.
        out: the folder to write: weights, in the data type of `model`, and tokenizer.
        params: the stage's knobs.
        hardware: how often checkpoints are written, whether time is traded for memory, how many
            processes prepare the rows, what of the training is watched.
        template: how a problem becomes a prompt.
        loss: the CSV file to write.
        live: a folder for what can be watched meanwhile: the curve and completions; None: neither.

    Returns:
        How many rows were trained on, how many were too long, and how many were held out.

    Raises:
        UserError: the model cannot be loaded, memory or disk do not suffice, a row is wrong or has
            no token to learn, no row is short enough or left to train on, another run with the
            same settings is training, the loss or a weight is not finite, or a tracker is not
            installed.
    """
    check_trackers(hardware.trackers)
    check_model_folder(model)
    if not accelerators():
        keep_freed_memory()
    if is_rank():
        die_with_parent(signal.SIGTERM)
    else:
        take_one_card()
    from transformers import AutoConfig, AutoTokenizer

    from numina.train.watch import Watch

    with readable(str(model)):
        tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
        kept_as = AutoConfig.from_pretrained(model).dtype
    checkpoints = run_folder(model, data, params, template, hardware.cache)
    if is_first():
        how = Training(
            processes=together(),
            tokens=hardware.micro_batch * params.max_length,
            half=computes_in_bf16(),
            checkpointing=hardware.gradient_checkpointing,
        )
        check_room(model, out, checkpoints, how, together_here(), hardware.checkpoint_steps > 0)
    with locked(checkpoints) if is_first() else nullcontext():
        prepared = prepare(checkpoints, data, tokenizer, template, params, hardware)
        epoch = steps_of_epoch(len(prepared.blocks), params.batch_size)
        logs = live or terminal.FOLDER
        config = configuration(params, hardware, checkpoints, epoch, out.name, logs)
        trainer = make_trainer(model, tokenizer, prepared, config)
        examples = rows_to_show(data, params, hardware.samples)
        asked = Asked(examples, template, params.max_length)
        attach(trainer, out.name, live, asked, epoch, writes=is_first())
        # Before all others, as trackers are to get the number of tokens that it corrects.
        trainer.callback_handler.callbacks.insert(0, Watch())
        terminal.say(in_words(trainer, prepared.counts, params, epoch))
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
    return prepared.counts


def newest(checkpoints: Path) -> str | None:
    """The checkpoint to go on from: the first process looks, the others take what it has found."""
    found = last_whole_checkpoint(checkpoints) if is_first() else None
    if not is_rank():
        return found
    from numina.train.shared import from_first

    return from_first(found)


def make_trainer(model: Path, tokenizer: Any, prepared: Prepared, config: Any) -> Any:
    """TRL's trainer, with the model loaded.

    Raises:
        UserError: the model cannot be loaded.
    """
    import torch

    from numina.train.trainer import Trainer as trainer

    with readable(str(model)):
        network = load_whole(
            str(model),
            use_cache=False,
            dtype=torch.float32,
            attn_implementation=attention_kernel(config.packing),
        )
    if is_rank():
        from numina.train.shared import SharedTrainer as trainer
    return trainer(
        model=network,
        args=config,
        train_dataset=prepared.blocks,
        eval_dataset=prepared.held_out,
        processing_class=tokenizer,
    )


def in_words(trainer: Any, counts: Counts, params: Sft, epoch: int) -> str:
    """What is about to be trained, and how it is computed, in one line."""
    config = trainer.args
    parts = [f"{counts.trained} of {counts.rows} rows"]
    if counts.too_long:
        parts.append(f"{counts.too_long} longer than {params.max_length} tokens left out")
    if counts.held_out:
        parts.append(f"{counts.held_out} held out")
    parts.append(f"{epoch} steps an epoch")
    kernel = trainer.model.config._attn_implementation
    computed = "bfloat16 with float32 weights" if config.bf16 else "float32"
    return f"{', '.join(parts)}; {kernel} attention, {params.optimizer}, {computed}"


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
