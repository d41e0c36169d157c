"""The output of a block, as kept by its caller."""

from __future__ import annotations

import contextlib
import os

KEPT = 32 * 1024  # bytes of output kept at each end


class Output:
    """The output of a block: its head and tail are kept, its middle is only counted."""

    def __init__(self, limit: int) -> None:
        self.head, self.tail, self.dropped = bytearray(), bytearray(), 0
        self.limit, self.total = limit, 0

    @property
    def overflowed(self) -> bool:
        return self.total > self.limit

    def drain(self, descriptor: int) -> bool:
        """Read what is available, up to the limit; return False at the end of the pipe."""
        with contextlib.suppress(BlockingIOError):
            while not self.overflowed:
                chunk = os.read(descriptor, 65536)
                if not chunk:
                    return False
                self.total += len(chunk)
                room = KEPT - len(self.head)
                self.head += chunk[:room]
                self.tail += chunk[room:]
                if len(self.tail) > 4 * KEPT:
                    self._trim()
        return True

    def _trim(self) -> None:
        excess = max(0, len(self.tail) - KEPT)
        del self.tail[:excess]
        self.dropped += excess

    def text(self) -> str:
        self._trim()
        middle = f"\n... {self.dropped} bytes left out ...\n".encode() if self.dropped else b""
        return (self.head + middle + self.tail).decode("utf-8", errors="replace")
