"""Figures and words as the page and the model cards show them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from numina.report.ties import TieBreak

ENDS = {
    "answer": "it gave an answer that counts",
    "no_answer": "it ended without an answer",
    "not_integer": "its answer is not a whole number, which this split asks for",
    "out_of_range": "its answer is outside the split's range",
    "depth": "it wanted more program runs than allowed",
    "context": "it filled the context",
    "length": "one step grew too long",
    "no_code": "it asked for an output without a program",
    "empty_output": "two programs one after another printed nothing",
    "repeat": "the same failure twice in a row",
    "failed": "its request to the engine failed for good",
}
PROGRAMS = {
    "ok": "ran to its end",
    "error": "raised an exception",
    "timeout": "ran too long",
    "memory": "took too much memory",
    "output": "printed too much",
    "killed": "was stopped by the sandbox",
}
TIES: dict[TieBreak, str] = {
    "logprob": "broken by the higher mean log-probability of the traces",
    "form": "equal in log-probability too, broken by the order of the answers as text",
}
STOPS = {
    "full": "all traces were run",
    "lossless": "no trace left could change the answer",
    "beta": "the leader was likely enough (at a risk)",
    "esc": "enough traces in a row agreed (at a risk)",
    "deadline": "time was up",
}


def percent(share: float) -> str:
    """A share in percent, with one digit if it is not whole."""
    return f"{100 * share:.1f}".removesuffix(".0")


def points(difference: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    text = f"{100 * difference:+.1f}".removesuffix(".0")
    return "0" if text in ("+0", "-0") else text.replace("-", "−")


def interval(row: Mapping[str, float], between: str = "") -> str:
    """A 95% interval in whole percent: ``[0, 24]`` without line breaks, or with a word between."""
    low, high = f"{100 * row['ci95_low']:.0f}", f"{100 * row['ci95_high']:.0f}"
    return f"{low}{between}{high}" if between else f"[{low},\u00a0{high}]"


def p_value(p: float) -> str:
    """A p-value to two digits."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def short_count(count: float) -> str:
    """A count that fits a narrow column: 812, 3.4 k, 1.2 M, 5.6 G."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if count >= size:
            return f"{count / (1e3 if unit == 'k' else size):.3g}\u00a0{unit}"
    return f"{count:.1f}".removesuffix(".0") if count < 100 else f"{count:.0f}"


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g}\u00a0{unit}"
    return f"{seconds:.3g}\u00a0s"


def plain(word: str) -> str:
    """A name from the data as words; contests by their own names."""
    text = word.replace("_", " ")
    return re.sub(r"\b(amc|aime|math)\b", lambda match: match[0].upper(), text)
