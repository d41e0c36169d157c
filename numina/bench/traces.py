"""Recorded tool-integrated traces: their programs, and what those printed for their authors."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from numina.errors import UserError
from numina.sandbox.session import Result

RECORDED = Path("../shared/data/traces/tora_format_traces_gsm8k.jsonl.gz")
BLOCK = re.compile(r"```python\n(.*?)```\s*```output\n(.*?)```", re.S)


@dataclass(frozen=True, slots=True)
class Block:
    """A program of a trace, and the output that stands behind it."""

    code: str
    output: str


def read_traces(path: Path) -> list[list[Block]]:
    """The blocks of each trace of a JSON Lines file (.gz too) in ToRA's format.

    Raises:
        UserError: a row has no `code`, with the file and its line.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    traces = []
    with opener(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                text = json.loads(line)["code"][0]
            except (ValueError, KeyError, IndexError, TypeError):
                raise UserError(f"{path}:{number}: no row with a text in 'code'") from None
            traces.append([Block(code, output) for code, output in BLOCK.findall(text)])
    return traces


def authors_text(result: Result) -> str:
    """A result as the authors' executor showed it: what was printed, or the exception's line."""
    if result.traceback:
        return result.traceback.strip().rsplit("\n", 1)[-1]
    return result.stdout.strip()


def differences(
    traces: Sequence[Sequence[Block]], results: Sequence[Sequence[Result]]
) -> list[tuple[Block, str]]:
    """The blocks whose output is another now, with what it is now."""
    found = []
    for blocks, done in zip(traces, results, strict=True):
        for block, result in zip(blocks, done, strict=True):
            text = authors_text(result)
            if text != block.output.strip():
                found.append((block, text))
    return found
