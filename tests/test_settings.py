"""Every knob is typed: what is wrong fails before any work, with its key and its value."""

import copy
import json
from pathlib import Path

import pytest
import yaml

from numina.errors import UserError
from numina.profile import merged
from numina.settings import check_fits, load, parse, read

ROOT = Path(__file__).resolve().parent.parent
DEFAULT = yaml.safe_load((ROOT / "params.yaml").read_text())


def test_the_default_is_valid():
    assert parse(DEFAULT).sctir.n == DEFAULT["sctir"]["n"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sctir.depth", -1),
        ("sctir.n", 0),
        ("sctir.n", "many"),
        ("sctir.temperature", -1),
        ("sctir.seeds", [1, 1]),
        ("sctir.seeds", []),
        ("quantize.bits", 5),
        ("quantize.group_size", 0),
        ("quantize.group_size", 48),  # no method has a kernel for it
        ("quantize.method", "none"),
        ("quantize.method", "awq"),  # which has no 8 bits
        ("quantize.max_loss_increase", -0.1),
        ("quantize.max_loss_increase", float("nan")),
        ("quantize.act_group_aware", 1),
        ("validation_sets.splits", ["mini_imo"]),
        ("validation_sets.splits", ["amc"]),  # chosen, but its path is empty
        ("sft_cot.learning_rate", "fast"),
        ("sft_tir.epochs", 0),
        ("tir_data.wrong_share", 1.5),
        ("tir_data.teachers", []),
        ("tir_data.teachers", ["embedded", "embedded"]),
        ("tir_data.teachers", ["model"]),  # without a path
        ("tir_data.integers", 1.1),
        ("tir_select.per_problem", 0),
        ("base_model.sha256", "abc"),
        ("base_model.source", "floppy"),
        ("template.name", "chatml"),
        ("engine.name", "vlllm"),
        ("sandbox.timeout_s", 0),
        ("collect.jsonl", [{"count": 3}]),
        ("sft_cot.epochs", float("inf")),
        ("sft_cot.epochs", float("nan")),
        ("hardware.server.timeout_s", "inf"),
        ("sctir.n", True),
        ("sctir.temperature", True),
        ("sctir.seeds", [True]),
        ("splits.aime.answer.lowest", False),
        ("sctir.seeds", [12345678901234567890123]),
        ("sctir.max_context", 100),  # less than a step
        ("sctir.at_once", 8),  # more than n
        ("sctir.n", 10**9),
        ("hardware.server.urls", ["localhost:8000"]),
        ("splits.aime.rule", "cut"),
        ("sandbox.stateless", "no"),
        ("sandbox.stateless", 0),
        ("sft_tir.packing", "true"),
        ("sft_tir.packing", 1),
        ("sft_tir.packing", None),
    ],
)
def test_an_impossible_value_is_named_with_its_key(key, value):
    with pytest.raises(UserError) as error:
        parse(merged({key: value}, DEFAULT))
    message = str(error.value)
    assert key.split(".")[0] in message
    assert repr(value) in message or str(value) in message or key in message


@pytest.mark.parametrize("section", [None, "sctir", "validation_sets"])
def test_an_unknown_key_is_refused(section):
    params = copy.deepcopy(DEFAULT)
    (params if section is None else params[section])["typo"] = 1
    with pytest.raises(UserError, match="typo"):
        parse(params)


def test_a_missing_key_is_named():
    params = copy.deepcopy(DEFAULT)
    del params["sctir"]["n"]
    with pytest.raises(UserError, match=r"sctir\.n"):
        parse(params)


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("sft_cot.learning_rate=1e-5", 1e-5),  # written as 1e-05, which PyYAML reads as text
        ("sft_cot.epochs=2", 2.0),
        ("sctir.n=16", 16),
        ("sctir.n=1e1", 10),
        ("sctir.seeds=[3,4]", (3, 4)),
        ("sandbox.stateless=true", True),
        ("sft_tir.packing=true", "best_fit"),  # its values once
        ("sft_tir.packing=false", "none"),
        ("sft_tir.packing=none", "none"),
        ("sft_tir.packing=wrapped", "wrapped"),
        ("splits.mini_amc.answer.lowest=null", None),
    ],
)
def test_what_dvc_writes_is_read_as_it_was_meant(override, value, tmp_path):
    from dvc.utils.hydra import apply_overrides

    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text())
    apply_overrides(path, [override])
    found = read(path)
    for name in override.split("=")[0].split("."):
        found = found[name] if isinstance(found, dict) else getattr(found, name)
    assert found == value
    assert type(found) is type(value)


