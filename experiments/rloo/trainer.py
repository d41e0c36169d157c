"""TRL's trainer with samples of the agent and the leave-one-out baseline.

`GRPOTrainer` with `loss_type="dr_grpo"`, `scale_rewards="none"` and `beta=0` has RLOO's gradient
times (G - 1) / (G x max_completion_length), with G samples of a problem: it subtracts the mean of
all G rewards, where RLOO subtracts that of the G - 1 others. Here the factor is taken out, so that
`max_grad_norm` means what it does for RLOO. `RLOOTrainer` itself takes no `rollout_func`.

Source: RLOO, arXiv 2402.14740; Dr. GRPO, arXiv 2503.20783.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import torch
from trl.trainer.grpo_trainer import GRPOTrainer

from experiments.rloo.rewards import PARTS, Groups, checked, earned, groups
from experiments.rloo.rollouts import Sample
from experiments.rloo.settings import Rewards, Rloo
from numina.terminal import say

ROUNDING = 1e-6  # of an advantage: equal rewards less their mean are not always exactly 0

Roll = Callable[[Any, Sequence[str], int], list[Sample]]  # network, prompts, seed


class AgentTrainer(GRPOTrainer):
    """Learns from the agent's samples; those without an advantage are skipped.

    Args:
        network, tokenizer: the policy.
        config: a GRPOConfig.
        prompts: a data set with the column `prompt`.
        answers: the problem of each prompt.
        roll: makes the samples.
        own: the knobs.
        options: for GRPOTrainer.
    """

    skips = True  # whether a problem whose samples all earn the same is skipped

    def __init__(
        self,
        network: Any,
        tokenizer: Any,
        config: Any,
        prompts: Any,
        answers: dict[str, Any],
        roll: Roll,
        own: Rloo,
        **options: Any,
    ) -> None:
        self.answers, self.roll, self.own = answers, roll, own
        self.earned: list[float] = []  # by the samples of this round, in their order
        config.reward_weights = [getattr(own.rewards, part) for part in PARTS]
        self.factor = own.samples * config.max_completion_length / (own.samples - 1)
        columns: list[Any] = [column(part) for part in PARTS]
        super().__init__(
            model=network,
            reward_funcs=columns,
            args=config,
            train_dataset=prompts,
            processing_class=tokenizer,
            rollout_func=sampled,
            **options,
        )

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Any:
        advantages = inputs["advantages"]
        learned = advantages.abs() > ROUNDING
        if not learned.any():
            # Weights without a gradient are not touched, not even by the optimiser's momentum.
            return torch.zeros((), device=advantages.device, requires_grad=True)
        kept = {name: picked(value, learned) for name, value in inputs.items()}
        share = learned.sum() / len(learned)  # TRL takes the mean over the rows that it is given
        return super()._compute_loss(model, kept) * share * self.factor

    def finished(self, network: Any) -> Any:
        """The policy, without what only its training needed."""
        return network


def picked(value: Any, rows: Any) -> Any:
    """The rows of a tensor; what has no rows as it is."""
    return value[rows] if torch.is_tensor(value) and value.dim() else value


def sampled(prompts: Sequence[str], trainer: Any) -> dict[str, Any]:
    """A round of samples, as TRL asks for them: each prompt comes as often as it has samples.

    Raises:
        UserError: a reward is not a finite number, or every sample failed.
    """
    own: Rloo = trainer.own
    step = trainer.state.global_step
    network = trainer.accelerator.unwrap_model(trainer.model)
    samples = trainer.roll(network, prompts, round_seed(own.seed, step))
    parts = [
        earned(sample.trace, trainer.answers[prompt])
        for prompt, sample in zip(prompts, samples, strict=True)
    ]
    trainer.earned = rewarded(own.rewards, samples, parts)
    found = groups(trainer.earned, [part.right for part in parts], own.samples)
    note(trainer, found)
    return {
        "prompt_ids": [sample.prompt for sample in samples],
        "completion_ids": [sample.completion for sample in samples],
        "logprobs": None,
        "env_mask": [sample.written for sample in samples],
        **{part: [getattr(one, part) for one in parts] for part in PARTS},
    }


def round_seed(seed: int, step: int) -> int:
    """A seed for the samples of a round, the same in every run."""
    return zlib.crc32(f"{seed}/{step}".encode())


def rewarded(weights: Rewards, samples: Sequence[Sample], parts: Sequence[Any]) -> list[float]:
    """The reward of each sample.

    Raises:
        UserError: one is not a finite number.
    """
    pairs = zip(samples, parts, strict=True)
    return [checked(part, weights, sample.trace) for sample, part in pairs]


def note(trainer: Any, found: Groups) -> None:
    """Report a round, and count its problems in the trainer's log, which its checkpoints keep."""
    for name in ("mixed", "right", "wrong"):
        trainer._metrics["train"][f"groups/{name}"].append(getattr(found, name))
    mean = sum(trainer.earned) / len(trainer.earned)
    line = f"step {trainer.state.global_step}: mean reward {mean:.2f}"
    if trainer.skips and found.equal:
        line += (
            f"; {found.equal} of {found.mixed + found.equal} problems skipped, as all of their "
            f"samples earned the same ({found.right} right, {found.wrong} wrong)"
        )
    say(line)


def column(name: str) -> Callable[..., list[float]]:
    """A reward function of TRL that returns a column that came with the samples."""

    def given(**columns: Any) -> list[float]:
        return columns[name]

    given.__name__ = name
    return given
