"""Fetch files from the hub at a pinned commit, and check that they are whole.

The hub's client fetches them: it retries, resumes a download that was cut, and keeps files in its
cache (HF_HOME), so a later run needs no network. Over plain HTTP it compares only sizes, so the
hash that the hub states for a file is compared here.
"""

from __future__ import annotations

import fnmatch
import glob
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from numina.errors import UserError
from numina.hub.failure import asking
from numina.terminal import say

Kind = Literal["model", "dataset"]
NEEDED = (".json", ".jinja", ".model", ".txt")  # of a model, beside its weights


def fetch_file(name: str, revision: str, file: str, kind: Kind) -> Path:
    """Download a file, or find it in the cache.

    Args:
        name: of the repository.
        revision: the commit, 40 hex digits.
        file: its path in the repository.
        kind: of the repository.

    Raises:
        UserError: the repository, the commit or the file does not exist, the hub refuses it or
            cannot be reached, or it sent something else than it stated: one line with all three.
    """
    import huggingface_hub

    say(f"fetching {file} of {name} at {revision}")
    with asking(f"{name}: cannot fetch {file} at {revision} from the hub"):
        found = huggingface_hub.hf_hub_download(name, file, repo_type=kind, revision=revision)
    check_content(Path(found), f"{name}: {file} at {revision}")
    return Path(found)


def fetch_matching(name: str, revision: str, pattern: str, kind: Kind = "dataset") -> list[Path]:
    """Download the files that match a pattern, or find them in the cache; sorted by their names.

    Args:
        name: of the repository.
        revision: the commit, 40 hex digits.
        pattern: such as ``data/train-*.parquet``; a star also stands for slashes.
        kind: of the repository.

    Raises:
        UserError: as `fetch_file`, or no file matches.
    """
    sizes = tree(name, revision, kind)
    wanted = sorted(path for path in sizes if fnmatch.fnmatchcase(path, pattern))
    if not wanted:
        raise UserError(f"{name}: no file at {revision} matches {pattern}")
    folder = fetch_all(name, revision, kind, {path: sizes[path] for path in wanted})
    return [folder / path for path in wanted]


def fetch_model(name: str, revision: str) -> Path:
    """Download a model with its tokenizer, or find them in the cache; return their folder.

    Of weights in two formats, safetensors are taken.

    Raises:
        UserError: as `fetch_file`, or the repository has no weights.
    """
    sizes = {path: size for path, size in tree(name, revision, "model").items() if "/" not in path}
    weights = [path for path in sizes if path.endswith(".safetensors")]
    weights = weights or [path for path in sizes if path.endswith(".bin")]
    if not weights:
        raise UserError(f"{name}: has no weights at {revision} (*.safetensors or *.bin)")
    other = [path for path in sizes if path.endswith(NEEDED) and not path.startswith(".")]
    wanted = sorted(weights + other)
    return fetch_all(name, revision, "model", {path: sizes[path] for path in wanted})


def fetch_all(name: str, revision: str, kind: Kind, sizes: Mapping[str, int]) -> Path:
    """Download some files, by path with their sizes; return the folder that has them.

    Raises:
        UserError: as `fetch_file`.
    """
    import huggingface_hub

    total = sum(sizes.values()) / 10**6
    say(f"fetching {len(sizes)} files, {total:,.1f} MB, of {name} at {revision}")
    with asking(f"{name}: cannot fetch {', '.join(sizes)} at {revision} from the hub"):
        folder = huggingface_hub.snapshot_download(
            name, repo_type=kind, revision=revision, allow_patterns=[*map(glob.escape, sizes)]
        )
    for path in sizes:
        check_content(Path(folder) / path, f"{name}: {path} at {revision}")
    return Path(folder)


def tree(name: str, revision: str, kind: Kind) -> dict[str, int]:
    """The files of a repository at a commit, by path, with their sizes in bytes.

    Raises:
        UserError: as `fetch_file`.
    """
    from huggingface_hub import HfApi, get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError
    from huggingface_hub.hf_api import RepoFile

    try:
        found = list(get_cached_repo_tree(name, repo_type=kind, revision=revision))
    except CachedRepoTreeNotFoundError:
        with asking(f"{name}: cannot list the files at {revision} on the hub"):
            api = HfApi()
            entries = api.list_repo_tree(name, recursive=True, revision=revision, repo_type=kind)
            found = list(entries)
    return {entry.path: entry.size for entry in found if isinstance(entry, RepoFile)}


def check_content(file: Path, place: str) -> None:
    """Compare a file of the cache with the hash that the hub stated, which is its blob's name.

    A damaged file is removed from the cache, so that it is fetched anew.

    Args:
        file: in the cache's folder of a commit, a link to the blob.
        place: what an error calls the file.

    Raises:
        UserError: the hash is another one, with both.
    """
    if not file.is_symlink():  # a disk without links: the cache has no blobs there
        return
    blob = file.parent / file.readlink()
    stated = blob.name
    found = sha256(file) if len(stated) == 64 else git_blob(file)
    if found != stated:
        blob.unlink()
        file.unlink()
        raise UserError(
            f"{place}: the hub sent content with hash {found}, and it states {stated}; the damaged "
            "file was removed, so start again to fetch it anew"
        )


def sha256(file: Path) -> str:
    """The SHA-256 by which the hub names a large file."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def git_blob(file: Path) -> str:
    """The name that git gives to a file's content, by which the hub names a small file."""
    content = file.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
