"""One session's process as its caller sees it: what it replies, and what it prints."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
from typing import Any

from numina.sandbox.control import Control
from numina.sandbox.jail.kernel import LINUX
from numina.sandbox.jail.wire import SIZE, Ended, frame
from numina.sandbox.output import Output

CREDENTIALS = socket.CMSG_SPACE(12)  # a process, a user and a group
REPLY = 256 * 1024  # bytes; an honest reply is far smaller


class Process:
    """A process, and the ends of its channel and its output that are the caller's.

    It replies once to each request, the first time to being started. Whatever else it says is the
    program's doing: it is not read any further, and the session is lost.

    Raises:
        OSError: the caller may open no more descriptors.
    """

    def __init__(self, control: Control, number: int) -> None:
        self.control, self.number = control, number
        self.channel, self.theirs = socket.socketpair()
        try:
            self.output, self.output_theirs = os.pipe()
        except OSError:
            self.channel.close()
            self.theirs.close()
            raise
        self.channel.setblocking(False)
        if LINUX:  # its first words come with its number, which the kernel vouches for
            self.channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        os.set_blocking(self.output, False)
        self.buffer = bytearray()
        self.asked = True
        self.closed = False
        self.told_cpu_s = 0.0  # by its blocks so far
        self.pid = 0  # known once it has started, as is the next
        self.handle: int | None = None  # a descriptor of the process, which no other can take over
        self.lost = ""  # why it was ended while it did nothing
        self.replies: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self.printed = Output(0)
        loop = asyncio.get_running_loop()
        loop.add_reader(self.channel, self._on_channel)
        loop.add_reader(self.output, self._on_output)

    def handed_over(self) -> None:
        """Close the ends that the session has its own copies of."""
        self.theirs.close()
        os.close(self.output_theirs)

    async def ask(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """Send a request and wait for the reply; None where the session is lost.

        Raises:
            OSError: it has ended.
        """
        self.asked = True
        await asyncio.get_running_loop().sock_sendall(self.channel, frame(request))
        return await self.replies.get()

    def _on_channel(self) -> None:
        try:
            part, told, *_ = self.channel.recvmsg(65536, CREDENTIALS)
            if not self.pid and told:
                self.pid = struct.unpack_from("i", told[0][2])[0]
        except BlockingIOError:
            return
        except OSError:
            part = b""
        self.buffer += part
        head = self.buffer[: SIZE.size]
        whole = SIZE.size + SIZE.unpack(head)[0] if len(head) == SIZE.size else SIZE.size + 1
        if part and self.asked and len(self.buffer) < whole <= SIZE.size + REPLY:
            return  # more is to come
        reply = None
        if part and self.asked and len(self.buffer) == whole:
            reply = read_object(self.buffer[SIZE.size :])
            self.buffer.clear()
        if reply is None:
            asyncio.get_running_loop().remove_reader(self.channel)
        self.asked = False
        self.replies.put_nowait(reply)

    def _on_output(self) -> None:
        if not self.printed.drain(self.output) or self.printed.overflowed:
            asyncio.get_running_loop().remove_reader(self.output)
            if self.printed.overflowed:
                self.replies.put_nowait({"status": "output"})

    def is_alive(self) -> bool:
        """Whether it has neither ended nor said anything that was not asked for."""
        try:
            self.channel.recv(1, socket.MSG_PEEK)
            return False
        except BlockingIOError:
            return True
        except OSError:
            return False

    def hold(self) -> bool:
        """Get hold of the process, once it has said that it has started; whether that succeeds."""
        if LINUX:
            try:
                self.handle = os.pidfd_open(self.pid)
            except OSError:
                return False
        return self.is_alive()  # so that its number was still its own

    def pause(self) -> None:
        """Stop it: between blocks nothing of it runs, whatever it has said of itself."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Have it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self.handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.handle, number)

    def take_memory_back(self, why: str) -> None:
        """End it for what it holds: a block that runs ends with it, and else the next is told."""
        self.lost = why
        self.control.kill(self.number)

    async def end(self) -> Ended | None:
        """Kill it and wait for how it ended; None where its zygote does not say."""
        return await self.control.end(self.number)

    def kill(self) -> None:
        """Kill it, and all that belongs to it."""
        self.control.kill(self.number)
        self.close()

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        loop = asyncio.get_running_loop()
        loop.remove_reader(self.channel)
        loop.remove_reader(self.output)
        self.channel.close()
        os.close(self.output)
        if self.handle is not None:
            os.close(self.handle)
        self.replies.put_nowait(None)  # to a block that still runs


def read_object(text: bytes | bytearray) -> dict[str, Any] | None:
    """The JSON object in a text that a program may have written; None where it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
