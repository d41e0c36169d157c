r"""Sets of numbers with a name, as symbols: ``all real numbers except 2``, ``全体实数``."""

from __future__ import annotations

import re

LONGEST = 200  # characters of a text in words
REALS = {
    **{"": r"\Reals", "positive": r"(0,\infty)", "negative": r"(-\infty,0)"},
    **{"nonnegative": r"[0,\infty)", "nonpositive": r"(-\infty,0]"},
    **{"nonzero": r"\Reals\setminus\{0\}"},
}
INTEGERS = {
    **{"": r"\Integers", "positive": r"\Positives", "negative": r"\Negatives"},
    **{"nonnegative": r"\Nonnegatives", "nonzero": r"\Integers\setminus\{0\}"},
}
KINDS = {"real": REALS, "integer": INTEGERS, "natural": {"": r"\Naturals"}}
KINDS |= {"rational": {"": r"\Rationals"}, "complex": {"": r"\Complexes"}}
CHINESE = {
    **{"实数": r"\Reals", "整数": r"\Integers", "正整数": r"\Positives", "有理数": r"\Rationals"},
    **{
        "自然数": r"\Naturals",
        "复数": r"\Complexes",
        "正实数": r"(0,\infty)",
        "正数": r"(0,\infty)",
    },
    **{"负实数": r"(-\infty,0)", "非负实数": r"[0,\infty)", "非零实数": r"\Reals\setminus\{0\}"},
}
BLACKBOARD = {"R": "", "Z": r"\Integers", "Q": r"\Rationals", "C": r"\Complexes", "N": r"\Naturals"}
NAME = (
    r"(?:(?:the )?(?:variable )?\$?[a-zA-Z]\$? ?"
    r"(?:is|can be|may be|could be|are|can take(?: on)?|takes|=|\\in) ?)?"
)
ENGLISH = re.compile(
    rf"(?:{NAME}|true for |holds for |for )"
    r"(?P<all>(?:the )?(?:set of )?(?:(?:all|any|every|each)(?: of)?(?: the)? )?)"
    r"(?:possible )?(?:values of [a-z] in )?"
    r"(?P<sign>(?:positive|negative|non-?(?:negative|zero|positive)) )?"
    r"(?P<kind>real|integer|natural|rational|complex)"
    r"(?P<noun>s?(?: numbers?| values?(?: of [a-z])?)?(?: [a-z](?=$|[ ,:|]))?)(?P<rest>\W.*|)",
    re.I | re.S,
)
EXCEPT = re.compile(
    r"[\s,]*(?:\(?\s*(?:except|excluding|other than|besides|but not|not equal to|not including"
    r"|apart from)"
    r"(?: for| at| when| where| the (?:value|number|point)s?)*)\s*:?(?P<values>.*?)\)?",
    re.I | re.S,
)
SUCH = re.compile(
    r"[\s,]*(?:such that|with|for which|where|satisfying|so that|:|\|)\s*"
    r"(?P<said>[a-z] ?(?:[<>=]|\\[lgn]e).*|.*[<>] ?[a-z])",
    re.S,
)
BOUNDS = {
    **dict.fromkeys(("greater than", "larger than", "more than", "bigger than", "above"), ">"),
    **dict.fromkeys(("less than", "smaller than", "below"), "<"),
    **dict.fromkeys(
        ("greater than or equal to", "at least", "not less than", "no less than"), r"\ge "
    ),
    **dict.fromkeys(
        ("less than or equal to", "at most", "not greater than", "no more than"), r"\le "
    ),
}
BOUND = re.compile(
    rf"\s*(?:that are )?(?P<word>{'|'.join(sorted(BOUNDS, key=len, reverse=True))})\s*"
    r"(?P<value>\S.*)",
    re.I | re.S,
)
VALUE = re.compile(r"(?:[-+\d./ ]|\\(?:frac|sqrt|pi|infty)(?![a-z])|[{}()])+")
KIND_ZH = "|".join(sorted(CHINESE, key=len, reverse=True))
IN_CHINESE = re.compile(
    r"(?:[a-z] ?(?:为|是|可以?取|可以?是|可为|=|\\in)?\s*)?"
    r"(?:除了?(?P<but>.+?)(?:以外|之外|外)的?)?(?:不等于(?P<not>.+?)的)?"
    rf"(?P<all>全体|所有|一切|任意|任何|每个)?的?(?P<kind>{KIND_ZH})(?P<set>集|值)?R?"
)
BB = r"(?:\\mathbb\s*\{?\s*(?P<bb>[RZQCN])\s*\}?|\\(?P<bare>[RZQN])(?![A-Za-z]))"
POSITIVE = r"\^\s*\{?\s*(?:\+|\*|\\ast)\s*\}?|_\s*\{?\s*(?:\+|\*|>\s*0|\\ge\s*1)\s*\}?"
SYMBOL = re.compile(
    rf"(?P<name>[a-zA-Z]\s*(?:\\in|=)\s*)?{BB}\s*(?P<sign>{POSITIVE})?(?P<minus>.*)", re.S
)
MINUS = re.compile(
    r"\s*(?:\\setminus|\\backslash|\\smallsetminus|-|/)\s*(?P<values>\\\{.*\\\})", re.S
)


