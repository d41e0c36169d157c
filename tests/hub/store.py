"""The hub's repositories: folders KIND/OWNER/NAME/COMMIT, and branches.json for the branches."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KINDS = ("models", "datasets")
LFS_SUFFIXES = {".safetensors", ".bin", ".parquet", ".gguf", ".gz"}  # as the hub's .gitattributes


class Missing(Exception):
    """What was asked for does not exist; the argument is the hub's X-Error-Code."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One file of a commit.

    Attributes:
        path: in the repository.
        content: where its bytes are.
        lfs: whether it is a large file, named by its SHA-256.
    """

    path: str
    content: Path
    lfs: bool

    @property
    def size(self) -> int:
        return self.content.stat().st_size

    @property
    def etag(self) -> str:
        """SHA-256 of a large file; of another one, git's name of the blob."""
        return sha256(self.content) if self.lfs else git_blob(self.content)

    def described(self) -> dict[str, Any]:
        """The file in a tree listing."""
        found = {"type": "file", "path": self.path, "size": self.size}
        found["oid"] = git_blob(self.content)
        if self.lfs:
            found["lfs"] = {"oid": self.etag, "size": self.size, "pointerSize": 134}
        return found


@dataclass(slots=True)
class Repository:
    """A model or a data set."""

    folder: Path
    private: bool = False
    branches: dict[str, str] = field(default_factory=dict)

    def commit_of(self, revision: str) -> str:
        """The commit that a branch or a commit's name means.

        Raises:
            Missing: there is none.
        """
        commit = self.branches.get(revision, revision)
        if not (self.folder / commit).is_dir():
            raise Missing("RevisionNotFound")
        return commit

    def files(self, revision: str) -> list[Stored]:
        """All files of a revision, by path."""
        root = self.folder / self.commit_of(revision)
        return [
            Stored(str(file.relative_to(root)), file, is_lfs(str(file)))
            for file in sorted(root.rglob("*"))
            if file.is_file()
        ]

    def file(self, revision: str, path: str) -> Stored:
        """One file of a revision.

        Raises:
            Missing: it is not there.
        """
        for stored in self.files(revision):
            if stored.path == path:
                return stored
        raise Missing("EntryNotFound")

    def commit(self, branch: str, changes: Mapping[str, bytes | Path | None]) -> str:
        """Add files to a branch, or with None remove them; return the new commit's name."""
        before = self.branches.get(branch)
        name = hashlib.sha1(f"{before}{sorted(changes)}{branch}".encode())
        scratch = self.folder / "next.tmp"
        shutil.rmtree(scratch, ignore_errors=True)
        if before:
            shutil.copytree(self.folder / before, scratch)
        scratch.mkdir(exist_ok=True)
        for path, content in sorted(changes.items()):
            target = scratch / path
            if content is None:
                target.unlink(missing_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            data = content if isinstance(content, bytes) else content.read_bytes()
            target.write_bytes(data)
            name.update(hashlib.sha1(data).digest())
        commit = name.hexdigest()
        shutil.rmtree(self.folder / commit, ignore_errors=True)
        scratch.rename(self.folder / commit)
        self.branches[branch] = commit
        self.save()
        return commit

    def save(self) -> None:
        (self.folder / "branches.json").write_text(
            json.dumps({"private": self.private, "branches": self.branches})
        )


class Store:
    """All repositories in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repositories: dict[tuple[str, str], Repository] = {}
        for kind in KINDS:
            for found in sorted((folder / kind).glob("*/*")):
                self.repositories[kind, f"{found.parent.name}/{found.name}"] = opened(found)

    def get(self, kind: str, name: str) -> Repository:
        """A repository by its kind and its name.

        Raises:
            Missing: there is none.
        """
        found = self.repositories.get((kind, name))
        if found is None:
            raise Missing("RepoNotFound")
        return found

    def create(self, kind: str, name: str, private: bool) -> Repository:
        """Make a repository whose branch main has no file but .gitattributes."""
        repository = Repository(self.folder / kind / name, private)
        repository.folder.mkdir(parents=True)
        repository.commit("main", {".gitattributes": b""})
        self.repositories[kind, name] = repository
        return repository

    def lfs(self, oid: str) -> Path:
        """Where an uploaded large file is kept until a commit names it."""
        return self.folder / "lfs" / oid


def opened(folder: Path) -> Repository:
    """A repository from its folder; without branches.json, main is its only commit."""
    file = folder / "branches.json"
    if file.exists():
        return Repository(folder, **json.loads(file.read_text()))
    (commit,) = (child.name for child in folder.iterdir() if child.is_dir())
    return Repository(folder, branches={"main": commit})


def is_lfs(path: str) -> bool:
    return Path(path).suffix in LFS_SUFFIXES


def sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def git_blob(file: Path) -> str:
    data = file.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
