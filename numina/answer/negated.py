r"""Answers of which one negates the other, as ``x \notin A`` and ``x \in A``."""

from __future__ import annotations

import re

from numina.answer.normalise import key

OWN = ["equiv", "in", "mid", "sim", "approx", "subset", "subseteq", "supset", "supseteq"]
OWN += ["parallel", "cong", "exists"]
NEGATION = re.compile(
    rf"\\(?:not|neg|lnot)(?![a-z])\s*|(?P<own>\\not(?=in(?![a-z]))|\\n(?=(?:{'|'.join(OWN)})(?![a-z])))"
)


def opposite(left: str, right: str) -> bool:
    """Whether one of two cleaned answers is the other negated."""
    (ours, count), (theirs, other) = map(affirmed, (left, right))
    return {count, other} == {0, 1} and ours == theirs


def affirmed(text: str) -> tuple[str, int]:
    """A text without its negations, spelled alike, and how many there are."""
    text = re.sub(r"\\ne(?![a-z])", r"\\not=", text)
    text, count = NEGATION.subn(lambda m: "\\" if m["own"] else "", text)
    text = re.sub(r"\\mid(?![a-z])", "|", text)
    text = re.sub(r"[{}]", " ", text).replace("\\\\", "\\")
    return key(re.sub(r"(\\[a-z]+|[=|])\s*", r"\1 ", text).strip()), count
