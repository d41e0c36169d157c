"""WARP, step 1: go on with the fine-tuning, and keep the moving average of the weights.

    python -m experiments.stage merge experiments.merge.average \
        --model models/tir --data data/tir --run 1 --out experiments/merge/policies/1

A run differs from another in its seed, so in the order of the rows. In the paper (arXiv 2406.16768)
a policy is trained on rewards and the average is the anchor of its KL penalty. Here it is trained
as in stage 2 of the recipe, without a reward, and the average itself is what is merged.

A killed run goes on from its last checkpoint, which has the average as well.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from experiments.merge.settings import Merge
from experiments.settings import own
from numina import entry, settings, terminal
from numina.errors import UserError
from numina.models.folder import check_model_folder
from numina.models.loading import readable
from numina.models.tokenizer import load_faithful_tokenizer
from numina.monitor.attach import Asked, attach
from numina.resume import locked
from numina.rows.whole import written_folder
from numina.settings.hardware import Hardware
from numina.settings.training import Sft
from numina.template import Template, training_template
from numina.train.checkpoints import last_whole_checkpoint
from numina.train.configure import configuration, steps_of_epoch
from numina.train.prepared import prepare, run_folder
from numina.train.sft import make_trainer, refuse_broken_weights


def main() -> str:
    args = entry.paths(__doc__, "model", "data", "run", "out")
    params = settings.load("sft_tir", "template", "hardware")
    mine = own("merge", Merge)
    knobs = params.sft_tir.model_copy(update={"seed": seed_of(str(args.run), params.sft_tir.seed)})
    template = training_template(params.template.name)
    train(args.model, args.data / "train", args.out, knobs, params.hardware, template, mine)
    return f"{args.out}: the average over {mine.steps} steps"


def seed_of(run: str, first: int) -> int:
    """The seed of a run.

    Raises:
        UserError: the run is not a number.
    """
    if not run.isdecimal():
        raise UserError(f"--run: {run!r} is not a whole number")
    return (first + int(run)) % 2**32


def train(
    model: Path,
    data: Path,
    out: Path,
    params: Sft,
    hardware: Hardware,
    template: Template,
    mine: Merge,
) -> None:
    """Train `mine.steps` steps and write the average of the weights to `out`.

    Args:
        model: the folder of the model to go on from.
        data: problems with solutions.
        out: the folder to write: weights, in the data type of `model`, and tokenizer.
        params: the knobs of the fine-tuning.
        hardware: how often checkpoints are written, and where.
        template: how a problem becomes a prompt.
        mine: steps, and the decay of the average.

    Raises:
        UserError: as `numina.train.sft.fine_tune`.
    """
    check_model_folder(model)
    from transformers import AutoConfig

    from experiments.merge.moving import FILE, MovingAverage
    from numina.train.watch import Watch

    with readable(str(model)):
        tokenizer = load_faithful_tokenizer(model)
        kept_as = AutoConfig.from_pretrained(model).dtype
    run = run_folder(model, data, params, template, hardware.cache)
    run = run.with_name(f"{run.name}-average-{mine.steps}-{mine.decay}")
    with locked(run):
        prepared = prepare(run, data, tokenizer, template, params, hardware)
        epoch = steps_of_epoch(len(prepared.blocks), params.batch_size)
        config = configuration(params, hardware, run, epoch, out.name, terminal.FOLDER)
        config.max_steps = mine.steps
        trainer = make_trainer(model, tokenizer, prepared, config)
        average = MovingAverage(mine.decay)
        attach(trainer, out.name, None, Asked((), template, params.max_length), epoch, writes=True)
        trainer.callback_handler.callbacks.insert(0, Watch())
        trainer.add_callback(average)
        trainer.train(resume_from_checkpoint=newest(run, FILE))
        network: Any = average.network
        refuse_broken_weights(network)
        network.config.use_cache = True
        if kept_as is not None:
            network.to(kept_as)
        with written_folder(out) as folder:
            network.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
        shutil.rmtree(run, ignore_errors=True)


def newest(run: Path, needed: str) -> str | None:
    """The newest whole checkpoint that has the average; it is written after the rest of it."""
    found = last_whole_checkpoint(run)
    return found if found and (Path(found) / needed).exists() else None


if __name__ == "__main__":
    entry.run(main)
