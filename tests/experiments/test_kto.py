"""KTO: what is labelled, what the reward is taken on, how samples are paired, how a run ends."""

import asyncio
import csv
import importlib
import json
import random
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from experiments import page
from experiments.kto import fit as fitting
from experiments.kto import rewards
from experiments.kto.order import micro_batches
from experiments.kto.record import Sample
from experiments.kto.rows import chosen_rows
from experiments.kto.samples import ANY, counted, draw, labelled, pass_rates, sampled
from experiments.kto.settings import Kto, TrainParams
from experiments.kto.tokens import Encoded, encode_sample
from numina import overlay
from numina.agent.trace import Agent, TraceLimits
from numina.engine.protocol import Completion, Sampling
from numina.errors import UserError
from numina.records.problem import Problem
from numina.rows import StoredProblems, read_shards, written_shards
from numina.sandbox.pool import SandboxPool
from numina.sctir.journal import Journal
from numina.template import TEMPLATES
from tests.conftest import (
    ROOT,
    SANDBOX,
    SANDBOX_HARDWARE,
    changed_params,
    make_trace,
    shards,
)

TEMPLATE = TEMPLATES["boundary"]
OWN = yaml.safe_load((ROOT / "experiments/kto/params.yaml").read_text())["kto"]
KNOBS = TrainParams(**{**OWN["train"], "learning_rate": 1e-3, "epochs": 3, "max_length": 256})
HARDWARE = changed_params({"hardware.checkpoint_steps": 0}).hardware
PROGRAM = "We count.\n```python\nprint(6*7)\n```\n"
WHOLE = f"{PROGRAM}```output\n42\n```\nSo it is $\\boxed{{42}}$."


def sample(problem: str, index: int, right: bool, text: str = "", end: str = "answer") -> Sample:
    text = text or WHOLE.replace("42", "42" if right else "41")
    return Sample(problem, index, f"What is {problem}?", "42", text, "42", end, right)


def mixed(problems: int, pattern: str = "1100") -> list[Sample]:
    return [
        sample(f"p{number}", index, sign == "1")
        for number in range(problems)
        for index, sign in enumerate(pattern)
    ]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


