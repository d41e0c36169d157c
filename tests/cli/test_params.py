"""Every knob with its meaning and its readers."""

import json

import pytest

from numina.cli.knobs import knobs, table
from tests.conftest import ROOT

FOUND = {knob.key: knob for knob in knobs(ROOT / "params.yaml", ROOT / "dvc.yaml")}


@pytest.mark.parametrize(
    ("key", "readers"),
    [
        ("sctir.n", "eval_sctir"),
        ("template.name", "sft_cot, sft_tir, quantize, eval_greedy, eval_sctir"),
        ("hardware.server.timeout_s", "the machine; no stage"),
        ("answers.solve.integer", "numina solve"),
        ("contests.aimo3.reply_s", "numina submit"),
    ],
)
def test_who_reads_a_knob(key, readers):
    assert FOUND[key].readers == readers


def test_a_comment_goes_on_below_its_knob_and_ends_at_the_next():
    assert FOUND["sctir.stop"].meaning.startswith("lossless: until")
    assert FOUND["sctir.stop"].meaning.endswith("fewer, at a risk")
    assert FOUND["sctir.stop"].value == '"lossless"'


def test_a_knob_without_a_comment_has_that_of_its_field():
    assert FOUND["splits.aime.answer.integer"].meaning == "only whole numbers count"


def test_every_knob_has_a_reader():
    assert [knob.key for knob in FOUND.values() if knob.readers == "nobody"] == []


def test_values_are_json():
    assert all(json.loads(knob.value) is not ... for knob in FOUND.values())


def test_the_page_of_all_knobs_is_that_of_params_yaml():
    page = (ROOT / "docs/knobs.md").read_text(encoding="utf-8")
    assert page == table(list(FOUND.values())), "numina params --markdown > docs/knobs.md"
