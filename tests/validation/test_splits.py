"""Validation splits: the published sets by their own rule, and what can be wrong with a source."""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from numina.errors import UserError
from numina.records.problem import Problem
from numina.rows import read_problems, write_rows
from numina.settings import Params
from numina.validation.published import published_problem, whole_by_float
from numina.validation.splits import build_split, build_splits
from stages import validation_sets
from tests.conftest import changed_params

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "validation"
needs_shared = pytest.mark.skipif(
    not SHARED.exists(), reason="the shared data are not on this machine"
)
COMMIT = "a" * 40
GOOD = {"id": "a", "problem": "What is 1?", "answer": "1"}


def sets(*splits: str, **sources: Any) -> Params:
    """Params of these splits; `sources` are changes of some, by name."""
    changes: dict[str, Any] = {"validation_sets.splits": list(splits), "validation_sets.seed": 1}
    for name in ("amc", "aime", "math_level_4", "math_level_5", "gsm8k"):
        changes[f"splits.{name}.count"] = 0
        for key, value in sources.get(name, {}).items():
            changes[f"splits.{name}.{key}"] = value
    return changed_params(changes)


def split_of(name: str, params: Params) -> list[Problem]:
    return build_split(name, params.splits[name], params.validation_sets.seed)


def all_of(params: Params) -> dict[str, list[Problem]]:
    return build_splits(params.validation_sets, params.splits)


