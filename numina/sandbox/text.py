"""Turn a block's result into the text that the model reads after ```output."""

from __future__ import annotations

import re

from numina.sandbox.result import Result

NUMBERED = re.compile(r"<block \d+>")


def output_text(result: Result, limit: int) -> str:
    """What the model sees of a result: at most `limit` characters, the last line always complete.

    The last line matters most: it is the answer that was printed, or the exception's message.
    """
    parts = [result.stdout.strip()]
    if result.traceback:
        # Without block numbers, so that the same failure gives the same text in the next block.
        parts.append(NUMBERED.sub("<block>", result.traceback.strip()))
    elif result.status != "ok":
        parts.append(f"{result.error_type or result.status}: {result.message}")
    text = "\n".join(part for part in parts if part)
    if len(text) <= limit:
        return text
    head, _, last = text.rpartition("\n")
    if len(last) >= limit - 5:
        return "..." + last[-(limit - 3) :]
    return head[: limit - len(last) - 5] + "\n...\n" + last
