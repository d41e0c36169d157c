"""How the hub misbehaves, when a test says so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["status", "cut", "wrong", "drop"]


@dataclass(slots=True)
class Fault:
    """One kind of misbehaviour.

    Attributes:
        kind: `status` answers with `status`; `cut` closes the connection after half of a file;
            `wrong` sends other bytes of the same length; `drop` closes it without an answer.
        where: a regular expression for the method and the path, such as `GET .*parquet`.
        times: how often; -1 for ever.
        status: for `status`, such as 503.
        code: the hub's X-Error-Code, if any.
        message: the hub's X-Error-Message, if any.
    """

    kind: Kind
    where: str
    times: int = 1
    status: int = 503
    code: str = ""
    message: str = ""


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self.coming: list[Fault] = []

    def take(self, request: str, *kinds: Kind) -> Fault | None:
        """The next fault of some kinds for a request, which it uses up."""
        for fault in self.coming:
            if fault.kind in kinds and fault.times and re.search(fault.where, request):
                fault.times -= 1
                return fault
        return None
