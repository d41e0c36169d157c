"""A verdict on two parts of an answer that could not be reached."""

from __future__ import annotations


class Undecided(Exception):
    """It could not be decided whether two parts are equal; the message says why."""


def decided(verdict: bool | None) -> bool:
    if verdict is None:
        raise Undecided("no digits tell them apart")
    return verdict
