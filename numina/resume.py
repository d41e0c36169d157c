"""Where an interrupted run keeps its work: outside the workspace, named by a hash of its inputs.

DVC removes a stage's outs before it reruns the stage, so this must not be an out.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from numina.errors import UserError
from numina.local import from_root

KINDS = ("checkpoints", "journals", "shards")
LOCK = "lock"  # the file that a run holds while it uses its folder
LOOK_S = 0.1  # longer than `holder_of` has the lock


@dataclass(frozen=True, slots=True)
class Left:
    """A folder that a run left or is using.

    Attributes:
        folder: where it is.
        bytes: of all its files.
        changed: when one of them was last written, in seconds since 1970.
        holder: the process that is using it; None if there is none.
    """

    folder: Path
    bytes: int
    changed: float
    holder: str | None


def cache_folder(cache: str = "") -> Path:
    """The folder that the knob hardware.cache stands for; by default ~/.cache/numina."""
    if cache:
        return from_root(os.path.expanduser(cache))
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "numina"


def kept(kind: str, cache: str = "") -> Path:
    """The folder of all runs' checkpoints, journals or shards."""
    return cache_folder(cache) / kind


def resume_folder(kind: str, model: Path, rests_on: Any, cache: str = "") -> Path:
    """The folder of a run; it differs if the model, a knob or the data differ.

    Args:
        kind: what is kept there, one of `KINDS`.
        model: a folder with weights, which are hashed.
        rests_on: all else that the run's result depends on, as JSON would hold it.
        cache: the knob hardware.cache.
    """
    digest = hashlib.sha256(json.dumps(rests_on).encode())
    for file in sorted([*model.glob("*.safetensors"), *model.glob("*.bin")]):
        with file.open("rb") as weights:
            digest.update(hashlib.file_digest(weights, "sha256").digest())
    return kept(kind, cache) / digest.hexdigest()[:16]


def stage_folder(stage: str, knobs: Any, inputs: Iterable[Path], cache: str = "") -> Path:
    """The folder of a run of a stage; it differs if its inputs, its knobs or our code differ.

    Args:
        stage: its name.
        knobs: that its result depends on, as JSON would hold them.
        inputs: files, and folders with files.
        cache: the knob hardware.cache.
    """
    digest = hashlib.sha256(json.dumps([stage, knobs]).encode())
    code = sorted(Path(__file__).parent.rglob("*.py"))
    for path in [*inputs, *code]:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in filter(Path.is_file, files):
            with file.open("rb") as content:
                digest.update(file.name.encode() + hashlib.file_digest(content, "md5").digest())
    return kept("shards", cache) / digest.hexdigest()[:16]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder against other runs while the context lasts; make it if it is missing.

    The kernel releases the lock when the process ends, however it ends.

    Raises:
        UserError: another run has it, or it cannot be written.
    """
    file = take_lock(folder)
    if file is None:
        raise UserError(
            f"another run with the same settings is using {folder} (process {holder_of(folder)})"
        )
    with file:
        yield


def take_lock(folder: Path) -> IO[str] | None:
    """The lock file of a folder, locked, with our process id in it; None if another has it.

    Raises:
        UserError: the folder cannot be written.
    """
    try:
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            file = (folder / LOCK).open("a+", encoding="utf-8")
            if not is_locked(file):
                time.sleep(LOOK_S)
                if not is_locked(file):
                    file.close()
                    return None
            if is_at(file, folder / LOCK):
                break
            file.close()  # its last holder removed the folder meanwhile
    except OSError as error:
        raise UserError(f"{folder}: cannot be used: {error.strerror}") from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def is_locked(file: IO[str], how: int = fcntl.LOCK_EX) -> bool:
    """Lock an open file, unless another process has it; return whether it is ours."""
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_at(file: IO[str], path: Path) -> bool:
    """Whether an open file is the one that a path names."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(file.fileno()), there)


def holder_of(folder: Path) -> str | None:
    """The process that holds a folder's lock; None if there is none."""
    try:
        with (folder / LOCK).open(encoding="utf-8") as file:
            return None if is_locked(file, fcntl.LOCK_SH) else file.read() or "unknown"
    except FileNotFoundError:
        return None


def left_by_runs(cache: str = "") -> list[Left]:
    """What runs left in the cache, and what running ones use, by kind and name."""
    return [
        look_at(folder)
        for kind in KINDS
        for folder in sorted(kept(kind, cache).glob("*"))
        if folder.is_dir()
    ]


def look_at(folder: Path) -> Left:
    """The size, the age and the holder of a folder."""
    found = [file.lstat() for file in [folder, *folder.rglob("*")] if file.name != LOCK]
    changed = max(status.st_mtime for status in found)
    return Left(folder, sum(status.st_size for status in found), changed, holder_of(folder))


def remove(folder: Path) -> bool:
    """Remove a folder unless a process holds it; return whether it was removed."""
    file = take_lock(folder)
    if file is None:
        return False
    with file:
        shutil.rmtree(folder)
    return True
