"""Chain of thought with votes: no program runs, and the curve over the number of chains."""

import csv
import sys

import pytest

from experiments.cot_vote import curve
from numina import overlay
from numina.errors import UserError
from numina.records.problem import Problem
from numina.records.trace import Verdict
from numina.rows import read_records, write_json, write_rows
from numina.settings import parse
from numina.settings.params import document
from stages import eval_sctir
from tests.conftest import ROOT, make_trace

FOLDER = ROOT / "experiments/cot_vote"
PROBLEMS = [Problem(f"p{n}", f"What is ${n}+1$?", str(n + 1), "t") for n in range(3)]


def test_the_votes_are_those_of_the_winners():
    changes = document(FOLDER / "params.yaml")
    sctir = parse(overlay.overlaid(document(ROOT / "params.yaml"), changes)).sctir
    assert (sctir.n, sctir.depth) == (32, 0)


def test_the_recipes_stage_votes_without_running_a_program(model_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    changes = [document(FOLDER / file) for file in ("params.yaml", "smoke.yaml")]
    file = tmp_path / "cot_vote" / "params.yaml"
    write_json(file, overlay.overlaid(*changes) | {"engine": {"name": "transformers"}})
    monkeypatch.setenv(overlay.VARIABLE, str(file))
    write_rows(tmp_path / "validation" / "amc.jsonl", PROBLEMS)
    rule = parse(document(ROOT / "params.yaml")).splits["mini_amc"].answer
    write_json(tmp_path / "rules.json", {"amc": rule.model_dump()})
    given = {
        "model": model_folder,
        "validation": tmp_path / "validation",
        "rules": tmp_path / "rules.json",
        "out": tmp_path / "eval",
    }
    arguments = [part for name, path in given.items() for part in (f"--{name}", str(path))]
    monkeypatch.setattr(sys, "argv", ["eval_sctir", *arguments])
    eval_sctir.main()
    verdicts = [v for _, v in read_records(tmp_path / "eval/amc/seed_1.jsonl", Verdict)]
    assert [verdict.n for verdict in verdicts] == [5, 5, 5]
    traces = [trace for verdict in verdicts for trace in verdict.traces]
    assert traces
    assert {tuple(trace.block_statuses) for trace in traces} == {()}
    assert max(trace.generated_tokens for trace in traces) <= 16
    write_curve(tmp_path, monkeypatch)
    rows = read_curve(tmp_path)
    assert [row["k"] for row in rows] == ["1", "2", "3", "4", "5"]


def write_curve(folder, monkeypatch) -> None:
    paths = ("--validation", "validation", "--sctir", "eval", "--out", "curve.csv")
    given = [part if part.startswith("--") else str(folder / part) for part in paths]
    monkeypatch.setattr(sys, "argv", ["curve", *given])
    curve.main()


def read_curve(folder) -> list[dict[str, str]]:
    with (folder / "curve.csv").open() as rows:
        return list(csv.DictReader(rows))


def test_the_curve_worked_by_hand(tmp_path, monkeypatch):
    write_rows(tmp_path / "validation" / "amc.jsonl", PROBLEMS[:2])
    verdicts = [
        verdict("p0", ["9", "1", "1"]),  # right from k = 3 on
        verdict("p1", ["2", "5", "5"]),  # right up to k = 2, as the first text in order wins a tie
    ]
    write_rows(tmp_path / "eval" / "amc" / "seed_1.jsonl", verdicts)
    knobs = parse(document(ROOT / "params.yaml")).sctir.model_copy(update={"n": 3})
    write_json(tmp_path / "eval" / "run.json", knobs.model_dump(mode="json"))
    write_curve(tmp_path, monkeypatch)
    rows = [(row["k"], row["accuracy"], row["pass_at_k"]) for row in read_curve(tmp_path)]
    assert rows == [("1", "0.5", "0.5"), ("2", "1.0", "1.0"), ("3", "0.5", "")]


def verdict(problem: str, answers: list[str]) -> Verdict:
    traces = [make_trace(problem, index, answer) for index, answer in enumerate(answers)]
    return Verdict(problem, 1, answers[-1], {}, 3, traces, "full", 1.0, 0, 0, 1.0)


def test_a_curve_needs_votes(tmp_path, monkeypatch):
    write_rows(tmp_path / "validation" / "amc.jsonl", PROBLEMS[:2])
    knobs = parse(document(ROOT / "params.yaml")).sctir
    write_json(tmp_path / "eval" / "run.json", knobs.model_dump(mode="json"))
    with pytest.raises(UserError, match=r"amc: holds no seed_\*.jsonl"):
        write_curve(tmp_path, monkeypatch)
    assert not (tmp_path / "curve.csv").exists()