# --- what the reward is taken on


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("It is $\\boxed{42}$.", []),
        (WHOLE, ["42\n```\n"]),
        (WHOLE + "\n" + WHOLE, ["42\n```\n"] * 2),
        (f"{PROGRAM}```output\nNameError: name 'x' is not defined\n```\n", None),
        (f"{PROGRAM}```output\n", []),  # cut off where the output would begin
        (f"{PROGRAM}```output\n1\n2\n\n3\n```\n  \nSo", ["1\n2\n\n3\n```\n"]),
        ("```output\n7\n```\n", ["7\n```\n"]),
    ],
)
def test_each_token_is_learned_unless_a_program_printed_it(tokenizer, text, printed):
    encoded = encode_sample(tokenizer, TEMPLATE, sample("p", 0, True, text))
    assert tokenizer.decode(encoded.prompt_ids) == TEMPLATE.render("What is p?")
    assert encoded.completion_ids[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(encoded.completion_ids[:-1]) == text
    runs: list[list[int]] = [[]]
    for token, learned in zip(encoded.completion_ids, encoded.learned, strict=True):
        runs[-1].append(token) if not learned else runs.append([])
    found = [tokenizer.decode(run) for run in runs if run]
    printed = ["NameError: name 'x' is not defined\n```\n"] if printed is None else printed
    assert found == printed
    written = [t for t, own in zip(encoded.completion_ids, encoded.learned, strict=True) if own]
    expected = text
    for output in printed:
        expected = expected.replace(output, "", 1)
    assert tokenizer.decode(written[:-1]) == expected


@pytest.mark.parametrize("end", ["length", "context", "depth", "no_code", "repeat"])
def test_a_trace_that_was_cut_off_is_not_taught_to_end(tokenizer, end):
    encoded = encode_sample(tokenizer, TEMPLATE, sample("p", 0, False, "We ", end))
    assert tokenizer.decode(encoded.completion_ids) == "We "
    assert tokenizer.eos_token_id not in encoded.completion_ids


def test_output_can_be_left_in_the_reward(tokenizer):
    row = encode_sample(tokenizer, TEMPLATE, sample("p", 0, True), mask_output=False)
    assert set(row.learned) == {1}


@pytest.mark.parametrize("max_length", [None, 60, 45])
def test_the_collator_masks_output_in_both_masks_and_leaves_it_readable(tokenizer, max_length):
    from experiments.kto.trainer import MaskedCollator, dataset_of

    texts = [WHOLE, PROGRAM, "It is 5.", WHOLE + WHOLE]
    batch = [
        encode_sample(tokenizer, TEMPLATE, sample(f"p{at}", 0, True, text))
        for at, text in enumerate(texts)
    ]
    found = MaskedCollator(pad_token_id=0, max_length=max_length)(list(dataset_of([batch])))
    for at, one in enumerate(batch):
        for prefix, other in (("", one), ("KL_", batch[at - 1])):
            expected = [0] * len(one.prompt_ids) + other.learned
            ids = one.prompt_ids + other.completion_ids
            width = found[f"{prefix}input_ids"].shape[1]
            expected, ids = (line[:max_length][:width] for line in (expected, ids))
            padding = [0] * (width - len(ids))
            assert found[f"{prefix}completion_mask"][at].tolist() == expected + padding
            assert found[f"{prefix}input_ids"][at].tolist() == ids + padding
            assert found[f"{prefix}attention_mask"][at].tolist() == [1] * len(ids) + padding


# --- pairs


@pytest.mark.parametrize("seed", range(40))
def test_a_micro_batch_is_full_and_has_no_two_samples_of_a_problem(seed):
    rng = random.Random(seed)
    size = rng.choice([2, 3, 4, 8])
    rows = [
        Encoded(sample(f"p{at}", index, rng.random() < 0.4), [1], [2], [1])
        for at in range(rng.randint(1, 12))
        for index in range(rng.choice([1, 2, 4, 4, 16]))
    ]
    batches, unpaired = micro_batches(rows, size, seed)
    for batch in batches:
        assert len({row.sample.problem_id for row in batch}) == len(batch) == size
    taken = [row for batch in batches for row in batch]
    assert len({(row.sample.problem_id, row.sample.index) for row in taken}) == len(taken)
    assert len(taken) + unpaired == len(rows)
    # The most that there can be: in k batches a problem has at most k places.
    counts = Counter(row.sample.problem_id for row in rows).values()
    most = max(k for k in range(len(rows) + 1) if sum(min(k, n) for n in counts) >= k * size)
    assert len(batches) == most
    assert micro_batches(rows, size, seed) == (batches, unpaired)


def test_labels_are_mixed_within_micro_batches(tokenizer):
    batches, _ = chosen_rows(mixed(12, "1110"), tokenizer, TEMPLATE, KNOBS)
    kinds = [sum(row.sample.right for row in batch) for batch in batches]
    assert sum(kinds) == 36
    assert all(2 <= right <= 4 for right in kinds)


# --- which samples are trained on


def test_problems_with_one_label_and_long_samples_are_skipped_and_counted(tokenizer):
    rows = mixed(5) + [sample("all", i, True) for i in range(4)]
    rows += [sample("none", i, False) for i in range(3)]
    rows += [sample("p0", 9, True, WHOLE * 9), sample("p1", 9, False, "```output\n7", "length")]
    batches, counts = chosen_rows(rows, tokenizer, TEMPLATE, KNOBS)
    assert (counts.samples, counts.trained, counts.right) == (29, 20, 10)
    assert (counts.all_right, counts.all_wrong, counts.uniform) == (1, 1, 7)
    assert (counts.too_long, counts.nothing_learned, counts.unpaired) == (1, 0, 1)
    assert "7 samples of problems with one label (1 problems always solved, 1 never), 1 too" in (
        counts.in_words()
    )
    kept = KNOBS.model_copy(update={"keep_uniform": True})
    batches, counts = chosen_rows(rows, tokenizer, TEMPLATE, kept)
    assert counts.uniform == 0
    assert {row.sample.problem_id for batch in batches for row in batch} >= {"all", "none"}


@pytest.mark.parametrize(
    ("rows", "keep", "said"),
    [
        (mixed(8, "1111"), False, "0 of 32 samples, 0 of them right; skipped: 32 samples of"),
        (mixed(8, "0000"), False, "with one label (0 problems always solved, 8 never)"),
        (mixed(8, "0000"), True, "skipped: 0 samples of problems with one label (0 problems"),
        (mixed(4, "11") + mixed(9, "0")[4:], False, "(4 problems always solved, 5 never)"),
        (mixed(3), False, "12 without a place in a micro-batch of different problems"),
        ([], False, "0 of 0 samples"),
    ],
)
def test_samples_without_a_gradient_pass_the_model_on_and_are_counted(
    model_folder, tmp_path, rows, keep, said
):
    counts = train(model_folder, tmp_path, rows, keep_uniform=keep)
    assert counts.trained == 0
    assert said in counts.in_words()
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        assert (tmp_path / "out" / name).read_bytes() == (model_folder / name).read_bytes()
    assert (tmp_path / "curve.csv").read_text().startswith("step,epoch,loss,chosen,rejected,")
    assert rewards.picture(tmp_path / "curve.csv", KNOBS.beta).startswith("<svg")


@pytest.mark.parametrize(
    ("knob", "value", "error"),
    [
        ("micro_batch", 1, "greater than or equal to 2"),
        ("batch_size", 6, "batch_size 6 is not a multiple of micro_batch 4"),
        ("beta", 0, "greater than 0"),
        ("balance", float("nan"), "finite number"),
    ],
)
def test_knobs_that_break_kto_are_refused(knob, value, error):
    with pytest.raises(ValueError, match=error):
        Kto(**{**OWN, "train": {**OWN["train"], knob: value}})


# --- training


def train(model: Path, folder: Path, rows: list[Sample], hardware=HARDWARE, **changes):
    with written_shards(folder / "samples", Sample) as put:
        for row in rows:
            put(row)
    return fitting.fit(
        model,
        folder / "samples",
        folder / "out",
        folder / "curve.csv",
        KNOBS.model_copy(update=changes),
        hardware,
        TEMPLATE,
        live=folder / "live.csv",
    )


def weights(folder: Path) -> dict:
    from safetensors.torch import load_file

    return load_file(folder / "out/model.safetensors")


def test_rewards_move_apart_all_weights_move_and_the_curves_are_written(model_folder, tmp_path):
    from safetensors.torch import load_file

    rows = [
        sample(f"p{at}", index, index < 2, "It is 16." if index < 2 else "We add.")
        for at in range(8)
        for index in range(4)
    ]
    counts = train(model_folder, tmp_path, rows)
    assert (counts.trained, counts.right) == (32, 16)
    before, after = load_file(model_folder / "model.safetensors"), weights(tmp_path)
    assert before.keys() == after.keys()
    assert [name for name in before if before[name].equal(after[name])] == []
    text = (tmp_path / "curve.csv").read_text()
    curve = list(csv.DictReader(text.splitlines()))
    assert [int(row["step"]) for row in curve] == list(range(1, 13))
    first, last = curve[0], curve[-1]
    assert abs(float(first["margin"])) < 1e-5  # the reference is the start
    assert float(last["margin"]) > 0.1
    assert float(last["chosen"]) > float(last["rejected"])
    assert all(float(row["kl"]) >= 0 for row in curve)
    assert (tmp_path / "live.csv").read_text() == text
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["samples", "out", "curve.csv", "live.csv", "cache"]
    )
    assert not list((tmp_path / "cache").rglob("checkpoint-*"))
    assert (tmp_path / "out/tokenizer.json").exists()
    drawn = rewards.picture(tmp_path / "curve.csv", KNOBS.beta)
    assert drawn in page.render([], ["kto"], {"kto": "Learn."}, {"kto": [drawn]})
    assert all(words in drawn for words in ("right samples", "wrong samples", "margin", "KL"))


