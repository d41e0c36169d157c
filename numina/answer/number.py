r"""Numbers as exact values: ``-1,234.50``, ``\frac{3}{4}``, ``1\frac12``, ``2.5\times10^{-3}``.

No value here passes through a float, and no text longer than `LONGEST` becomes an int.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

LONGEST = 4000  # digits; Python refuses to parse more than 4300 by default
THOUSANDS = re.compile(r"([+-]?)([1-9]\d{0,2}(?:,\d{3})+|[1-9]\d{0,2}(?: \d{3})+)(\.\d+)?")
DECIMAL = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)")
SCIENTIFIC = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+))(?:(?:\\times|\\cdot|\*)10\^\{?([+-]?\d{1,4})\}?"
    r"|[eE](\+?\d{1,4}|-\d{2,4})|(?<=\.\d)[eE](-\d)|(?<=\.\d\d)[eE](-\d))"
)
REPEATING = re.compile(r"([+-]?)(\d*)\.(\d*)\\overline\{(\d+)\}")
PART = r"(?:\{\s*(-?\d+)\s*\}|(\d))"
FRACTION = re.compile(
    rf"([+-]?)(?:(\d+)\s*)?\\frac\s*{PART}\s*{PART}|([+-]?)(?:(\d+) )?(-?\d+)\s?/\s?(-?\d+)"
)
DOUBLE = range(15, 18)  # significant digits that only a program prints
NOISE = Fraction(1, 10**14)
DECIMAL_COMMA = re.compile(r"[+-]?(0,\d+|\d+,\d{2})")


@dataclass(frozen=True, slots=True)
class Number:
    """An exact value, and how it was written.

    Attributes:
        value: the value.
        places: digits after the point if it was written as a decimal, else None.
        digits: significant digits of such a decimal.
        irrational: `value` is an approximation, of an expression without a rational value.
    """

    value: Fraction
    places: int | None = None
    digits: int = 0
    irrational: bool = False

    @property
    def rounded(self) -> bool:
        """Whether it may stand for another value near it: a decimal of two places or more."""
        return self.places is not None and self.places >= 2 and self.value.denominator > 1

    @property
    def is_double(self) -> bool:
        """Whether it has all the digits of a double that a program printed."""
        return self.digits in DOUBLE and self.value.denominator > 1

    @property
    def endless(self) -> bool:
        """Whether no decimal is equal to it."""
        rest = self.value.denominator
        for prime in (2, 5):
            while rest % prime == 0:
                rest //= prime
        return self.irrational or rest > 1


def read_number(text: str) -> Number | None:
    """The number that the whole of a cleaned text states, or None."""
    if len(text) > LONGEST:
        return None
    if match := THOUSANDS.fullmatch(text):
        return decimal(match[1], re.sub(r"[, ]", "", match[2]) + (match[3] or ""))
    if match := DECIMAL.fullmatch(text):
        return decimal(match[1], match[2])
    if match := REPEATING.fullmatch(text):
        whole, first, again = match[2] or "0", match[3], match[4]
        tail = Fraction(int(again), (10 ** len(again) - 1) * 10 ** len(first))
        return Number((Fraction(f"{whole}.{first or 0}") + tail) * (-1 if match[1] == "-" else 1))
    if match := FRACTION.fullmatch(text):
        return fraction(match)
    if match := SCIENTIFIC.fullmatch(text.replace(" ", "")):
        mantissa, exponent = match[1], int(match[2] or match[3] or match[4] or match[5])
        sign = mantissa[0] if mantissa[0] in "+-" else ""
        found = decimal(sign, mantissa.lstrip("+-"))
        places = max(0, (found.places or 0) - exponent)
        value = found.value * Fraction(10) ** exponent
        return Number(value, places if found.places is not None else None, found.digits)
    return None


def read_decimal_comma(text: str) -> Number | None:
    """The number that a text states if its comma is a decimal point: ``1000,99``, ``0,111``."""
    return read_number(text.replace(",", ".")) if DECIMAL_COMMA.fullmatch(text) else None


def decimal(sign: str, digits: str) -> Number:
    value = Fraction(digits) * (-1 if sign == "-" else 1)
    if "." not in digits:
        return Number(value)
    significant = digits.replace(".", "").lstrip("0")
    return Number(value, len(digits.split(".")[1]), len(significant))


def fraction(match: re.Match[str]) -> Number | None:
    sign, whole, top, low = (
        match[1] or match[7] or "",
        match[2] or match[8],
        match[3] or match[4] or match[9],
        match[5] or match[6] or match[10],
    )
    if int(low) == 0:
        return None
    value = Fraction(int(top), int(low))
    if whole is not None:
        if not 0 < value < 1:
            return None  # 3\frac{5}{2} may as well be a product
        value += int(whole)
    return Number(-value if sign == "-" else value)


def equal_numbers(prediction: Number, gold: Number) -> bool:
    r"""Whether two numbers are equal; a decimal is as precise as it is written.

    Exact values must be equal: ``5.001`` is not 5, and ``2.9999`` is not 3. A gold decimal of two
    places or more accepts what rounds to it (``0.33``: 1/3 and 0.333, not 0.34). So does a
    predicted decimal of four digits or more, if the gold does not end as a decimal (``2.6667``:
    8/3). Four digits or more of an irrational value may also be cut off, not rounded (``125.663``:
    40\pi). A double with all its printed digits is read as its value: ``0.7000000000000001``.
    """
    if prediction.value == gold.value and not (prediction.irrational or gold.irrational):
        return True
    for one, other in ((prediction, gold), (gold, prediction)):
        if one.is_double and abs(one.value - other.value) <= abs(other.value) * NOISE:
            return True
    if gold.rounded and not (prediction.value.denominator == 1 and not prediction.irrational):
        short = prediction.places is not None and prediction.places < (gold.places or 0)
        return not short and near(prediction, gold)
    if prediction.rounded and prediction.digits >= 4 and gold.endless:
        return near(gold, prediction)
    return False


def near(exact: Number, written: Number) -> bool:
    unit = Fraction(1, 10 ** (written.places or 0))
    if abs(exact.value - written.value) <= unit / 2:
        return True
    cut_off = abs(exact.value) - abs(written.value)
    return (
        exact.irrational
        and written.digits >= 4
        and exact.value * written.value > 0
        and 0 <= cut_off < unit
    )