def in_symbols(text: str) -> str | None:
    """A set that a text, cleaned and without styles, names; None if it does not name one."""
    if len(text) > LONGEST:
        return None
    if "数" in text:
        return chinese(text)
    found = ENGLISH.fullmatch(re.sub(r"\s+", " ", text).strip(" .$"))
    if found is None or not (
        found["all"].strip() or re.match(r"s| (?:number|value)s", found["noun"])
    ):
        return None
    sign = (found["sign"] or "").strip().lower().replace("-", "")
    kind = found["kind"].lower()
    if (kind == "rational" and sign) or sign not in KINDS[kind]:
        return None
    return with_rest(KINDS[kind][sign], found["rest"], plain=kind == "real" and not sign)


def with_rest(name: str, rest: str, *, plain: bool) -> str | None:
    """A set with what a text says about its members; `plain` for all real numbers."""
    rest = rest.strip().removesuffix(".")
    if not rest:
        return name
    if match := EXCEPT.fullmatch(rest):
        values = excepted(match["values"])
        return rf"{name}\setminus\{{{values}\}}" if values else None
    if plain and (match := SUCH.fullmatch(rest)):
        return match["said"]
    bounds = [BOUND.fullmatch(part) for part in re.split(r"\band\b|\bbut\b", rest)]
    if plain and all(match and VALUE.fullmatch(match["value"]) for match in bounds):
        found = [
            f"x{BOUNDS[match['word'].lower()]}{match['value'].strip()}" for match in bounds if match
        ]
        return r"\text{ and }".join(found)
    return None


def excepted(text: str) -> str | None:
    """The values of "0, 1 and x = 2", listed."""
    text = re.sub(r"\\[{}]|\$", " ", text)
    text = re.sub(r"(?<![A-Za-z\\])[a-z]\s*(?:=|\\ne)\s*", " ", text)
    text = re.sub(r"(?<![A-Za-z])zero(?![A-Za-z])", "0", text)
    values = [part.strip() for part in re.split(r",|(?<![a-z])(?:and|or)(?![a-z])|[和与、]", text)]
    values = [value for value in values if value]
    return ",".join(values) if values and all(map(VALUE.fullmatch, values)) else None


def chinese(text: str) -> str | None:
    found = IN_CHINESE.fullmatch(text.strip())
    if found is None or not (found["all"] or found["set"] or found["but"] or found["not"]):
        return None
    name, outside = CHINESE[found["kind"]], found["but"] or found["not"]
    if not outside:
        return name
    values = excepted(outside)
    return rf"{name}\setminus\{{{values}\}}" if values else None


def symbols(text: str) -> str:
    r"""A text that is a set in blackboard bold, as a command: ``\mathbb{Z}^+``."""
    match = SYMBOL.fullmatch(text.strip())
    if match is None:
        return text
    letter = match["bb"] or match["bare"]
    name = BLACKBOARD[letter] or r"\Reals"
    if match["sign"]:
        nonzero = letter in "RZ" and re.search(r"\*|ast", match["sign"])
        if letter not in "NZ" or nonzero:
            return text
        name = r"\Positives"
    rest = match["minus"].strip()
    found = MINUS.fullmatch(rest)
    if rest and not found:
        return text
    return rf"{match['name'] or ''}{name}" + (rf"\setminus{found['values']}" if found else "")