def test_the_reward_is_the_log_probability_of_the_models_own_tokens(
    model_folder, tokenizer, tmp_path
):
    import torch
    from transformers import AutoModelForCausalLM

    batches, counts = chosen_rows(mixed(4), tokenizer, TEMPLATE, KNOBS)
    config = fitting.configuration(KNOBS, HARDWARE, counts, tmp_path, tmp_path)
    trainer = fitting.make_trainer(model_folder, tokenizer, batches, config, None)
    network = AutoModelForCausalLM.from_pretrained(model_folder, use_cache=False)
    rows = [row for batch in batches for row in batch]
    partners = [batch[at - 1] for batch in batches for at in range(len(batch))]
    for column, others in (("ref_logps", rows), ("ref_KL_logps", partners)):
        for row, other, found in zip(rows, others, trainer.train_dataset[column], strict=True):
            ids = torch.tensor([row.prompt_ids + other.completion_ids])
            with torch.inference_mode():
                logps = network(input_ids=ids).logits[0, :-1].log_softmax(-1)
            taken = logps.gather(-1, ids[0, 1:, None])[len(row.prompt_ids) - 1 :, 0]
            assert found == pytest.approx((taken * torch.tensor(other.learned)).sum().item(), 1e-4)


def test_a_killed_run_continues_to_the_same_weights(model_folder, tmp_path, monkeypatch):
    from experiments.kto.trainer import MaskedTrainer

    rows, whole, killed = mixed(6), tmp_path / "whole", tmp_path / "killed"
    hardware = HARDWARE.model_copy(update={"checkpoint_steps": 1})
    train(model_folder, whole, rows)
    compute, calls = MaskedTrainer.compute_loss, []

    def interrupted(self, *args, **options):
        calls.append(self.state.global_step)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return compute(self, *args, **options)

    monkeypatch.setattr(MaskedTrainer, "compute_loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(model_folder, killed, rows, hardware)
    assert not (killed / "out").exists()
    assert not (killed / "curve.csv").exists()
    train(model_folder, killed, rows, hardware)
    assert 0 not in calls[7:]
    a, b = weights(whole), weights(killed)
    assert max((a[name] - b[name]).abs().max().item() for name in a) < 1e-6
    assert (whole / "curve.csv").read_text().count("\n") == (
        (killed / "curve.csv").read_text().count("\n")
    )


def poisoned(model: Path, folder: Path) -> Path:
    """A copy of a model with a weight that is NaN."""
    import shutil

    from safetensors.torch import load_file, save_file

    shutil.copytree(model, folder)
    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"][0] = float("nan")
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return folder


def test_a_reward_that_is_nan_at_the_start_names_the_sample(model_folder, tmp_path):
    with pytest.raises(UserError, match=r"reward is not finite.* sample \d of problem p\d the log"):
        train(poisoned(model_folder, tmp_path / "bad"), tmp_path, mixed(6))
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "curve.csv").exists()


