"""KTO of all weights, with the start as the reference."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from experiments.kto.record import Sample
from experiments.kto.rows import Counts, chosen_rows
from experiments.kto.settings import TrainParams
from numina import terminal
from numina.estimate.memory import Training
from numina.estimate.room import check_room
from numina.models.folder import check_model_folder
from numina.models.loading import load_whole, readable
from numina.models.passed import pass_on
from numina.monitor.trackers import check_trackers, tracker_options
from numina.progress import training_bar
from numina.resume import locked, resume_folder
from numina.rows import read_shards, shard_files, write_text, written_folder
from numina.settings.hardware import Hardware
from numina.template import Template
from numina.train.cards import computes_in_bf16, take_one_card
from numina.train.checkpoints import last_whole_checkpoint
from numina.train.prepared import WEIGHTS, md5
from numina.train.sft import refuse_broken_weights


def fit(
    model: Path,
    samples: Path,
    out: Path,
    curve: Path,
    knobs: TrainParams,
    hardware: Hardware,
    template: Template,
    live: Path | None = None,
) -> Counts:
    """Train `model` on its samples and write the result to `out`, its curves to `curve`.

    One process on one card. A killed run continues from its last checkpoint; the checkpoints are
    removed on success. If no problem has right and wrong samples, there is no gradient to follow:
    `model` is passed on as it is, and the curves have no step.

    Args:
        model: a folder that transformers loads; also the reference.
        samples: a folder of shards of `Sample`.
        out: the folder to write: weights, in the data type of `model`, and tokenizer.
        curve: the CSV file to write.
        knobs: of the training.
        hardware: how often checkpoints are written, whether time is traded for memory, trackers.
        template: that the samples were made with.
        live: the file with the curves meanwhile; None for no file.

    Raises:
        UserError: the model cannot be loaded, memory or disk do not suffice, another run with the
            same settings is training, or a reward, the loss or a weight is not finite.
    """
    check_trackers(hardware.trackers)
    check_model_folder(model)
    take_one_card()
    from transformers import AutoConfig, AutoTokenizer

    from experiments.kto.curve import curve_table

    with readable(str(model)):
        tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
        kept_as = AutoConfig.from_pretrained(model).dtype
    batches, counts = chosen_rows(read_shards(samples, Sample), tokenizer, template, knobs)
    terminal.say(counts.in_words())
    if not batches:
        pass_on(model, out)
        write_text(curve, curve_table([]))
        return counts
    checkpoints = run_folder(model, samples, knobs, template, hardware.cache)
    how = Training(
        processes=1,
        tokens=knobs.micro_batch * knobs.max_length,
        half=computes_in_bf16(),
        checkpointing=hardware.gradient_checkpointing,
    )
    check_room(model, out, checkpoints, how, 1, hardware.checkpoint_steps > 0)
    with locked(checkpoints):
        logs = live.parent if live else terminal.FOLDER
        terminal.say("Log-probabilities of all samples by the start, then the training.")
        config = configuration(knobs, hardware, counts, checkpoints, logs)
        trainer = make_trainer(model, tokenizer, batches, config, live)
        trainer.train(resume_from_checkpoint=last_whole_checkpoint(checkpoints))
        network: Any = trainer.model
        refuse_broken_weights(network)
        network.config.use_cache = True
        if kept_as is not None:
            network.to(kept_as)
        with written_folder(out) as folder:
            trainer.save_model(str(folder))
            (folder / "training_args.bin").unlink(missing_ok=True)  # its paths: no hash settles
        write_text(curve, curve_table(trainer.state.log_history))
        shutil.rmtree(checkpoints, ignore_errors=True)
    return counts


def run_folder(
    model: Path, samples: Path, knobs: TrainParams, template: Template, cache: str
) -> Path:
    """The folder of a run's checkpoints; it differs if the model, a sample, a knob or this code
    differ."""
    given = [file for file in sorted(model.iterdir()) if file.suffix not in WEIGHTS]
    code = sorted(Path(__file__).parent.glob("*.py"))
    files = [file for file in (*given, *shard_files(samples), *code) if file.is_file()]
    hashes = [(file.name, md5(file)) for file in files]
    rests_on = [knobs.model_dump(mode="json"), template.prompt, hashes]
    return resume_folder("checkpoints", model, rests_on, cache)


def configuration(
    knobs: TrainParams, hardware: Hardware, counts: Counts, checkpoints: Path, logs: Path
) -> Any:
    """TRL's configuration.

    The larger of the two kinds of samples gets the smaller weight, so that together they weigh as
    `balance` says.
    """
    from trl.trainer.kto_config import KTOConfig

    right, wrong = counts.right, counts.trained - counts.right
    ratio = knobs.balance * wrong / right  # weight of a right sample over that of a wrong one
    return KTOConfig(
        output_dir=str(checkpoints),
        seed=knobs.seed,
        data_seed=knobs.seed,
        num_train_epochs=knobs.epochs,
        learning_rate=knobs.learning_rate,
        lr_scheduler_type=knobs.schedule,
        warmup_steps=knobs.warmup_ratio,  # transformers 5: a float below 1 is a share
        optim=knobs.optimizer,
        weight_decay=knobs.weight_decay,
        max_grad_norm=knobs.max_grad_norm,
        per_device_train_batch_size=knobs.micro_batch,
        gradient_accumulation_steps=knobs.batch_size // knobs.micro_batch,
        max_length=knobs.max_length,
        beta=knobs.beta,
        desirable_weight=min(1.0, ratio),
        undesirable_weight=min(1.0, 1 / ratio),
        precompute_ref_log_probs=True,  # else a second model is in memory
        remove_unused_columns=False,  # they are the collator's
        bf16=computes_in_bf16(),
        gradient_checkpointing=hardware.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps" if hardware.checkpoint_steps else "no",
        save_steps=hardware.checkpoint_steps or 1,
        save_total_limit=1,
        **tracker_options(hardware.trackers, "kto", logs),
    )


def make_trainer(model: Path, tokenizer: Any, batches: Any, config: Any, live: Path | None) -> Any:
    """TRL's trainer, with the model loaded.

    Raises:
        UserError: the model cannot be loaded, or gives a sample no finite log-probability.
    """
    import torch

    from experiments.kto.curve import RewardCurve
    from experiments.kto.trainer import MaskedCollator, MaskedTrainer, dataset_of
    from numina.monitor.meter import Meter
    from numina.train.watch import Watch

    with readable(str(model)):
        network = load_whole(str(model), use_cache=False, dtype=torch.float32)
    pad = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    trainer = MaskedTrainer(
        names=[
            f"sample {row.sample.index} of problem {row.sample.problem_id}"
            for batch in batches
            for row in batch
        ],
        model=network,
        args=config,
        train_dataset=dataset_of(batches),
        data_collator=MaskedCollator(pad_token_id=pad, max_length=config.max_length),
        processing_class=tokenizer,
    )
    trainer.callback_handler.callbacks[:0] = [Watch(), Meter()]
    trainer.add_callback(training_bar())
    if live is not None:
        trainer.add_callback(RewardCurve(live))
    return trainer
