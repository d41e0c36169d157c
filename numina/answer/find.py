"""Find the final answer in a solution's text."""

from __future__ import annotations

import re

BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
PHRASE = re.compile(r"answer is:?\s*\$?([^\s$][^\n$]*?)\$?\s*(?:\.\s|\.?$)", re.I | re.M)


def last_box(text: str) -> str | None:
    r"""The content of the last balanced ``\boxed{...}`` or ``\fbox{...}``, or None.

    A box that is never closed is passed over, since what it would have held is not known.
    """
    for match in reversed(list(BOX.finditer(text))):
        depth = 1
        for position in range(match.end(), len(text)):
            escaped = text[position - 1] == "\\"
            if text[position] == "{" and not escaped:
                depth += 1
            elif text[position] == "}" and not escaped:
                depth -= 1
                if depth == 0:
                    return text[match.end() : position].strip()
    return None


def find_answer(text: str) -> str | None:
    """The final answer: the last box, else what follows the last "answer is"; else None."""
    boxed = last_box(text)
    if boxed:
        return boxed
    phrases = PHRASE.findall(text)
    return phrases[-1].strip() if phrases else None