def from_rows(tmp_path: Path, *rows: Any, split: str = "amc", **changes: Any) -> list[Problem]:
    """The split of a local file; a row that is text is a line as it stands."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines) + "\n")
    source = {"path": str(tmp_path / "rows.jsonl"), **changes}
    return split_of(split, sets(split, **{split: source}))


@pytest.mark.parametrize(
    ("row", "answer"),
    [
        ({"question": "How many?", "answer": "It is <<2+3=5>>5.\n#### 5"}, "5"),  # as published
        ({"question": "How many?", "answer": "Many.\n#### 1,250"}, "1250"),
        ({"question": "How many?", "answer": "A debt.\n#### -3", "id": "q"}, "-3"),
        ({"problem": "How many?", "answer": "5", "solution": "It is 5.\n#### 5", "id": "q"}, "5"),
    ],
)
def test_rows_of_gsm8k_are_read_as_published_and_as_in_other_files(tmp_path, row, answer):
    (found,) = from_rows(tmp_path, row, split="gsm8k")
    assert (found.problem, found.answer) == ("How many?", answer)
    assert found.solution.endswith(f"#### {row['answer'].rpartition('#### ')[2]}")
    assert found.id == row.get("id", found.id)
    assert from_rows(tmp_path, row, split="gsm8k") == [found]  # the same id again


def test_a_row_of_gsm8k_without_an_answer_is_named(tmp_path):
    row = {"question": "How many?", "answer": "Nobody knows."}
    with pytest.raises(UserError, match=r"rows.jsonl, line 1: field 'answer'"):
        from_rows(tmp_path, row, split="gsm8k")


@needs_shared
def test_the_whole_test_of_gsm8k_is_read():
    source = {"path": str(SHARED / "gsm8k_test.jsonl.gz")}
    assert len(split_of("gsm8k", sets("gsm8k", gsm8k=source))) == 1319


def solved(name: str, level: int, box: str, **fields: Any) -> dict[str, Any]:
    solution = f"First $\\boxed{{0}}$, then $\\boxed{{{box}}}$."
    return {"id": name, "problem": "?", "level": level, "solution": solution, **fields}


@needs_shared
@pytest.mark.parametrize(("level", "rows", "sound"), [(4, 754, 744), (5, 721, 719)])
def test_the_published_levels_are_cut_from_the_math_test(level, rows, sound):
    split = f"math_level_{level}"
    whole = {"path": str(SHARED / "math_test.jsonl.gz"), "rule": "cut"}
    cut = split_of(split, sets(split, **{split: whole}))
    assert len(cut) == rows
    assert sum(not problem.unsound for problem in cut) == sound
    assert {(problem.level, bool(problem.subject)) for problem in cut} == {(level, True)}
    published = [json.loads(line) for line in (SHARED / f"aimo_{split}.jsonl").open()]
    by_id = {row["id"]: row for row in published}
    assert {problem.id for problem in cut} == set(by_id)
    for problem in cut:
        row = by_id[problem.id]
        assert problem.answer == str(int(row["numina_float"]))
        assert bool(problem.unsound) == bool(row["rule_artefact"])
        assert problem.unsound or problem.answer == row["answer"]
    already = {"path": str(SHARED / f"aimo_{split}.jsonl")}
    assert split_of(split, sets(split, **{split: already})) == cut


@needs_shared
@pytest.mark.parametrize(
    ("split", "rows", "contests"),
    [
        ("amc", 83, {f"AMC 12{paper} {year}" for paper in "AB" for year in (2022, 2023)}),
        ("aime", 90, {f"AIME {i} {year}" for i in ("I", "II") for year in (2022, 2023, 2024)}),
    ],
)
def test_the_contests_are_read_whole_with_their_papers(split, rows, contests):
    problems = split_of(
        split, sets(split, **{split: {"path": str(SHARED / f"aimo_{split}.jsonl")}})
    )
    assert len(problems) == rows
    assert {problem.contest for problem in problems} == contests
    assert not any(problem.unsound for problem in problems)


@needs_shared
def test_golds_without_solutions_are_known_to_be_misread_too():
    """As on the hub, whose sets of MATH hold id, problem and answer alone."""
    for level, wrong in ((4, 10), (5, 2)):
        rows = map(json.loads, (SHARED / f"aimo_math_level_{level}.jsonl").open())
        bare = [{"id": r["id"], "problem": r["problem"], "answer": r["numina_float"]} for r in rows]
        found = [published_problem(row, "here") for row in bare]
        assert sum(bool(problem.unsound) for problem in found) == wrong


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        ("-8", -8),
        (" 5 ", 5),
        ("2.0", 2),
        ("1e3", 1000),
        ("1202_3", 12023),
        ("12345678901234567890", 12345678901234567890),
        ("2.5", None),
        ("1,000", None),
        ("\\frac{4}{2}", None),
        ("inf", None),
        ("nan", None),
        ("", None),
    ],
)
def test_a_whole_number_is_what_float_says_it_is(text, number):
    assert whole_by_float(text) == number


def test_the_rule_keeps_the_last_box_where_it_is_whole(tmp_path):
    kept = from_rows(
        tmp_path,
        solved("kept", 4, "12"),
        solved("other level", 5, "12"),
        solved("a fraction", 4, "\\frac12"),
        solved("base n", 4, "1202_3"),
        {"id": "no box", "problem": "?", "level": 4, "solution": "It is 5."},
        solved("MATH's own way", 0, "3") | {"level": "Level 4", "type": "Algebra"},
        solved("not known", 0, "3") | {"level": "Level ?"},
        solved("null", 0, "3") | {"level": None},
        split="math_level_4",
        rule="cut",
    )
    assert [(p.id, p.answer, bool(p.unsound)) for p in kept] == [
        ("MATH's own way", "3", False),
        ("base n", "12023", True),
        ("kept", "12", False),
    ]
    assert (kept[0].level, kept[0].subject) == (4, "Algebra")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"id": "b", "problem": "x', "rows.jsonl, line 3: not JSON"),
        ({"problem": "x", "answer": "1"}, "line 3: field 'id' must be text, got None"),
        ({"id": "b", "answer": "1"}, "line 3: field 'problem' must be text, got None"),
        ({"id": "b", "problem": "x"}, "line 3: field 'answer' must be text, got None"),
        ({**GOOD, "id": "b", "level": "hard"}, "line 3: field 'level' must be a whole number"),
        (GOOD, "line 3: field 'id': 'a' is already in .*rows.jsonl, line 1"),
        ({**GOOD, "id": "b", "answer": ""}, "line 3: field 'answer': '' is not a whole number"),
        ({**GOOD, "id": "b", "answer": "n/a"}, "field 'answer': 'n/a' is not a whole number"),
        ({**GOOD, "id": "b", "answer": "3.5"}, "field 'answer': '3.5' is not a whole number"),
        ({**GOOD, "id": "b", "answer": True}, "field 'answer' must be text, got True"),
    ],
)
def test_a_bad_row_is_named_with_its_file_line_and_field(tmp_path, row, reason):
    with pytest.raises(UserError, match=reason) as error:
        from_rows(tmp_path, GOOD, "", row)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"id": "b", "problem": "x", "level": 4}, "line 2: field 'solution' must be text"),
        ({"id": "b", "problem": "x", "level": "hard"}, "line 2: field 'level' must be a whole"),
        ({"problem": "x", "level": 4, "solution": "\\boxed{1}"}, "line 2: field 'id' must be"),
    ],
)
def test_a_row_that_cannot_be_cut_is_named(tmp_path, row, reason):
    with pytest.raises(UserError, match=reason):
        from_rows(tmp_path, solved("a", 4, "1"), row, split="math_level_4", rule="cut")


def test_a_file_without_the_level_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"rows\.jsonl: no problems for math_level_4"):
        from_rows(tmp_path, solved("a", 3, "1"), split="math_level_4", rule="cut")


def test_bytes_that_are_no_text_are_named(tmp_path):
    (tmp_path / "rows.jsonl").write_bytes(json.dumps(GOOD).encode() + b"\n\n\xff\xfe\n")
    with pytest.raises(UserError, match=r"rows\.jsonl, line 3: not UTF-8"):
        split_of("amc", sets("amc", amc={"path": str(tmp_path / "rows.jsonl")}))


def test_a_gzip_file_cut_short_is_named(tmp_path):
    whole = gzip.compress("".join(json.dumps({**GOOD, "id": str(i)}) for i in range(99)).encode())
    (tmp_path / "rows.jsonl.gz").write_bytes(whole[:-20])
    with pytest.raises(UserError, match=r"rows\.jsonl\.gz, line 1: damaged gzip file"):
        split_of("amc", sets("amc", amc={"path": str(tmp_path / "rows.jsonl.gz")}))


@pytest.mark.parametrize("broken", ["missing", "truncated"])
def test_nothing_is_written_where_one_split_is_wrong(tmp_path, monkeypatch, broken):
    write_rows(tmp_path / "amc.jsonl", [Problem("a", "What is 1?", "1", "t")])
    if broken == "truncated":
        (tmp_path / "aime.jsonl").write_text('{"id": "b", "problem": "x", "answ')
    params = sets(
        *("amc", "aime"),
        amc={"path": str(tmp_path / "amc.jsonl")},
        aime={"path": str(tmp_path / "aime.jsonl")},
    )
    monkeypatch.setattr(validation_sets.settings, "load", lambda *_: params)
    paths = ["--out", str(tmp_path / "out"), "--rules", str(tmp_path / "rules.json")]
    monkeypatch.setattr(sys, "argv", ["validation_sets", *paths])
    with pytest.raises(UserError, match=r"aime\.jsonl(: not found|, line 1: not JSON)"):
        validation_sets.main()
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "rules.json").exists()


def test_one_id_in_two_splits_is_refused(tmp_path):
    write_rows(tmp_path / "rows.jsonl", [Problem("a", "What is 1?", "1", "t")])
    source = {"path": str(tmp_path / "rows.jsonl")}
    with pytest.raises(UserError, match="id 'a' is in amc and in aime"):
        all_of(sets("amc", "aime", amc=source, aime=source))


def test_a_split_of_real_problems_is_a_seeded_handful(tmp_path):
    rows = [{**GOOD, "id": str(i), "answer": str(i)} for i in range(30)]
    chosen = from_rows(tmp_path, *rows, count=7)
    assert len(chosen) == 7
    assert chosen == from_rows(tmp_path, *reversed(rows), count=7)
    assert len(from_rows(tmp_path, *rows, count=0)) == 30
    with pytest.raises(UserError, match="asked for 31 problems, has 30"):
        from_rows(tmp_path, *rows, count=31)


def test_what_a_split_says_of_a_problem_survives_writing_and_reading(tmp_path):
    row = {**GOOD, "answer": "1202_3", "contest": "AIME II", "year": 2023}
    problems = from_rows(tmp_path, row)
    assert (problems[0].answer, problems[0].contest) == ("12023", "AIME II 2023")
    write_rows(tmp_path / "split.jsonl", problems)
    assert read_problems(tmp_path / "split.jsonl") == problems
    assert from_rows(tmp_path, *(tmp_path / "split.jsonl").read_text().splitlines()) == problems


def test_rows_of_before_these_fields_read_as_before(tmp_path):
    write_rows(tmp_path / "old.jsonl", [{**GOOD, "source": "t"}])
    assert read_problems(tmp_path / "old.jsonl") == [Problem("a", "What is 1?", "1", "t")]


PAGE = "https://artofproblemsolving.com/wiki/index.php/2023_AIME_II_Problems/Problem_1"


class Hub:
    """A hub with one file, as AI-MO's are: numbers for ids, answers as floats, a wiki page."""

    def __init__(self, file: Path) -> None:
        self.file, self.asked = file, []
        self.rows = [
            {"id": 0, "problem": "One?", "answer": 142.0, "url": PAGE, "solution": None},
            {"id": 1, "problem": "Two?", "answer": -4.0, "url": None, "solution": "$\\boxed{-4}$"},
        ]

    def download(self, *names: str, **how: str) -> str:
        import pyarrow
        import pyarrow.parquet

        self.asked.append((names, how))
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(self.rows), self.file)
        return str(self.file)


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Hub:
    import huggingface_hub

    served = Hub(tmp_path / "train.parquet")
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", served.download)
    return served


