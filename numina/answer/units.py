r"""Take the unit off an answer: ``10\text{ cm}^2``, ``\$32``, ``50\%``, ``90^\circ``, ``28 元``.

A unit that only one of two answers states is ignored. Units that differ are distinguished by kind,
power and scale (``7\text{ m}^2``, ``7\text{ m}^3``; ``60`` km/h and m/s).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

SCALES = {  # of the units of a kind: name, kind, factor
    **{name: ("length", Fraction(factor)) for name, factor in (
        ("mm", "1/1000"), ("cm", "1/100"), ("dm", "1/10"), ("m", "1"), ("km", "1000"),
        ("in", "0.0254"), ("ft", "0.3048"), ("yd", "0.9144"), ("mi", "1609.344"),
    )},
    **{name: ("mass", Fraction(factor)) for name, factor in (
        ("mg", "1/1000"), ("g", "1"), ("kg", "1000"), ("oz", "28.349523125"),
        ("lb", "453.59237"),
    )},
    **{name: ("time", Fraction(factor)) for name, factor in (
        ("ms", "1/1000"), ("sec", "1"), ("min", "60"), ("h", "3600"), ("day", "86400"),
        ("week", "604800"),
    )},
    **{name: ("volume", Fraction(factor)) for name, factor in (
        ("ml", "1"), ("cl", "10"), ("dl", "100"), ("l", "1000"),
    )},
    **{name: ("dollars", Fraction(factor)) for name, factor in (("¢", "1/100"), ("$", "1"))},
}  # fmt: skip
NAMES = {
    **{"meter": "m", "metre": "m", "centimeter": "cm", "centimetre": "cm", "kilometer": "km"},
    **{"kilometre": "km", "millimeter": "mm", "millimetre": "mm", "decimeter": "dm", "inch": "in"},
    **{"inche": "in", "foot": "ft", "feet": "ft", "yard": "yd", "mile": "mi", "gram": "g"},
    **{"gramme": "g", "kilogram": "kg", "kilo": "kg", "milligram": "mg", "pound": "lb"},
    **{"lbs": "lb", "ounce": "oz", "hour": "h", "hr": "h", "minute": "min", "second": "sec"},
    **{"s": "sec", "dollar": "$", "usd": "$", "buck": "$", "cent": "¢", "penny": "¢", "L": "l"},
    **{"liter": "l", "litre": "l", "milliliter": "ml", "millilitre": "ml", "mL": "ml"},
    **{"degree": "°", "deg": "°", "euro": "€", "eur": "€", "yen": "¥", "rupee": "₹", "rs": "₹"},
    **{"inr": "₹", "gbp": "£", "percent": "%", "pct": "%", "mph": "mi/h", "kph": "km/h"},
    **{"kmh": "km/h", "kmph": "km/h", "fps": "ft/sec", "celsius": "°C", "fahrenheit": "°F"},
    **{"厘米": "cm", "米": "m", "千米": "km", "公里": "km", "毫米": "mm", "分米": "dm", "克": "g"},
    **{"千克": "kg", "公斤": "kg", "小时": "h", "分钟": "min", "秒": "sec", "天": "day", "度": "°"},
    **{
        "升": "l",
        "时": "h",
        "毫升": "ml",
        "元": "元",
        "yuan": "元",
        "rmb": "元",
        "人民币": "元",
        "平方米": "m^2",
        "平方厘米": "cm^2",
        "立方米": "m^3",
    },
    **{"立方厘米": "cm^3", "平方千米": "km^2", "吨": "t", "℃": "°C"},
}
KNOWN = {*SCALES, *NAMES, "N", "J", "W", "V", "K", "Hz", "kHz", "Pa", "rpm", "ppm", "unit", "°"}
SINGLE = set("mgshlLNJWV")  # single letters that are units if set upright
PLAIN = sorted(
    {
        *("mm", "cm", "dm", "km", "kg", "mg", "ml", "mL", "cl", "lb", "lbs", "oz", "ft"),
        *("yd", "mi", "hr", "hrs", "min", "mins", "sec", "secs", "mph", "kmh", "kph", "rpm"),
        *("ppm", "deg", "USD"),
        *(f"{word}(?:s|es)?" for word in (
            *("meter", "metre", "centimeter", "centimetre", "millimeter", "kilometer", "kilometre"),
            *("inch", "foot", "yard", "mile", "gram", "kilogram", "pound", "ounce", "ton", "liter"),
            *("litre", "milliliter", "gallon", "second", "minute", "hour", "day", "week", "month"),
            *("year", "unit", "dollar", "cent", "euro", "rupee", "point", "student", "boy", "girl"),
            *("way", "apple", "book", "ball", "marble", "page", "game", "coin", "square"),
            *("triangle", "side", "edge", "time", "solution", "radian", "number"),
            *("card", "ticket", "egg", "cookie", "degree", "milligram", "program", "stream"),
            *("integer", "pair", "term", "step", "box", "car", "dog", "cat", "bird", "chair"),
            *("table", "cup", "bag", "piece", "slice"),
        )),
        *("feet", "inches", "people", "persons?", "children", "child", "vertices", "vertex", "men"),
        *("women", "digits?", "words?", "bits?", "pence", "penn(?:y|ies)"),
    },
    key=len,
    reverse=True,
)  # fmt: skip
CURRENCY = (
    r"(?:US|C|A|HK)?\\?\$|[€£¥₹₽₩¢]|\\(?:pounds|euro|yen|cent)(?![a-z])|\\textdollar"
    r"|\bRs\.?|\bUSD\b"
)
OHM = re.compile(r"(?<=[\d}])\s*(?:\\Omega|Ω)$")
CURRENCY_BEFORE = re.compile(rf"^([+-]?)\s*({CURRENCY})\s*(?=[+-]?[\d.\\])")
CURRENCY_BEHIND = re.compile(rf"\s*({CURRENCY})$")
PERCENT = re.compile(r"\s*(?:\\?%|\\?\s*\b(?:percent|per cent|pct)\b\.?|(?<=\d)(?:percent|pct)\b)$")
DEGREE = re.compile(
    r"\s*(?:\^\s*(?:\\circ|\{\s*\\circ\s*\})|\\degree)\s*\}?\s*"
    r"(?:\\(?:text|mathrm)\s*\{\s*)?(?P<scale>[CF]?)(?:\s*\})?$|\s*degrees?(?:\s+(?P<word>Celsius|Fahrenheit))?$"
)
WRAP = r"\\(?:text|mathrm|textbf|textit|textrm|mbox|hbox|rm|textsf|mathsf|textup)"
POWER = r"(?:\s*\^\s*(?:\{\s*(-?\d)\s*\}|(\d)))"
STYLED = re.compile(
    rf"\s*{WRAP}\s*\{{([^{{}}]*)\}}{POWER}?"
    rf"(?:\s*(?P<per>/|\\cdot|\*|)\s*{WRAP}\s*\{{(?P<low>[^{{}}]*)\}}(?P<lowpower>{POWER})?)?$"
)
RATIO = re.compile(
    rf"\s*\\frac\s*\{{\s*{WRAP}\s*\{{([^{{}}]*)\}}\s*\}}"
    rf"\s*\{{\s*{WRAP}\s*\{{([^{{}}]*)\}}{POWER}?\s*\}}$"
)
PLAIN_UNIT = re.compile(
    rf"(?<=[\d}}).])\s*((?:(?:square|sq\.?|cubic|cu\.?) )?(?:{'|'.join(PLAIN)})"
    rf"(?:\s*(?:/|per)\s*[a-z]+)?){POWER}?$",
    re.I,
)
PREFIXED = re.compile(r"(?:square|sq\.?|cubic|cu\.?)\s+", re.I)
CHINESE = re.compile(
    r"(?<=[\d}\])])\s*(?:\\(?:text|mathrm)\s*\{\s*)?([\u4e00-\u9fff\uac00-\ud7af℃]{1,6}(?:/[\u4e00-\u9fff]{1,2})?)"
    r"(?:\s*\})?$"
)
ONE_DEGREE = re.compile(r"\s*(?:\^\s*(?:\\circ|\{\s*\\circ\s*\})|\\degree)(?![a-z])")
ANGLE = re.compile(r"sin|cos|tan|cot|sec|csc|cis")  # here degrees are more than a unit
WORD = re.compile(r"[A-Za-z]+")
NO_UNIT = {  # words that say more about a value than what it counts
    *("and", "or", "if", "is", "are", "in", "for", "mod", "more", "less", "fewer", "most", "least"),
    *("greater", "at", "not", "no", "none", "when", "where", "with", "without", "over", "under"),
    *("above", "below", "before", "after", "than", "then", "else", "otherwise", "prime", "odd"),
    *("even", "composite", "positive", "negative", "left", "right", "up", "down", "north", "south"),
    *("east", "west", "remainder", "thousand", "million", "billion", "dozen", "hundred", "pi"),
    *("sin", "cos", "tan", "log", "ln", "exp", "i", "e", "base", "am", "pm", "by", "to", "from"),
    *("only", "all", "every", "each", "divides", "does", "exist", "exists", "real", "rational"),
    *("irrational", "integer", "integers", "times", "plus", "minus", "squared", "cubed", "half"),
    *("halves", "third", "thirds", "quarter", "quarters", "infinity", "infinite", "undefined"),
    *("increasing", "decreasing", "true", "false", "yes", "clockwise", "counterclockwise"),
}
COUNTED = {"times", "integers", "integer", "all", "each", "left"}  # at the end of a phrase: counted
TIME = re.compile(r"(?<![A-Za-z])[ap]\.?\s?m\b\.?", re.I)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit.

    Attributes:
        name: distinguishes it from others: ``cm^2``, ``km/h``, ``%``, ``apple``; "" for none.
        kind: what it measures if that is known: ``length^2``, ``length/time``; else its name.
        scale: its size in the base unit of the kind.
        counted: whether it is a word that we do not know, such as ``apple``.
    """

    name: str = ""
    kind: str = ""
    scale: Fraction = Fraction(1)
    counted: bool = False

    def __bool__(self) -> bool:
        return bool(self.name)


