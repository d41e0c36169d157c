"""The result of one block, from what its session replied, printed, and how it ended."""

from __future__ import annotations

import contextlib
import math
import signal
from dataclasses import asdict, dataclass
from typing import Any, Literal

from numina.sandbox.jail.wire import Ended
from numina.sandbox.output import Output
from numina.settings.decoding import Sandbox


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one block.

    Attributes:
        status: ok, error (an exception), timeout, memory, output (too much), killed (it died, or
            broke the protocol).
        stdout: what it printed, with the middle left out where it is long.
        error_type, message, traceback: of the exception, with the block's own line numbers.
        truncated: whether something of stdout was left out.
        wall_s, cpu_s: seconds; with status timeout, they say which of the two was long.
        max_rss_mb: the session's peak memory in MiB.
    """

    status: Literal["ok", "error", "timeout", "memory", "output", "killed"]
    stdout: str
    error_type: str | None
    message: str | None
    traceback: str | None
    truncated: bool
    wall_s: float
    cpu_s: float
    max_rss_mb: float

    def as_dict(self) -> dict[str, object]:
        """The record as plain JSON values."""
        return asdict(self)


def failure(status: Any, error_type: str, message: str, wall_s: float = 0.0) -> Result:
    """A result of a block that told none itself."""
    return Result(status, "", error_type, message, None, False, wall_s, 0.0, 0.0)


def read_reply(
    reply: dict[str, Any] | None, token: str, printed: Output, wall: float
) -> Result | None:
    """A result from a session's reply; None where it is no honest reply to this request."""
    if reply is None or reply.pop("token", None) != token:
        return None
    with contextlib.suppress(TypeError, ValueError, KeyError, OverflowError):
        cpu_s, max_rss_mb = float(reply["cpu_s"]), float(reply["max_rss_mb"])
        texts = [reply[name] for name in ("error_type", "message", "traceback")]
        good = all(text is None or isinstance(text, str) for text in texts)
        good = good and math.isfinite(cpu_s) and math.isfinite(max_rss_mb)
        if good and reply["status"] in ("ok", "error", "memory"):
            return Result(
                reply["status"],
                printed.text(),
                *(text and writable(text) for text in texts),
                truncated=printed.dropped > 0,
                wall_s=wall,
                cpu_s=cpu_s,
                max_rss_mb=max_rss_mb,
            )
    return None


def writable(text: str) -> str:
    """A text without the lone surrogates that no file takes."""
    return text.encode("utf-8", "replace").decode()


def lost_result(
    status: str,
    printed: Output,
    wall: float,
    params: Sandbox,
    ended: Ended | None,
    told_cpu_s: float,
    lost: str,
) -> Result:
    """The result of a block whose session is lost.

    Args:
        status: why; whatever is no word of ours means that the session itself went wrong.
        printed: its output so far.
        wall: seconds.
        params: the limits.
        ended: what became of the process, where its zygote says so.
        told_cpu_s: what earlier blocks of the session took.
        lost: why its memory was taken back, if it was.
    """
    if lost:
        status = "memory"
    reasons = {
        "memory": ("MemoryError", lost),
        "timeout": ("TimeoutError", f"no result after {params.timeout_s:.1f} seconds"),
        "output": ("OutputError", f"more than {params.output_mb} MB of output"),
    }
    if status not in reasons:
        status = "killed"
    error_type, message = reasons.get(status, ("SandboxError", reason(ended, params)))
    return Result(
        status=status,  # pyright: ignore[reportArgumentType]
        stdout=printed.text(),
        error_type=error_type,
        message=message,
        traceback=None,
        truncated=printed.dropped > 0,
        wall_s=wall,
        cpu_s=max(0.0, ended.cpu_s - told_cpu_s) if ended else 0.0,
        max_rss_mb=ended.max_rss_mb if ended else 0.0,
    )


def reason(ended: Ended | None, params: Sandbox) -> str:
    """Why a session's process is no more, as far as that is known."""
    if ended is None:
        return "the process died"
    if ended.exit_code == -signal.SIGXCPU or ended.cpu_s >= params.cpu_s:
        return f"the session took more than {params.cpu_s} seconds of processor time"
    if ended.exit_code == -signal.SIGKILL:
        return "the process was killed"
    if ended.exit_code < 0:
        return f"the process died of {signal.Signals(-ended.exit_code).name}"
    return f"the process ended with exit status {ended.exit_code}"
