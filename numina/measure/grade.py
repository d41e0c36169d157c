"""Grade an answer."""

from __future__ import annotations

import functools

from numina.answer.equal import equal


@functools.cache
def grade(answer: str | None, gold: str) -> bool | None:
    """Whether an answer equals the gold; None if undecided. A missing answer counts as wrong."""
    return False if answer is None else equal(answer, gold).equal
