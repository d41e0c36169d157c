"""The data of a training: prepared once, by several processes, the same as by one."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from numina.errors import UserError
from numina.records.problem import Problem
from numina.rows import parquet, write_rows
from numina.template import IGNORED, TEMPLATES
from numina.train import prepared, tokens
from numina.train.prepared import prepare, run_folder
from numina.train.workers import AHEAD, in_order
from tests.conftest import ROOT, changed_params, shards

BOUNDARY = TEMPLATES["boundary"]
ROWS = [
    Problem(f"r{i}", f"What is ${i}+1$? " * (1 + i % 9), str(i + 1), "t", f"$\\boxed{{{i + 1}}}$.")
    for i in range(1300)
]
WHOLE = changed_params({"sft_cot.max_length": 96, "hardware.data_processes": 3})
PARAMS, HARDWARE = WHOLE.sft_cot, WHOLE.hardware


@pytest.fixture(params=["one process", "three processes"])
def processes(request, monkeypatch):
    """Rows are few here, so by themselves they would be left to one process."""
    if request.param == "three processes":
        monkeypatch.setattr(tokens, "ROWS_A_PROCESS", 1)
        monkeypatch.setattr(tokens, "BATCH", 40)


@pytest.fixture
def prepared_of(tokenizer, tmp_path):
    """What is prepared of rows, in a folder of its own unless another is given."""

    def made(rows=ROWS, params=PARAMS, run=None):
        data = tmp_path / "train.jsonl"
        write_rows(data, rows)
        run = run or tmp_path / "run"
        run.mkdir(exist_ok=True)
        return prepare(run, data, tokenizer, BOUNDARY, params, HARDWARE)

    return made


def test_shards_give_the_tokens_of_a_jsonl_file(prepared_of, tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROWS_A_SHARD", 500)
    params = PARAMS.model_copy(update={"held_out": 40})
    of_lines = prepared_of(params=params)
    folder = shards(tmp_path / "train", *ROWS)
    run = tmp_path / "other"
    run.mkdir()
    of_shards = prepare(run, folder, tokenizer, BOUNDARY, params, HARDWARE)
    assert len(list(folder.iterdir())) == 3
    assert of_shards.counts == of_lines.counts
    for one, other in (
        (of_shards.blocks, of_lines.blocks),
        (of_shards.held_out, of_lines.held_out),
    ):
        assert one.to_dict() == other.to_dict()


def test_a_run_has_another_folder_if_one_of_its_shards_differs(model_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROWS_A_SHARD", 500)
    folder = shards(tmp_path / "train", *ROWS)
    names = {run_folder(model_folder, folder, PARAMS, BOUNDARY, "") for _ in range(2)}
    shards(folder, *ROWS[:1200], *ROWS[1201:])
    names.add(run_folder(model_folder, folder, PARAMS, BOUNDARY, ""))
    assert len(names) == 2


def test_blocks_and_counts_are_those_of_the_rows(prepared_of, processes, tokenizer, tmp_path):
    blocks, _, counts = prepared_of()
    alone = [tokens.encode_batch(tokenizer, BOUNDARY, PARAMS, [row])[1] for row in ROWS]
    fitting = [tuple(row["input_ids"][0].as_py()) for row in alone if len(row)]
    starts = [
        tuple(block["input_ids"][end - length : end])
        for block in blocks
        for length, end in zip(
            block["seq_lengths"],
            [sum(block["seq_lengths"][: n + 1]) for n in range(len(block["seq_lengths"]))],
            strict=True,
        )
    ]
    assert sorted(starts) == sorted(fitting)
    assert (counts.rows, counts.trained) == (1300, len(fitting))
    assert 0 < counts.too_long == 1300 - counts.trained
    assert counts.tokens == sum(map(len, fitting))
    labels = [label for row in alone if len(row) for label in row["labels"][0].as_py()[1:]]
    assert counts.loss_tokens == sum(label != IGNORED for label in labels)
    assert {field.feature.dtype for field in blocks.features.values()} == {"int32"}
    assert [file.name for file in tmp_path.joinpath("run", "tokens").iterdir()] in (
        ["blocks.arrow", "counts.json"],
        ["counts.json", "blocks.arrow"],
    )


@pytest.mark.parametrize(
    ("at", "bad", "reason"),
    [
        ((900,), {"solution": " "}, "row 'r900': all tokens are masked, so there is nothing"),
        ((901, 700, 1200), {"solution": ""}, "row 'r700': all tokens are masked"),
        ((700,), {"id": "r3"}, "train.jsonl, line 701: field 'id': 'r3' is already in line 4"),
        ((1200,), {"problem": " "}, "train.jsonl, line 1201: field 'problem' is empty"),
    ],
)
@pytest.mark.parametrize("packing", ["best_fit", "wrapped"])
def test_the_first_bad_row_is_named_and_nothing_is_left(
    prepared_of, processes, tmp_path, at, bad, reason, packing
):
    from dataclasses import replace

    rows = [replace(row, **bad) if n in at else row for n, row in enumerate(ROWS)]
    with pytest.raises(UserError, match=reason) as error:
        prepared_of(rows, PARAMS.model_copy(update={"packing": packing}))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("rows", "max_length", "reason"),
    [([], 96, "train.jsonl: holds no rows"), (ROWS[:9], 16, "max_length: every sample is longer")],
)
def test_no_rows_are_refused(prepared_of, tmp_path, rows, max_length, reason):
    (tmp_path / "run" / "checkpoint-4").mkdir(parents=True)
    with pytest.raises(UserError, match=reason):
        prepared_of(rows, PARAMS.model_copy(update={"max_length": max_length}))
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["checkpoint-4"]


def test_wrapped_samples_end_with_a_newline_and_none_is_too_long(prepared_of, tokenizer):
    changes = {"packing": "wrapped", "mask_prompt": False, "mask_output": False}
    blocks, _, counts = prepared_of(ROWS[:50], PARAMS.model_copy(update=changes))
    text = tokenizer.decode([token for block in blocks for token in block["input_ids"]])
    assert text == "".join(
        f"{BOUNDARY.render(row.problem)}{row.solution}\n<|end|>" for row in ROWS[:50]
    )
    assert {len(block["input_ids"]) for block in list(blocks)[:-1]} == {96}
    assert (counts.trained, counts.too_long) == (50, 0)
    assert counts.loss_tokens == counts.tokens - len(blocks)


def test_a_run_that_was_killed_finds_them_and_clears_up_what_was_half_done(
    prepared_of, tmp_path, monkeypatch
):
    half = tmp_path / "run" / "tokens.part"
    half.mkdir(parents=True)
    (half / "blocks.arrow").write_text("half")
    whole = list(prepared_of().blocks)
    assert not half.exists()
    monkeypatch.setattr(prepared, "prepare_in", None)  # is not called again
    assert list(prepared_of().blocks) == whole


def test_the_other_processes_wait_for_the_first(prepared_of, tmp_path, monkeypatch):
    found = prepared_of()
    (tmp_path / "run" / "tokens").rename(tmp_path / "later")
    monkeypatch.setenv("RANK", "1")
    results = []
    waiting = threading.Thread(target=lambda: results.append(prepared_of()))
    waiting.start()
    time.sleep(0.5)
    assert waiting.is_alive()
    (tmp_path / "later").rename(tmp_path / "run" / "tokens")
    waiting.join(30)
    assert results[0].counts == found.counts
    assert list(results[0].blocks) == list(found.blocks)


def test_the_other_processes_do_not_wait_for_one_that_is_gone(prepared_of, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setattr(prepared, "PATIENCE_S", 0.3)
    with pytest.raises(UserError, match="the first process ended"):
        prepared_of()


def change_object(file: Path) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), "a": 1}))


CHANGES = {
    "a row": lambda model, data: data.write_text(data.read_text().replace("r1", "s1")),
    "the tokenizer": lambda model, data: change_object(model / "tokenizer.json"),
    "its settings": lambda model, data: change_object(model / "tokenizer_config.json"),
    "the architecture": lambda model, data: change_object(model / "config.json"),
    "a weight": lambda model, data: (model / "model.safetensors").open("ab").write(b" "),
    "the code": lambda model, data: None,  # below
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_run_is_named_by_all_that_it_depends_on(model_folder, tmp_path, change, monkeypatch):
    data, model = tmp_path / "train.jsonl", tmp_path / "model"
    write_rows(data, ROWS[:9])
    shutil.copytree(model_folder, model)
    before = run_folder(model, data, PARAMS, BOUNDARY, "")
    shutil.copytree(model, tmp_path / "same")
    assert run_folder(tmp_path / "same", data, PARAMS, BOUNDARY, "") == before
    if change == "the code":
        copy = tmp_path / "template.py"
        copy.write_text("# changed")
        monkeypatch.setattr(prepared.template, "__file__", str(copy))
    else:
        CHANGES[change](model, data)
    assert run_folder(model, data, PARAMS, BOUNDARY, "") != before


def test_a_run_is_named_by_knobs_and_template_too(model_folder, tmp_path):
    data = tmp_path / "train.jsonl"
    write_rows(data, ROWS[:9])
    named = {
        run_folder(model_folder, data, params, how, "")
        for params in (PARAMS, PARAMS.model_copy(update={"packing": "wrapped"}))
        for how in TEMPLATES.values()
    }
    assert len(named) == 4


def test_results_come_in_order_and_little_waits():
    taken = []

    def items():
        for i in range(100):
            taken.append(i)
            yield i

    def slow_at_first(i):
        time.sleep(0.2 if i < 2 else 0)
        return i * i

    for at, result in enumerate(in_order(slow_at_first, items(), 2)):
        assert result == at * at
        assert len(taken) <= at + 2 + 2 * AHEAD
    assert len(taken) == 100


def test_a_process_that_is_killed_is_said():
    with pytest.raises(UserError, match=r"one of 2 processes was killed.*hardware\.data_processes"):
        list(in_order(lambda item: os.kill(os.getpid(), signal.SIGKILL), range(9), 2))


def test_no_process_outlives_the_one_that_started_it():
    program = (
        "import time; from numina.train.workers import in_order\n"
        "list(in_order(lambda item: print(item, flush=True) or time.sleep(99), range(9), 2))"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert started.stdout.readline()
    workers = psutil.Process(started.pid).children(recursive=True)
    started.kill()
    started.wait()
    assert len(workers) == 2
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert alive == []
