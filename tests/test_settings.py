"""Every knob is typed: what is wrong fails before any work, with its key and its value."""

import copy
import json
from pathlib import Path

import pytest
import yaml

from numina.errors import UserError
from numina.profile import arguments, differences, hydra_value, merged
from numina.settings import check_group_size
from numina.settings.models import Quantize
from numina.settings.params import load, parse

ROOT = Path(__file__).resolve().parent.parent
DEFAULT = yaml.safe_load((ROOT / "params.yaml").read_text())


def test_the_default_is_valid():
    assert parse(DEFAULT).sctir.n == DEFAULT["sctir"]["n"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sctir.depth", 0),
        ("sctir.n", 0),
        ("sctir.n", "many"),
        ("sctir.temperature", -1),
        ("sctir.seeds", [1, 1]),
        ("sctir.seeds", []),
        ("quantize.bits", 5),
        ("quantize.group_size", 0),
        ("validation_sets.splits", ["mini_imo"]),
        ("validation_sets.splits", ["amc"]),  # chosen, but its path is empty
        ("sft_cot.learning_rate", "fast"),
        ("sft_tir.epochs", 0),
        ("tir_data.wrong_share", 1.5),
        ("base_model.sha256", "abc"),
        ("base_model.source", "floppy"),
        ("template.name", "chatml"),
        ("engine.name", "vlllm"),
        ("sandbox.timeout_s", 0),
        ("collect.jsonl", [{"count": 3}]),
        ("sft_cot.epochs", float("inf")),
        ("sft_cot.epochs", float("nan")),
        ("engine.timeout_s", "inf"),
        ("sctir.n", True),
        ("sctir.temperature", True),
        ("sctir.seeds", [True]),
        ("answers.aime.lowest", False),
        ("sandbox.stateless", "no"),
        ("sandbox.stateless", 0),
        ("sft_tir.packing", "true"),
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
        ("answers.mini_amc.lowest=null", None),
    ],
)
def test_what_dvc_writes_is_read_as_it_was_meant(override, value, tmp_path):
    from dvc.utils.hydra import apply_overrides

    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text())
    apply_overrides(path, [override])
    found = load(path)
    for name in override.split("=")[0].split("."):
        found = getattr(found, name)
    assert found == value
    assert type(found) is type(value)


def test_levels_in_the_wrong_order_are_named():
    levels = {"min_level": 4, "max_level": 2, "count": 5}
    with pytest.raises(UserError, match=r"mini_amc: .*min_level 4 is above max_level 2"):
        parse(merged({"validation_sets.mini_amc": levels}, DEFAULT))


def test_a_group_size_that_divides_no_layer_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(
        json.dumps({"hidden_size": 576, "intermediate_size": 1536})
    )
    quantize = Quantize(bits=8, group_size=128, desc_act=False, rows=4, seed=1)
    with pytest.raises(UserError, match="128 does not divide hidden_size 576"):
        check_group_size(quantize, tmp_path)
    check_group_size(quantize.model_copy(update={"group_size": 64}), tmp_path)


@pytest.mark.parametrize(("text", "reason"), [(None, "not found"), ("a: [", "not YAML")])
def test_a_params_file_that_cannot_be_read(tmp_path, text, reason):
    path = tmp_path / "params.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=reason):
        load(path)


@pytest.mark.parametrize("name", sorted(file.stem for file in ROOT.glob("profiles/*.yaml")))
def test_every_profile_is_valid_and_holds_differences_only(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    leaves = differences(yaml.safe_load(Path(f"profiles/{name}.yaml").read_text()), DEFAULT)
    assert merged(leaves, DEFAULT) != DEFAULT
    for key, value in leaves.items():
        assert merged({key: value}, DEFAULT) != DEFAULT, f"{key} is the default"
    assert len(arguments(name)) == 2 * len(leaves)


def test_a_profile_with_an_unknown_key_is_refused():
    with pytest.raises(UserError, match=r"sctir\.m: params\.yaml has no such key"):
        differences({"sctir": {"m": 4}}, DEFAULT)


def test_an_unknown_profile_names_those_that_exist(monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(UserError, match="real-sets"):
        arguments("nothing")


@pytest.mark.parametrize(("text", "reason"), [("a: [", "not YAML"), ("x", "holds no sections")])
def test_a_profile_that_cannot_be_read_is_named(tmp_path, monkeypatch, text, reason):
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/some.yaml").write_text(text)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=rf"profiles/some\.yaml: {reason}"):
        arguments("some")


def test_values_are_written_as_hydra_reads_them():
    from hydra.core.override_parser.overrides_parser import OverridesParser

    parser = OverridesParser.create()
    for value in [True, 1.5, "a b'c", ["x", "y"], [{"path": "../a/b.jsonl.gz", "count": 3}]]:
        override = parser.parse_override(f"key={hydra_value(value)}")
        assert override.value() == value
