"""Train a policy on its own samples, in rounds; shared by RLOO and PPO."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from experiments.rloo.rollouts import Sample, roll_out
from experiments.rloo.settings import Rloo
from numina.agent.open import sampled_limits
from numina.errors import UserError
from numina.models.folder import check_model_folder
from numina.models.loading import load_whole, readable
from numina.models.weights import load_tokenizer
from numina.records.problem import Problem
from numina.resume import locked, resume_folder
from numina.rows import each_problem, written_folder
from numina.settings import Params
from numina.template import training_template
from numina.terminal import say
from numina.train.cards import computes_in_bf16, take_one_card
from numina.train.checkpoints import last_whole_checkpoint
from numina.train.sft import refuse_broken_weights
from numina.train.watch import Watch


@dataclass(frozen=True, slots=True)
class Updates:
    """How the samples of a round are learned.

    Attributes:
        epochs: how often each is used.
        minibatches: optimiser steps of an epoch, which share its samples out.
        options: for GRPOConfig.
    """

    epochs: int
    minibatches: int
    options: dict[str, Any]


def learn(
    params: Params,
    own: Rloo,
    updates: Updates,
    trainer: Any,
    model: Path,
    data: Path,
    out: Path,
) -> list[dict[str, Any]]:
    """Train `model` on its own samples of the problems, and write it to `out`.

    A killed run goes on from the last round that it finished. Its checkpoints are removed on
    success.

    Args:
        params: the sections sctir (limits), engine, sandbox, template and hardware.
        own: the knobs of the experiment.
        updates: how a round is learned.
        trainer: the class, `AgentTrainer` or one made of it.
        model: a folder that transformers loads.
        data: problems; those without an answer are left out.
        out: the folder to write.

    Returns:
        The trainer's log, an entry for each optimiser step.

    Raises:
        UserError: the model or a problem cannot be read, there are too few problems, a reward or
            the loss is not a finite number, or another run with the same settings is training.
    """
    check_model_folder(model)
    template = training_template(params.template.name)
    limits = replace(
        sampled_limits(params.sctir, params.sandbox), temperature=own.temperature, top_p=1.0
    )
    problems = askable(data, own)
    take_one_card()
    answers = {template.render(problem.problem): problem for problem in problems}
    tokenizer = load_tokenizer(model)

    def roll(network: Any, prompts: Sequence[str], seed: int) -> list[Sample]:
        asked = [answers[prompt] for prompt in prompts]
        return roll_out(params, network, tokenizer, template, limits, asked, seed)

    knobs = params.model_dump(mode="json", include={"engine", "sandbox", "template"})
    gold = [[prompt, problem.id, problem.answer] for prompt, problem in answers.items()]
    rests_on = [trainer.__name__, own.model_dump(mode="json"), asdict(limits), knobs, gold]
    folder = resume_folder("checkpoints", model, rests_on, params.hardware.cache)
    with locked(folder):
        config = configuration(params, own, updates, folder, limits.max_context)
        network, kept_as = policy(model)
        prompts = dataset(answers)
        made = trainer(network, tokenizer, config, prompts, answers, roll, own)
        made.add_callback(Watch())
        made.train(resume_from_checkpoint=last_whole_checkpoint(folder))
        refuse_broken_weights(network)
        save(made.finished(network), tokenizer, kept_as, out)
        log = made.state.log_history
        shutil.rmtree(folder, ignore_errors=True)
    return log


def askable(data: Path, own: Rloo) -> list[Problem]:
    """The problems that have an answer, each statement once.

    Raises:
        UserError: they do not suffice for a round.
    """
    found: dict[str, Problem] = {}
    unanswered = 0
    for problem in each_problem(data):
        if problem.answer.strip():
            found.setdefault(problem.problem.strip(), problem)
        else:
            unanswered += 1
    left_out = f" ({unanswered} without an answer left out)" if unanswered else ""
    if len(found) < own.problems:
        raise UserError(
            f"{data}: {len(found)} problems{left_out} are too few for a round of {own.problems}"
        )
    say(f"{len(found)} problems{left_out}, {own.rounds} rounds of {own.problems}")
    return list(found.values())


def dataset(answers: dict[str, Problem]) -> Any:
    from datasets import Dataset

    return Dataset.from_dict({"prompt": list(answers)})


def policy(model: Path) -> tuple[Any, Any]:
    """The model in float32, to train, and the data type that it is stored in.

    Raises:
        UserError: it cannot be loaded.
    """
    import torch
    from transformers import AutoConfig

    with readable(str(model)):
        kept_as = AutoConfig.from_pretrained(model).dtype
        return load_whole(str(model), use_cache=False, dtype=torch.float32), kept_as


def configuration(
    params: Params, own: Rloo, updates: Updates, checkpoints: Path, longest: int
) -> Any:
    """TRL's configuration.

    Raises:
        UserError: the samples of a round cannot be shared out.
    """
    import os

    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    from trl.trainer.grpo_config import GRPOConfig

    hardware, rows = params.hardware, own.problems * own.samples
    at_once = hardware.micro_batch * updates.minibatches
    if rows % at_once:
        raise UserError(
            f"{own.problems} problems x {own.samples} samples are not shared out evenly by "
            f"{updates.minibatches} steps of hardware.micro_batch {hardware.micro_batch}"
        )
    steps = updates.epochs * updates.minibatches  # a round
    return GRPOConfig(
        output_dir=str(checkpoints),
        seed=own.seed,
        max_steps=own.rounds * steps,
        learning_rate=own.learning_rate,
        lr_scheduler_type="constant",
        max_grad_norm=own.max_grad_norm,
        per_device_train_batch_size=hardware.micro_batch,
        gradient_accumulation_steps=rows // at_once,
        steps_per_generation=rows // hardware.micro_batch,
        num_generations=own.samples,
        num_iterations=updates.epochs,
        max_completion_length=longest,
        temperature=own.temperature,
        scale_rewards="none",
        beta=0.0,
        bf16=computes_in_bf16(),
        gradient_checkpointing=hardware.gradient_checkpointing,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps" if hardware.checkpoint_steps else "no",
        save_steps=steps,  # a round: samples are not kept, only what was learned from them
        save_total_limit=1,
        report_to=[],
        **updates.options,
    )


def save(network: Any, tokenizer: Any, kept_as: Any, out: Path) -> None:
    """Write the model in its data type, whole or not at all."""
    network.config.use_cache = True
    if kept_as is not None:
        network.to(kept_as)
    with written_folder(out) as folder:
        network.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