def on_hub(**changes: str) -> dict[str, Any]:
    given = {"name": "some/set", "revision": COMMIT, "file": "data/train.parquet"}
    return {"source": "hub", "hub": given | changes}


def test_a_hub_file_is_read_at_its_commit(hub):
    problems = split_of("aime", sets("aime", aime=on_hub()))
    assert [(p.id, p.answer, p.contest, p.solution) for p in problems] == [
        ("aime/0", "142", "AIME II 2023", ""),
        ("aime/1", "-4", "", "$\\boxed{-4}$"),
    ]
    kind = {"repo_type": "dataset", "revision": COMMIT}
    assert hub.asked == [(("some/set", "data/train.parquet"), kind)]


def test_numbered_rows_of_two_hub_sets_do_not_collide(hub):
    splits = all_of(sets("amc", "aime", amc=on_hub(), aime=on_hub()))
    assert [p.id for rows in splits.values() for p in rows] == [
        "amc/0",
        "amc/1",
        "aime/0",
        "aime/1",
    ]


def test_a_hub_row_that_is_wrong_is_named_with_its_commit(hub):
    hub.rows = [{"id": 7, "problem": "Three?", "answer": "pi"}]
    with pytest.raises(UserError, match=r"some/set@aaaaaaa/data/train\.parquet, row 1: field 'ans"):
        split_of("amc", sets("amc", amc=on_hub()))


