"""Another base by parameters alone: a tiny model with a chat template, from a hub on loopback."""

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from experiments import variant
from numina import overlay
from numina.records.problem import Problem
from numina.records.trace import Verdict
from numina.rows import read_records, write_json, write_rows
from numina.settings import parse
from numina.settings.params import document
from tests import dag
from tests.agent.chats import CHATML
from tests.conftest import ROOT, shards
from tests.hub.client import environment
from tests.hub.server import serving

FOLDER = ROOT / "experiments/bases"
VARIANTS = sorted(file.stem for file in (FOLDER / "variants").glob("*.yaml"))
STAGES = yaml.safe_load((FOLDER / "dvc.yaml").read_text())["stages"]
NAME, COMMIT = "somebody/second-base", "a" * 40
BASE = {"source": "hub", "name": NAME, "revision": COMMIT, "file": "", "sha256": ""}
SHORT = {"sctir": {"n": 1, "max_new_tokens": 8}, "engine": {"name": "transformers"}}
CHAT = {"base_model": BASE | {"dtype": "stored"}, "template": {"name": "chat"}, **SHORT}
SFT = {"max_length": 128, "learning_rate": 1e-3}
TRAINED = {"base_model": BASE | {"dtype": "stored"}, "sft_tir": SFT | {"batch_size": 1}}
PROBLEM = Problem("p", "What is $4+12$?", "16", "t", "We add: $\\boxed{16}$.")


@pytest.mark.parametrize("name", VARIANTS)
def test_every_base_is_parameters_that_the_recipe_takes(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    changes = variant.merged(Path("experiments/bases"), name)
    found = parse(overlay.over(document(ROOT / "params.yaml"), changes, "bases"))
    assert found.sctir.seeds == (1,)
    assert f"variants/{name}.yaml" in (FOLDER / "README.md").read_text()


def test_what_runs_by_default_has_its_file():
    assert set(document(FOLDER / "params.yaml")["bases"]["run"]) <= set(VARIANTS)


@pytest.mark.parametrize("stage", ["place", "sft_cot", "sft_tir", "eval"])
def test_the_stage_of_a_base_has_the_deps_of_the_recipes(stage):
    given = STAGES[stage]["do"]
    module = given["cmd"].split()[5]
    for file in dag.closure(module.replace(".", "/") + ".py"):
        assert any(file == dep or file.startswith(f"{dep}/") for dep in given["deps"]), file


@pytest.fixture(scope="module")
def place(tmp_path_factory, model_folder):
    """A folder with the knobs, and a runner of stages that asks the hub."""
    folder = tmp_path_factory.mktemp("bases")
    made = folder / "hub/models" / NAME / COMMIT
    shutil.copytree(model_folder, made)
    config = json.loads((made / "tokenizer_config.json").read_text())
    write_json(made / "tokenizer_config.json", config | {"chat_template": CHATML})
    shutil.copy(ROOT / "params.yaml", folder)
    bases = folder / "experiments/bases"
    shutil.copytree(FOLDER / "variants", bases / "variants")
    shutil.copy(FOLDER / "params.yaml", bases)
    for name, changes in {"tiny_chat": CHAT, "tiny_trained": TRAINED}.items():
        write_json(bases / "variants" / f"{name}.yaml", changes)
    rows = [dataclasses.replace(PROBLEM, id=f"p{number}") for number in range(6)]
    shards(folder / "rows/train", *rows)
    write_rows(folder / "validation/mini_amc.jsonl", [PROBLEM])
    rule = parse(document(ROOT / "params.yaml")).splits["mini_amc"].answer
    write_json(folder / "rules.json", {"mini_amc": rule.model_dump()})
    with serving(folder / "hub") as hub:
        own = environment(hub, folder, XDG_CACHE_HOME=str(folder / "cache"))

        def run(name: str, stage: str, *arguments: str) -> None:
            done = subprocess.run(
                [sys.executable, "-m", "experiments.variant", "bases", name, stage, *arguments],
                cwd=folder,
                env=own,
                capture_output=True,
                text=True,
                timeout=200,
            )
            assert done.returncode == 0, done.stdout + done.stderr

        run("tiny_chat", "stages.base_model", "--out", "base")
        yield folder, run


def sft(model: str, out: str) -> list[str]:
    paths = ["--section", "sft_tir", "--model", model, "--data", "rows", "--out", out]
    return [*paths, "--loss", f"{out}.csv", "--rows", f"{out}.json"]


def test_a_chat_model_of_the_hub_is_passed_on_and_asked_by_its_template(place):
    folder, run = place
    run("tiny_chat", "stages.sft", *sft("base", "chat/tir"))
    for file in (folder / "hub/models" / NAME / COMMIT).iterdir():
        assert (folder / "chat/tir" / file.name).read_bytes() == file.read_bytes()
    given = ["--model", "chat/tir", "--validation", "validation", "--rules", "rules.json"]
    run("tiny_chat", "stages.eval_sctir", *given, "--out", "eval/chat")
    (verdict,) = [v for _, v in read_records(folder / "eval/chat/mini_amc/seed_1.jsonl", Verdict)]
    assert len(verdict.traces) == 1
    # The words of row `any` around the problem; the recipe's prompt is much shorter.
    assert verdict.traces[0].prompt_tokens > 100
    assert json.loads((folder / "eval/chat/run.json").read_text())["base_model"] == NAME


def test_the_same_base_is_trained_by_the_recipes_template(place):
    from transformers import AutoModelForCausalLM

    folder, run = place
    run("tiny_trained", "stages.sft", *sft("base", "trained/tir"))
    before, after = (
        dict(AutoModelForCausalLM.from_pretrained(folder / name).named_parameters())
        for name in ("base", "trained/tir")
    )
    assert [name for name in before if before[name].equal(after[name])] == []
    assert json.loads((folder / "trained/tir.json").read_text())["trained"] == 6
