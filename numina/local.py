"""Local files and folders that params.yaml names."""

from __future__ import annotations

from pathlib import Path

COPIES = (".dvc", "tmp", "exps")  # where DVC runs experiments in copies of the repository


def from_root(path: str) -> Path:
    """Find a path of params.yaml: a relative one begins at the root of the repository.

    In a copy that DVC made (`--temp`, `--queue`), files that the copy lacks are read from the
    repository itself, so that a path has the same meaning there.
    """
    parts = Path.cwd().parts
    places = [at for at in range(len(parts)) if parts[at : at + len(COPIES)] == COPIES]
    if not places or Path(path).exists():
        return Path(path)
    return Path(*parts[: places[0]]) / path
