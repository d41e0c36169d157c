"""RLOO's trainer with PPO's objective: a critic instead of the other samples of a problem.

The critic is a linear layer on the policy's last hidden state, before each token. Its loss does
not reach the policy. The rest of a step (samples of the agent, mask, epochs, checkpoints) is that
of `AgentTrainer`.
"""

from __future__ import annotations

from typing import Any

import torch

from experiments.ppo.objective import estimate, objective, tokens, whitened
from experiments.ppo.settings import Ppo
from experiments.rloo.trainer import AgentTrainer


class PpoTrainer(AgentTrainer):
    """See the module; the arguments are those of `AgentTrainer`."""

    own: Ppo
    skips = False  # the critic tells a sample's tokens apart also where all samples earn the same

    def __init__(self, network: Any, tokenizer: Any, config: Any, *given: Any) -> None:
        own: Ppo = given[-1]
        sizes = network.config.get_text_config()
        network.critic = torch.nn.Linear(sizes.hidden_size, 1)
        torch.nn.init.zeros_(network.critic.weight)
        torch.nn.init.zeros_(network.critic.bias)
        critic = list(network.critic.parameters())
        policy = [each for each in network.parameters() if all(each is not one for one in critic)]
        optimizer = torch.optim.AdamW(
            [{"params": policy}, {"params": critic, "lr": own.critic_rate}],
            lr=config.learning_rate,
            weight_decay=0.0,
        )
        self.clipped = objective(own.clip, own.critic_weight)
        super().__init__(network, tokenizer, config, *given, optimizers=(optimizer, None))

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        batch = super()._generate_and_score_completions(inputs)
        network: Any = self.model
        written = written_by_model(batch)
        advantages = torch.zeros(written.shape, device=written.device)
        returns = torch.zeros_like(advantages)
        with torch.no_grad():
            for row, reward in enumerate(self.earned):
                one = {name: batch[name][row : row + 1] for name in ROWS}
                if not written[row].any():
                    continue
                values = network.critic(hidden_states(network, one, written[row : row + 1]))
                found = estimate(values[:, 0], reward, self.own.gae)
                advantages[row, written[row]] = found.advantages.to(advantages.device)
                returns[row, written[row]] = found.returns.to(returns.device)
        advantages[written] = whitened(advantages[written])
        return {**batch, "advantages": advantages, "returns": returns}

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Any:
        written = written_by_model(inputs)
        if not written.any():
            return torch.zeros((), device=written.device, requires_grad=True)
        hidden = hidden_states(model, inputs, written)
        logits = model.get_output_embeddings()(hidden).float() / self.temperature
        values = model.critic(hidden.detach().float())[:, 0]
        before = {
            "logps": inputs["old_per_token_logps"][written],
            "advantages": inputs["advantages"][written],
            "returns": inputs["returns"][written],
        }
        found = self.clipped(tokens(logits, values, inputs["completion_ids"][written], before))
        for name in ("clip_fraction", "kl_approx"):
            self._metrics["train"][f"ppo/{name}"].append(float(found[name]))
        self._metrics["train"]["ppo/critic"].append(float(found["loss_critic"].detach().mean()))
        # The mean over the tokens of an optimiser step; TRL counts those of a round.
        config: Any = self.args
        steps = config.steps_per_generation / self.current_gradient_accumulation_steps
        return (found["loss_objective"] + found["loss_critic"]).sum() * (
            steps / inputs["num_items_in_batch"].clamp(min=1)
        )

    def finished(self, network: Any) -> Any:
        del network.critic
        return network


ROWS = ("prompt_ids", "prompt_mask", "completion_ids", "completion_mask")


def written_by_model(batch: dict[str, Any]) -> torch.Tensor:
    """Which tokens of the completions are the model's own: neither printed nor padding."""
    return (batch["completion_mask"] * batch["tool_mask"]).bool()


def hidden_states(model: Any, batch: dict[str, Any], written: torch.Tensor) -> torch.Tensor:
    """The last hidden state before each token that the model wrote; shape [tokens, size].

    Attention sees every token, also those that programs printed.
    """
    ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], dim=1)
    mask = torch.cat([batch["prompt_mask"], batch["completion_mask"]], dim=1)
    decoder = model.get_decoder()
    hidden = decoder(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
    return hidden[:, -written.shape[1] - 1 : -1][written]
