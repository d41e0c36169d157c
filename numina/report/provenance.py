"""What a run rests on: the commit, and the hashes that DVC gave to what the stages wrote."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

# What a run itself writes: a commit is not called changed for that.
WRITTEN = ("dvc.lock", "reports")
MOST_NAMED = 8  # changed files


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit that a run started from.

    Attributes:
        hash: 40 hex digits.
        title: the first line of its message.
        changed: tracked files that differ from it, other than what a run writes.
    """

    hash: str
    title: str
    changed: list[str]

    @property
    def changes(self) -> str:
        """The changed files in words, the first of them by name; "" where there are none."""
        more = len(self.changed) - MOST_NAMED
        named = ", ".join(self.changed[:MOST_NAMED])
        return f"{named} and {more} more files" if more > 0 else named


def git(*arguments: str) -> str | None:
    """What git prints; None where there is no git, no repository, or nothing by that name."""
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, encoding="utf-8", check=False
        )
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None


def last_commit() -> Commit | None:
    """The last commit; None where there is none."""
    shown = git("log", "-1", "--format=%H%n%s")
    if not shown:
        return None
    digits, _, title = shown.strip().partition("\n")
    status = git("status", "--porcelain", "--untracked-files=no") or ""
    paths = [line[3:] for line in status.splitlines()]
    changed = [path for path in paths if path.split("/")[0] not in WRITTEN]
    return Commit(digits, title, changed)


def committed(file: Path) -> str | None:
    """A file as it is in the last commit; None where it is not there."""
    return git("show", f"HEAD:./{file}")


def lock_hashes(lock: Path) -> dict[str, str]:
    """The hash of every out, as dvc.lock has them when the report is written.

    DVC writes it after each stage, so all stages before the report are in it as they ran.
    """
    if not lock.exists():
        return {}
    stages = yaml.safe_load(lock.read_text(encoding="utf-8")).get("stages", {})
    return {
        out["path"]: out["md5"].removesuffix(".dir")
        for name, stage in stages.items()
        if name != "report"
        for out in stage.get("outs", [])
        if "md5" in out
    }
