"""Read one file of a data set on the Hugging Face hub, at a pinned commit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.hub.fetch import fetch_file
from numina.rows import read_lines
from numina.settings.splits import HubFile


def hub_rows(hub: HubFile) -> list[tuple[str, dict[str, Any]]]:
    """The rows of a parquet or JSONL file, each with its place for messages.

    The hub's client fetches the file: it retries, resumes, and caches it, so a later run needs no
    network.

    Raises:
        UserError: it cannot be fetched, or is neither parquet nor JSONL.
    """
    file, place = fetch(hub), f"{hub.name}@{hub.revision[:7]}/{hub.file}"
    try:
        if file.name.endswith(".parquet"):
            import pyarrow.parquet

            rows = list(enumerate(pyarrow.parquet.read_table(file).to_pylist(), 1))
            word = "row"
        else:
            rows, word = list(read_lines(file)), "line"
    except (OSError, ValueError, UserError) as error:  # pyarrow raises ValueErrors
        raise UserError(f"{place}: cannot be read: {error}") from None
    return [(f"{place}, {word} {number}", row) for number, row in rows]


def fetch(hub: HubFile) -> Path:
    """Download the file, or find it in the hub's cache.

    Raises:
        UserError: as `numina.hub.fetch.fetch_file`.
    """
    return fetch_file(hub.name, hub.revision, hub.file, "dataset")
