r"""Take the unit off an answer: ``10\text{ cm}^2``, ``\$32``, ``50\%``, ``90^\circ``."""

from __future__ import annotations

import re

CURRENCY = re.compile(r"^([+-]?)(?:\\\$|[$€£¥])\s*(?=[\d.\\])|\s*(?:\\\$|[$€£¥])$")
PERCENT = re.compile(r"\s*(?:\\?%|\\?\s*\b(?:percent|per cent|pct)\b\.?|(?<=\d)(?:percent|pct)\b)$")
DEGREE = re.compile(r"\s*(?:\^\s*(?:\\circ|\{\s*\\circ\s*\})|\\degree)(?:\s*C|\s*F)?$|\s*degrees?$")
STYLED_UNIT = re.compile(
    r"\s*\\(?:text|mathrm|textbf|textit|textrm|mbox|hbox|rm)\s*\{([^{}]*)\}(?:\s*\^\s*\{?\d\}?)?$"
)
LETTERS = "mm cm dm km kg mg ml cl lb lbs oz ft yd mi hr hrs min mins sec secs mph kmh kph"
LONG = (
    "meter metre centimeter centimetre millimeter kilometer kilometre inch feet foot yard mile "
    "gram kilogram pound ounce ton liter litre milliliter gallon second minute hour day week month "
    "year unit dollar cent euro rupee point student people person boy girl child children way "
    "apple book ball marble page game coin square triangle side edge vertex time solution radian"
)
PLAIN = [*LETTERS.split(), *(f"{word}(?:s|es)?" for word in LONG.split())]
PLAIN_UNIT = re.compile(
    rf"(?<=[\d}}).])\s*((?:(?:square|sq\.?|cubic|cu\.?) )?(?:{'|'.join(PLAIN)})"
    r"(?:\s*(?:/|per)\s*[a-z]+)?)(?:\s*\^\s*\{?\d\}?)?$",
    re.I,
)
ANGLE = re.compile(r"sin|cos|tan|cot|sec|csc")  # there degrees are more than a unit
NO_UNIT = re.compile(
    r"and|or|\(?[A-Z]\)?|i|e|if|is|in|for|mod.*|thousand|million|billion|sin|cos|tan|log|ln"
)
TIME = re.compile(r"[ap]\.?\s?m\b\.?", re.I)
SAME = {
    "meter": "m", "metre": "m", "centimeter": "cm", "centimetre": "cm", "kilometer": "km",
    "kilometre": "km", "millimeter": "mm", "inche": "in", "inch": "in", "foot": "ft", "feet": "ft",
    "yard": "yd", "mile": "mi", "gram": "g", "kilogram": "kg", "pound": "lb", "ounce": "oz",
    "hour": "h", "hr": "h", "minute": "min", "second": "sec", "s": "sec", "dollar": "$",
    "cent": "¢", "liter": "l", "litre": "l", "milliliter": "ml", "degree": "°",
    **{unit: unit for unit in ("m", "cm", "km", "mm", "kg", "g", "lb", "min", "sec", "h", "in")},
    **{unit: unit for unit in ("ft", "yd", "mi", "oz", "l", "ml", "day", "week", "month", "year")},
}  # fmt: skip


def take_unit(text: str) -> tuple[str, str]:
    r"""An answer without its unit, and the unit: ``%``, ``°``, ``$``, a known name, or "".

    A styled text behind a value is a unit, whatever it says; without styling only known words are.
    A single letter (``10m``) stays: it may be a variable.
    """
    text = text.strip().rstrip(".")
    if TIME.search(text):
        return text, ""
    if match := PERCENT.search(unopened(text)):
        return unopened(text)[: match.start()].strip(), "%"
    if (match := DEGREE.search(text)) and match.start() and not ANGLE.search(text):
        return text[: match.start()].strip(), "°"
    if match := CURRENCY.search(text):
        before = match.end() < len(text)
        return ((match[1] or "") + text[match.end() :] if before else text[: match.start()]), "$"
    match = STYLED_UNIT.search(text)
    if match and is_value(text[: match.start()], match[1]):
        return take_rest(text[: match.start()], match[1])
    if match := PLAIN_UNIT.search(text):
        return take_rest(text[: match.start()], match[1])
    return text, ""


def take_rest(head: str, name: str) -> tuple[str, str]:
    """The head, itself rid of a currency sign or of a second unit, and the unit's known name."""
    head, before = take_unit(head)
    word = re.sub(r"^(?:square|sq\.?|cubic|cu\.?)\s+", "", name.strip().lower()).rstrip(".")
    return head, before or SAME.get(word) or SAME.get(word.removesuffix("s"), "")


def is_value(head: str, name: str) -> bool:
    """Whether a styled name stands behind a value, and is no option, connective or variable."""
    head, name = head.strip(), name.strip()
    if not head or not re.search(r"[A-Za-z]", name):
        return False
    if NO_UNIT.fullmatch(name):
        return False
    return bool(re.search(r"[\d})\]i]$|\\pi$|[a-z]$", head)) and not head.endswith("\\text")


def unopened(text: str) -> str:
    r"""A text with ``\text{percent}`` and ``\text{\%}`` opened, for these alone."""
    return re.sub(r"\\(?:text|mathrm|mbox)\s*\{\s*(\\?%|percent|pct)\s*\}$", r" \1", text)
