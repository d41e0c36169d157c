"""PPO's parts for the tokens of a sample, by TorchRL: advantages and the clipped objective.

Both see only the tokens that the model wrote: what a program printed is not an action. It is part
of the state that the next action starts from.

Source: PPO, arXiv 1707.06347; GAE, arXiv 1506.02438.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from tensordict import TensorDict
from tensordict.nn import TensorDictModule
from torchrl.modules import ProbabilisticActor
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value.functional import generalized_advantage_estimate


class Estimate(NamedTuple):
    """For each token that the model wrote.

    Attributes:
        advantages: how much better than expected it went on.
        returns: what the critic is to learn.
    """

    advantages: torch.Tensor
    returns: torch.Tensor


def estimate(values: torch.Tensor, reward: float, gae: float) -> Estimate:
    """Advantages and returns of a sample that earns `reward` with its last token.

    Args:
        values: the critic's, before each token that the model wrote; shape [tokens].
        reward: of the sample.
        gae: lambda, from 0 (the next value) to 1 (the reward). The discount is 1.
    """
    count = len(values)
    rewards, done = torch.zeros(count, 1), torch.zeros(count, 1, dtype=torch.bool)
    rewards[-1], done[-1] = reward, True
    value = values.detach().float().cpu()[:, None]
    following = torch.cat([value[1:], torch.zeros(1, 1)])
    advantages, returns = generalized_advantage_estimate(
        1.0, gae, value, following, rewards, done, done
    )
    return Estimate(advantages[:, 0], returns[:, 0])


def whitened(advantages: torch.Tensor) -> torch.Tensor:
    """Advantages with mean 0 and deviation 1; unchanged if there is only one."""
    if len(advantages) < 2:
        return advantages
    return (advantages - advantages.mean()) / (advantages.std() + 1e-8)


def objective(clip: float, critic_weight: float) -> ClipPPOLoss:
    """The clipped objective and the critic's squared error, of each token by itself.

    The policy and the critic are computed outside, so they are passed through here.
    """
    actor = ProbabilisticActor(
        TensorDictModule(torch.nn.Identity(), ["logits"], ["logits"]),
        in_keys=["logits"],
        out_keys=["action"],
        distribution_class=torch.distributions.Categorical,
        return_log_prob=True,
    )
    critic = TensorDictModule(torch.nn.Identity(), ["value"], ["state_value"])
    return ClipPPOLoss(
        actor,
        critic,
        clip_epsilon=clip,
        entropy_bonus=False,
        critic_coeff=critic_weight,
        loss_critic_type="l2",
        reduction="none",
    )


def tokens(
    logits: torch.Tensor, values: torch.Tensor, action: torch.Tensor, before: dict[str, Any]
) -> TensorDict:
    """The tokens of a batch, as TorchRL takes them.

    Args:
        logits: of the policy, [tokens, vocabulary].
        values: of the critic, [tokens].
        action: the tokens, [tokens].
        before: `logps`, `advantages` and `returns` when the samples were made, [tokens] each.
    """
    return TensorDict(
        {
            "logits": logits,
            "value": values[:, None],
            "action": action,
            "action_log_prob": before["logps"],
            "advantage": before["advantages"][:, None],
            "value_target": before["returns"][:, None],
        },
        batch_size=[len(action)],
    )
