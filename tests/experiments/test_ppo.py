"""PPO: objective and advantages are the formulas', a critic learns, a killed run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

pytest.importorskip("torchrl", reason="the extra `ppo` is not installed")

from experiments.ppo.objective import estimate, objective, tokens, whitened
from experiments.ppo.settings import Ppo
from experiments.ppo.trainer import PpoTrainer
from experiments.rloo import rollouts
from experiments.rloo import trainer as trainers
from experiments.rloo.curve import counts, rounds
from experiments.rloo.learn import Updates, configuration, dataset, learn
from experiments.rloo.rewards import Earned
from tests.conftest import shards
from tests.experiments.policy import PROBLEMS, TEMPLATE
from tests.experiments.test_rloo import LIMITS, PARAMS, log_probabilities, weights
from tests.experiments.test_rloo import OWN as RLOO

OWN = Ppo(
    **RLOO.model_dump() | {"rounds": 2},
    epochs=2,
    minibatches=2,
    clip=0.2,
    gae=0.95,
    critic_rate=1e-2,
    critic_weight=0.5,
)


def run(policy: Path, folder: Path, own: Ppo = OWN) -> list[dict[str, Any]]:
    data = shards(folder / "data", *PROBLEMS)
    hardware = PARAMS.hardware.model_copy(update={"cache": str(folder / "cache")})
    params = PARAMS.model_copy(update={"hardware": hardware})
    updates = Updates(own.epochs, own.minibatches, {"loss_type": "dr_grpo"})
    return learn(params, own, updates, PpoTrainer, policy, data, folder / "out")


def test_advantages_are_those_of_the_formula():
    values, reward, gae = [0.5, 0.2, 0.9], 1.0, 0.9
    following = [0.2, 0.9, 0.0]
    errors = [0.2 - 0.5, 0.9 - 0.2, reward - 0.9]
    expected = [errors[0] + gae * (errors[1] + gae * errors[2]), errors[1] + gae * errors[2]]
    found = estimate(torch.tensor(values), reward, gae)
    assert len(following) == len(found.advantages)
    assert found.advantages.tolist() == pytest.approx([*expected, errors[2]])
    assert found.returns.tolist() == pytest.approx(
        [advantage + value for advantage, value in zip([*expected, errors[2]], values, strict=True)]
    )


@pytest.mark.parametrize("values", [[0.3], [2.0, 2.0], [1.0, 2.0, 6.0]])
def test_whitened_advantages_are_finite(values):
    found = whitened(torch.tensor(values))
    assert bool(found.isfinite().all())
    if len(set(values)) > 1:
        assert float(found.mean()) == pytest.approx(0, abs=1e-6)
        assert float(found.std()) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("advantage", [1.5, -1.5])
@pytest.mark.parametrize("moved", [-0.5, -0.1, 0.1, 0.5])
def test_the_objective_is_clipped_as_in_the_paper(advantage, moved):
    """Beyond the clip no gradient is left where the ratio moved the way it was pushed."""
    logits = torch.tensor([[0.3, -0.2, 0.1]], requires_grad=True)
    logps = logits.log_softmax(-1)[:, 1]
    values = torch.tensor([0.4], requires_grad=True)
    before = {
        "logps": logps.detach() - moved,
        "advantages": torch.tensor([advantage]),
        "returns": torch.tensor([1.0]),
    }
    found = objective(0.2, 0.5)(tokens(logits, values, torch.tensor([1]), before))
    ratio = float(torch.tensor(moved).exp())
    expected = -min(ratio * advantage, min(max(ratio, 0.8), 1.2) * advantage)
    assert float(found["loss_objective"].detach()) == pytest.approx(expected, rel=1e-5)
    assert float(found["loss_critic"].detach()) == pytest.approx(0.5 * 0.6**2, rel=1e-5)
    found["loss_objective"].sum().backward(retain_graph=True)
    given: Any = logits.grad
    stopped = abs(moved) > 0.2 and (moved > 0) == (advantage > 0)
    assert bool((given == 0).all()) == stopped
    found["loss_critic"].sum().backward()
    slope: Any = values.grad
    assert float(slope) == pytest.approx(2 * 0.5 * (0.4 - 1.0))


def test_the_first_step_is_the_policy_gradient_of_the_tokens_that_the_model_wrote(
    policy, tmp_path, monkeypatch
):
    from transformers import AutoTokenizer

    network: Any = AutoModelForCausalLM.from_pretrained(policy, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(policy)
    marks = iter([0.9, 0.1, 0.4, 0.7, 0.2, 0.8, 0.6, 0.3])
    monkeypatch.setattr(trainers, "earned", lambda *_: Earned(next(marks), 0.0, 0.0))
    answers = {TEMPLATE.render(problem.problem): problem for problem in PROBLEMS}
    kept: list[rollouts.Sample] = []

    def roll(live: Any, prompts: Any, seed: int) -> list[rollouts.Sample]:
        asked = [answers[prompt] for prompt in prompts]
        kept[:] = rollouts.roll_out(PARAMS, live, tokenizer, TEMPLATE, LIMITS, asked, seed)
        return kept

    own = OWN.model_copy(update={"rounds": 1, "epochs": 1, "minibatches": 1})
    updates = Updates(2, 1, {"loss_type": "dr_grpo"})  # 2: TRL then keeps log-probabilities
    config = configuration(PARAMS, own, updates, tmp_path, LIMITS.max_context)
    config.max_steps, config.max_grad_norm = 1, 0.0
    made = PpoTrainer(network, tokenizer, config, dataset(answers), answers, roll, own)
    names = [name for name, _ in network.named_parameters() if not name.startswith("critic")]
    start = {name: weight.detach().clone() for name, weight in network.named_parameters()}
    made.optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    made.train()
    taken = {name: start[name] - weight.detach() for name, weight in network.named_parameters()}
    assert float(taken["critic.bias"].abs().max()) > 1e-3  # it learns, too

    with torch.no_grad():
        for name, weight in network.named_parameters():
            weight.copy_(start[name])
    network.zero_grad()
    assert any(0 in sample.written for sample in kept)
    # With a critic that says 0 everywhere, GAE leaves a token the reward, shrunk by its distance.
    raw = [
        reward * OWN.gae ** torch.arange(sum(sample.written) - 1, -1, -1)
        for reward, sample in zip(made.earned, kept, strict=True)
    ]
    advantages = whitened(torch.cat(raw)).split([len(one) for one in raw])
    total = sum(map(len, raw))
    for sample, advantage in zip(kept, advantages, strict=True):
        logps = log_probabilities(network, sample.prompt, sample.completion)
        (-(logps[torch.tensor(sample.written).bool()] * advantage).sum() / total).backward()
    for name in names:
        gradient: Any = network.get_parameter(name).grad
        assert torch.allclose(taken[name], gradient, rtol=1e-3, atol=1e-6), name
    assert max(float(taken[name].abs().max()) for name in names) > 1e-3


def test_it_learns_and_leaves_a_plain_model(policy, tmp_path):
    log = run(policy, tmp_path)
    assert len(rounds(log)) == 2
    assert counts(log)["problems"] == 4
    steps = [row for row in log if "loss" in row]
    assert len(steps) == 2 * 2 * 2  # rounds, epochs, minibatches
    assert all(row["ppo/critic"] > 0 for row in steps)
    before, after = weights(policy), weights(tmp_path / "out")
    assert before.keys() == after.keys()  # without the critic
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "out")


def test_a_killed_run_goes_on_and_learns_the_same(policy, tmp_path, monkeypatch):
    run(policy, tmp_path / "whole")
    rolled, seeds = rollouts.sample_all, []

    def dying(*given: Any) -> Any:
        seeds.append(given[-1])
        if len(seeds) == 2:
            raise KeyboardInterrupt
        return rolled(*given)

    monkeypatch.setattr(rollouts, "sample_all", dying)
    with pytest.raises(KeyboardInterrupt):
        run(policy, tmp_path / "killed")
    log = run(policy, tmp_path / "killed")
    assert len(seeds) == 3
    assert seeds[1] == seeds[2] != seeds[0]
    assert len(rounds(log)) == 2
    one, other = weights(tmp_path / "whole/out"), weights(tmp_path / "killed/out")
    assert max(float((one[name] - other[name]).abs().max()) for name in one) < 1e-6


def test_minibatches_share_out_a_round():
    with pytest.raises(ValueError, match="2 problems x 4 samples are not shared out evenly"):
        Ppo.model_validate({**OWN.model_dump(), "minibatches": 3})
