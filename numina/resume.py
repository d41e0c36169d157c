"""Where an interrupted run keeps what it has: outside the workspace, named by all it rests on.

DVC removes a stage's outs before it reruns the stage, so this must not be an out.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any


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
