r"""Write an answer in one way: what does not change its value is removed.

A space between two digits stays (``1 1/2`` is not 11/2), and so does a space after a comma that
would otherwise be a thousands separator (``32, 349`` is not 32349).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from numina.answer.braces import group
from numina.answer.environments import unfolded
from numina.answer.words import standard

SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ", "0123456789-+n", strict=True))
SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
VULGAR = {
    **{"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5)},
    **{"⅗": (3, 5), "⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8)},
    **{"⅞": (7, 8), "⅐": (1, 7), "⅑": (1, 9), "⅒": (1, 10)},
}
SIGNS = str.maketrans(
    {
        **{chr(0xFF01 + n): chr(0x21 + n) for n in range(94)},  # full width
        **{sign: rf"\frac{{{top}}}{{{low}}}" for sign, (top, low) in VULGAR.items()},
        **{"−": "-", "–": "-", "—": "-", "‐": "-", "、": ", ", "。": ".", "\u00a0": " "},
        **{"\u2009": " ", "\u202f": " ", "\u3000": " ", "\u200b": "", "\ufeff": "", "’": "'"},
        **{"×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "÷": r"\div ", "∗": "*"},
        **{"π": r"\pi ", "∞": r"\infty ", "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta "},
        **{"γ": r"\gamma ", "λ": r"\lambda ", "μ": r"\mu ", "φ": r"\phi ", "ω": r"\omega "},
        **{"′": "'", "″": "''", "“": '"', "”": '"', "∖": r"\setminus ", "￥": "¥"},
        **{"≤": r"\le ", "≥": r"\ge ", "⩽": r"\le ", "⩾": r"\ge ", "≠": r"\ne ", "∪": r"\cup "},
        **{"∩": r"\cap ", "∈": r"\in ", "≈": r"\approx ", "≡": r"\equiv ", "∧": r"\land "},
        **{"∨": r"\lor ", "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "→": r"\to ", "⟨": "(", "⟩": ")"},
        **{"∉": r"\notin ", "≢": r"\nequiv ", "≮": r"\ge ", "≯": r"\le ", "≰": ">", "≱": "<"},
        **{"∤": r"\nmid ", "∦": r"\nparallel ", "⊄": r"\nsubset ", "⊈": r"\nsubseteq "},
        **{"°": r"^\circ ", "√": r"\sqrt ", "±": r"\pm ", "∓": r"\mp ", "∅": r"\emptyset "},
        **{"…": r"\dots ", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil "},
        **{"∠": r"\angle ", "△": r"\triangle ", "﹣": "-", "﹢": "+", "∶": ":", "⁄": "/", "∕": "/"},
    }
)
DAMAGED = [  # a backslash and a letter that were read as one character
    (re.compile("\f(?=rac|box)"), r"\\f"),
    (re.compile("\b(?=oxed|inom|egin|ar)"), r"\\b"),
    (re.compile("\t(?=ext|imes|frac|heta|an)"), r"\\t"),
]
DOUBLED = re.compile(r"\\\\(?=(?:boxed|fbox|[dtc]?frac|sqrt|text|pi|times|cdot|infty|left)\b)")
STYLES = (  # commands that change only the look of their argument
    *("boldsymbol", "bm", "pmb", "underline", "uline", "emph", "mathbf", "mathit", "mathsf"),
    *("mathtt", "mathnormal", "mathop", "mathord", "ensuremath", "boxed", "fbox", "framebox"),
    *("displaystyle", "mathstrut", "cancelto", "large", "Large", "LARGE", "huge", "Huge", "small"),
    *("normalsize", "footnotesize", "tiny", "bf", "it", "rm", "sf", "bfseries", "mathds"),
)
STYLE = re.compile(rf"\\(?:{'|'.join(STYLES)})(?![A-Za-z])")
COLOUR = re.compile(
    r"\\(?:textcolor|colorbox|color|fcolorbox\s*\{[^{}]*\})\s*(?:\[[^\]]*\])?\s*\{[^{}]*\}\s*"
)
STYLED = re.compile(
    r"\\(?:text(?:bf|it|rm|sf|tt|sc|up|normal)?|math(?:rm|bf|it|sf|cal|bb)|mbox|hbox)"
    r"\s*\{([^{}]*)\}"
)
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
FUNCTION_NAME = re.compile(r"\\operatorname\*?\s*\{\s*(?:\\,)?\s*([A-Za-z]+)\s*\}")
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
ORDINAL = re.compile(
    r"(?<=\d)\s*(?:\^\s*\{?\s*)?(?:\\(?:text|mathrm|textrm|textsuperscript)\s*\{\s*)?(?:st|nd|rd|th)"
    r"(?![a-zA-Z])(?:\s*\}){0,2}"
)
THOUSANDS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:,\d{3})+(?![\d,])(?!\.\d*,)")
LINE = re.compile(
    r"(?:[a-z]\s*=\s*)?[-+]?(?:[\d(]|\\(?:frac|sqrt|pi))[^\n&]{0,60}(?<![-+*/=\\^_(])"
)
ABOUT = re.compile(
    r"^(?:approximately|about|roughly|approx\.?|around|nearly|~)\s*(?=[\d\\$.-])", re.I
)
SPACES = re.compile(r"\s+")
REMOVABLE = re.compile(r"(?<![\d,]) | (?!\d)|(?<=,) (?!\d{3}(?!\d))")
WORDS = re.compile(r"[A-Za-z][A-Za-z' .-]*[A-Za-z]")
SENTENCE = re.compile(r"\\text\s*\{[A-Za-z][A-Za-z',.; -]*\}\.?")
ARTICLE = re.compile(r"^(?:(?:it|this|that) is )?(?:an? )?(?=[a-z]{3})", re.I)
DECISION = re.compile(r"^(yes|no)[,.;] .*$", re.I)
REASON = re.compile(
    r"(?<=[\d)}\]A-Za-z%])[,;]?\s+(?:because|since|as (?:the|we|required|desired)"
    r"|so (?:the|we|that)|by the|which (?:is|gives)|thus|therefore|hence)\b.*$",
    re.S,
)
CONDITION = re.compile(
    r"[,;]?\s*\(?\s*(?:\\(?:text|mathrm|mbox)\s*\{[,\s]*)?(?:where|for|with)?(?:\s+(?:any|all|every"
    r"|some|integers?|an integer))*\s*\}?\s*\$?\s*(?P<name>[a-zA-Z])\s*(?:\$?\s*"
    r"(?:\\(?:text|mathrm|mbox)\s*\{)?\s*is (?:an|any)(?: arbitrary)? integer\s*\}?"
    r"|\\in\s*(?:\\mathbb\s*\{?\s*Z\s*\}?|\\Z\b|Z\b))"
    r"\s*\)?\s*$"
)


def repair(text: str) -> str:
    r"""Undo what JSON does to LaTeX: ``\f`` of ``\frac`` as a form feed, backslashes doubled."""
    for pattern, kept in DAMAGED:
        text = pattern.sub(kept, text)
    return text if r"\begin" in text else DOUBLED.sub(r"\\", text)


def clean(text: str, *, declared: bool = False) -> str:
    """A repaired answer with spacing, styling and variants of signs taken away.

    With `declared`, the declaration of a parameter at its end stays.
    """
    text = re.sub(r"(?<!\\)\$([^$]*)(?<!\\)\$", r" \1 ", text)
    text = scripts(lined(unfolded(text))).translate(SIGNS)
    text = unpainted(text)
    text = FUNCTION_NAME.sub(r"\\\1 ", text)
    for pattern, written in REWRITTEN:
        text = pattern.sub(written, text)
    text = ORDINAL.sub("", text) if re.search(r"\d\D{0,20}(?:st|nd|rd|th)", text) else text
    text = near(REASON.sub("", text))
    if not declared:
        text = CONDITION.sub("", text) or text
    return in_words(trimmed(SPACES.sub(" ", text)))


def in_words(text: str) -> str:
    """A text that consists of words, in standard ones or as the number that it states."""
    shown = unstyled(text).strip(" .")
    shown = re.sub(r"^the (?=[a-z])", "", shown, flags=re.I)
    if SENTENCE.fullmatch(text.strip()):
        shown = DECISION.sub(r"\1", ARTICLE.sub("", shown))
    found = standard(shown)
    return text if found == unstyled(text).strip(" .") else found


def near(text: str) -> str:
    r"""A text without its asides: ``\approx 12.4`` is 12.4, ``y \approx 4`` is y = 4."""
    text = ABOUT.sub("", text.strip())
    head, *asides = re.split(r"\\approx(?![a-z])", text)
    if not asides or not head.strip():
        return asides[0] if asides else text
    named = re.fullmatch(r"\s*(\\?[A-Za-z]+'*(?:_\w|_\{\w+\})?)\s*=?\s*", head)
    return f"{named[1]}={asides[0]}" if named and named[1] != r"\pi" else head


def lined(text: str) -> str:
    """Values on lines of their own as a list."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if len(lines) < 2 or not all(LINE.fullmatch(line) for line in lines):
        return text
    return ", ".join(line.rstrip(",;") for line in lines)


