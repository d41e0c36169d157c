r"""Notations of the same meaning, and the one that each is rewritten to.

The order counts: later rules read what earlier ones wrote, such as ``\le`` for ``\leqslant``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

ORDER = {
    **{"leqslant": r"\le ", "leq": r"\le ", "leqq": r"\le ", "le": r"\le ", "lt": "<"},
    **{"geqslant": r"\ge ", "geq": r"\ge ", "geqq": r"\ge ", "ge": r"\ge ", "gt": ">"},
}
NEGATIONS = {  # of a sign after \\not, and of the commands that have it in their name
    **{"=": r"\ne ", r"\in": r"\notin ", r"\equiv": r"\nequiv ", r"\le": ">", r"\ge": "<"},
    **{"<": r"\ge ", ">": r"\le ", r"\nless": r"\ge ", r"\ngtr": r"\le ", r"\nleq": ">"},
    **{r"\approx": r"\napprox ", r"\nleqslant": ">", r"\ngeq": "<", r"\ngeqslant": "<"},
}
NEGATED = (
    r"\\not\s*\{?\s*(?P<sign>=|<|>|\\(?:in|equiv|approx|le|ge)(?![a-z]))\s*\}?"
    r"|(?P<own>\\n(?:less|gtr|leq(?:slant)?|geq(?:slant)?)(?![a-z]))"
)
BASES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
BASES += ["eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"]
NAMED_BASE = "|".join(sorted(BASES[2:], key=len, reverse=True))
WRAPPED = r"(?:\\(?:text|mathrm|textrm|mbox)\s*\{)"
UNIT_DIGITS = r"\{?\s*(\d+|[a-z])\s*\}?"
Rewrite = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def rules(*pairs: tuple[str, str | Callable[[re.Match[str]], str]]) -> list[Rewrite]:
    return [(re.compile(pattern), written) for pattern, written in pairs]


def repeated(match: re.Match[str]) -> str:
    r"""A repeating decimal as a fraction: ``0.1\overline{6}`` as ``\frac{15}{90}``."""
    whole, first, again = match["whole"] or "0", match["first"] or "", match["again"]
    again = re.sub(r"\D", "", again)
    value = Fraction(int(whole + first)) + Fraction(int(again), 10 ** len(again) - 1)
    value /= 10 ** len(first)
    return rf"\frac{{{value.numerator}}}{{{value.denominator}}}"


def endless(match: re.Match[str]) -> str:
    r"""A decimal that ends in dots, made repeating if its last digits repeat: ``0.1666\ldots``."""
    digits = match["digits"]
    for period in range(1, len(digits) // 2 + 1):
        times = len(digits) // period
        for start in range(len(digits) - period * 2, -1, -1):
            tail = digits[start:]
            if len(tail) < max(2 * period, 3):
                continue
            if all(tail[i] == tail[i % period] for i in range(len(tail))) and times >= 2:
                found = re.match(
                    r"(?P<whole>\d*)\.(?P<first>\d*?)\((?P<again>\d+)\)",
                    f"{match['whole']}.{digits[:start]}({tail[:period]})",
                )
                assert found
                return repeated(found)
    return f"{match['whole']}.{digits}"


def turned(match: re.Match[str]) -> str:
    """An interval whose open ends are turned brackets, as ``]2, 9[``, in the other notation."""
    low = "(" if match["low"] == "]" else "["
    return f"{low}{match['ends']}{')' if match['high'] == '[' else ']'}"


def prefixed(match: re.Match[str]) -> str:
    """An integer as Python writes it in base 2, 8 or 16 (``0b101``, ``0o17``, ``0xff``)."""
    return str(int(match[0], 0))


def based(match: re.Match[str]) -> str:
    base = match["base"]
    return f"{match['number']}_{{{BASES.index(base) if base in BASES else base}}}"


def combinations(match: re.Match[str]) -> str:
    r"""``C(5, 2)`` as a command of its own, as it may name a point; one that must is left."""
    few = match[1].isdigit() and match[2].isdigit() and int(match[1]) < int(match[2])
    if few or re.search(r"(?<![A-Za-z\\])[ABD-Z]'*\s*\([^()]*,", match.string):
        return match[0]
    return rf"\C({match[1]},{match[2]})"


REWRITTEN = rules(
    (r"^\s*\\text\s*\{[^{}]*(?:\b(?:is|equals)|[:=])\s*\}\s*(?=\S)", ""),  # a label
    (
        r"^\s*\\text\s*\{\s*(?:[Tt]herefore|[Tt]hus|[Hh]ence|[Ss]o|[Tt]hen)\s*,?\s*\}\s*,?\s*(?=\S)",
        "",
    ),
    # The name of a set, as in `A \cap B = \{2, 3\}`.
    (
        r"^\s*[A-Z](?:\s*\\(?:cap|cup|setminus)\s*[A-Z])+\s*=\s*(?=\\\{|\\lbrace|\[|\(|\\emptyset)",
        "",
    ),
    # A function of all real numbers, which is what a function is of when nothing is said.
    (
        r"(?<=\S)\s*[,;]?\s*\\text\s*\{\s*,?\s*for (?:all|every|any)(?: real(?: numbers?)?)?\s*\}"
        r"\s*[a-z]\s*\.?\s*$",
        lambda m: "" if re.match(r"\s*[A-Za-z]\s*\([a-z]\)\s*=", m.string) else m[0],
    ),
    (r"^(\s*\d+)\s*\\text\s*\{\s*to\s*\}\s*(\d+\s*)$", r"\1:\2"),
    (r"<(b|i|u|em|strong|p|div|span|center)>(.*?)</\1>", r" \2 "),
    (r"^\s*(?:I|[Ww]e) (?:get|got|obtain|have|find|found)(?: that)?:? (?=\S)", ""),
    (
        r"(?<=[\w)}\]%])\s+is (?:the|our|my) (?:final |correct )?(?:answer|result|solution)"
        r"\s*\.?\s*$",
        "",
    ),
    (r"^\s*(?:So|Thus|Hence|Therefore|Then|所以|因此|故)\s*[,，:：]?\s*(?=[\w\\(-])", ""),
    (r"(?<=[a-z)])\s*\^\s*\{?\s*\\(?:text|mathrm)\s*\{\s*(?:st|nd|rd|th)\s*\}\s*\}?", ""),
    (r"\^\s*\{\s*\\(?:mathrm|mathsf|text|rm)(?:\s*\{\s*T\s*\}|\s+T)\s*\}", "^T"),
    (r"(?<=[)\]])\s*U\s*(?=[(\[])", r"\\cup "),
    # What a tuple is: `the point P(1, 2)`.
    (
        r"^\s*(?:\\text\s*\{)?\s*(?:[Tt]he )?(?:[Pp]oints?|[Vv]ectors?|点|向量|坐标[为是]?)"
        r"(?: is| are)?\s*:?\s*\}?\s*"
        r"(?=\$?(?:[A-Z(\[]|\\(?:vec|overrightarrow|left|begin|langle)))",
        "",
    ),
    (r"\\left\s*<|^\s*<(?=[^<>=]+,[^<>=]+>\s*$)", "("),
    (r"\\right\s*>|(?<=[\w)}])\s*>\s*$", lambda m: ")" if "(" in m.string else m[0]),
    (
        r"(?<![A-Za-z\\])(?:\+ ?)?(?:inf|infty|infinity)(?=\s*(?:[,)\]]|$))",
        lambda m: (
            r"\infty " if m.start() == 0 or m.string[: m.start()].rstrip()[-1] in "-,([" else m[0]
        ),
    ),
    (
        r"\\(?:mathrm|text|rm)\s*\{\s*([A-Za-z]+)(?:\s*\\cdot\s*|\s*\\,\s*|\s+)([A-Za-z]+)"
        r"\s*\^\s*\{?-(\d)\}?\s*\}",
        lambda m: rf"\text{{{m[1]}/{m[2]}{'^' + m[3] if m[3] != '1' else ''}}}",
    ),
    (r"\\overline\s*\{(\d[\dA-Z]*)\}(?=\s*_)", r"\1"),
    (r"\\[dtc]frac(?![a-z])", r"\\frac"),
    (r"\\[dt]binom(?![a-z])", r"\\binom"),
    (r"\\(?:left|right|middle)(?:\.|(?![a-z]))|\\[bB]igg?[lrm]?(?![a-zA-Z])", ""),
    (r"(?<=\d)(?:\{,\}|,\\!|\\,|~|\\ )\s*(?=\d{3}(?!\d))", ""),
    (r"\\(?:textstyle|scriptstyle|limits|nolimits|mathrm(?![ {])|nobreak)(?![a-z])", " "),
    (r"\\text\s*\{\s*([,;:.]?)\s*\}", r"\1 "),
    (
        r"(?<=[\w)}\]'])\s*\\q?quad\s*(?=[\w(\\\[{-])(?!\\(?:text|mathrm|mbox|pmod|mod|and|or|\(|q?quad))"
        r"(?!\(?(?:and|or|where|mod)\b)",
        " , ",
    ),
    (r"(?<!\\)\\!", ""),
    (r"\}\s+_(?=\{?\d)", "}_"),
    (r"\\(?:qquad|quad)|(?<!\\)\\[,;: ]|\\(?:hspace|phantom|vspace)\*?\{[^{}]*\}|~", " "),
    (r"\\(?:leqslant|leqq|leq|le|lt|geqslant|geqq|geq|ge|gt)(?![a-z])", lambda m: ORDER[m[0][1:]]),
    (r"<=|=<", r"\\le "),
    (r">=", r"\\ge "),
    (NEGATED, lambda m: NEGATIONS[m["sign"] or m["own"]]),
    (r"\\(?:neq|ne)(?![a-z])|!=|<>", r"\\ne "),
    (r"\\(?:lbrace|lbrack)(?![a-z])", lambda m: r"\{" if "brace" in m[0] else "["),
    (r"\\(?:rbrace|rbrack)(?![a-z])", lambda m: r"\}" if "brace" in m[0] else "]"),
    (r"\\(?:lvert|rvert|vert|mid)(?![a-z])", "|"),
    (r"\\(?:wedge)(?![a-z])", r"\\land "),
    (r"\\(?:vee)(?![a-z])", r"\\lor "),
    (r"\\(?:simeq|thickapprox|doteq|approxeq|fallingdotseq)(?![a-z])", r"\\approx "),
    (r"\\(?:ldots|cdots|dotsc|dotsb|dots|hdots)(?![a-z])|\.\.\.+", r"\\dots "),
    (r"(?<=\d) ?(?:\\text\{)? ?thousands?(?![a-z]) ?\}?", r"\\times 10^3"),
    (r"(?<=\d) ?(?:\\text\{)? ?millions?(?![a-z]) ?\}?", r"\\times 10^6"),
    (r"(?<=\d) ?(?:\\text\{)? ?billions?(?![a-z]) ?\}?", r"\\times 10^9"),
    (r"(?<![\w)\]}*])\*\*([^*\s](?:[^*]*[^*\s])?)\*\*(?![\w(*])", r"\1"),
    (
        r"(?:^|(?<=[=(])|(?<=\\cup)|(?<=\\in)|(?<=\\cup )|(?<=\\in ))(?P<low>[\[\]])"
        r"(?P<ends>[^\[\]]*[,;][^\[\]]*)(?P<high>[\[\]])",
        turned,
    ),
    (r"\*\*", "^"),
    (r"(?<=\d)\{([:.])\}(?=\d)", r"\1"),
    (r"(?<=\d) ?[xX] ?(?=10 ?\^)", r"\\times "),
    (r"\\varnothing(?![a-z])|\\O(?![a-zA-Z])", r"\\emptyset"),
    (r"(?:\\mathbb\s*\{?R\}?|\\R)\s*(?:\^\s*\{?\s*\+\s*\}?|_\{\s*>\s*0\s*\})", r"(0,\\infty)"),
    (r"(?:\\mathbb\s*\{?R\}?|\\R)\s*_\{\s*\\ge\s*0\s*\}", r"[0,\\infty)"),
    (r"(?:\\mathbb\s*\{?R\}?|\\R)\s*(?:\^\s*\{?\s*-\s*\}?|_\{\s*<\s*0\s*\})", r"(-\\infty,0)"),
    (r"(?<=\d) ?(?:\\text\{ ?)?[Rr](?:em(?:ainder)?)?\.?(?: ?\})? ?(?=\d)", r"\\text{ remainder }"),
    (r"\\langle(?![a-z])", "("),
    (r"\\rangle(?![a-z])", ")"),
    (r"\\(?:triangle|angle|measuredangle)(?![a-z])", ""),
    (
        r"\\(?:overline|vec|overrightarrow|overleftrightarrow|widehat|overset\{\\frown\})\s*(?:\{([A-Z]{2,})\}|(?=[A-Z]{2}))",
        r"\1",
    ),
    (r"\\(?:vec|overrightarrow|hat|mathbf)\s*\{?([A-Za-z])\}?(?![A-Za-z])", r"\1"),
    (r"\\(?:vec|overrightarrow)(?=\s*\{?[A-Za-z])", ""),
    (r"\\cr(?![a-z])|\\tabularnewline", r"\\\\"),
    (r"\\(?:i|j)(?![a-z])", "i"),
    # notations of the same meaning
    (r"(?<![\w.\\])0(?:[xX][0-9A-Fa-f]{1,99}|[bB][01]{1,99}|[oO][0-7]{1,99})(?![\w.])", prefixed),
    (
        r"(?<![\d.])(?P<whole>\d*)\.(?P<first>\d*)\\(?:overline|bar)\s*\{?(?P<again>\d+)\}?",
        repeated,
    ),
    (
        r"(?<![\d.])(?P<whole>\d*)\.(?P<first>\d*)(?P<again>\\dot\s*\{?\d\}?(?:\d*\\dot\s*\{?\d\}?)?)",
        repeated,
    ),
    (r"(?<![\d.])(?P<whole>\d+)\.(?P<first>\d*)\((?P<again>\d+)\)", repeated),
    (r"(?<![\d.])(?P<whole>\d*)\.(?P<digits>\d{2,}) ?\\dots", endless),
    (
        rf"\(?(?P<number>\d[\dA-Za-z]*)\)? ?(?:\\(?:text|mathrm)\{{ ?)?\(? ?(?:in )?base[ -]?"
        rf"(?:\}} ?)?(?P<base>\d+|{NAMED_BASE}) ?\)? ?\}}?",
        based,
    ),
    (
        rf"\(?(?P<number>\d[\dA-Z]*)\)?_\{{?\s*{WRAPPED}?\(?\s*(?:base\s*)?(?P<base>{NAMED_BASE})"
        r"\s*\)?\s*\}{0,2}",
        based,
    ),
    (rf"\((?P<number>\d[\dA-Z]*)\)_\{{?\s*{WRAPPED}?\(?(?P<base>\d+)\)?\s*\}}{{0,2}}", based),
    (
        rf"(?<![\w\\])(?P<number>\d[\dA-Z]*)_\{{\s*{WRAPPED}?\(?(?:base\s*)?\}}?(?P<base>\d+)\)?\s*\}}{{0,2}}",
        based,
    ),
    (
        rf"(?:\{{\s*\}})?[_^]{UNIT_DIGITS}\s*\{{?(?:\\mathrm\{{|\\text\{{)?\s*C\s*\}}*\s*_{UNIT_DIGITS}",
        r"\\binom{\1}{\2}",
    ),
    (
        rf"(?:\{{\s*\}})?[_^]{UNIT_DIGITS}\s*\{{?(?:\\mathrm\{{|\\text\{{)?\s*P\s*\}}*\s*_{UNIT_DIGITS}",
        r"\\frac{\1!}{(\1-\2)!}",
    ),
    (r"\\(?:mathrm|text|rm)\s*\{\s*([CAP])\s*\}\s*(?=[_^]\s*\{?\d+\}?\s*[_^]\s*\{?\d)", r"\1"),
    (r"(?<![A-Za-z])C_\{?(\d+)\}?\^\{?(\d+)\}?", r"\\binom{\1}{\2}"),
    (r"(?<![A-Za-z])C\^\{?(\d+)\}?_\{?(\d+)\}?", r"\\binom{\2}{\1}"),
    (r"(?<![A-Za-z])[AP]_\{?(\d+)\}?\^\{?(\d+)\}?", r"\\frac{\1!}{(\1-\2)!}"),
    (r"(?<![A-Za-z\d])(?:\\binom)?C\(\s*(\w+)\s*[,;]\s*(\w+)\s*\)", combinations),
    (r"(?<![A-Za-z\d])(\d+)C(\d+)(?![\w_])", r"\\binom{\1}{\2}"),
    (r"(?<![A-Za-z\d])(\d+)P(\d+)(?![\w_])", r"\\frac{\1!}{(\1-\2)!}"),
    (r"\{([^{}]*)\\choose([^{}]*)\}", r"\\binom{\1}{\2}"),
    (r"^([^{}]*)\\choose([^{}]*)$", r"\\binom{\1}{\2}"),
    (r"_\{(\w)\}", r"_\1"),
    (r"\^\{(\w)\}", r"^\1"),
)
