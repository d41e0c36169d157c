"""Fetch files of data sets on the Hugging Face hub, at a pinned commit."""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.rows import read_lines
from numina.settings.splits import HubFile
from numina.terminal import say


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
        UserError: the data set, commit or file does not exist, or the hub cannot be reached.
    """
    import huggingface_hub

    say(f"fetching {hub.file} of {hub.name} at {hub.revision}")
    try:
        return Path(
            huggingface_hub.hf_hub_download(
                hub.name, hub.file, repo_type="dataset", revision=hub.revision
            )
        )
    except (OSError, ValueError) as error:  # the client raises either
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"{hub.name}: cannot fetch {hub.file} at {hub.revision} from the hub: {reason}"
        ) from None


def fetch_matching(name: str, revision: str, pattern: str) -> list[Path]:
    """The files of a data set that match a pattern, in the order of their names.

    The hub's client fetches what its cache lacks, and knows whether the cache is complete, so a
    later run needs no network.

    Args:
        name: of the data set.
        revision: the commit.
        pattern: as ``data/train-*.parquet``; a star also stands for slashes.

    Raises:
        UserError: the data set or the commit does not exist, no file matches, or the hub cannot be
            reached.
    """
    import huggingface_hub

    say(f"fetching {pattern} of {name} at {revision}")
    try:
        folder = Path(
            huggingface_hub.snapshot_download(
                name, repo_type="dataset", revision=revision, allow_patterns=pattern
            )
        )
    except (OSError, ValueError, huggingface_hub.errors.HTTPError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(
            f"{name}: cannot fetch {pattern} at {revision} from the hub: {reason}"
        ) from None
    here = {str(file.relative_to(folder)): file for file in folder.rglob("*") if file.is_file()}
    found = [here[path] for path in sorted(here) if fnmatch.fnmatchcase(path, pattern)]
    if not found:
        raise UserError(f"{name}: no file at {revision} matches {pattern}")
    return found
