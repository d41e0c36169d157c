"""How a server fails, and what that says: of the moment, of the server, or of the request."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Literal

REFUSED = {400, 413, 414, 422, 431}  # what the request says is wrong
LONGEST_WAIT_S = 120.0  # a server that asks for more is asked sooner
TEXT = 300  # characters of a server's own words

Kind = Literal["busy", "throttled", "fault", "denied", "refused", "unsuitable"]


class ServerFailed(Exception):
    """A server did not answer a request as it should.

    Attributes:
        kind: `busy`: it cannot be reached or cannot answer now. `throttled`: the same, and it says
            that it will. `fault`: it broke down over this request, or what it sent cannot be used.
            `denied`: it has no such model or address, or
            wants another key. `refused`: it says that the request is wrong. `unsuitable`: its
            replies lack what is needed, whatever is asked.
        retry_after: the seconds that it asked to be left alone; None where it did not say.
        told: its own words, for what they name.
    """

    def __init__(
        self, message: str, kind: Kind, retry_after: float | None = None, told: str = ""
    ) -> None:
        super().__init__(" ".join(message.split()))
        self.kind, self.retry_after, self.told = kind, retry_after, told


def from_status(where: str, status: int, headers: Mapping[str, str], text: str) -> ServerFailed:
    """The failure that an HTTP status stands for.

    Args:
        where: the server's address, for the message.
        status: of the reply; 4xx and 5xx, or another that is not 200.
        headers: of the reply.
        text: the body.
    """
    message = f"{where}: status {status}"
    words = " ".join(text.split())[:TEXT]
    if words and status < 500:
        message += f": {words}"
    kind: Kind = "fault"
    if status in (408, 409, 425, 429) or status >= 502:
        kind = "throttled" if status == 429 or retry_after(headers) else "busy"
    elif status in REFUSED:
        kind = "refused"
    elif 400 <= status < 500:
        kind = "denied"
    return ServerFailed(message, kind, retry_after(headers), text)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds for which a server asks to be left alone, at most `LONGEST_WAIT_S`.

    Source: RFC 9110, section 10.2.3: seconds or a date; `retry-after-ms` is OpenAI's.
    """
    seconds = number(headers.get("retry-after-ms"))
    if seconds is not None:
        seconds /= 1000
    else:
        given = headers.get("retry-after")
        seconds = number(given)
        if seconds is None and given:
            try:
                seconds = parsedate_to_datetime(given).timestamp() - time.time()
            except (TypeError, ValueError, OverflowError):
                return None
    return None if seconds is None or seconds <= 0 else min(seconds, LONGEST_WAIT_S)


def number(text: str | None) -> float | None:
    """A header's value as a number; None where it is missing or not one."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return None if math.isnan(value) else value
