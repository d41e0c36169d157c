"""What a split takes for an answer."""

from __future__ import annotations

from numina.answer.equal import as_integer, canonical
from numina.settings.splits import AnswerRule


def admit(answer: str, rule: AnswerRule) -> tuple[str | None, str]:
    """An answer as a split counts it, and "answer"; or None, and why it has no vote.

    With a modulus, a whole number stands for its remainder, as contests ask it. An answer that is
    a formula is read in a worker process: call this in a thread where an event loop must not wait.
    """
    if not rule.integer:
        canonical(answer)  # kept for the vote, which then need not wait for it
        return answer, "answer"
    whole = as_integer(answer)
    if whole is None:
        return None, "not_integer"
    if rule.modulus:
        whole %= rule.modulus
    too_low = rule.lowest is not None and whole < rule.lowest
    if too_low or (rule.highest is not None and whole > rule.highest):
        return None, "out_of_range"
    return str(whole), "answer"
