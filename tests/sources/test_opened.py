"""Sources of `collect`: what a row may hold, bad rows, mappings, and the hub."""

import dataclasses
import datetime
import gzip
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from numina.corpus.collect import collect
from numina.errors import UserError
from numina.profile import merged
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.rows import each_problem
from numina.rows.rejected import each_removal, written_removals
from numina.settings.data import Source
from numina.sources.known import KNOWN
from numina.sources.opened import open_source, problems_of
from numina.sources.reading import Ids
from tests.conftest import ROOT, SHARED, changed_params, shards
from tests.hub.server import serving

ROW = {"id": "a", "problem": "What is 1?", "answer": "1"}
TOOLS = "We add.\n```python\nprint(1+1)\n```\n```output\n2\n```\nSo $\\boxed{2}$."
COMMIT = "a" * 40


def rows_from(file: Path, **entry: Any) -> list[Problem | Removal]:
    return list(problems_of(open_source(Source(path=str(file), **entry)), Ids()))


def written(file: Path, *rows: Any) -> Path:
    """A file of rows; one that is text or bytes is a line as it stands."""
    lines = [
        row
        if isinstance(row, bytes)
        else (row if isinstance(row, str) else json.dumps(row)).encode()
        for row in rows
    ]
    file.write_bytes(b"\n".join(lines) + b"\n")
    return file


@contextmanager
def hub_with(folder: Path) -> Iterator[str]:
    """A hub with the data sets OWNER/NAME of a folder, at the commits of `KNOWN`; its address."""
    commits = {known.hub: known.revision for known in KNOWN.values()}
    for found in folder.glob("*/*"):
        name = f"{found.parent.name}/{found.name}"
        at = folder.with_name("served") / "datasets" / name / commits.get(name, COMMIT)
        shutil.copytree(found, at)
    with serving(folder.with_name("served")) as hub:
        yield hub.url


def one(tmp_path: Path, row: dict[str, Any], **entry: Any) -> Problem:
    (found,) = rows_from(written(tmp_path / "rows.jsonl", row), **entry)
    assert isinstance(found, Problem), found
    return found


def parquet(file: Path, *rows: dict[str, Any]) -> Path:
    import pyarrow
    import pyarrow.parquet

    file.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(rows)), file)
    return file


def collected(tmp_path: Path, *sources: dict[str, Any], **knobs: Any) -> list[Problem | Removal]:
    """What `collect` gives of these sources alone."""
    digitized = written(tmp_path / "pairs.jsonl")
    changes = {"collect.sources": list(sources)} | {f"collect.{k}": v for k, v in knobs.items()}
    return list(collect(changed_params(changes).collect, [], digitized))


@pytest.mark.parametrize(
    ("row", "answer"),
    [
        ({"answer": 5}, "5"),
        ({"answer": 142.0}, "142"),
        (
            {"answer": None, "solution": "So \\boxed{1} or rather \\boxed{\\frac{1}{2}}."},
            "\\frac{1}{2}",
        ),
        ({"solution": "So \\boxed{7}."}, "7"),
        ({"answer": " ", "solution": "So \\boxed{7}."}, "7"),
        ({"answer": float("nan"), "solution": "So \\boxed{7}."}, "7"),
        ({"solution": "1+1 = <<1+1=2>>2\n#### 1,002"}, "1,002"),
        ({"tools": TOOLS}, "2"),
        ({"answer": "3", "solution": "So \\boxed{7}."}, "3"),
        ({"answer": "proof", "solution": "We show it."}, ""),
        ({"answer": "notfound", "solution": "So \\boxed{7}."}, "7"),
        ({"answer": "Not found.", "solution": "So \\boxed{7}."}, "7"),
        ({"solution": "So \\boxed{\\text{proof}}."}, ""),
        ({"answer": "None", "solution": "There is \\boxed{\\text{None}}."}, "None"),
        ({"answer": ["D"], "solution": "So D."}, "D"),
        ({}, ""),
    ],
)
def test_an_answer_is_given_or_taken_from_the_solution(tmp_path, row, answer):
    assert one(tmp_path, {"problem": "What?", **row}).answer == answer


@pytest.mark.parametrize(("level", "read"), [("Level 5", 5), (None, 0), (4.0, 4), ("?", 0)])
def test_levels_and_null_fields_are_read(tmp_path, level, read):
    found = one(
        tmp_path, {**ROW, "level": level, "solution": None, "subject": None, "source": None}
    )
    assert (found.level, found.solution, found.subject, found.subsource) == (read, "", "", "")


