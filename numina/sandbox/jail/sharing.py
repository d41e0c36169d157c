"""Emulate shared memory blocks with a name: a session's "processes" share all memory anyway."""

from __future__ import annotations

import mmap
import secrets
from typing import Any

blocks: dict[str, mmap.mmap] = {}


class SharedMemory:
    """Like `multiprocessing.shared_memory.SharedMemory`.

    Raises:
        FileExistsError, FileNotFoundError: there is one of this name, or none.
    """

    def __init__(self, name: str | None = None, create: bool = False, size: int = 0) -> None:
        if size < 0:
            raise ValueError("'size' must be a positive integer")
        if create and size == 0:
            raise ValueError("'size' must be a positive number different from zero")
        if name is None and not create:
            raise ValueError("'name' can only be None if create=True")
        name = name or f"psm_{secrets.token_hex(4)}"
        if create and name in blocks:
            raise FileExistsError(17, "File exists", f"/{name}")
        if not create and name not in blocks:
            raise FileNotFoundError(2, "No such file or directory", f"/{name}")
        if create:
            blocks[name] = mmap.mmap(-1, size)
        self._name, self._mmap = name, blocks[name]
        self._buf: memoryview | None = memoryview(self._mmap)
        self.size = len(self._mmap)

    @property
    def name(self) -> str:
        return self._name

    @property
    def buf(self) -> memoryview | None:
        return self._buf

    def close(self) -> None:
        if self._buf is not None:
            self._buf.release()
            self._buf = None

    def unlink(self) -> None:
        if blocks.pop(self._name, None) is None:
            raise FileNotFoundError(2, "No such file or directory", f"/{self._name}")

    def __reduce__(self) -> tuple[Any, ...]:
        return SharedMemory, (self._name, False, self.size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r}, size={self.size})"


def replace_shared_memory(module: Any) -> None:
    """Make the module `multiprocessing.shared_memory` use these blocks."""
    module.SharedMemory = SharedMemory
