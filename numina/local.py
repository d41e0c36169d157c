"""Local files and folders that params.yaml names."""

from __future__ import annotations

from pathlib import Path

COPIES = (".dvc", "tmp", "exps")  # where DVC runs experiments in copies of the repository


def from_root(path: str) -> Path:
    """Where a path of params.yaml is: a relative one begins at the root of the repository.

    In a copy that DVC made (`--temp`, `--queue`), what the copy lacks is taken from the repository
    itself, so that a path means the same and params.yaml stays the same on every machine.
    """
    parts = Path.cwd().parts
    places = [at for at in range(len(parts)) if parts[at : at + len(COPIES)] == COPIES]
    if not places or Path(path).exists():
        return Path(path)
    return Path(*parts[: places[0]]) / path