def test_a_hub_file_that_is_no_table_is_named(tmp_path, monkeypatch):
    import huggingface_hub

    (tmp_path / "train.parquet").write_bytes(b"<html>")
    monkeypatch.setattr(
        huggingface_hub, "hf_hub_download", lambda *_, **__: str(tmp_path / "train.parquet")
    )
    with pytest.raises(UserError, match=r"some/set@aaaaaaa/data/train\.parquet: cannot be read"):
        split_of("amc", sets("amc", amc=on_hub()))


def test_a_hub_that_cannot_be_reached_is_named(monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(
        UserError, match=f"cannot fetch data/train.parquet at {COMMIT} from the hub"
    ):
        split_of("amc", sets("amc", amc=on_hub(name="nobody/nothing")))


@pytest.mark.parametrize("revision", ["", "main", "A" * 40, "a" * 39])
def test_a_hub_source_needs_a_whole_commit(revision):
    with pytest.raises(UserError, match=r"splits\.amc\.hub\.revision"):
        sets("amc", amc=on_hub(revision=revision))


@pytest.mark.parametrize(
    ("splits", "changes", "reason"),
    [
        (["amc"], {}, r"splits\.amc\.path is empty \(validation_sets\.splits names it\)"),
        (["olympiad"], {}, "'olympiad' is not in splits"),
        (["mini_amc", "mini_amc"], {}, "splits repeat"),
        (["mini_amc"], {"math_level_4": {"rule": "guess"}}, "rule"),
        (["mini_amc"], {"amc": {"rule": "cut"}}, "rule 'cut' needs a level from 1 to 5, level=0"),
    ],
)
def test_params_that_cannot_be_are_refused(splits, changes, reason):
    with pytest.raises(UserError, match=reason):
        sets(*splits, **changes)
