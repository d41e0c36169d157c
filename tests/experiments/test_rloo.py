"""RLOO: who wrote which token, the gradient, what is skipped, bad rewards, a killed run."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from experiments.rloo import rollouts
from experiments.rloo import trainer as trainers
from experiments.rloo.curve import counts, reward_table
from experiments.rloo.learn import askable, configuration, dataset, learn
from experiments.rloo.rewards import Earned, Groups, checked, earned, groups
from experiments.rloo.settings import Rewards, Rloo
from experiments.rloo.train import UPDATES
from experiments.rloo.trainer import AgentTrainer
from numina.agent.open import sampled_limits
from numina.errors import UserError
from numina.template import encode
from tests.conftest import changed_params, make_trace, shards
from tests.experiments.policy import PROBLEMS, TEMPLATE

PARAMS = changed_params(
    {
        "sctir.max_context": 256,
        "sctir.max_new_tokens": 64,
        "eval_greedy.max_context": 256,
        "sandbox.timeout_s": 2.0,
        "sandbox.memory_mb": 512,
        "engine.batch_size": 8,
    }
)
LIMITS = replace(sampled_limits(PARAMS.sctir, PARAMS.sandbox), temperature=1.0, top_p=1.0)
OWN = Rloo(
    seed=1,
    rounds=3,
    problems=2,
    samples=4,
    temperature=1.0,
    learning_rate=1e-3,
    max_grad_norm=1.0,
    rewards=Rewards(right=1.0, ran=0.1, format=0.1),
)


@pytest.fixture
def loaded(policy) -> tuple[Any, Any]:
    network = AutoModelForCausalLM.from_pretrained(policy, dtype=torch.float32)
    return network, AutoTokenizer.from_pretrained(policy)


def sampled(loaded: tuple[Any, Any], *problems: Any) -> list[rollouts.Sample]:
    return rollouts.roll_out(PARAMS, loaded[0], loaded[1], TEMPLATE, LIMITS, problems, 1)


def test_only_what_programs_printed_is_marked_as_not_written_by_the_model(loaded):
    _, tokenizer = loaded
    samples = sampled(loaded, *[PROBLEMS[0]] * 6)
    ran = [sample for sample in samples if sample.trace.block_statuses == ["ok"]]
    assert ran
    for sample in ran:
        text, position, marked = sample.trace.text, 0, []
        start = text.index("```output\n") + len("```output\n")
        end = text.index("16\n9\n```\n") + len("16\n9\n```\n")
        for token, by_model in zip(sample.completion, sample.written, strict=True):
            piece = tokenizer.decode([token], skip_special_tokens=True)
            assert by_model == (not start <= position < end), (piece, position)
            position += len(piece)
            marked.append(piece * (1 - by_model))
        assert "".join(marked) == "16\n9\n```\n"
        assert position == len(text)
        assert sample.completion[-1] == tokenizer.eos_token_id
        assert sample.written[-1] == 1  # the end is learned
        # The tokens are those that training and evaluation make of the text.
        ids = encode(tokenizer, TEMPLATE, PROBLEMS[0].problem, text)["input_ids"]
        assert sample.prompt + sample.completion == ids


def test_a_sample_that_never_began_is_not_learned(loaded):
    short = replace(LIMITS, max_context=4)
    samples = rollouts.roll_out(PARAMS, loaded[0], loaded[1], TEMPLATE, short, PROBLEMS[:1], 1)
    assert [sample.written for sample in samples] == [[0]]
    assert samples[0].trace.end == "context"


def test_a_policy_with_broken_weights_is_refused_with_the_problem(loaded):
    network, _ = loaded
    with torch.no_grad():
        network.model.layers[1].mlp.down_proj.weight.fill_(torch.nan)
    with pytest.raises(UserError, match=r"logits differ|samples failed"):
        sampled(loaded, PROBLEMS[0])


def test_after_sampling_the_policy_is_as_before(loaded):
    network, _ = loaded
    network.train()
    kernel = network.config._attn_implementation
    sampled(loaded, PROBLEMS[0])
    assert network.training
    assert network.config._attn_implementation == kernel


def made_trainer(loaded: tuple[Any, Any], folder: Path, own: Rloo, **options: Any) -> Any:
    """A trainer on PROBLEMS, whose samples are rolled out for real."""
    network, tokenizer = loaded
    answers = {TEMPLATE.render(problem.problem): problem for problem in PROBLEMS}

    def roll(live: Any, prompts: Any, seed: int) -> list[rollouts.Sample]:
        asked = [answers[prompt] for prompt in prompts]
        return rollouts.roll_out(PARAMS, live, tokenizer, TEMPLATE, LIMITS, asked, seed)

    config = configuration(PARAMS, own, UPDATES, folder, LIMITS.max_context)
    for name, value in options.items():
        setattr(config, name, value)
    return AgentTrainer(network, tokenizer, config, dataset(answers), answers, roll, own)


def log_probabilities(network: Any, prompt: list[int], completion: list[int]) -> Any:
    """Of each token of the completion, by the model itself: attention sees all before it."""
    ids = torch.tensor([prompt + completion])
    logits = network(input_ids=ids, use_cache=False).logits[0, len(prompt) - 1 : -1].float()
    logps = (logits / OWN.temperature).log_softmax(-1)
    return logps.gather(1, torch.tensor(completion)[:, None])[:, 0]


def test_the_gradient_is_that_of_rloo(loaded, tmp_path, monkeypatch):
    """Outputs are out of the loss, and not out of attention: the formula has them so."""
    network, _ = loaded
    # Rewards differ within each group, so that every sample counts.
    marks = iter([0.9, 0.1, 0.4, 0.7, 0.2, 0.8, 0.6, 0.3])
    monkeypatch.setattr(trainers, "earned", lambda *_: Earned(next(marks), 0.0, 0.0))
    trainer = made_trainer(loaded, tmp_path, OWN.model_copy(update={"rounds": 1}))
    rolled, kept = trainer.roll, []
    trainer.roll = lambda *given: kept.append(rolled(*given)) or kept[-1]
    start = {name: weight.detach().clone() for name, weight in network.named_parameters()}
    sgd = torch.optim.SGD(network.parameters(), lr=1.0)
    trainer.args.max_grad_norm = 0.0
    trainer.optimizer = sgd
    trainer.train()
    taken = {name: start[name] - weight.detach() for name, weight in network.named_parameters()}

    with torch.no_grad():
        for name, weight in network.named_parameters():
            weight.copy_(start[name])
    network.zero_grad()
    earned = trainer.earned
    count, size = OWN.samples, len(kept[0])
    assert sum(0 in sample.written for sample in kept[0]) > 0
    for place, sample in enumerate(kept[0]):
        group = [*range(place // count * count, place // count * count + count)]
        others = sum(earned[at] for at in group if at != place) / (count - 1)
        logps = log_probabilities(network, sample.prompt, sample.completion)
        ours = (logps * torch.tensor(sample.written)).sum()
        (-(earned[place] - others) * ours / size).backward()
    for name, weight in network.named_parameters():
        gradient: Any = weight.grad
        assert torch.allclose(taken[name], gradient, rtol=1e-3, atol=1e-5), name
    largest = max(float(step.abs().max()) for step in taken.values())
    assert largest > 0.01  # not two zeros


@pytest.mark.parametrize(
    ("rewards", "right", "expected"),
    [
        ([1, 1, 0, 0], [1, 1, 0, 0], Groups(0, 1, 1)),
        ([1, 0, 0, 0], [1, 0, 0, 0], Groups(1, 0, 1)),
        ([1.1, 1.0, 0.1, 0.2], [1, 1, 0, 0], Groups(2, 0, 0)),
    ],
)
def test_groups_are_counted_by_what_they_teach(rewards, right, expected):
    assert groups(rewards, right, 2) == expected


def test_rewards_follow_their_weights():
    problem = PROBLEMS[0]
    cases = [
        (make_trace(answer="16"), Earned(1, 1, 1)),
        (make_trace(answer="16.0"), Earned(1, 1, 1)),
        (make_trace(answer="17"), Earned(0, 1, 1)),
        (make_trace(answer=None, end="length", statuses=("error",)), Earned(0, 0, 0)),
        (make_trace(answer="16", statuses=("error", "ok")), Earned(1, 1, 1)),
        (make_trace(answer="16", statuses=("ok", "timeout")), Earned(1, 0, 1)),
        (make_trace(answer="16", statuses=()), Earned(1, 0, 1)),
        (make_trace(answer="16", end="depth"), Earned(1, 1, 0)),
    ]
    for trace, expected in cases:
        assert earned(trace, problem) == expected, trace
    assert Earned(1, 1, 0).sum(Rewards(right=2, ran=0.5, format=9)) == 2.5


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_reward_that_is_not_a_number_names_problem_sample_and_parts(value):
    part = Earned(1.0, value, 0.0)
    with pytest.raises(UserError, match=rf"problem p, sample 3: the reward is .*ran {value}"):
        checked(part, OWN.rewards, make_trace(index=3))


def run(policy: Path, folder: Path, own: Rloo = OWN) -> list[dict[str, Any]]:
    data = shards(folder / "data", *PROBLEMS)
    hardware = PARAMS.hardware.model_copy(update={"cache": str(folder / "cache")})
    params = PARAMS.model_copy(update={"hardware": hardware})
    return learn(params, own, UPDATES, AgentTrainer, policy, data, folder / "out")


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def test_a_policy_whose_samples_all_earn_the_same_is_not_touched(
    policy, tmp_path, monkeypatch, capsys
):
    """Three rewards of 1.1 less their mean are not exactly 0; neither moves the model."""
    monkeypatch.setattr(trainers, "earned", lambda *_: Earned(1.0, 1.0, 0.0))
    log = run(policy, tmp_path, OWN.model_copy(update={"samples": 3, "problems": 2}))
    assert counts(log) == {
        "rounds": 3, "problems": 6, "mixed": 0, "all_right": 6, "all_wrong": 0
    }  # fmt: skip
    assert "2 of 2 problems skipped" in capsys.readouterr().err
    before, after = weights(policy), weights(tmp_path / "out")
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_nan_reward_ends_the_run_and_leaves_no_model(policy, tmp_path, monkeypatch):
    monkeypatch.setattr(trainers, "earned", lambda *_: Earned(1.0, float("nan"), 0.0))
    with pytest.raises(UserError, match="sample 0: the reward is nan"):
        run(policy, tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_killed_run_goes_on_and_learns_the_same(policy, tmp_path, monkeypatch):
    whole = run(policy, tmp_path / "whole")
    assert counts(whole)["rounds"] == 3
    rolled, seeds = rollouts.sample_all, []

    def dying(*given: Any) -> Any:
        seeds.append(given[-1])
        if len(seeds) == 3:
            raise KeyboardInterrupt
        return rolled(*given)

    monkeypatch.setattr(rollouts, "sample_all", dying)
    with pytest.raises(KeyboardInterrupt):
        run(policy, tmp_path / "killed")
    assert not (tmp_path / "killed/out").exists()
    log = run(policy, tmp_path / "killed")
    assert len(set(seeds)) == 3
    assert seeds[2] == seeds[3]
    assert reward_table(log) == reward_table(whole)
    one, other = weights(tmp_path / "whole/out"), weights(tmp_path / "killed/out")
    assert max(float((one[name] - other[name]).abs().max()) for name in one) < 1e-6
    before = weights(policy)
    assert any(not torch.equal(before[name], one[name]) for name in one)
    table = list(csv.DictReader(io.StringIO(reward_table(log))))
    assert [row["round"] for row in table] == ["1", "2", "3"]
    assert not list((tmp_path / "killed/cache/checkpoints").glob("*"))


def test_problems_without_an_answer_are_left_out_and_too_few_refused(tmp_path, capsys):
    unanswered = replace(PROBLEMS[0], id="u", problem="What?", answer=" ")
    twice = replace(PROBLEMS[0], id="again")
    data = shards(tmp_path / "data", *PROBLEMS, unanswered, twice)
    assert askable(data, OWN) == PROBLEMS
    assert "2 problems (1 without an answer left out), 3 rounds of 2" in capsys.readouterr().err
    with pytest.raises(UserError, match=r"data: 2 problems .* are too few for a round of 5"):
        askable(data, OWN.model_copy(update={"problems": 5}))


@pytest.mark.parametrize("samples", [1, 0])
def test_a_sample_alone_has_no_others_to_be_measured_by(samples):
    with pytest.raises(ValueError, match="samples"):
        Rloo.model_validate({**OWN.model_dump(), "samples": samples})


def test_a_reward_that_is_always_zero_is_refused():
    with pytest.raises(ValueError, match="every weight is 0"):
        Rewards(right=0, ran=0, format=0)
    with pytest.raises(ValueError, match="finite"):
        Rewards(right=float("nan"), ran=0, format=0)
