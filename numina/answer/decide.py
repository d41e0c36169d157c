"""The last two steps: our own comparison, then Math-Verify if ours cannot read an answer.

Math-Verify (huggingface/Math-Verify) reads leniently: it takes a part of ``k \\equiv 5 \\pmod 9``
and silently drops the rest. So its "equal" counts only if it read the whole of both texts, and its
"different" never counts.
"""

from __future__ import annotations

import re
from typing import Any

from numina.answer.compare import equal_answers
from numina.answer.families import equal_families
from numina.answer.negated import opposite
from numina.answer.symbolic import equal_values
from numina.answer.verdicts import Undecided

Verdict = tuple[bool | None, str, str]  # equal, method, why

PART = re.compile(r"\\[A-Za-z]+|\d+|[A-Za-z]|[-+*/^=<>!_.,:;|'()\[\]]")
CHANGED = {"+": "-", "-": "+", "*": "+", "<": ">", ">": "<", "/": "+", "=": "<", "^": "+"}
UNSEEN = re.compile(  # words and signs that it drops
    r"\\(?:text|pmod|equiv|dots|approx|mathrm|land|lor|quad)|[\u0080-\uffff]|(?<![\\A-Za-z])[A-Za-z]{2,}|\d\s*'"
)
MOST_PARTS = 40


def decide(prediction: str, gold: str) -> Verdict:
    """Decide a pair of cleaned answers. Errors become the verdict's reason and are not raised."""
    try:
        if opposite(prediction, gold):
            return False, "symbolic", ""
        return equal_answers(prediction, gold), "symbolic", ""
    except Undecided as reason:
        why = str(reason)
    except RecursionError:
        return None, "undecided", "nested too deeply"
    except MemoryError:
        return None, "undecided", "memory"
    except Exception as error:  # sympy raises anything; the verdict reports it
        why = f"{type(error).__name__}: {error}"
    try:
        return math_verify(prediction, gold), "math_verify", ""
    except Exception as error:  # as above
        return None, "undecided", f"{why}; {type(error).__name__}: {error}"[:500]


def decide_families(prediction: str, gold: str) -> Verdict:
    """Decide a pair of cleaned answers as sets with a parameter; "other" if they are not."""
    try:
        verdict = equal_families(prediction, gold)
    except Undecided as reason:
        return None, "undecided", str(reason)
    except Exception as error:  # as above
        return None, "other", f"{type(error).__name__}: {error}"
    return verdict, "other" if verdict is None else "symbolic", ""


def math_verify(prediction: str, gold: str) -> bool:
    """Whether Math-Verify read the whole of two texts and calls them equal, and our digits agree.

    It calls ``1+1/\\mathrm{e}`` and ``1-1/\\mathrm{e}`` equal, and 1/2^99 and 1/2^98.

    Raises:
        Undecided: it calls them different, did not read the whole of one, or our own check does
            not support it.
    """
    from math_verify import verify

    never: Any = None  # its own alarms are off: the worker has one
    left, right = read(prediction), read(gold)
    if not left or not right:
        raise Undecided("Math-Verify reads nothing")
    if not verify(right, left, timeout_seconds=never):
        raise Undecided("Math-Verify calls them different, which proves nothing")
    if not supported(left[0], right[0]):
        raise Undecided("Math-Verify calls them equal, their digits do not")
    for text, found in ((prediction, left), (gold, right)):
        if not read_whole(text, found[0]):
            raise Undecided(f"Math-Verify did not read the whole of {text!r}")
    return True


def read(text: str) -> list[Any]:
    from math_verify import parse

    never: Any = None
    return parse(f"${text}$", parsing_timeout=never)


def read_whole(text: str, found: Any) -> bool:
    """Whether Math-Verify's reading depends on each number, letter and sign of a text."""
    parts = [match for match in PART.finditer(text) if match[0].isalnum() or match[0] in CHANGED]
    if len(parts) > MOST_PARTS:
        return False
    for match in parts:
        part = match[0]
        other = str(int(part) + 1) if part.isdigit() else CHANGED.get(part) or other_letter(part)
        again = read(text[: match.start()] + other + text[match.end() :])
        if again and (again[0] == found or rebuilt(again[0]) == rebuilt(found)):
            return False
    return UNSEEN.search(text) is None


def other_letter(letter: str) -> str:
    return "q" if letter != "q" else "w"


def supported(left: Any, right: Any) -> bool:
    import sympy

    if left == right or rebuilt(left) == rebuilt(right):
        return True
    if isinstance(left, sympy.Expr) and isinstance(right, sympy.Expr):
        return equal_values(left, right) is True
    return False


def rebuilt(value: Any) -> Any:
    """A sympy object with its factors and terms in sympy's own order."""
    args = getattr(value, "args", ())
    return value.func(*map(rebuilt, args)).doit() if args else value