def trimmed(text: str) -> str:
    text = text.strip()
    text = re.sub(r"^(?:[.,;:]\s+)+", "", text)
    return text.rstrip(".,;: ").removesuffix("\\").strip()


def scripts(text: str) -> str:
    """A text with raised and lowered Unicode digits as LaTeX has them."""
    for table, sign in ((SUPERSCRIPTS, "^"), (SUBSCRIPTS, "_")):
        signs = "".join(table)
        text = re.sub(
            f"[{signs}]+",
            lambda m, table=table, sign=sign: f"{sign}{{{''.join(table[c] for c in m[0])}}}",
            text,
        )
    return text


def unpainted(text: str) -> str:
    r"""A text without the commands that change only its look, such as ``\underline{...}``."""
    text = COLOUR.sub(" ", text)
    position = 0
    while match := STYLE.search(text, position):
        found = group(text, match.end())
        if found is None:
            text = text[: match.start()] + " " + text[match.end() :]
            position = match.start()
            continue
        content, end = found
        alone = len(content.strip()) == 1 or not content.strip() or content.strip()[0] == "\\"
        inner = f" {content} " if alone or not text[end:].strip() else content
        text = text[: match.start()] + inner + text[end:]
        position = match.start()
    text = text.strip()
    while text.startswith("{") and (found := group(text, 0)) and found[1] == len(text):
        builder = re.match(r"\s*[a-z]\s*(?:\\in[^:|]*)?[:|]", found[0])
        if builder or not found[0].strip() or "," in found[0] or r"\choose" in found[0]:
            break  # {1, 2} is a set
        text = found[0].strip()
    return text


def thousands(text: str) -> str:
    """A formula without the commas of its numbers, unless a bracket makes them a list."""
    depth = [0]
    for sign in text:
        depth.append(depth[-1] + (sign in "([") - (sign in ")]"))

    def joined(match: re.Match[str]) -> str:
        in_set = text[: match.start()].rstrip().endswith(r"\{")
        return match[0] if depth[match.start()] or in_set else match[0].replace(",", "")

    return THOUSANDS.sub(joined, text)


def unstyled(text: str) -> str:
    r"""A text with its ``\text{...}`` and the like opened."""
    return SPACES.sub(" ", STYLED.sub(r" \1 ", text)).strip()


def key(text: str) -> str:
    """A key that is the same for cleaned answers of the same text; the case of words is ignored."""
    text = REMOVABLE.sub("", text)
    return text.casefold() if WORDS.fullmatch(text) else text
