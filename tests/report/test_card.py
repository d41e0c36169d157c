"""Model cards: the hub's format, and figures that are those of metrics.json."""

import json

import pytest
import yaml

from numina.measure.systems import MODELS
from numina.report.card import MAKING, base_model, names_of
from numina.report.wording import percent
from tests.conftest import PARAMS


@pytest.fixture(params=MODELS)
def written(request, reported):
    """A card's model, its metadata, and its text."""
    text = (reported / "models" / f"{request.param}.README.md").read_text(encoding="utf-8")
    _, front, body = text.split("---\n", 2)
    return request.param, yaml.safe_load(front), body


def test_the_hub_reads_it(reported, written):
    from huggingface_hub import ModelCard

    kind, front, _ = written
    card = ModelCard.load(str(reported / "models" / f"{kind}.README.md"))
    assert card.data.license == front["license"] == "apache-2.0"
    assert card.data.base_model == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert card.data.pipeline_tag == "text-generation"
    assert card.data.library_name == "transformers"
    assert front["base_model_relation"] == ("quantized" if kind == "quantised" else "finetune")
    assert card.data.eval_results


def test_its_figures_are_those_of_the_metrics(reported, written):
    kind, front, body = written
    table = json.loads((reported / "reports/metrics.json").read_text())
    splits = [split for split in table if split != "all"]
    found = [
        (result["dataset"]["type"], metric["value"])
        for result in front["model-index"][0]["results"]
        for metric in result["metrics"]
    ]
    assert found == [
        (split, table[split][system]["accuracy"]) for split in splits for system in names_of(kind)
    ]
    for systems in table.values():
        for system in names_of(kind):
            assert f"| {percent(systems[system]['accuracy'])} |" in body


def test_it_says_what_a_user_needs(written):
    kind, _, body = written
    assert "numina solve" in body
    assert f"numina push --repo YOU/numina-{kind} --model models/{kind}" in body
    assert "## Limits" in body
    assert "| learning_rate | 0.0002 |" in body
    assert "9 samples from 2 sources: powers (5), fractions (4)." in body
    assert ("GPTQ" in body) == (kind == "quantised")
    assert "\n\n\n\n" not in body
    assert "{{" not in body and "{%" not in body


def test_every_model_has_a_card():
    assert set(MAKING) == set(MODELS)


def test_a_base_model_that_is_not_on_the_hub_is_not_named_as_if_it_were():
    base = PARAMS.base_model.model_copy(update={"source": "path", "name": "my/folder"})
    assert base_model(PARAMS.model_copy(update={"base_model": base})) is None
