r"""Angles in degrees, minutes and seconds: ``22^\circ 30'`` is ``\frac{45}{2}^\circ``."""

from __future__ import annotations

import re
from fractions import Fraction

DEGREES = r"(?<![\d.])(?P<degrees>\d+)\s*(?:\^\s*(?:\\circ|\{\s*\\circ\s*\})|\\degree)(?![a-z])\s*"
MINUTES = (
    r"(?P<minutes>\d+(?:\.\d+)?)\s*(?:['′](?!')|\^\s*(?:\\prime(?![\\a-z])|\{\s*\\prime\s*\}))\s*"
)
SECONDS = (
    r"(?P<seconds>\d+(?:\.\d+)?)\s*(?:''|′′|″|\"|”"
    r"|\^\s*(?:\{\s*\\prime\s*\\prime\s*\}|\\prime\s*\\prime(?![a-z])))"
)
ANGLE = re.compile(rf"{DEGREES}{MINUTES}(?:{SECONDS})?")
PART = re.compile(r"(\d+(?:\.\d+)?)\s*(?:('')|')")


def in_degrees(text: str) -> str:
    """A text with its angles in degrees alone; a prime without degrees before it stays."""
    return ANGLE.sub(degrees, text)


def degrees(match: re.Match[str]) -> str:
    minutes, seconds = Fraction(match["minutes"]), Fraction(match["seconds"] or 0)
    if minutes >= 60 or seconds >= 60:
        return match[0]
    angle = int(match["degrees"]) + minutes / 60 + seconds / 3600
    if angle.denominator == 1:
        return rf"{angle.numerator}^\circ "
    return rf"\frac{{{angle.numerator}}}{{{angle.denominator}}}^\circ "


def part_of_degree(text: str) -> Fraction | None:
    """The degrees of an angle in minutes or seconds only, such as ``30'``."""
    match = PART.fullmatch(text)
    return Fraction(match[1]) / (3600 if match[2] else 60) if match else None
