"""What all experiments share: their parameters, their score, the page side by side."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from experiments import page, score
from experiments.settings import own
from numina import overlay, settings, stage_times
from numina.errors import UserError
from numina.records.problem import Problem
from numina.records.trace import Trace, Verdict
from numina.report import wording
from numina.rows import write_json, write_rows
from numina.settings.section import Section
from tests import dag

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENTS = sorted(file.parent.name for file in (ROOT / "experiments").glob("*/dvc.yaml"))


def stages(name: str) -> dict[str, dict[str, Any]]:
    document = yaml.safe_load((ROOT / "experiments" / name / "dvc.yaml").read_text())
    return {key: stage.get("do", stage) for key, stage in document["stages"].items()}


def module_of(stage: dict[str, Any]) -> str:
    """The module that a stage runs, also if experiments.stage starts it."""
    words = stage["cmd"].split()
    place = words.index("-m") + 1
    return words[place + 2] if words[place] == "experiments.stage" else words[place]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_is_documented_and_typed(name):
    folder = ROOT / "experiments" / name
    assert len((folder / "README.md").read_text().splitlines()) <= 60
    overlay_params = yaml.safe_load((folder / "params.yaml").read_text()) or {}
    whole = overlay.over(yaml.safe_load((ROOT / "params.yaml").read_text()), overlay_params, name)
    assert settings.parse(whole)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_code_of_a_stage_is_covered_by_its_deps(name):
    for stage_name, stage in stages(name).items():
        assert stage["wdir"] == "../..", stage_name
        file = module_of(stage).replace(".", "/") + ".py"
        if not (ROOT / file).exists():  # another program, such as mergekit
            continue
        reached = dag.closure(file)
        for module in sorted(reached):
            if module.startswith(("experiments/settings.py", "experiments/__init__")):
                continue
            covered = any(module == dep or module.startswith(f"{dep}/") for dep in stage["deps"])
            assert covered, f"{name}, {stage_name}: {module}"


def test_a_stage_of_an_experiment_reads_its_params_over_the_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    folder = tmp_path / "experiments" / "idea"
    folder.mkdir(parents=True)
    (folder / "params.yaml").write_text("sctir: {n: 3, depth: 0}\nidea: {steps: 7}\n")
    program = tmp_path / "shown.py"
    program.write_text(
        "import sys\n"
        "from numina import settings\n"
        'sctir = settings.load("sctir").sctir\n'
        "print(sys.argv[1:], sctir.n, sctir.depth, sctir.temperature)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "experiments.stage", "idea", "shown", "--out", "x"],
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    recipe = settings.read(ROOT / "params.yaml").sctir
    assert done.stdout == f"['--out', 'x'] 3 0 {recipe.temperature}\n", done.stderr


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("idea: {steps: no}", "idea.steps: must not be true or false (got False)"),
        ("idea: {}", "idea.steps: Field required"),
        ("idea: {steps: 1, stpes: 2}", "idea.stpes: Extra inputs are not permitted (got 2)"),
        ("sctir: {n: 3}", "has no section 'idea'"),
        ("", "has no section 'idea'"),
    ],
)
def test_a_wrong_section_of_an_experiment_is_one_line(tmp_path, monkeypatch, text, error):
    class Idea(Section):
        steps: int

    monkeypatch.chdir(tmp_path)
    file = tmp_path / "experiments" / "idea" / "params.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    with pytest.raises(UserError) as told:
        own("idea", Idea)
    assert str(told.value).startswith("experiments/idea/params.yaml: ")
    assert error in str(told.value)


def test_a_wrong_value_of_an_experiment_names_both_files(tmp_path, monkeypatch):
    file = tmp_path / "experiments" / "idea" / "params.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("sctir: {m: 3}")
    monkeypatch.setenv(overlay.VARIABLE, str(file))
    with pytest.raises(UserError, match=r"params.yaml with .*idea/params.yaml: sctir.m: "):
        settings.read(ROOT / "params.yaml")


def test_the_time_of_an_experiment_is_not_that_of_the_recipe(tmp_path, monkeypatch):
    (tmp_path / "logs").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stages/eval_sctir.py"])
    stage_times.note(300)
    monkeypatch.setenv(overlay.VARIABLE, "experiments/idea/params.yaml")
    stage_times.note(20)
    assert stage_times.noted() == {"eval_sctir": 300}


def trace(problem: Problem, answer: str | None, seed: int = 0) -> Trace:
    """A trace of ten tokens."""
    spent = {"prompt_tokens": 5, "cached_tokens": 0, "generated_tokens": 10, "logprob": -0.1}
    times = {"decode_s": 1.0, "execute_s": 0.0, "wait_s": 0.0}
    return Trace(problem.id, seed, 0, "", answer, "answer", [], **spent, **times)


def verdict(problem: Problem, answer: str, seed: int) -> Verdict:
    votes = {
        "votes": {answer: 1.0},
        "n": 1,
        "stop": "full",
        "margin": 1.0,
        "outstanding": 0,
        "cancelled": 0,
    }
    return Verdict(
        problem.id, seed, answer, traces=[trace(problem, answer, seed)], seconds=1.0, **votes
    )


def written(folder: Path, problems: list[Problem], answers: list[list[str]]) -> None:
    """Votes of one seed for each list of answers."""
    for seed, row in enumerate(answers):
        verdicts = [verdict(*pair, seed) for pair in zip(problems, row, strict=True)]
        write_rows(folder / "amc" / f"seed_{seed}.jsonl", verdicts)
    write_json(folder / "run.json", {"seconds": 90})


@pytest.fixture
def evaluated(tmp_path):
    problems = [Problem(f"p{n}", "?", str(n), "made") for n in range(4)]
    write_rows(tmp_path / "validation" / "amc.jsonl", problems)
    written(tmp_path / "recipe", problems, [["0", "1", "7", "7"], ["0", "1", "2", "7"]])
    written(tmp_path / "idea", problems, [["0", "7", "7", "7"]])
    write_rows(tmp_path / "greedy" / "amc.jsonl", [trace(p, p.answer) for p in problems])
    write_json(tmp_path / "greedy" / "run.json", {"seconds": 30})
    return tmp_path


def scored(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "experiments.score", "--name", "idea", "--system", "An idea"),
            *(*arguments, "--validation", "validation"),
            *("--out", "score.json", "--metric", "metric.json"),
        ],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )


def test_a_system_is_paired_with_the_recipe(evaluated):
    done = scored(evaluated, "--sctir", "idea", "--recipe", "recipe")
    assert done.returncode == 0, done.stderr
    found = json.loads((evaluated / "score.json").read_text())
    assert (found["name"], found["system"]) == ("idea", "An idea")
    whole = found["all"]
    assert (whole["accuracy"], whole["recipe"], whole["difference"]) == (25.0, 62.5, -37.5)
    assert (whole["better"], whole["worse"], whole["problems"], whole["seeds"]) == (0, 2, 4, 1)
    assert (whole["tokens_per_problem"], whole["minutes"]) == (10.0, 1.5)
    assert found["amc"]["accuracy"] == 25.0
    few = json.loads((evaluated / "metric.json").read_text())
    assert few == {"idea": {"accuracy": 25.0, "difference": -37.5, "p_value": whole["p_value"]}}
    done = scored(evaluated, "--greedy", "greedy", "--recipe", "recipe")
    assert json.loads((evaluated / "score.json").read_text())["all"]["difference"] == 37.5


def test_a_score_needs_whole_evaluations(evaluated):
    (evaluated / "idea" / "amc" / "seed_0.jsonl").unlink()
    done = scored(evaluated, "--sctir", "idea", "--recipe", "recipe")
    assert done.returncode == 1
    assert "idea: has neither amc/seed_*.jsonl nor amc.jsonl" in done.stderr
    assert not (evaluated / "score.json").exists()


def test_the_page_lays_experiments_side_by_side(evaluated, monkeypatch):
    scored(evaluated, "--sctir", "idea", "--recipe", "recipe")
    row = page.read_score(evaluated / "score.json")
    html = page.render([row], ["other"], {"idea": "Try <this>.", "other": "Not yet."})
    for text in ("An idea", "-37.5", "Try &lt;this&gt;.", "not run", "<svg"):
        assert text in html
    assert "http://" not in html.replace("http://www.w3.org", "")


def test_a_damaged_score_names_its_file(tmp_path):
    file = tmp_path / "score.json"
    file.write_text('{"name": "x", "system": "y", "all": {}}')
    with pytest.raises(UserError, match=r"score.json: field 'all': has no figures"):
        page.read_score(file)


def test_percent_keeps_one_digit():
    assert score.percent(1 / 3) == 33.3


@pytest.mark.parametrize(
    ("out", "label"), [("x/score.json", "kto"), ("x/dare.score.json", "kto_dare")]
)
def test_the_label_of_a_metric(out, label):
    assert score.label("kto", Path(out)) == label


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_dvc_shows_only_the_few_figures_of_an_experiment(name):
    for stage in stages(name).values():
        for metric in stage.get("metrics", []):
            assert next(iter(metric)).endswith("metric.json")


def test_the_table_of_the_readme_is_the_last_full_run():
    lines = (ROOT / "experiments/README.md").read_text().splitlines()
    shown = {line.split(" | ")[1]: line for line in lines if line.startswith("| [")}
    scores = [page.read_score(file) for file in (ROOT / "experiments").glob("*/*score.json")]
    assert sorted(shown) == sorted(row["system"] for row in scores)
    for row in scores:
        found = row["all"]
        interval = f"({found['difference_low']} to {found['difference_high']})"
        figures = f" | {found['accuracy']} | {found['difference']:+} {interval} | "
        assert figures in shown[row["system"]]
        assert shown[row["system"]].endswith(f" | {wording.p_value(found['p_value'])} |")


def test_the_rewards_of_a_training_are_drawn_where_no_stage_drew_a_picture(tmp_path):
    rows = "round,reward,right,ran,loss\n1,0.6,0.4,1,0.1\n2,0.8,0.6,1,0.1\n"
    (tmp_path / "rewards.csv").write_text(rows)
    (picture,) = page.drawn(tmp_path)
    assert "answer right" in picture and "loss" not in picture
    (tmp_path / "rewards.svg").write_text("<svg/>")
    assert page.drawn(tmp_path) == ["<svg/>"]
