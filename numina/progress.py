"""Progress of long work, for a person who waits."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tqdm import tqdm


def progress_bar(total: int, what: str) -> tqdm:
    """A progress bar on a terminal, and a line of counts every 20 seconds elsewhere."""
    from tqdm import tqdm

    return tqdm(total=total, desc=what, mininterval=0.5 if os.isatty(2) else 20)
