"""TRL's configuration of a training, from our knobs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from numina.monitor.trackers import tracker_options
from numina.settings.hardware import Hardware
from numina.settings.training import Sft
from numina.train.cards import computes_in_bf16
from numina.train.world import forward_passes, together


def steps_of_epoch(blocks: int, batch_size: int) -> int:
    """Optimiser steps of an epoch; the last one may have fewer blocks."""
    return math.ceil(blocks / batch_size)


def configuration(
    params: Sft, hardware: Hardware, checkpoints: Path, epoch: int, name: str, logs: Path
) -> Any:
    """The trainer's configuration.

    Build it before the model is loaded: by then ZeRO-3 has to be set up, else each process loads
    the whole model.

    Args:
        params, hardware: the knobs.
        checkpoints: the folder to write checkpoints to.
        epoch: optimiser steps of one.
        name: of the model that is trained, for trackers.
        logs: the folder that trackers write to.

    Raises:
        UserError: the processes do not share out a batch evenly.
    """
    import torch
    from trl.trainer.sft_config import SFTConfig

    world = together()
    return SFTConfig(
        output_dir=str(checkpoints),
        seed=params.seed,
        data_seed=params.seed,
        num_train_epochs=params.epochs,
        learning_rate=params.learning_rate,
        lr_scheduler_type=params.schedule,
        warmup_steps=params.warmup_ratio,  # transformers 5: a float below 1 is a share
        optim=params.optimizer,
        weight_decay=params.weight_decay,
        max_grad_norm=params.max_grad_norm,
        # TRL makes one row of the packed blocks of a forward pass, which keeps their samples apart.
        per_device_train_batch_size=hardware.micro_batch,
        gradient_accumulation_steps=forward_passes(params.batch_size, hardware.micro_batch, world),
        max_length=params.max_length,
        packing=params.packing == "best_fit",  # positions that restart at each sample
        dataset_kwargs={"skip_prepare_dataset": True},  # it comes tokenised, cut and packed
        bf16=computes_in_bf16(),
        use_cpu=world > 1 and not torch.cuda.is_available(),  # else accelerate looks for cards
        gradient_checkpointing=hardware.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        logging_steps=1,
        logging_nan_inf_filter=False,
        # By steps, as an evaluation "by epoch" comes after the checkpoint of an epoch's last step:
        # a run that is killed in between and continues would never do it.
        eval_strategy="steps" if params.held_out else "no",
        eval_steps=epoch,
        per_device_eval_batch_size=1,
        save_strategy="steps" if hardware.checkpoint_steps else "no",
        save_steps=hardware.checkpoint_steps or 1,
        save_total_limit=1,
        dataset_num_proc=None,
        **tracker_options(hardware.trackers, name, logs),
    )