NONE = Unit()


def take_unit(text: str) -> tuple[str, Unit]:
    r"""An answer without its unit, and the unit.

    A styled text after a value is a unit if its words only name something that is counted or
    measured (not ``\text{ or fewer}``); without styling only known words are units. A single
    letter (``10m``, ``3\text{n}``) stays: it may be a variable.
    """
    text = text.strip().rstrip(".")
    if TIME.search(text) and re.search(r"\d\s*(?:\\text\s*\{)?\s*[ap]\.?\s?m\b", text, re.I):
        return text, NONE
    shown = unopened(text)
    if match := PERCENT.search(shown):
        return shown[: match.start()].strip(), single("%")
    if (match := DEGREE.search(text)) and match.start() and not ANGLE.search(text):
        scale = match["scale"] or (match["word"] or "")[:1].upper()
        head = ONE_DEGREE.sub("", text[: match.start()])
        return head.strip(), single("°" + scale)
    if match := OHM.search(text):
        return text[: match.start()].strip(), single("Ω")
    if match := CURRENCY_BEFORE.search(text):
        rest, behind = take_unit(match[1] + text[match.end() :])
        return rest, behind if behind.name == "¢" else currency(match[2])
    if (match := CURRENCY_BEHIND.search(text)) and match.start():
        return text[: match.start()].strip(), currency(match[1])
    if (match := CHINESE.search(text)) and match[1] not in ("或", "和", "与", "且"):
        return text[: match.start()].strip(), named(match[1], 1)
    if match := RATIO.search(text):
        head = text[: match.start()]
        low = named(match[2], int(match[3] or match[4] or 1))
        if is_value(head) and is_unit(match[1]) and is_unit(match[2]):
            return head.strip(), per(named(match[1], 1), low)
    if match := STYLED.search(text):
        return styled(text, match)
    if match := PLAIN_UNIT.search(text):
        head, before = take_unit(text[: match.start()])
        return head, before or named(match[1], int(match[2] or match[3] or 1))
    return text, NONE


