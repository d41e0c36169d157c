"""The recipe taken apart: its variants, the rows and problems they get, and what each step adds."""

import json
import subprocess
import sys

import pytest
import yaml

from experiments import variant
from experiments.steps import compare, part
from experiments.steps.picture import picture
from experiments.steps.systems import CONTROL, TRAINED, voting_systems
from numina import overlay
from numina.errors import UserError
from numina.records.attempt import Attempt
from numina.records.problem import Problem
from numina.records.trace import Verdict
from numina.rows import read_problems, write_json, write_rows, written_shards
from numina.settings import parse
from numina.settings.params import document
from numina.settings.splits import AnswerRule
from tests import dag
from tests.conftest import PARAMS, ROOT, make_trace, shards

FOLDER = ROOT / "experiments/steps"
RULE = AnswerRule(integer=True, modulus=0, lowest=None, highest=None, from_output=False)
STAGES = yaml.safe_load((FOLDER / "dvc.yaml").read_text())["stages"]
RECIPE = {"packing": "best_fit", "mask_output": True, "batch_size": 1}
# What each variant changes in the second stage.
CHANGES = {
    "control": {},
    "tir_only": {},
    "one_round": {},
    "padded": {"packing": "none", "batch_size": 4},
    "outputs_trained": {"mask_output": False},
}