def test_a_reward_that_becomes_nan_ends_the_run_with_step_and_sample(
    model_folder, tokenizer, tmp_path
):
    """TRL takes the mean of the others."""
    import torch

    batches, counts = chosen_rows(mixed(6), tokenizer, TEMPLATE, KNOBS)
    config = fitting.configuration(KNOBS, HARDWARE, counts, tmp_path, tmp_path)
    trainer = fitting.make_trainer(model_folder, tokenizer, batches, config, None)
    from transformers import TrainerCallback

    class Poison(TrainerCallback):
        def on_step_end(self, *_, model, **__):
            with torch.no_grad():
                model.model.norm.weight[0] = float("nan")

    trainer.add_callback(Poison())
    with pytest.raises(
        UserError, match=r"at step 2: the reward of sample \d of problem p\d is not finite"
    ):
        trainer.train()


# --- sampling


class Alternating:
    """Writes a program, then an answer that its seed decides."""

    def __init__(self) -> None:
        self.asked = 0

    async def __aenter__(self) -> "Alternating":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    async def complete(self, prompt: str, sampling: Sampling) -> Completion:
        self.asked += 1
        if "```output" not in prompt:
            return Completion(f"{PROGRAM}```output\n", "stop", 1, 5, -1.0)
        answer = "42" if "always" in prompt or sampling.seed % 2 else "7"
        return Completion(f"It is $\\boxed{{{answer}}}$.", "end", 1, 5, -1.0)


PROBLEMS = [Problem(f"p{i}", f"What is {i}?", "42", "t", level=i % 5) for i in range(6)]
ALWAYS = Problem("always", "What is always 42?", "42", "t")


def test_samples_run_programs_are_labelled_counted_and_kept_by_the_journal(tmp_path):
    engine = Alternating()
    limits = TraceLimits(0.8, 1.0, 64, 1000, 2, 200)

    async def ask(engine: Alternating):
        with Journal(tmp_path / "journal/traces.jsonl") as journal:
            async with SandboxPool(SANDBOX, SANDBOX_HARDWARE) as pool:
                agent = Agent(engine, pool, TEMPLATE, limits)
                return await sampled(agent, [*PROBLEMS, ALWAYS], 4, 1, journal, 8)

    traces = asyncio.run(ask(engine))
    assert engine.asked == 2 * 28
    again = Alternating()
    assert asyncio.run(ask(again)) == traces
    assert again.asked == 0
    left_out: Counter[str] = Counter()
    found = labelled(traces, left_out)
    assert [(one.problem_id, one.index) for _, one in found] == [
        (problem.id, index) for problem in [*PROBLEMS, ALWAYS] for index in range(4)
    ]
    assert all("```output\n42\n```\n" in one.text for _, one in found)
    assert all(one.right == ("boxed{42}" in one.text) for _, one in found)
    rates = pass_rates(found)
    assert [row["pass_rate"] for row in rates][-1] == 1
    counts = counted(rates, left_out)
    assert counts["problems"] == len(rates) == 7
    assert counts["mixed"] == sum(row["right"] not in (0, 4) for row in rates)
    assert counts["all_right"] == sum(row["right"] == 4 for row in rates) >= 1
    assert counts["right"] == sum(one.right for _, one in found)
    assert left_out == {}