def test_a_missing_id_comes_from_the_content_and_not_from_the_place(tmp_path):
    bare = {"problem": "What is 2?", "answer": 2}
    first = one(tmp_path, bare)
    assert first.id.startswith("rows/") and len(first.id) == len("rows/") + 16
    assert (
        one(tmp_path, {**bare, "id": None}).id == one(tmp_path, {**bare, "id": ""}).id == first.id
    )
    assert one(tmp_path, {**bare, "problem": "What is 3?"}).id != first.id
    assert one(tmp_path, {**bare, "id": 7}).id == "rows/7"


def test_the_same_row_twice_is_a_duplicate_and_no_bad_row(tmp_path):
    bare = {"problem": "What is 2?", "answer": 2}
    file = written(tmp_path / "rows.jsonl", bare, ROW, bare)
    first, other, again = collected(tmp_path, {"path": str(file)})
    assert isinstance(again, Removal)
    assert (again.rule, again.partner, again.row) == ("duplicate", first.id, bare)
    assert other.id == "a"


def test_rows_carry_where_they_are_from(tmp_path):
    row = {**ROW, "source": "olympiads", "url": "https://x.org/1", "page": 3}
    found = one(tmp_path, row, licence="CC-BY-4.0")
    assert (found.source, found.subsource, found.licence) == (
        "rows.jsonl",
        "olympiads",
        "CC-BY-4.0",
    )
    assert (found.url, found.page, found.revision) == ("https://x.org/1", "3", "")


def test_columns_are_mapped_and_a_mapped_one_is_not_read_twice(tmp_path):
    row = {"question": "What is 1+1?", "answer": "It is 2.\n#### 2", "rating": "Level 2"}
    columns = {"problem": "question", "solution": "answer", "level": "rating"}
    found = one(tmp_path, row, columns=columns)
    assert (found.problem, found.answer, found.level) == ("What is 1+1?", "2", 2)
    assert found.solution == "It is 2.\n#### 2"


@pytest.mark.parametrize("make", [written, parquet])
def test_a_missing_column_is_said_before_the_first_row(tmp_path, make):
    good = written(tmp_path / "good.jsonl", ROW)
    bad = make(tmp_path / ("bad.jsonl" if make is written else "bad.parquet"), ROW)
    for columns, reason in (
        ({"solution": "working"}, "columns.solution: there is no column 'working'"),
        ({"problem": "question"}, "columns.problem: there is no column 'question'"),
    ):
        entries = {"path": str(good)}, {"path": str(bad), "columns": columns}
        with pytest.raises(UserError) as error:
            next(iter(collected(tmp_path, *entries)))
        assert str(error.value) == f"{bad}: {reason}; it has id, problem, answer"
    unmapped = make(tmp_path / ("no.jsonl" if make is written else "no.parquet"), {"question": "?"})
    with pytest.raises(UserError, match=r"no column 'problem'; it has question: name one"):
        collected(tmp_path, {"path": str(unmapped)})


def test_a_column_that_only_later_rows_have_is_there(tmp_path):
    file = written(tmp_path / "rows.jsonl", ROW, {**ROW, "id": "b", "hard": 4})
    assert [row.level for row in rows_from(file, columns={"level": "hard"})] == [0, 4]


@pytest.mark.parametrize(
    ("row", "problem", "solution", "tools"),
    [
        ({"problem": "P?", "solution": TOOLS}, "P?", "", TOOLS),
        ({"problem": "P?", "solution": "One."}, "P?", "One.", ""),
        (
            {"problem": "P?", "solution": "```python\nprint(1)\n```"},
            "P?",
            "```python\nprint(1)\n```",
            "",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": "P?"},
                    {"role": "assistant", "content": "One."},
                ]
            },
            "P?",
            "One.",
            "",
        ),
        (
            {"conversations": [{"from": "human", "value": "P?"}, {"from": "gpt", "value": TOOLS}]},
            "P?",
            "",
            TOOLS,
        ),
        (
            {
                "problem": "P?",
                "solution": "One.",
                "messages": [
                    {"role": "user", "content": "?"},
                    {"role": "assistant", "content": TOOLS},
                ],
            },
            "P?",
            "One.",
            TOOLS,
        ),
        ({"problem": "P?", "solution": "One.", "messages": None}, "P?", "One.", ""),
    ],
)
def test_programs_with_their_outputs_are_a_tool_integrated_solution(
    tmp_path, row, problem, solution, tools
):
    for found in (one(tmp_path, row), *rows_from(parquet(tmp_path / "x.parquet", row))):
        assert (found.problem, found.solution, found.tools) == (problem, solution, tools)