@pytest.mark.parametrize("name", TRAINED)
def test_a_variant_changes_one_thing(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    changes = variant.merged(FOLDER.relative_to(ROOT), name)
    found = parse(overlay.over(document(ROOT / "params.yaml"), changes, "steps")).sft_tir
    recipe = parse(document(ROOT / "params.yaml")).sft_tir
    assert found == recipe.model_copy(update=CHANGES[name])
    start = STAGES["sft"]["foreach"][name]
    differs = start != STAGES["sft"]["foreach"][CONTROL]
    assert differs == (name in ("tir_only", "one_round"))
    assert bool(CHANGES[name]) + differs == (name != CONTROL)


def test_every_variant_is_trained_decoded_and_compared():
    assert list(STAGES["sft"]["foreach"]) == STAGES["eval"]["foreach"] == list(TRAINED)
    assert {file.stem for file in (FOLDER / "variants").glob("*.yaml")} == set(TRAINED)
    for name in TRAINED:
        assert f"experiments/steps/eval/{name}" in STAGES["compare"]["deps"]


@pytest.mark.parametrize("stage", ["sft", "eval"])
def test_the_stage_of_a_variant_has_the_deps_of_the_recipes(stage):
    given = STAGES[stage]["do"]
    module = given["cmd"].split()[5]
    for file in dag.closure(module.replace(".", "/") + ".py"):
        assert any(file == dep or file.startswith(f"{dep}/") for dep in given["deps"]), file


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (None, "experiments/idea/variants/x.yaml: not found"),
        ("- 1", "experiments/idea/variants/x.yaml: is not a mapping of sections"),
        ("sft_tir: {packing: tight}", "sft_tir.packing: Input should be 'best_fit'"),
        ("sft: {packing: none}", "sft: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_variant_is_one_line(tmp_path, text, error):
    folder = tmp_path / "experiments/idea/variants"
    folder.mkdir(parents=True)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    (folder.parent / "params.yaml").write_text("")
    if text is not None:
        (folder / "x.yaml").write_text(text)
    done = started(tmp_path, "from numina import entry, settings\nentry.command(settings.read)\n")
    assert done.returncode == 1
    assert error in done.stderr
    assert "Traceback" not in done.stderr


def test_a_variant_lies_over_the_experiment_over_the_recipe(tmp_path):
    folder = tmp_path / "experiments/idea/variants"
    folder.mkdir(parents=True)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    (folder.parent / "params.yaml").write_text("sctir: {n: 3, depth: 2}\nidea: {x: 1}\n")
    (folder / "x.yaml").write_text("sctir: {depth: 1}\nidea: {x: 2}\n")
    done = started(
        tmp_path,
        "import sys\nfrom numina import settings\n"
        "s = settings.load('sctir').sctir\nprint(sys.argv[1:], s.n, s.depth, s.temperature)\n",
    )
    assert done.stdout == f"['--out', 'y'] 3 1 {PARAMS.sctir.temperature}\n", done.stderr


def started(folder, program: str) -> subprocess.CompletedProcess[str]:
    (folder / "shown.py").write_text(program)
    return subprocess.run(
        [sys.executable, "-m", "experiments.variant", "idea", "x", "shown", "--out", "y"],
        cwd=folder,
        env={"PYTHONPATH": f"{ROOT}:{folder}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=100,
    )


def attempt(problem: str, number: int, verdict: str) -> Attempt:
    text = f"```python\nprint({problem[1:]} + 0)\n```\n```output\n{problem[1:]}\n```\n"
    text += f"It is $\\boxed{{{problem[1:]}}}$."
    return Attempt(problem, 0, number, number - 1, "t", text, problem[1:], verdict, "answer", [""])


@pytest.fixture
def taught(tmp_path, monkeypatch):
    """Ten problems, of which every third was solved in the second round."""
    problems = [Problem(f"p{n}", f"What is {n}?", str(n), "t", "x") for n in range(10)]
    late = [problem.id for problem in problems[::3]]
    shards(tmp_path / "attempts/problems", *problems)
    with written_shards(tmp_path / "attempts/attempts", Attempt) as write:
        for problem in problems:
            write(attempt(problem.id, 1, "wrong" if problem.id in late else "right"))
        for name in late:
            write(attempt(name, 2, "right"))
    shards(tmp_path / "tir/train", *problems)
    write_rows(tmp_path / "validation/amc.jsonl", problems[:7])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    write_json(
        tmp_path / "experiments/steps/params.yaml",
        {"steps": {"rows": 6, "problems": 3, "seed": 1}},
    )
    given = ("--tir", "tir", "--attempts", "attempts", "--validation", "validation", "--out", "out")
    monkeypatch.setattr(sys, "argv", ["part", *given])
    return late


def test_one_round_has_the_drawn_rows_that_were_solved_in_it(taught, tmp_path):
    part.main()
    three, one = (
        [row.id for row in read_problems(tmp_path / "out" / name / "train")]
        for name in ("three_rounds", "one_round")
    )
    assert len(three) == 6
    assert one == [name for name in three if name not in taught]
    assert 0 < len(one) < 6
    asked = read_problems(tmp_path / "out/validation/amc.jsonl")
    assert [problem.id for problem in asked] == ["p0", "p2", "p4"]


def test_zero_takes_all_rows_and_problems(taught, tmp_path):
    whole = {"steps": {"rows": 0, "problems": 0, "seed": 1}}
    write_json(tmp_path / "experiments/steps/params.yaml", whole)
    part.main()
    assert len(read_problems(tmp_path / "out/three_rounds/train")) == 10
    assert len(read_problems(tmp_path / "out/validation/amc.jsonl")) == 7


def test_a_wrong_knob_is_named_and_nothing_is_written(taught, tmp_path):
    write_json(tmp_path / "experiments/steps/params.yaml", {"steps": {"rows": -1}})
    with pytest.raises(UserError, match=r"steps.rows: .*\(got -1\)"):
        part.main()
    assert not (tmp_path / "out").exists()


def vote(problem: str, seed: int, answers: list[str], programs: int = 1) -> Verdict:
    ran = "```python\nx\n```\n```output\n1\n```\n" * programs
    traces = [
        make_trace(
            problem,
            index,
            answer,
            text=f"{ran}It is $\\boxed{{{answer}}}$.",
            statuses=("ok",) * programs,
        )
        for index, answer in enumerate(answers)
    ]
    return Verdict(problem, seed, answers[-1], {}, 3, traces, "full", 1.0, 0, 0, 1.0)


@pytest.fixture
def evaluated(tmp_path, monkeypatch):
    """Evaluations of two problems: greedy, by votes, and of trained variants."""
    problems = [Problem(f"p{n}", "?", str(n), "t") for n in (1, 2)]
    for name in ("validation", "part"):
        write_rows(tmp_path / name / "amc.jsonl", problems)
    write_json(tmp_path / "rules.json", {"amc": RULE.model_dump()})
    answers = {"base": "00", "greedy/cot": "00", "greedy/tir": "10", "greedy/quantised": "12"}
    answers |= {f"trained/{name}": "12" if name == CONTROL else "10" for name in TRAINED}
    for folder, given in answers.items():
        traces = [make_trace(p.id, 0, a) for p, a in zip(problems, given, strict=True)]
        write_rows(tmp_path / folder / "amc.jsonl", traces)
        write_json(tmp_path / folder / "run.json", {"seconds": 1})
    votes = {  # the second problem's traces run two programs
        1: [vote("p1", 1, ["9", "1", "1"]), vote("p2", 1, ["2", "2", "2"], 2)],
        2: [vote("p1", 2, ["1", "9", "9"]), vote("p2", 2, ["9", "2", "2"], 2)],
    }
    for seed, rows in votes.items():
        write_rows(tmp_path / f"sctir/amc/seed_{seed}.jsonl", rows)
    knobs = PARAMS.sctir.model_copy(update={"n": 3, "depth": 2, "seeds": (1, 2)})
    write_json(tmp_path / "sctir/run.json", knobs.model_dump(mode="json"))
    names = (*compare.FOLDERS, "out", "picture")
    places = {"rules": "rules.json", "out": "steps.json", "picture": "steps.svg"}
    given = [p for name in names for p in (f"--{name}", str(tmp_path / places.get(name, name)))]
    monkeypatch.setattr(sys, "argv", ["compare", *given])
    return problems


def test_votes_of_fewer_traces_and_programs_worked_by_hand(evaluated, tmp_path):
    found = voting_systems(tmp_path / "sctir", {"amc": evaluated}, {"amc": RULE})
    assert {system.name: system.right.tolist() for system in found} == {
        "n1": [[0, 1], [1, 0]],
        "n3": [[1, 0], [1, 1]],
        "depth1": [[1, 0], [0, 0]],  # the traces of p2 are cut before they answer
    }
    assert [system.against for system in found] == ["quantised", "n1", "n3"]


def test_each_step_is_paired_with_the_one_without_it(evaluated, tmp_path):
    compare.main()
    table = json.loads((tmp_path / "steps.json").read_text())
    assert [*table] == [
        *("base", "cot", "tir", "quantised", "n1", "n3", "depth1"),
        *TRAINED,
    ]
    tir = table["tir"]
    assert (tir["accuracy"], tir["against"], tir["difference"]) == (50, "cot", 50)
    assert (tir["better"], tir["worse"], tir["p_value"]) == (1, 0, 1.0)
    assert (table["n3"]["accuracy"], table["n3"]["seeds"]) == (75, 2)
    assert (table["padded"]["against"], table["padded"]["difference"]) == (CONTROL, -50)
    assert "against" not in table["base"]
    svg = (tmp_path / "steps.svg").read_text()
    for row in table.values():
        assert row["label"] in svg
    assert "beside CoT only" in svg
    assert "script" not in svg


def test_the_picture_does_not_change_with_the_day(evaluated, tmp_path):
    compare.main()
    table = json.loads((tmp_path / "steps.json").read_text())
    assert picture(table) == picture(table) == (tmp_path / "steps.svg").read_text()


def test_a_missing_evaluation_is_named_and_nothing_is_written(evaluated, tmp_path):
    (tmp_path / "trained/padded/amc.jsonl").unlink()
    with pytest.raises(UserError, match="padded: has neither"):
        compare.main()
    assert not (tmp_path / "steps.json").exists()
    assert not (tmp_path / "steps.svg").exists()
