"""Where an interrupted run keeps what it has: outside the workspace, named by all it rests on.

DVC removes a stage's outs before it reruns the stage, so this must not be an out.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numina.errors import UserError


def resume_folder(kind: str, model: Path, rests_on: Any) -> Path:
    """The folder of one very run: another model, knob or datum, another folder.

    Args:
        kind: what is kept there: `checkpoints`, `journals`.
        model: a folder with weights, which are hashed.
        rests_on: all else that the run's result depends on, as JSON would hold it.
    """
    digest = hashlib.sha256(json.dumps(rests_on).encode())
    for file in sorted(model.glob("*.safetensors")):
        with file.open("rb") as weights:
            digest.update(hashlib.file_digest(weights, "sha256").digest())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "numina" / kind / digest.hexdigest()[:16]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a folder to this process for as long as the context lasts.

    Raises:
        UserError: another process has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise UserError(
                f"another run with the same settings is using {folder} (process {lock.read()})"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