def test_levels_in_the_wrong_order_are_named():
    levels = {**DEFAULT["splits"]["mini_amc"], "min_level": 4, "max_level": 2}
    with pytest.raises(UserError, match=r"mini_amc: .*min_level 4 is above max_level 2"):
        parse(merged({"splits.mini_amc": levels}, DEFAULT))


def test_a_new_split_is_lines_of_yaml():
    split = {**DEFAULT["splits"]["aime"], "path": "mine.jsonl"}
    params = copy.deepcopy(DEFAULT)
    params["splits"]["mine"] = split
    params["validation_sets"]["splits"].append("mine")
    assert parse(params).splits["mine"].answer.highest == 999


def test_a_stage_gets_the_sections_that_it_asks_for_and_no_others():
    params = load("sctir", "hardware", file=ROOT / "params.yaml")
    assert params.sctir.n == DEFAULT["sctir"]["n"]
    assert params.hardware.vllm.tensor_parallel == 1
    with pytest.raises(AttributeError, match="engine"):
        _ = params.engine


LLAMA = {
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_attention_heads": 9,
    "head_dim": 64,
    "max_position_embeddings": 2048,
}


@pytest.mark.parametrize(
    ("key", "value", "config", "reason"),
    [
        ("quantize.group_size", 128, {}, "128 does not divide hidden_size 576"),
        ("quantize.group_size", 64, {"intermediate_size": 1500}, "intermediate_size 1500"),
        ("quantize.group_size", 64, {"head_dim": 100}, "num_attention_heads x head_dim 900"),
        (
            "quantize",
            {**DEFAULT["quantize"], "method": "awq", "bits": 4, "group_size": 32},
            {"head_dim": 32, "num_key_value_heads": 3},
            "awq takes outputs in multiples of 64, and num_attention_heads x head_dim is 288",
        ),
        (
            "quantize",
            {**DEFAULT["quantize"], "method": "awq", "bits": 4},
            {"num_attention_heads": 18, "head_dim": 32, "num_key_value_heads": 3},
            "num_key_value_heads x head_dim is 96",
        ),
        (
            "sft_cot.max_length",
            4096,
            {},
            "4096 is more than the 2048 positions",
        ),
        ("sctir.max_context", 2049, {}, "sctir.max_context: 2049 is more than the 2048"),
        (
            "eval_greedy.max_context",
            2049,
            {},
            "eval_greedy.max_context: 2049 is more",
        ),
    ],
)
def test_knobs_that_a_model_cannot_meet_are_refused(tmp_path, key, value, config, reason):
    (tmp_path / "config.json").write_text(json.dumps({**LLAMA, **config}))
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump(merged({key: value}, DEFAULT)))
    with pytest.raises(UserError, match=reason):
        check_fits(tmp_path, file)


def test_the_default_fits_its_model(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    check_fits(tmp_path, ROOT / "params.yaml")


def test_params_yaml_has_the_form_that_dvc_writes(tmp_path):
    """So that `dvc exp run -S` changes the line of the knob alone."""
    from dvc.utils.hydra import apply_overrides

    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text())
    apply_overrides(path, ["sctir.n=16"])
    before, after = (file.read_text().splitlines() for file in (ROOT / "params.yaml", path))
    changed = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    assert [line.split("#")[0].split() for pair in changed for line in pair] == [
        ["n:", str(DEFAULT["sctir"]["n"])],
        ["n:", "16"],
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"sctir:\n  n: 5\n  n: 6\n", "duplicate key 'n'"),
        ("template:\n  name: \u00e9\n".encode("latin-1"), "not UTF-8"),
        ("template:\n  name: x\n".encode("utf-16"), "not UTF-8"),
    ],
)
def test_a_params_file_that_means_something_else_is_refused(tmp_path, content, reason):
    (tmp_path / "params.yaml").write_bytes(content)
    with pytest.raises(UserError, match=reason):
        read(tmp_path / "params.yaml")


@pytest.mark.parametrize(("text", "reason"), [(None, "not found"), ("a: [", "not YAML")])
def test_a_params_file_that_cannot_be_read(tmp_path, text, reason):
    path = tmp_path / "params.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=reason):
        read(path)