def styled(text: str, match: re.Match[str]) -> tuple[str, Unit]:
    head, name = text[: match.start()], match[1]
    if not is_value(head) or not is_unit(name):
        return text, NONE
    unit = named(name, int(match[2] or match[3] or 1))
    if low := match["low"]:
        if not is_unit(low):
            return text, NONE
        power = int(re.sub(r"[^\d-]", "", match["lowpower"] or "1") or 1)
        other = named(low, abs(power))
        unit = per(unit, other) if match["per"] == "/" or power < 0 else other
    head, before = take_unit(head)
    return head, before or unit


def is_value(head: str) -> bool:
    """Whether a text is a value that may have a unit: not a bare variable."""
    head = head.strip().rstrip("~").strip()
    if not head or head.endswith((r"\text", "^", "_", "=", "<", ">", "+", "-", ",", r"\cdot", "/")):
        return False
    if re.fullmatch(r"\\?[A-Za-z]+\d*'*|\(?[A-Z]\)?", head):
        return False
    return bool(re.search(r"\d|\\(?:pi|sqrt|frac)", head))


def is_unit(name: str) -> bool:
    """Whether a styled text only names a unit and says nothing else about the value."""
    name = name.strip().strip(".")
    parts = re.split(r"\s*(?:/|\bper\b)\s*", name)
    if len(parts) == 2:
        return all(map(is_unit, parts))
    base = name.replace("^2", "").replace("^3", "").removesuffix("²").removesuffix("³")
    if base in KNOWN or base.lower() in NAMES:
        return len(base) > 1 or base in SINGLE or not base.isascii() or base == "°"
    words = [word.lower() for word in WORD.findall(name)]
    if not words or any(sign.isdigit() for sign in name) or re.search(r"[=<>+(){}]", name):
        return False
    if len(words) > 4 or max(map(len, words)) < 2:
        return False
    if words[-1] in COUNTED and (len(words) == 1 or not NO_UNIT & set(words[:-1])):
        return True
    return not NO_UNIT & set(words)


