"""Ordinals as numbers: ``the 112th``, ``twenty-first``, ``third quadrant``, ``第112项``."""

from __future__ import annotations

import re

from numina.answer.words import PARTS, TENS, VALUES, chinese_number

ORDINALS = {"first": 1, "second": 2, "third": 3}
ORDINALS |= {word: value for word, value in PARTS.items() if not word.endswith("s") and value > 3}
ORDINALS = {word: value for word, value in ORDINALS.items() if word not in ("half", "quarter")}
ORDINALS |= {"hundredth": 100, "thousandth": 1000}
ORDINALS |= {"eleventh": 11, "twelfth": 12}
ORDINALS |= {f"{word}th": value for word, value in VALUES.items() if 13 <= value < 20}
ORDINALS |= {f"{word.removesuffix('y')}ieth": 10 * tens for tens, word in enumerate(TENS, 2)}
FRACTIONS = {word for word in ORDINALS if word in PARTS}
UNIT = "ordinal"  # of a number that is one
NOUN = r"(?P<noun> (?!of\b|and\b|or\b|by\b|to\b)[a-z]+(?: number)?)?"
DIGITS = re.compile(
    r"(?:the )?(?P<number>[1-9]\d*|0)\s*(?:\^\s*\{?\s*)?(?:st|nd|rd|th)(?![a-z])\s*\}?" + NOUN, re.I
)
WORDS = re.compile(
    rf"(?:the )?(?:(?P<tens>{'|'.join(TENS)})[ -])?(?P<unit>{'|'.join(ORDINALS)}){NOUN}", re.I
)
CHINESE = re.compile(r"第\s*(?P<number>\d+|[一二三四五六七八九十百]+)\s*(?P<noun>[一-鿿]{0,2})")


def in_digits(text: str) -> str:
    """A text that is an ordinal, as a number with a unit; any other text as it is.

    A word that may be a fraction, as ``tenth`` alone, stays: see `value_of`.
    """
    if match := CHINESE.fullmatch(text):
        number = match["number"]
        return numbered(number if number.isdigit() else str(chinese_number(number)), match["noun"])
    if match := DIGITS.fullmatch(text):
        return numbered(match["number"], match["noun"])
    match = WORDS.fullmatch(text)
    if match is None or text.lower() in FRACTIONS:
        return text
    value = ORDINALS[match["unit"].lower()]
    if match["tens"]:
        if value >= 10:
            return text
        value += VALUES[match["tens"].lower()]
    return numbered(str(value), match["noun"])


def numbered(number: str, noun: str | None) -> str:
    unit = f"{UNIT} {(noun or '').strip()}".strip()
    return rf"{number}\text{{ {unit}}}"


def value_of(text: str) -> int | None:
    """The number of an ordinal in one word, as which it counts beside another ordinal."""
    return ORDINALS.get(text.lower())