BAD = [
    ('{"id": "b", "problem": "x', "not JSON"),
    ("[1]", "list, not an object"),
    ({"id": "b", "problem": None, "answer": "1"}, "field 'problem' must be text, got None"),
    ({"id": "b", "problem": " ", "answer": "1"}, "field 'problem' is empty"),
    ({"id": "b", "problem": "x", "answer": True}, "field 'answer' must be text, got True"),
    ({"id": "b", "problem": "x", "solution": {"a": 1}}, "field 'solution' must be text"),
    ({"id": "b", "problem": "x", "level": "hard"}, "field 'level' must be a whole number"),
    ({"id": "a", "problem": "x", "answer": "1"}, "field 'id': 'a' is already in "),
    ('{"id": "b", "problem": "\\ud835"}', "holds a lone surrogate"),
    ('{"id": "b", "problem": "x", "other": ["\\uDC00"]}', "holds a lone surrogate"),
    (b'{"id": "b", "problem": "caf\xe9"}', "not UTF-8"),
    ('{"id": "b", "problem": "x", "answer": ' + "9" * 5000 + "}", "cannot be read"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_a_bad_row_fails_or_is_kept_apart_with_its_reason(tmp_path, bad, reason):
    file = written(tmp_path / "rows.jsonl", ROW, "", bad, {**ROW, "id": "c"})
    entry = {"path": str(file)}
    with pytest.raises(UserError) as error:
        collected(tmp_path, entry)
    assert str(error.value).startswith(f"{file}, line 3: {reason}")
    assert "\n" not in str(error.value)
    first, rejected, last = collected(tmp_path, entry, on_bad_row="skip")
    assert (first.id, last.id) == ("a", "c")
    assert isinstance(rejected, Removal)
    assert rejected.where == f"{file}, line 3"
    assert rejected.reason.startswith(reason)
    assert rejected.row == (bad if isinstance(bad, dict) else {"text": shown(bad)})
    json.dumps(rejected.row, ensure_ascii=False).encode()


def shown(line: str | bytes) -> str:
    return line if isinstance(line, str) else line.decode("utf-8", "backslashreplace")


def test_where_all_rows_are_bad_it_is_said(tmp_path):
    file = written(tmp_path / "rows.jsonl", "{", "[]")
    with pytest.raises(UserError, match=r"all 2 rows are rejected; the first: .*line 1: not JSON"):
        collected(tmp_path, {"path": str(file)}, on_bad_row="skip")
    empty = written(tmp_path / "empty.jsonl")
    with pytest.raises(UserError, match="holds no rows"):
        collected(tmp_path, {"path": str(empty)})


def test_the_rest_of_a_damaged_gzip_file_is_one_bad_row(tmp_path):
    rows = [{"problem": os.urandom(40).hex()} for _ in range(2000)]
    file = tmp_path / "rows.jsonl.gz"
    whole = gzip.compress("\n".join(map(json.dumps, rows)).encode())
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"rows.jsonl.gz, line \d+: damaged gzip file"):
        collected(tmp_path, {"path": str(file)})
    found = collected(tmp_path, {"path": str(file)}, on_bad_row="skip")
    assert [isinstance(row, Removal) for row in found] == [False] * (len(found) - 1) + [True]
    assert len(found) > 100


@pytest.mark.parametrize(
    ("encoding", "problem"),
    [
        ("utf-8", "求 π 的值"),
        ("utf-8-sig", "求 π 的值"),
        ("utf-16", "求 π 的值"),
        ("utf-16-le", "求 π 的值"),
        ("gbk", "求和"),
        ("shift_jis", "和を求めよ"),
        ("latin-1", "Café ÷ 2"),
    ],
)
def test_the_encoding_is_a_parameter_and_a_byte_order_mark_is_read(tmp_path, encoding, problem):
    rows = [json.dumps({**ROW, "id": i, "problem": problem}, ensure_ascii=False) for i in range(2)]
    file = tmp_path / "rows.jsonl"
    file.write_bytes("\n".join(rows).encode(encoding))
    given = "utf-8" if encoding == "utf-8-sig" else encoding
    assert [row.problem for row in rows_from(file, encoding=given)] == [problem] * 2


def test_a_file_that_is_no_parquet_and_one_that_is_missing(tmp_path):
    with pytest.raises(UserError, match=r"x\.parquet: cannot be read as parquet: "):
        collected(tmp_path, {"path": str(written(tmp_path / "x.parquet", ROW))})
    with pytest.raises(UserError, match=r"gone\.jsonl: not found"):
        collected(tmp_path, {"path": str(tmp_path / "gone.jsonl")})


def test_a_pattern_names_several_files_and_a_folder_none(tmp_path):
    for number in (2, 1):
        parquet(tmp_path / f"shards/{number}.parquet", {**ROW, "id": f"of {number}"})
    pattern = str(tmp_path / "shards/*.parquet")
    assert [row.id for row in collected(tmp_path, {"path": pattern})] == ["of 1", "of 2"]
    with pytest.raises(UserError, match=r"shards: is a folder; name its files, such as"):
        collected(tmp_path, {"path": str(tmp_path / "shards")})
    with pytest.raises(UserError, match=r"\*\.jsonl: no file matches"):
        collected(tmp_path, {"path": str(tmp_path / "shards/*.jsonl")})


def test_a_column_can_be_left_unread(tmp_path):
    row = {**ROW, "level": "hard", "source": 5}
    assert one(tmp_path, row, columns={"level": ""}).level == 0


def test_what_json_cannot_hold_is_rejected_and_still_written(tmp_path):
    rows = {"problem": "P?", "level": datetime.date(2026, 1, 2)}, {"problem": "Q?", "level": None}
    file = parquet(tmp_path / "rows.parquet", *rows)
    rejected, kept = collected(tmp_path, {"path": str(file)}, on_bad_row="skip")
    assert isinstance(rejected, Removal) and isinstance(kept, Problem)
    with written_removals(tmp_path / "rejected") as write:
        write(rejected)
    (again,) = each_removal(tmp_path / "rejected")
    assert isinstance(rejected.row, dict)
    assert again.row == {**rejected.row, "level": "2026-01-02"}


def test_a_source_of_which_another_has_all_rows_is_no_error(tmp_path):
    file = str(written(tmp_path / "rows.jsonl", {"problem": "What is 2?", "answer": 2}))
    first, again = collected(tmp_path, {"path": file}, {"path": file})
    assert isinstance(first, Problem) and isinstance(again, Removal)


def test_a_sample_is_the_same_whatever_the_order_of_the_rows(tmp_path):
    rows = [{**ROW, "id": str(number)} for number in range(20)]
    one_way = written(tmp_path / "rows.jsonl", *rows)
    first = [row.id for row in collected(tmp_path, {"path": str(one_way), "count": 5})]
    written(one_way, *reversed(rows))
    again = [row.id for row in collected(tmp_path, {"path": str(one_way), "count": 5})]
    assert len(first) == 5
    assert again == first[::-1]
    with pytest.raises(UserError, match="asked for 21 problems, has 20"):
        collected(tmp_path, {"path": str(one_way), "count": 21})


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({}, "needs `set`, `path` or `hub`"),
        ({"set": "numina_toc"}, "no known set 'numina_toc'; there are numina_cot,"),
        ({"hub": "a/b"}, "needs `revision`"),
        ({"hub": "a/b", "revision": "main", "files": "*"}, "revision"),
        ({"hub": "a/b", "set": "math"}, "goes with neither"),
        ({"path": "x", "revision": COMMIT}, "go with `hub`"),
        ({"path": "x", "columns": {"statement": "y"}}, "columns"),
        ({"path": "x", "encoding": "utf-9"}, "unknown encoding 'utf-9'"),
        ({"path": "x", "cuont": 3}, "cuont"),
    ],
)
def test_an_impossible_entry_is_named_before_any_work(entry, reason):
    with pytest.raises(UserError, match=reason) as error:
        changed_params({"collect.sources": [entry]})
    assert "collect.sources.0" in str(error.value)