def named(name: str, power: int) -> Unit:
    """The unit of a name: ``square meters``, ``miles per hour``, ``m/s``, ``apples``."""
    name = name.strip().strip(".").strip()
    if match := re.fullmatch(r"(.+?)\s*(?:/|\bper\b)\s*(.+)", name):
        return per(named(match[1], power), named(match[2], 1))
    if match := re.fullmatch(r"(.+?)\s*\^?\s*\{?([23])\}?", name):
        name, power = match[1].strip(), int(match[2])
    if match := PREFIXED.match(name):
        name, power = name[match.end() :], 2 if name[0] in "sS" else 3
    if match := re.fullmatch(r"(.+?)\s+(squared|cubed)", name):
        name, power = match[1], 2 if match[2] == "squared" else 3
    short = singular(re.sub(r"^个(?=[\u4e00-\u9fff])", "", name))
    if short == "%" or short.startswith("°"):
        return single(short)
    if "/" in short:
        return per(*(named(part, 1) for part in short.split("/")))
    if match := re.fullmatch(r"(\w+)\^(\d)", short):
        short, power = match[1], int(match[2])
    if short in SCALES:
        kind, scale = SCALES[short]
        if power == 3 and kind == "length":  # a millilitre is a cubic centimetre
            return Unit(f"{short}^3", "volume", scale**3 * 10**6)
        return Unit(f"{short}^{power}", kind if power == 1 else f"{kind}^{power}", scale**power)
    return Unit(f"{short}^{power}", f"{short}^{power}", counted=short not in KNOWN)


def singular(name: str) -> str:
    """The short name of a known unit, else the name in lower case without its plural."""
    for form in (
        name,
        name.lower(),
        name.lower().removesuffix("s"),
        name.lower().removesuffix("es"),
    ):
        if form in NAMES:
            return NAMES[form]
        if form in SCALES or form in KNOWN:
            return form
    return re.sub(r"\s+", " ", name.lower()).removesuffix("s")


def single(name: str) -> Unit:
    return Unit(name, name)


def currency(sign: str) -> Unit:
    sign = sign.replace("\\", "")
    sign = {
        "textdollar": "$",
        "cent": "¢",
        "pounds": "£",
        "euro": "€",
        "yen": "¥",
        "Rs": "₹",
        "Rs.": "₹",
    }.get(sign, sign)
    return named("$" if sign[-1] in "$D" else sign, 1)


def per(top: Unit, low: Unit) -> Unit:
    return Unit(
        f"{top.name}/{low.name}",
        f"{top.kind}/{low.kind}",
        top.scale / low.scale,
        top.counted or low.counted,
    )


def ratio(left: Unit, right: Unit) -> Fraction | None:
    """The left unit's size in the right one; None if they measure different things.

    A missing unit is taken to be that of the other, and degrees match those of any scale.
    """
    if not left or not right or left.kind == right.kind:
        return left.scale / right.scale if left and right else Fraction(1)
    if {left.name, right.name} in ({"°", "°C"}, {"°", "°F"}, {"¥^1", "元^1"}):
        return Fraction(1)
    if any(
        one.name.startswith("unit^") and measured(other)
        for one, other in ((left, right), (right, left))
    ):
        return Fraction(1)
    if left.counted and right.counted:
        words = [set(re.findall(r"[a-z]+", unit.name)) for unit in (left, right)]
        if words[0] & words[1]:
            return Fraction(1)
    return None


def measured(unit: Unit) -> bool:
    """Whether "units" may mean this unit: one of length, or a word for what is counted."""
    return unit.kind.startswith(("length", "volume")) or unit.counted


def unopened(text: str) -> str:
    r"""A text with only ``\text{percent}`` and ``\text{\%}`` unwrapped."""
    return re.sub(r"\\(?:text|mathrm|mbox)\s*\{\s*(\\?%|percent|pct)\s*\}$", r" \1", text)
