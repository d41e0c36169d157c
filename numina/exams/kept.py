"""What was read on a page, kept on disk by a hash of its picture and its reader.

So a run that was killed reads no page twice, and no page is paid for twice. Nothing is ever
evicted; the folder may be removed by hand.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from numina.errors import UserError
from numina.resume import cache_folder
from numina.rows import read_object, write_json


class KeptPages:
    """Readings of pages, one file each.

    Args:
        cache: the knob hardware.cache.
    """

    def __init__(self, cache: str = "") -> None:
        self.folder = cache_folder(cache) / "pages"

    def key(self, image: Any, reader: str) -> str:
        """A name for what a reader reads in an image.

        Args:
            image: height, width, channels.
            reader: its name, version and knobs.
        """
        digest = hashlib.sha256(f"{reader} {image.shape}".encode())
        digest.update(image.tobytes())
        return digest.hexdigest()

    def get(self, key: str) -> dict[str, Any] | None:
        """A reading, or None if there is none that can be used."""
        try:
            return read_object(self.file(key))
        except UserError:  # missing, or damaged by a full disk: read again
            return None

    def put(self, key: str, reading: dict[str, Any]) -> None:
        """Keep a reading."""
        write_json(self.file(key), reading)

    def file(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"
