r"""Declarations of parameters, such as ``k \in \mathbb{Z}`` or ``where t is a real number``.

Text only: `families` reads what is declared.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from numina.answer.normalise import unstyled

NAME = (
    r"(?:\\(?:lambda|mu|alpha|beta|theta)(?![a-z])"
    r"|(?<![A-Za-z\\])[A-Za-z](?:_\w)?(?![A-Za-z]))"
)
LEADS = (
    r"(?:(?:[,;(\[]|\\forall|其中|且|，|(?<![A-Za-z\\])(?:here|where|with|for|as|if|when|and"
    r"|such that|any|all|every|each|some|arbitrary|parameters?|constants?|the|values? of|both)"
    r"(?![A-Za-z]))\s*)"
)
LEAD = rf"{LEADS}*"
SEVERAL = rf"{NAME}(?: ?(?:,|and|、) ?{NAME})*"
NAMES = rf"(?:(?:^|(?<=[|:{{])|{LEADS}+)\s*(?P<several>{SEVERAL})|(?P<names>{NAME}))"
SIGN = r"(?P<sign>positive|negative|non-?negative|natural|whole|real|正|非负|自然|实|任意)?"
KIND = (
    rf"(?:(?:an?|any|some|all|every|arbitrary|任意|任意的)\s+)*{SIGN}\s*"
    r"(?P<noun>integers?|整数|numbers?|parameters?|参数|数|reals?)"
)
NUMBERS = (
    r"(?P<outer>\{ ?)?(?:\\mathbb ?)?(?P<inner>\{ ?)?\\?(?P<set>[ZNR])(?(inner) ?\})(?(outer) ?\})"
    r"(?![A-Za-z])(?P<part>\s*(?:[\^_]\s*(?:\{[^{}]*\}|[+*\d]|\\ast))*)"
)
STEPS = (
    r"(?P<steps>(?:\\pm ?)?-?\d+(?: ?, ?(?:\\pm ?)?-?\d+)*(?:(?: ?,)? ?\\dots(?: ?, ?[-\w]+)?)?)"
)
END = r"\s*[)\]]?"
FORMS = [
    re.compile(rf"{NAMES}\s*\\in\s*{NUMBERS}{END}"),
    re.compile(rf"{NAMES}\s*(?:is|are|be|being|为|是|,)?\s*{KIND}{END}", re.I),
    re.compile(
        rf"{LEAD}(?<![A-Za-z])(?:an?\s+)?{SIGN}\s*(?P<noun>integers?|real numbers?)\s+"
        rf"(?P<names>{SEVERAL}){END}(?!\s*(?:[-+*/^=(\d]|\\(?!\}})))",
        re.I,
    ),
    re.compile(rf"{LEAD}(?P<names>{NAME})\s*\\in\s*\\\{{\s*{STEPS}\s*\\\}}{END}"),
    re.compile(
        rf"(?:[,;]|(?<=[|:])|\(|where|for|with)\s*{LEAD}(?P<names>{NAME})\s*=\s*{STEPS}\s*{END}"
        r"\s*(?=\\\}|$)"
    ),
]
BOUND = re.compile(
    r"[,;(]?\s*(?:and|且)?\s*(?:(?P<low>-?\d+)\s*(?P<below>\\le|<)\s*)?(?P<name>[a-z])"
    r"(?:\s*(?P<sign>\\le|\\ge|<|>|\\ne)\s*(?P<end>-?\d+))?\s*\)?"
)
IN_BRACKETS = re.compile(
    r"\((\s*(?:-?\d+\s*(?:\\le|<)\s*)?[a-z]\s*(?:(?:\\[lg]e|[<>])\s*-?\d+)?\s*)\)\s*$"
)
LEAST = {"positive": 1, "正": 1, "nonnegative": 0, "non-negative": 0, "非负": 0, "whole": 0}


STATED = re.compile(
    r"\\in(?![a-z])|integer|整数|自然数|real number|parameter|参数|\\pmod|\\bmod|\\equiv"
    r"|\\?\{[^{}]*[|:]|=[^=]*\\dots|[a-z] ?= ?-?\d+ ?,"
)
LETTER = re.compile(r"(?<![A-Za-z\\])[klmnjstuv](?![A-Za-z])|\\(?:lambda|mu)(?![a-z])|\dk\b")


@dataclass(frozen=True, slots=True)
class Domain:
    """The values of a parameter: integers between two ends, if there are any; or real numbers.

    Attributes:
        natural: the least value is 0 or 1, by convention.
        listed: the values, if they are listed.
        without: values that are left out.
    """

    real: bool = False
    low: int | None = None
    high: int | None = None
    natural: bool = False
    listed: tuple[int, ...] = ()
    without: tuple[int, ...] = ()


def may_be_families(left: str, right: str) -> bool:
    """Whether two cleaned answers may have a parameter, at a glance."""
    return any(map(STATED.search, (left, right))) or all(map(LETTER.search, (left, right)))


def take_declarations(text: str) -> tuple[str, dict[str, Domain]]:
    """A cleaned answer without its declarations, and the domain of each name."""
    text = unstyled(text)
    domains: dict[str, Domain] = {}

    def taken(match: re.Match[str]) -> str:
        found = domain(match.groupdict())
        if found is None:
            return match[0]
        names = re.findall(NAME, match["names"] or match["several"])
        for name in names:
            domains.setdefault(name.removeprefix("\\"), found)
        if len(set(names)) < len(names):
            return f"{names[0]} "  # n, n \in Z
        opened = match[0].count("(") - match[0].count(")")
        return " " if not opened else " " + ("(" if opened > 0 else ")")

    for form in FORMS:
        text = form.sub(taken, text)
    text = bounded(text, domains)
    return text.strip().strip(",;").strip(), domains


def domain(found: dict[str, str | None]) -> Domain | None:
    """The domain that a declaration states; None if it is not one that is known here."""
    if steps := found.get("steps"):
        return listed(steps)
    if numbers := found.get("set"):
        part = re.sub(r"[\s{}^_]", "", found["part"] or "")
        if part not in ("", "+", "*", r"\ast", "*+", "+*", "0", ">0", r"\ge0", r"\geq0", "<0"):
            return None
        if numbers == "R":
            return Domain(real=True) if part == "" else None
        if part == "<0":
            return Domain(high=-1)
        if numbers == "Z":
            low = {"": None, ">0": 1, r"\ge0": 0, "+": 1}.get(part, ...)
            return None if low is ... else Domain(low=low)
        least = {"": None, "0": 0, r"\ge0": 0}.get(part, 1)
        return Domain(natural=True) if least is None else Domain(low=least)
    sign, noun = (found["sign"] or "").lower(), (found["noun"] or "").lower()
    if noun.startswith(("real", "param", "参")) or sign in ("real", "实"):
        return Domain(real=True) if sign in ("", "real", "实") else None
    if sign in ("natural", "自然"):
        return Domain(natural=True)
    if noun.startswith("number") or noun == "数":
        return Domain(low=0) if sign == "whole" else None
    if sign == "negative":
        return Domain(high=-1)
    return Domain(low=LEAST.get(sign))


def listed(steps: str) -> Domain | None:
    r"""``0, \pm 1, \dots``, ``1, 2, 3, \dots`` or ``0, 1, 2``."""
    numbers = [int(number) for number in re.findall(r"-?\d+", steps.split(r"\dots")[0])]
    if r"\dots" not in steps:
        return Domain(listed=tuple(n for number in numbers for n in signed(number, steps)))
    ahead = list(range(numbers[0], numbers[0] + len(numbers)))
    if r"\pm" in steps:
        return Domain() if numbers == ahead and numbers[0] in (0, 1) else None
    end = re.search(r"\\dots ?,? ?(-?\d+)$", steps)
    if len(numbers) < 2 or numbers != ahead or (not end and not steps.endswith(r"\dots")):
        return None
    return Domain(low=numbers[0], high=int(end[1]) if end else None)


def signed(number: int, steps: str) -> tuple[int, ...]:
    return (number, -number) if re.search(rf"\\pm ?{number}(?!\d)", steps) else (number,)


def bounded(text: str, domains: dict[str, Domain]) -> str:
    r"""A text without bounds of declared parameters, as ``k \ge 0``, which go to their domains."""

    def taken(match: re.Match[str]) -> str:
        name, known = match["name"], domains.get(match["name"])
        if known is None or known.real or known.listed:
            return match[0]
        if match["sign"] == r"\ne":
            if match["low"]:
                return match[0]
            domains[name] = replace(known, without=(*known.without, int(match["end"])))
            return ""
        low, high = known.low, known.high
        if match["low"]:
            low = int(match["low"]) + (match["below"] == "<")
        if match["sign"]:
            end = int(match["end"])
            if match["sign"] in (">", r"\ge"):
                low = end + (match["sign"] == ">")
            else:
                high = end - (match["sign"] == "<")
        domains[name] = replace(known, low=low, high=high, natural=known.natural and low is None)
        return ""

    return apart(text, taken)


def apart(text: str, taken: Callable[[re.Match[str]], str]) -> str:
    """A text, each of its parts between commas or bars replaced that is only a bound."""
    text = IN_BRACKETS.sub(r", \1", text)
    parts = re.split(r"([,;|]|(?<=[|:]))", text)
    for place in range(2, len(parts), 2):
        shown = parts[place].strip()
        end = r"\}" if shown.endswith(r"\}") else ""
        match = BOUND.fullmatch(shown.removesuffix(end).strip())
        if match and (match["low"] or match["sign"]):
            kept = taken(match)
            if not kept:
                parts[place] = end
                if parts[place - 1] in ",;":
                    parts[place - 1] = ""
    return "".join(parts)
