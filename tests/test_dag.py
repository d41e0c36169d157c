"""dvc.yaml says the truth: deps are the imports, and each knob touches the stages it should."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.dag import ROOT, closure, stage_module, stages

EVALS = {"eval_greedy@cot", "eval_greedy@tir", "eval_greedy@gptq", "eval_sctir"}
ENDS = EVALS | {"score", "report"}
TRAINED = {"sft_cot", "sft_tir", "quantize"} | ENDS
SCORED = {"score", "report"}
DATA = {"cot_data", "tir_data"}
# For each section of params.yaml: a change of it, and the stages that DVC must then rerun.
TOUCHES = {
    "base_model": ("base_model.dtype=bfloat16", {"base_model"} | TRAINED),
    "validation_sets": ("validation_sets.seed=9", {"validation_sets", "dedup"} | DATA | TRAINED),
    "digitize": ("digitize.scale=2", {"digitize", "collect", "dedup"} | DATA | TRAINED),
    "collect": ("collect.seed=9", {"collect", "dedup"} | DATA | TRAINED),
    "dedup": ("dedup.ngram=12", {"dedup"} | DATA | TRAINED),
    "cot_data": ("cot_data.max_rows=9", {"cot_data"} | TRAINED),
    "tir_data": ("tir_data.rounds=2", {"tir_data"} | TRAINED - {"sft_cot", "eval_greedy@cot"}),
    "template": ("template.name=winners", TRAINED),
    "sft_cot": ("sft_cot.epochs=2", TRAINED),
    "sft_tir": ("sft_tir.epochs=2", TRAINED - {"sft_cot", "eval_greedy@cot"}),
    "quantize": ("quantize.rows=9", {"quantize", "eval_greedy@gptq", "eval_sctir"} | SCORED),
    "sandbox": ("sandbox.timeout_s=4", {"tir_data"} | TRAINED - {"sft_cot"}),
    "engine": ("engine.batch_size=9", ENDS),
    "eval_greedy": ("eval_greedy.depth=2", EVALS - {"eval_sctir"} | SCORED),
    "sctir": ("sctir.n=64", {"eval_sctir"} | SCORED),
    "answers": ("answers.aime.highest=99", ENDS),
    "time_bank": ("time_bank.budget_s=60", {"eval_sctir"} | SCORED),
}


@pytest.mark.parametrize("name", stages())
def test_deps_are_the_import_closure(name):
    stage = stages()[name]
    modules = {dep for dep in stage["deps"] if dep.endswith(".py")}
    assert modules == closure(stage_module(stage))
    assert all((ROOT / module).is_file() for module in modules)


def test_every_section_of_params_has_a_row_and_a_stage():
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert set(TOUCHES) == set(params)
    assert {section for stage in stages().values() for section in stage.get("params", [])} == (
        set(params)
    )


@pytest.mark.parametrize("name", stages())
def test_every_stage_is_described_and_its_outs_are_ignored_by_git_by_hand(name):
    stage = stages()[name]
    assert stage["desc"]
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    for out in stage.get("outs", []):
        if isinstance(out, str):
            for system in ("cot", "tir", "gptq"):
                assert "/" + out.replace("${item.system}", system) in ignored


def dvc(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "DVC_NO_ANALYTICS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def settled(tmp_path_factory) -> Path:
    """A copy of the DAG whose stages only touch their outs, run once, so that DVC is at rest.

    The commands are replaced because what is tested here is what DVC decides, not what they do.
    """
    folder = tmp_path_factory.mktemp("dag")
    for part in ("numina", "stages", "data/exams"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "params.yaml", folder / "params.yaml")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    dvc(folder, "init", "-q")
    document = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    del document["plots"]
    for stage in document["stages"].values():
        outs = [*stage.get("outs", []), *stage.get("metrics", [])]
        paths = [out if isinstance(out, str) else next(iter(out)) for out in outs]
        inside = [d for s in document["stages"].values() for d in s["deps"] if "." in Path(d).name]
        # An out changes whenever its stage runs, as with real ones.
        lines = [f"mkdir -p $(dirname {path}); rm -rf {path}" for path in paths]
        for path in paths:
            if Path(path).suffix:
                lines.append(f"date +%N > {path}")
            else:
                lines.append(f"mkdir -p {path}; date +%N > {path}/x")
                lines += [f"date +%N > {dep}" for dep in inside if dep.startswith(path + "/")]
        stage["cmd"] = "; ".join(lines)
    (folder / "dvc.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    dvc(folder, "repro", "-q")
    return folder


def rerun(folder: Path) -> set[str]:
    """The stages that `dvc repro` runs."""
    lines = dvc(folder, "repro", "--no-run-cache").splitlines()
    return {line.split("'")[1] for line in lines if line.startswith("Running stage")}


def test_a_second_run_has_nothing_to_do(settled):
    assert rerun(settled) == set()


@pytest.mark.parametrize("section", TOUCHES)
def test_a_change_of_a_section_reruns_exactly_its_stages(settled, section):
    from numina.profile import merged

    change, expected = TOUCHES[section]
    key, value = change.split("=")
    # The change stays: each section is changed once, so the next one stands alone again.
    params_file = settled / "params.yaml"
    params = merged({key: yaml.safe_load(value)}, yaml.safe_load(params_file.read_text()))
    params_file.write_text(yaml.safe_dump(params, sort_keys=False))
    # `report` shows params.yaml, so it is redrawn whatever the knob.
    assert rerun(settled) == expected | {"report"}
