"""The caller's connection to a zygote: sends orders, receives how sessions ended."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
from collections.abc import Sequence

from numina.sandbox.jail.wire import END, ENDED, KILL, ORDER, Ended

END_S = 5.0  # a killed session first has to free its memory


class Control:
    """One end of the control socket of a zygote.

    Attributes:
        theirs: the zygote's end, until it is handed over.
    """

    def __init__(self) -> None:
        self.socket, self.theirs = socket.socketpair()
        self.ending: dict[int, asyncio.Future[Ended | None]] = {}
        self.told = b""

    def listen(self) -> None:
        """Start to receive how sessions end."""
        asyncio.get_running_loop().add_reader(self.socket, self._on_told)

    def order(self, action: bytes, number: int, descriptors: Sequence[int] = ()) -> None:
        """Send an order; if the zygote is gone, its sessions are too."""
        with contextlib.suppress(OSError):
            socket.send_fds(self.socket, [ORDER.pack(action, number)], descriptors)

    def is_gone(self) -> bool:
        """Whether the zygote has ended, which closes the connection."""
        if self.socket.fileno() < 0:
            return True
        watch = select.poll()
        watch.register(self.socket, 0)
        return bool(watch.poll(0))

    def kill(self, number: int) -> None:
        """Kill a session."""
        self.order(KILL, number)

    async def end(self, number: int) -> Ended | None:
        """Kill a session and return how it ended; None if the zygote does not say."""
        if self.is_gone():
            return None
        waiting = self.ending[number] = asyncio.get_running_loop().create_future()
        self.order(END, number)
        try:
            async with asyncio.timeout(END_S):
                return await waiting
        except TimeoutError:
            return None
        finally:
            del self.ending[number]

    def close(self) -> None:
        """Close the connection: the zygote and its sessions end."""
        asyncio.get_running_loop().remove_reader(self.socket)
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits for the greeting
        self.socket.close()
        self._nothing_more_to_hear()

    def _on_told(self) -> None:
        part = b""
        with contextlib.suppress(OSError):
            part = self.socket.recv(65536)
        if not part:
            asyncio.get_running_loop().remove_reader(self.socket)
            self._nothing_more_to_hear()
        self.told += part
        while len(self.told) >= ENDED.size:
            number, *ended = ENDED.unpack_from(self.told)
            self.told = self.told[ENDED.size :]
            if (waiting := self.ending.get(number)) and not waiting.done():
                waiting.set_result(Ended(*ended))

    def _nothing_more_to_hear(self) -> None:
        self.told = b""
        for waiting in self.ending.values():
            if not waiting.done():
                waiting.set_result(None)
