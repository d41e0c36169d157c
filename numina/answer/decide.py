"""The last rungs of the ladder: our own comparison, then Math-Verify where ours cannot read."""

from __future__ import annotations

from typing import Any

from numina.answer.compare import Undecided, same_answer
from numina.answer.symbolic import same_value

Verdict = tuple[bool | None, str, str]  # equal, method, why


def decide(prediction: str, gold: str) -> Verdict:
    """Decide a pair of cleaned answers; of what goes wrong the reason is told, nothing raised."""
    try:
        return same_answer(prediction, gold), "symbolic", ""
    except Undecided as reason:
        why = str(reason)
    except RecursionError:
        return None, "undecided", "nested too deeply"
    except MemoryError:
        return None, "undecided", "memory"
    except Exception as error:  # sympy raises anything; it is told, with the verdict
        why = f"{type(error).__name__}: {error}"
    try:
        return math_verify(prediction, gold), "math_verify", ""
    except Exception as error:  # as above
        return None, "undecided", f"{why}; {type(error).__name__}: {error}"[:500]


def math_verify(prediction: str, gold: str) -> bool:
    """Math-Verify's verdict (huggingface/Math-Verify); a positive must hold by our own digits too.

    It calls ``1+1/\\mathrm{e}`` and ``1-1/\\mathrm{e}`` equal, and 1/2^99 and 1/2^98.

    Raises:
        Undecided: it reads one of them as nothing, or our own check does not support its positive.
    """
    from math_verify import parse, verify

    never: Any = None  # none of its own alarms: the worker has one
    left, right = (parse(f"${text}$", parsing_timeout=never) for text in (prediction, gold))
    if not left or not right:
        raise Undecided("Math-Verify reads nothing")
    if not verify(right, left, timeout_seconds=never):
        return False
    if not supported(left[0], right[0]):
        raise Undecided("Math-Verify calls them equal, their digits do not")
    return True


def supported(left: Any, right: Any) -> bool:
    import sympy

    if left == right or rebuilt(left) == rebuilt(right):
        return True
    if isinstance(left, sympy.Expr) and isinstance(right, sympy.Expr):
        return same_value(left, right) is True
    return False


def rebuilt(value: Any) -> Any:
    """A sympy object with its factors and terms in sympy's own order."""
    args = getattr(value, "args", ())
    return value.func(*map(rebuilt, args)).doit() if args else value
