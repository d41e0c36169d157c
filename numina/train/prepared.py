"""The data of a training: prepared once, on disk, and read by every process that trains."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from numina import fences, template
from numina.errors import UserError
from numina.machine import CORES
from numina.records.problem import Problem
from numina.resume import holder_of, resume_folder
from numina.rows import count_rows, files_of, read_object, write_json
from numina.settings.hardware import Hardware
from numina.settings.training import Sft
from numina.template import Template
from numina.train import blocks, held_out, packing, tokens
from numina.train.blocks import lengths_of, write_blocks
from numina.train.held_out import places, rows_of
from numina.train.tokens import Counts, encode_rows
from numina.train.world import is_first

FOLDER = "tokens"  # beside the checkpoints of a run
BLOCKS, HELD_OUT = "blocks.arrow", "held_out.arrow"
LOOK_S = 0.2  # between looks at whether the first process has prepared the data
PATIENCE_S = 300  # between looks at whether it is still there
CODE = (template, fences, tokens, packing, blocks, held_out)  # what is prepared depends on it
WEIGHTS = (".safetensors", ".bin")


class Prepared(NamedTuple):
    """The data sets of a training, mapped into memory, and what they are made of.

    Attributes:
        blocks: to train on.
        held_out: to evaluate on; None if no rows are held out.
        counts: of rows and tokens.
    """

    blocks: Any
    held_out: Any
    counts: Counts


def run_folder(model: Path, data: Path, params: Sft, how: Template, cache: str) -> Path:
    """The folder of a run's checkpoints and tokens.

    It differs if anything that they depend on differs: the model and its tokenizer, the file of
    rows, a knob, the template, the code that prepares the data.
    """
    given = [file for file in sorted(model.iterdir()) if file.suffix not in WEIGHTS]
    code = [Path(str(module.__file__)) for module in CODE]
    hashes = [(file.name, md5(file)) for file in [*given, *files_of(data), *code] if file.is_file()]
    return resume_folder("checkpoints", model, [params.model_dump(), how.prompt, hashes], cache)


def md5(file: Path) -> str:
    """The hash that DVC has of a file."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "md5").hexdigest()


def prepare(
    run: Path, data: Path, tokenizer: Any, how: Template, params: Sft, hardware: Hardware
) -> Prepared:
    """The blocks of a training, and those of the rows that are held out.

    Where several processes train, the first prepares them, and the others wait for it. A run that
    was killed finds them as they were.

    Args:
        run: the folder of the run, locked by the first process.
        data: problems with solutions: a folder of shards, or a JSONL file.

    Raises:
        UserError: a row is wrong or has nothing to learn, none fits in a block or is left to train
            on, the tokenizer has no end token, or the disk is full.
    """
    folder = run / FOLDER
    if is_first() and not folder.exists():
        part = run / f"{FOLDER}.part"
        try:
            prepare_in(part, data, tokenizer, how, params, hardware)
            part.rename(folder)
        except BaseException:
            shutil.rmtree(run if not list(run.glob("checkpoint-*")) else part)
            raise
    wait_for(folder)
    return Prepared(
        blocks=read_arrow(folder / BLOCKS),
        held_out=read_arrow(folder / HELD_OUT) if params.held_out else None,
        counts=Counts(**read_object(folder / "counts.json")),
    )


def wait_for(folder: Path) -> None:
    """Wait until the first process has prepared the data, however long it takes.

    Raises:
        UserError: no process is doing so.
    """
    look = time.monotonic() + PATIENCE_S
    while not folder.exists():
        time.sleep(LOOK_S)
        if time.monotonic() > look:
            if holder_of(folder.parent) is None and not folder.exists():
                raise UserError(f"{folder}: the first process ended before it was prepared")
            look += PATIENCE_S


def prepare_in(
    folder: Path, data: Path, tokenizer: Any, how: Template, params: Sft, hardware: Hardware
) -> None:
    """Write blocks and counts into a folder."""
    shutil.rmtree(folder, ignore_errors=True)  # what a killed run left
    folder.mkdir()
    lines = count_rows(data)
    if not lines:
        raise UserError(f"{data}: holds no rows to train on")
    chosen = places(lines, params.held_out, params.seed)
    processes = hardware.data_processes or CORES

    def written(file: Path, held_out: bool) -> Counts:
        rows = rows_of(data, chosen, held_out)
        return write_rows(file, rows, lines, tokenizer, how, params, processes)

    counts = written(folder / BLOCKS, False)
    if chosen:
        others = written(folder / HELD_OUT, True)
        counts = dataclasses.replace(
            counts,
            rows=counts.rows + others.rows,
            too_long=counts.too_long + others.too_long,
            held_out=others.trained,
        )
    write_json(folder / "counts.json", dataclasses.asdict(counts))


def write_rows(
    file: Path,
    rows: Iterator[Problem],
    lines: int,
    tokenizer: Any,
    how: Template,
    params: Sft,
    processes: int,
) -> Counts:
    """Write the blocks of some rows, of which there are at most `lines`, to a file."""
    encoded = file.with_name("rows.arrow")
    count = encode_rows(tokenizer, how, rows, params, encoded, lines, processes)
    fitting = read_arrow(encoded).with_format("arrow")
    if not len(fitting):
        raise UserError(f"max_length: every sample is longer than {params.max_length} tokens")
    trained = write_blocks(fitting, params.packing, params.max_length, file)
    counts = Counts(
        rows=count,
        too_long=count - len(fitting),
        trained=len(fitting),
        tokens=sum(lengths_of(fitting)),
        loss_tokens=trained,
    )
    encoded.unlink()
    return counts


def read_arrow(file: Path) -> Any:
    """The data set in an Arrow file, mapped into memory."""
    from datasets import Dataset

    return Dataset.from_file(str(file))
