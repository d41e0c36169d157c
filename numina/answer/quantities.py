"""Quantities in several units, as ``2 hours 30 minutes`` and ``4 ft 6 in``, in the smallest one."""

from __future__ import annotations

import itertools
import re
from fractions import Fraction

from numina.answer.units import SCALES, Unit, named

PART = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+|[\u4e00-\u9fff]+)\.?")
FEET = re.compile(r"(\d+)\s*'\s*(\d+(?:\.\d+)?)\s*(?:''|\")")
QUANTITY = re.compile(rf"{PART.pattern}(?:\s*(?:,|and\b|, and\b)?\s*{PART.pattern})+")
IN_DEGREES = {"min^1": Fraction(1, 60), "分^1": Fraction(1, 60), "sec^1": Fraction(1, 3600)}
KINDS = {kind for kind, _ in SCALES.values()}


def sum_of_units(text: str) -> tuple[str, Unit] | None:
    """The sum of a quantity in several units of one kind, the largest first, and its last unit.

    None for any other text.
    """
    if not QUANTITY.fullmatch(text):
        return None
    parts = [(Fraction(amount), named(name, 1)) for amount, name in PART.findall(text)]
    if parts[0][1].name == "°":
        parts = [(amount, in_degrees(unit)) for amount, unit in parts]
    units = [unit for _, unit in parts]
    if len({unit.kind for unit in units}) > 1 or units[0].kind not in (*KINDS, "°"):
        return None
    if not all(left.scale > right.scale for left, right in itertools.pairwise(units)):
        return None
    total = sum(amount * unit.scale for amount, unit in parts) / units[-1].scale
    if units[0].name == "°":
        return str(total * units[-1].scale), units[0]
    return str(total), units[-1]


def feet_and_inches(text: str) -> Fraction | None:
    """The inches of ``5'6''``, which is an angle where nothing says that it is a length."""
    match = FEET.fullmatch(text)
    return 12 * Fraction(match[1]) + Fraction(match[2]) if match else None


def in_degrees(unit: Unit) -> Unit:
    """The minutes and seconds of an angle as parts of a degree."""
    scale = IN_DEGREES.get(unit.name)
    return Unit(unit.name, "°", scale) if scale else unit
