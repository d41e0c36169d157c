"""Read one file of a data set on the Hugging Face hub, at a pinned commit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.rows import read_lines
from numina.settings.splits import HubFile
from numina.terminal import say


def hub_rows(hub: HubFile) -> list[tuple[str, dict[str, Any]]]:
    """The rows of a parquet or JSONL file, each with its place for messages.

    The hub's client fetches: it retries, resumes, and keeps the file in its cache, where a later
    run finds it without a network.

    Raises:
        UserError: it cannot be fetched, or is of neither kind.
    """
    file, place = fetch(hub), f"{hub.name}@{hub.revision[:7]}/{hub.file}"
    try:
        if file.name.endswith(".parquet"):
            import pyarrow.parquet

            rows = list(enumerate(pyarrow.parquet.read_table(file).to_pylist(), 1))
            word = "row"
        else:
            rows, word = list(read_lines(file)), "line"
    except (OSError, ValueError, UserError) as error:  # pyarrow's are ValueErrors
        raise UserError(f"{place}: cannot be read: {error}") from None
    return [(f"{place}, {word} {number}", row) for number, row in rows]


def fetch(hub: HubFile) -> Path:
    """Download the file, or find it in the hub's cache.

    Raises:
        UserError: there is no such data set, commit or file, or the hub cannot be reached.
    """
    import huggingface_hub

    say(f"fetching {hub.file} of {hub.name} at {hub.revision}")
    try:
        return Path(
            huggingface_hub.hf_hub_download(
                hub.name, hub.file, repo_type="dataset", revision=hub.revision
            )
        )
    except (OSError, ValueError) as error:  # the client's errors are either
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"{hub.name}: cannot fetch {hub.file} at {hub.revision} from the hub: {reason}"
        ) from None
