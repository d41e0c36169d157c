"""What tests need around the hub: a repository on it, and the environment of who asks it."""

import os
from pathlib import Path

from tests.conftest import ROOT
from tests.hub.server import Hub
from tests.hub.store import Store


def put(hub: Hub, kind: str, name: str, commit: str, files: dict[str, bytes]) -> None:
    """Put a repository with one commit on a running hub."""
    for path, content in files.items():
        file = hub.store.folder / kind / name / commit / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    hub.store = Store(hub.store.folder)


def environment(hub: Hub, tmp_path: Path, **more: str) -> dict[str, str]:
    """For a process that asks this hub, with a cache of its own and no token but a given one."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    ours = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "NO_PROXY": "127.0.0.1"}
    return kept | ours | {"HF_HUB_DISABLE_XET": "1", "PYTHONPATH": str(ROOT)} | more