@pytest.mark.parametrize(
    ("file", "rows", "solved", "with_tools"),
    [
        ("train/gsm8k_train.jsonl.gz", 7473, 7473, 0),
        ("train/math_train.jsonl.gz", 7500, 7500, 0),
        ("train/numina_cot_sample.jsonl", 3, 3, 0),
        ("train/numina_tir_sample.jsonl", 1, 0, 1),
        ("train/tora_corpus_examples.jsonl", 30, 30, 25),  # five run no program
        ("exams/gaokao_math_zh.jsonl.gz", 844, 842, 0),
    ],
)
def test_the_real_files_load_whole(file, rows, solved, with_tools):
    if not SHARED.exists():
        pytest.skip("the shared data are not on this machine")
    found = rows_from(SHARED / file)
    assert Counter(type(row) for row in found) == {Problem: rows}
    assert sum(bool(row.solution) for row in found) == solved
    assert sum(bool(row.tools) for row in found) == with_tools
    assert not any("None" in (row.answer, row.solution, row.subject) for row in found)


def collect_stage(
    folder: Path, endpoint: str, *sources: dict[str, Any], **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the stage in a folder, against a hub."""
    changes = {"collect.sources": list(sources), "collect.per_family": 0}
    params = merged(changes, yaml.safe_load((ROOT / "params.yaml").read_text()))
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    shards(folder / "pairs")
    return subprocess.run(
        [*(sys.executable, "-m", "stages.collect"), "--digitized", ".", "--out", "out"],
        cwd=folder,
        env={
            **{
                key: value
                for key, value in os.environ.items()
                if not key.startswith(("HF_", "HUGGINGFACE_"))
            },
            "PYTHONPATH": str(ROOT),
            "HF_ENDPOINT": endpoint,
            "HF_HOME": str(folder / "cache"),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_data_sets_of_the_hub_load_in_their_own_schemas_and_again_without_the_hub(tmp_path):
    talk = [{"role": "user", "content": "P?"}, {"role": "assistant", "content": "S"}]
    hub = tmp_path / "hub"
    for shard in (0, 1):
        row = {
            "source": "olympiads",
            "problem": f"Find {shard}.",
            "solution": f"\\boxed{{{shard}}}",
        }
        parquet(
            hub / f"AI-MO/NuminaMath-CoT/data/train-0000{shard}-of-00002.parquet",
            {**row, "messages": talk},
        )
    parquet(hub / "AI-MO/NuminaMath-CoT/data/test-00000-of-00001.parquet", ROW)
    parquet(
        hub / "AI-MO/NuminaMath-TIR/data/train-00000-of-00001.parquet",
        {"problem": "Find 2.", "solution": TOOLS, "messages": talk},
    )
    parquet(
        hub / "openai/gsm8k/main/train-00000-of-00001.parquet",
        {"question": "How many?", "answer": "It is 3.\n#### 3"},
    )
    for subject in ("algebra", "geometry"):
        parquet(
            hub / f"EleutherAI/hendrycks_math/{subject}/train-00000-of-00001.parquet",
            {
                "problem": f"{subject}?",
                "level": "Level 5",
                "type": subject,
                "solution": "\\boxed{4}",
            },
        )
    sets = [{"set": name} for name in ("numina_cot", "numina_tir", "gsm8k", "math")]
    with hub_with(hub) as endpoint:
        done = collect_stage(tmp_path, endpoint, *sets)
    assert done.returncode == 0, done.stdout + done.stderr
    found = [dataclasses.asdict(row) for row in each_problem(tmp_path / "out/problems")]
    assert [(row["source"], row["subsource"], row["answer"], row["level"]) for row in found] == [
        ("AI-MO/NuminaMath-CoT", "olympiads", "0", 0),
        ("AI-MO/NuminaMath-CoT", "olympiads", "1", 0),
        ("AI-MO/NuminaMath-TIR", "", "2", 0),
        ("openai/gsm8k", "", "3", 0),
        ("EleutherAI/hendrycks_math", "", "4", 5),
        ("EleutherAI/hendrycks_math", "", "4", 5),
    ]
    assert found[2]["tools"] == TOOLS
    assert {len(row["revision"]) for row in found} == {40}
    assert {row["licence"] for row in found} == {"Apache-2.0", "MIT"}
    assert [row["subject"] for row in found[-2:]] == ["algebra", "geometry"]
    counts = json.loads((tmp_path / "out/counts.json").read_text())
    assert counts == {"in": 6, "kept": 6, "rejected": {}}
    shutil.rmtree(tmp_path / "out/problems")
    again = collect_stage(tmp_path, endpoint, *sets)  # the hub is gone; its client has all files
    assert again.returncode == 0, again.stdout + again.stderr


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"hub": "a/gone", "files": "*.parquet"}, "a/gone: cannot list the files at "),
        ({"hub": "a/b", "files": "x-*.parquet"}, "a/b: no file at "),
    ],
)
def test_what_the_hub_lacks_is_one_line(tmp_path, entry, reason):
    parquet(tmp_path / "hub/a/b/train.parquet", ROW)
    with hub_with(tmp_path / "hub") as endpoint:
        done = collect_stage(tmp_path, endpoint, {**entry, "revision": COMMIT})
    assert done.returncode == 1
    assert f"error: {reason}" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "out").exists()


def test_a_hub_that_cannot_be_reached_is_one_line(tmp_path):
    entry = {"set": "numina_cot"}
    done = collect_stage(tmp_path, "http://127.0.0.1:9", entry)
    shown = done.stdout + done.stderr
    assert done.returncode == 1
    assert "error: AI-MO/NuminaMath-CoT: cannot list the files at 9d8d210" in shown
    assert "Traceback" not in shown
