"""dvc.yaml says the truth: deps cover the imports, and a change reruns what it must and no more."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.dag import NEVER_A_DEP, ROOT, closure, code_deps, sections_loaded, stage_module, stages

GREEDY = {"eval_greedy@cot", "eval_greedy@tir", "eval_greedy@quantised"}
SCORED = {"score", "report"}
ENDS = GREEDY | {"eval_sctir"} | SCORED
QUANTISED = {"quantize", "eval_greedy@quantised", "eval_sctir"} | SCORED
TIR = {"sft_tir", "eval_greedy@tir"} | QUANTISED
TRAINED = {"sft_cot", "eval_greedy@cot"} | TIR
TAUGHT = {"tir_data", "tir_select"} | TIR
DATA = {"cot_data", "tir_data", "tir_select"} | TRAINED

# Touch this knob: these stages rerun. Each section of params.yaml has a row.
KNOBS = {
    "base_model.dtype=bfloat16": {"base_model"} | TRAINED,
    "validation_sets.seed=9": {"validation_sets", "dedup"} | DATA,
    "splits.mini_amc.count=20": {"validation_sets", "dedup"} | DATA,
    # A split that is not chosen, and the rule of one, leave the problems as they are.
    "splits.aime.path=elsewhere.jsonl": {"validation_sets"},
    "splits.aime.answer.highest=99": {"validation_sets"},
    "splits.mini_aime.answer.highest=99": {"validation_sets"} | ENDS,
    "digitize.scale=2": {"digitize", "collect", "dedup"} | DATA,
    "hardware.vision.timeout_s=9": set(),
    "collect.seed=9": {"collect", "dedup"} | DATA,
    "dedup.leaks=ngram": {"dedup"} | DATA,
    "cot_data.max_rows=9": {"cot_data"} | TRAINED,
    "tir_data.rounds=2": TAUGHT,
    "tir_data.model.temperature=0.6": TAUGHT,
    "tir_select.per_problem=2": {"tir_select"} | TIR,
    "teacher.temperature=0.5": TAUGHT,
    "teacher.max_new_tokens=900": DATA,
    "template.name=winners": TRAINED,
    "template.model=any": ENDS,
    "template.limits=published": ENDS,
    "base_model.name=other==1": {"base_model"} | TRAINED,
    "sft_cot.epochs=2": TRAINED,
    "sft_tir.epochs=2": TIR,
    "sft_cot.optimizer=sgd": TRAINED,
    "sft_tir.held_out=8": TIR,
    "quantize.rows=9": QUANTISED,
    "sandbox.timeout_s=4": {"eval_greedy@cot"} | TAUGHT,
    "engine.batch_size=9": ENDS,
    "eval_greedy.depth=2": GREEDY | SCORED,
    "sctir.n=64": {"eval_sctir"} | SCORED,
    "time_bank.budget_s=60": {"eval_sctir"} | SCORED,
    "answers.solve.integer=true": set(),
    "contests.aimo3.answer.highest=9999": set(),
    "hardware.cache=elsewhere": set(),
    "hardware.checkpoint_steps=99": set(),
    "hardware.data_processes=2": set(),
    "hardware.processes=0": set(),
    "hardware.micro_batch=4": set(),
    "hardware.nodes.hosts=[a,b]": set(),
    "hardware.nodes.port=29501": set(),
    "hardware.gradient_checkpointing=true": set(),
    "hardware.samples=4": set(),
    "hardware.solvers=2": set(),
    "hardware.trackers=[tensorboard]": set(),
    "hardware.server.urls=[http://localhost:8000/v1]": set(),
    "hardware.server.timeout_s=9": set(),
    "hardware.server.patience_s=9": set(),
    "hardware.teacher.urls=[http://localhost:8000/v1]": set(),
    "hardware.teacher.price_answer=2": set(),
    "hardware.teacher.budget=9": set(),
    "hardware.vllm.memory_share=0.5": set(),
    "hardware.vllm.tensor_parallel=2": set(),
    "hardware.sandbox.open_files=99": set(),
    "hardware.sandbox.allow_unisolated=true": set(),
}

# Touch this file: these stages rerun.
FILES = {
    "stages/dedup.py": {"dedup"} | DATA,
    "numina/rows/parquet.py": {"validation_sets", "digitize", "collect", "dedup"} | DATA,
    "numina/records/problem.py": {"validation_sets", "digitize", "collect", "dedup"} | DATA,
    # tir_data depends on agents and engines for teachers that are models. With the others a change
    # there reruns it for seconds: its out stays as it is, so nothing after it reruns.
    "numina/records/trace.py": TAUGHT | ENDS,
    "numina/records/attempt.py": TAUGHT | ENDS,
    "numina/template.py": DATA,
    "numina/fences.py": {"validation_sets", "digitize", "collect", "dedup"} | DATA,
    "numina/models/base.py": {"base_model"} | TRAINED,
    "numina/models/pinned.py": {"base_model"} | TRAINED,
    "numina/models/passed.py": {"base_model"} | TRAINED,
    "numina/models/unquantised.py": QUANTISED,
    "numina/models/awq.py": QUANTISED,
    "numina/models/calibration.py": QUANTISED,
    "numina/models/checkpoint.py": QUANTISED,
    "numina/models/comparison.py": QUANTISED,
    "numina/models/gptq.py": QUANTISED,
    "numina/models/layers.py": QUANTISED,
    "numina/models/quantize.py": QUANTISED,
    "numina/models/loading.py": {"base_model"} | TRAINED,
    "numina/models/folder.py": set(),
    "numina/models/tokenizer.py": {"base_model"} | TAUGHT | TRAINED,
    "numina/hub/fetch.py": {"base_model", "validation_sets", "collect", "dedup"} | DATA,
    "numina/hub/upload.py": set(),
    "numina/models/weights.py": {"eval_greedy@cot"} | TAUGHT | QUANTISED,
    "numina/sources/families/algebra.py": {"validation_sets", "collect", "dedup"} | DATA,
    "numina/exams/ocr.py": {"digitize", "collect", "dedup"} | DATA,
    "numina/exams/cutting.py": {"digitize", "collect", "dedup"} | DATA,
    "numina/sources/reading.py": {"validation_sets", "collect", "dedup"} | DATA,
    "numina/sources/known.py": {"collect", "dedup"} | DATA,
    "numina/corpus/sifted.py": {"digitize", "collect", "dedup"} | DATA,
    "numina/corpus/shelves.py": {"digitize", "collect", "dedup"} | DATA,
    "numina/corpus/finished.py": TAUGHT,
    "numina/corpus/ready.py": TAUGHT,
    "numina/corpus/calculator.py": TAUGHT,
    "numina/corpus/teachers/embedded.py": TAUGHT,
    "numina/corpus/programs.py": {"tir_select"} | TIR,
    "numina/corpus/selection.py": {"tir_select"} | TIR,
    "numina/corpus/dedup.py": {"dedup"} | DATA,
    "numina/corpus/leaks.py": {"dedup"} | DATA,
    "numina/corpus/duplicates.py": {"dedup"} | DATA,
    "numina/answer/normalise.py": {"validation_sets", "dedup"} | DATA,
    "numina/corpus/cot.py": {"cot_data"} | TRAINED,
    "numina/corpus/language.py": {"cot_data"} | TRAINED,
    "numina/corpus/rewriting/translate.txt": {"cot_data"} | TRAINED,
    "numina/corpus/soundness.py": {"cot_data"} | TRAINED,
    "numina/corpus/tora.py": TAUGHT,
    "numina/corpus/slips.py": TAUGHT,
    "numina/train/sft.py": TRAINED,
    "numina/monitor/samples.py": set(),
    "numina/answer/pool.py": {"validation_sets"} | DATA,
    "numina/sandbox/pool.py": {"eval_greedy@cot"} | TAUGHT,
    "numina/engine/server.py": TAUGHT | ENDS,
    "numina/engine/remote.py": DATA,
    "numina/agent/trace.py": TAUGHT | ENDS,
    "numina/agent/published.py": TAUGHT | ENDS,
    "numina/agent/processes.py": TAUGHT | ENDS,
    "numina/teacher/kept.py": DATA,
    "numina/teacher/prompts/chat.md": DATA,
    "numina/sctir/stop.py": {"eval_sctir"} | SCORED,
    "numina/sctir/processes.py": {"eval_sctir"} | SCORED,
    "numina/sctir/vote.py": {"eval_sctir"} | SCORED,
    "numina/measure/stats.py": SCORED,
    "numina/measure/depth.py": SCORED,
    "numina/validation/rules.py": {"validation_sets"} | GREEDY | {"eval_sctir"} | SCORED,
    "numina/report/page.css": {"report"},
    "numina/report/published.json": {"report"},
    "numina/report/card.py": {"report"},
    "numina/settings/training.py": set(),
    "numina/progress.py": set(),
    "numina/machine.py": set(),
    "numina/resume.py": set(),
    "numina/entry.py": set(),
    "numina/errors.py": set(),
    "numina/cli/main.py": set(),
    "numina/contest/play.py": set(),
    "numina/bench/sctir.py": set(),
    "numina/bench/leaks.py": set(),
    "numina/answer/__pycache__/pool.cpython-311.pyc": set(),
}
# Outs that do not depend on all that their stage reads: a rerun leaves them as they are.
REAL = {"validation_sets"}


@pytest.mark.parametrize("name", stages())
def test_deps_cover_the_import_closure_and_nothing_else(name):
    stage = stages()[name]
    modules, deps = closure(stage_module(stage)), code_deps(stage)
    covers = {dep: {m for m in modules if m == dep or m.startswith(dep + "/")} for dep in deps}
    assert modules == set().union(*covers.values())
    assert [dep for dep, covered in covers.items() if not covered] == []
    assert [dep for dep in deps if f"{dep}/".startswith(NEVER_A_DEP) or dep in NEVER_A_DEP] == []


@pytest.mark.parametrize("name", stages())
def test_a_stage_loads_the_sections_that_dvc_yaml_names_for_it(name):
    stage = stages()[name]
    assert sections_loaded(stage) == {param.split(".")[0] for param in stage.get("params", [])}


def test_every_section_of_params_has_a_row_and_all_but_two_have_a_stage():
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert {key.split(".")[0] for key in KNOBS} == set(params)
    named = {section for stage in stages().values() for section in stage.get("params", [])}
    assert set(params) - named == {"hardware", "answers", "contests"}


def test_every_file_of_the_table_is_there():
    assert [
        file for file in FILES if "__pycache__" not in file and not (ROOT / file).exists()
    ] == []


def test_dvc_yaml_stays_short():
    assert len((ROOT / "dvc.yaml").read_text().splitlines()) <= 260


@pytest.mark.parametrize("name", stages())
def test_every_stage_is_described_and_its_outs_are_ignored_by_git_by_hand(name):
    stage = stages()[name]
    assert stage["desc"]
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    for out in stage.get("outs", []):
        if isinstance(out, str):
            for model in ("cot", "tir", "quantised"):
                assert "/" + out.replace("${key}", model) in ignored


def dvc(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "DVC_NO_ANALYTICS": "1", "PYTHONPATH": str(folder)},
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def settled(tmp_path_factory) -> Path:
    """A copy of the DAG whose stages only touch their outs, run once, so that DVC is at rest.

    The commands are replaced because what is tested here is what DVC decides, not what they do;
    those of `REAL` stay.
    """
    folder = tmp_path_factory.mktemp("dag")
    for part in ("numina", "stages", "data/exams"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("params.yaml", ".dvcignore"):
        shutil.copyfile(ROOT / file, folder / file)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    dvc(folder, "init", "-q", "-f")
    shutil.copyfile(ROOT / ".dvcignore", folder / ".dvcignore")
    document = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    del document["plots"]
    every = [stage.get("do", stage) for stage in document["stages"].values()]
    inside = sorted({dep for stage in every for dep in stage["deps"]})
    for name, stage in zip(document["stages"], every, strict=True):
        if name not in REAL:
            stage["cmd"] = touch_outs(stage, inside)
    (folder / "dvc.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    dvc(folder, "repro", "-q")
    return folder


def touch_outs(stage: dict, inside: list[str]) -> str:
    """A command that makes a stage's outs, with the files and folders `inside` of them that others
    read; they change whenever it runs, as with real ones."""
    outs = [*stage.get("outs", []), *stage.get("metrics", [])]
    paths = [out if isinstance(out, str) else next(iter(out)) for out in outs]
    lines = [f"mkdir -p $(dirname {path}); rm -rf {path}" for path in paths]
    for path in paths:
        if Path(path).suffix:
            lines.append(f"date +%N > {path}")
        else:
            lines.append(f"mkdir -p {path}; date +%N > {path}/x")
            for dep in inside:
                if dep.startswith(path + "/"):
                    file = dep if Path(dep).suffix else f"{dep}/x"
                    lines.append(f"mkdir -p $(dirname {file}); date +%N > {file}")
    return "; ".join(lines)


def rerun(folder: Path) -> set[str]:
    """The stages that `dvc repro` runs."""
    lines = dvc(folder, "repro", "--no-run-cache").splitlines()
    return {line.split("'")[1] for line in lines if line.startswith("Running stage")}


def would_rerun(folder: Path) -> set[str]:
    """The stages that `dvc repro` would run, without running them: those that DVC finds changed and
    all that follow, as the outs of a stage that runs change. The outs of those of `REAL` may stay,
    so these are run, and once more when the change is taken back."""
    changed, after = found_changed(folder)
    if really := sorted(changed & REAL):
        dvc(folder, "repro", "--no-run-cache", "--single-item", *really)
        now, after = found_changed(folder)
        changed |= now
    return changed | after


def found_changed(folder: Path) -> tuple[set[str], set[str]]:
    """The stages whose deps or params are not those of their last run, and all stages that depend
    on such a one, directly or not, unless it is of `REAL`."""
    import networkx
    from dvc.repo import Repo

    with contextlib.chdir(folder), Repo() as repo:
        changed = {name.removeprefix("dvc.yaml:") for name in repo.status()}
        graph = repo.index.graph
        sources = [stage for stage in graph if stage.name in changed - REAL]
        after = {stage.name for source in sources for stage in networkx.ancestors(graph, source)}
    return changed, after


@contextlib.contextmanager
def changed_file(folder: Path, path: Path, text: str) -> Iterator[None]:
    """Another text in a file for as long as the context lasts; then DVC is at rest again."""
    before = path.read_bytes() if path.exists() else None
    locked = (folder / "dvc.lock").read_bytes()
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)
        if (folder / "dvc.lock").read_bytes() != locked:
            dvc(folder, "repro", "--single-item", *sorted(REAL))


def test_a_second_run_has_nothing_to_do(settled):
    assert rerun(settled) == set()


def test_what_would_rerun_is_what_reruns(settled):
    for file in ("numina/corpus/cot.py", "numina/models/gptq.py", "numina/validation/rules.py"):
        path = settled / file
        path.write_text(path.read_text() + "\n# touched\n")
        changed, after = found_changed(settled)
        assert rerun(settled) == changed | after, file


@pytest.mark.parametrize("change", KNOBS)
def test_touch_this_knob_these_stages_rerun(settled, change):
    from numina.profile import merged

    key, value = change.split("=", 1)
    file = settled / "params.yaml"
    params = merged({key: yaml.safe_load(value)}, yaml.safe_load(file.read_text()))
    with changed_file(settled, file, yaml.safe_dump(params, sort_keys=False)):
        # `report` shows params.yaml, so it is redrawn whatever the knob.
        assert would_rerun(settled) == KNOBS[change] | {"report"}


@pytest.mark.parametrize("file", FILES)
def test_touch_this_file_these_stages_rerun(settled, file):
    path = settled / file
    before = path.read_text() if path.exists() else ""
    with changed_file(settled, path, before + ("\n# touched\n" if path.suffix == ".py" else "\n")):
        assert would_rerun(settled) == FILES[file]