def test_answers_that_cannot_be_decided_and_failed_requests_have_no_label(monkeypatch):
    problem = PROBLEMS[0]
    traces = [
        make_trace("p0", 0, "42"),
        make_trace("p0", 1, "41"),
        make_trace("p0", 2, None, end="length"),
        make_trace("p0", 3, None, end="failed"),
        make_trace("p0", 4, "x"),
        make_trace("p0", 5, "\\frac{84}{2}"),
    ]
    from experiments.kto import samples
    from numina.answer.equal import Equality

    graded = samples.grade

    def some_undecided(pairs):
        undecided = Equality(None, "timeout", "symbolic")
        found = graded([pair for pair in pairs if pair[0] != "x"])
        return [undecided if pair[0] == "x" else found.pop(0) for pair in pairs]

    monkeypatch.setattr(samples, "grade", some_undecided)
    left_out: Counter[str] = Counter()
    found = labelled([(problem, trace) for trace in traces], left_out)
    assert [(one.index, one.right) for _, one in found] == [
        (0, True),
        (1, False),
        (2, False),
        (5, True),
    ]
    assert left_out == {"failed": 1, "undecided": 1}


def test_the_draw_is_seeded_and_leaves_out_what_has_no_answer(tmp_path):
    rows = [*PROBLEMS, Problem("bare", "Prove it.", " ", "t")]
    rows.append(Problem("bad", "What?", "1", "t", unsound="the key is wrong"))
    stored = StoredProblems(shards(tmp_path / "problems", *rows))
    left_out: Counter[str] = Counter()
    drawn = draw(stored, 3, 1, left_out)
    assert left_out == {"no_answer": 1, "unsound": 1}
    assert len(drawn) == 3
    assert draw(stored, 3, 1, Counter()) == drawn
    assert {problem.id for problem in draw(stored, 99, 1, Counter())} == {p.id for p in PROBLEMS}
    assert len({tuple(p.id for p in draw(stored, 3, seed, Counter())) for seed in range(9)}) > 1
    assert ANY.integer is False


def test_the_steps_sample_a_real_model_and_say_that_all_is_wrong(
    model_folder, tmp_path, monkeypatch
):
    """A random model solves nothing."""
    knobs = {
        "kto": {**OWN, "sample": {**OWN["sample"], "problems": 4}},
        "sctir": {"max_new_tokens": 8, "max_context": 128},
    }
    (tmp_path / "experiments/kto").mkdir(parents=True)
    (tmp_path / "experiments/kto/params.yaml").write_text(yaml.safe_dump(knobs))
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    long = Problem("long", "What? " * 300, "1", "t")
    shards(tmp_path / "problems", *PROBLEMS[:3], long)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(overlay.VARIABLE, "experiments/kto/params.yaml")
    paths = ["--model", str(model_folder), "--problems", "problems", "--out", "samples"]
    monkeypatch.setattr(sys, "argv", ["sample", *paths])
    said = importlib.import_module("experiments.kto.sample").main()
    counts = json.loads(Path("samples/counts.json").read_text())
    undecided = counts["left_out"].pop("undecided", 0)  # nonsense is not always decidable
    assert counts["left_out"] == {"too_long": 1}
    assert counts["samples"] + undecided == 12
    assert (counts["right"], counts["mixed"], counts["all_wrong"]) == (0, 0, counts["problems"])
    assert f"0 of {counts['samples']} samples right; of {counts['problems']} problems 0 " in said
    rates = list(csv.DictReader(Path("samples/pass_rates.csv").read_text().splitlines()))
    assert {(row["right"], row["pass_rate"]) for row in rates} == {("0", "0.0")}
    assert len(list(read_shards(Path("samples/samples"), Sample))) == counts["samples"]
    assert not list((tmp_path / "cache").rglob("traces.jsonl"))
    paths = ["--model", str(model_folder), "--samples", "samples", "--out", "model"]
    paths += ["--curve", "curve.csv", "--rows", "rows.json"]
    monkeypatch.setattr(sys, "argv", ["train", *paths])
    said = importlib.import_module("experiments.kto.train").main()
    assert said.startswith(f"model: {model_folder} as it is, there is nothing to learn: 0 of ")
    assert json.loads(Path("rows.json").read_text())["trained"] == 0
    assert Path("model/model.safetensors").exists()
