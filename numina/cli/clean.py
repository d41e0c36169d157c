"""`numina clean`: remove what killed runs left in the cache."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from numina.errors import UserError


def clean(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what is there.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove what killed runs left.

    These are journals, checkpoints and shards under hardware.cache, by default
    ~/.cache/numina. A killed run that is started again continues from them; once they are
    removed, it starts from the beginning. Files that a running process uses are kept.

    \b
    Examples:
      numina clean --dry-run
      numina clean --yes
    """
    from numina.cli.doctor import in_short
    from numina.resume import left_by_runs, remove
    from numina.settings.params import FILE, read

    # Outside of a repository, the default cache is meant.
    found = left_by_runs(read().hardware.cache if FILE.exists() else "")
    for left in found:
        print(f"{left.folder}  {in_short(left)}")
    free = [left for left in found if left.holder is None]
    size = sum(left.bytes for left in free) / 2**20
    if not free:
        print("nothing to remove")
        return
    if dry_run:
        print(f"{len(free)} to remove, {size:.1f} MiB")
        return
    if not yes and not is_agreed(f"remove {len(free)}, {size:.1f} MiB? [y/N] "):
        print("nothing removed")
        return
    removed = [left for left in free if remove(left.folder)]
    print(f"{len(removed)} removed, {sum(left.bytes for left in removed) / 2**20:.1f} MiB")


def is_agreed(question: str) -> bool:
    """Ask a person.

    Raises:
        UserError: standard input is not a terminal, so nobody can answer.
    """
    if not sys.stdin.isatty():
        raise UserError("standard input is not a terminal; use --yes to remove without asking")
    return input(question).strip().lower() in ("y", "yes")
