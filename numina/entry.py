"""What every entry point shares: its paths from the command line, and how it ends."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from numina.errors import UserError

INTERRUPTED = 130  # the exit status after Ctrl-C, as shells have it


def paths(doc: str | None, *names: str) -> argparse.Namespace:
    """Parse the command line that dvc.yaml gives a stage: one required path a name."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in names:
        parser.add_argument(f"--{name}", type=Path, required=True, metavar="PATH")
    return parser.parse_args()


def run(main: Callable[..., None], *arguments: object) -> None:
    """Run a main function.

    A `UserError` is shown as its message alone, with exit status 1; Ctrl-C ends with status 130.
    """
    try:
        main(*arguments)
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
