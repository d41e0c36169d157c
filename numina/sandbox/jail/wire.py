"""What the caller, the zygote and its sessions say to each other, over sockets and in bytes."""

from __future__ import annotations

import json
import os
import struct
from typing import Any, NamedTuple

START, KILL, END = b"S", b"K", b"E"  # END: kill, and tell what became of it
ORDER = struct.Struct("<cI")  # one of these, and the number of a session
ENDED = struct.Struct("<Iidd")  # the number, exit code, processor seconds, peak memory in MiB
SIZE = struct.Struct("<I")  # before each request and each reply


class Ended(NamedTuple):
    """How a session ended: its exit code (a negative one is a signal) and what it used."""

    exit_code: int
    cpu_s: float
    max_rss_mb: float


def frame(message: dict[str, Any]) -> bytes:
    """A message as it is sent."""
    body = json.dumps(message).encode()
    return SIZE.pack(len(body)) + body


def write_frame(channel: int, reply: dict[str, Any]) -> None:
    """Send a reply."""
    os.write(channel, frame(reply))


def read_frame(channel: int) -> Any:
    """The next request; None where there is none any more."""
    head = read_exactly(channel, SIZE.size)
    body = read_exactly(channel, SIZE.unpack(head)[0]) if head else b""
    return json.loads(body) if body else None


def read_exactly(channel: int, size: int) -> bytes:
    """Bytes of a known number; fewer, or none, where the other side has closed."""
    found = b""
    while len(found) < size and (part := os.read(channel, size - len(found))):
        found += part
    return found if len(found) == size else b""
