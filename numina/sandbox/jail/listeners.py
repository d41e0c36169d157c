"""Emulate the listeners of `multiprocessing.connection` in memory; its managers build on them."""

from __future__ import annotations

import itertools
import queue
import sys
from collections.abc import Hashable
from typing import Any

from numina.sandbox.jail import channels
from numina.sandbox.jail.channels import Connection, pipe

listening: dict[Hashable, Listener] = {}
numbers = itertools.count(1)


class Listener:
    """Like `multiprocessing.connection.Listener`; other sessions cannot reach it."""

    def __init__(
        self,
        address: Any = None,
        family: str | None = None,
        backlog: int = 1,
        authkey: bytes | None = None,
    ) -> None:
        number = next(numbers)
        if address is None:
            address = ("localhost", number) if family == "AF_INET" else f"listener-{number}"
        elif isinstance(address, tuple) and not address[1]:
            address = (address[0], number)
        self.address, self.authkey, self.last_accepted = address, authkey, None
        self.callers: queue.SimpleQueue[Connection | None] = queue.SimpleQueue()
        self.place = place_of(address)
        if self.place in listening:
            raise OSError(98, "Address already in use")
        listening[self.place] = self

    def accept(self) -> Connection:
        if self.place not in listening or (caller := self.callers.get()) is None:
            raise OSError("listener is closed")
        if self.authkey is not None:
            challenge(caller, self.authkey)
            answer(caller, self.authkey)
        return caller

    def close(self) -> None:
        if listening.pop(self.place, None) is not None:
            self.callers.put(None)

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def place_of(address: Any) -> Hashable:
    """What identifies an address: the port, as this machine has many names."""
    return address[1] if isinstance(address, tuple) else address


def client(address: Any, family: str | None = None, authkey: bytes | None = None) -> Connection:
    """Like `multiprocessing.connection.Client`."""
    listener = listening.get(place_of(address))
    if listener is None:
        if isinstance(address, tuple):
            raise ConnectionRefusedError(111, "Connection refused")
        raise FileNotFoundError(2, "No such file or directory")
    ours, theirs = pipe()
    listener.callers.put(theirs)
    if authkey is not None:
        answer(ours, authkey)
        challenge(ours, authkey)
    return ours


def challenge(connection: Any, key: bytes) -> None:
    sys.modules["multiprocessing.connection"].deliver_challenge(connection, key)


def answer(connection: Any, key: bytes) -> None:
    sys.modules["multiprocessing.connection"].answer_challenge(connection, key)


def replace_connections(connection: Any) -> None:
    """Make the module `multiprocessing.connection` use these."""
    connection.Listener, connection.Client = Listener, client
    connection.Pipe, connection.wait = pipe, channels.wait
    connection.Connection = Connection
