r"""Write an answer in one way: what does not change its value goes, what does stays.

A space between two digits stays (``1 1/2`` is not 11/2), and so does one after a comma that would
else make a thousands separator (``32, 349`` is not 32349).
"""

from __future__ import annotations

import re

SIGNS = str.maketrans(
    {
        **{"−": "-", "–": "-", "（": "(", "）": ")", "，": ",", "：": ":", "\u00a0": " "},
        **{"×": r"\times ", "·": r"\cdot ", "÷": r"\div ", "π": r"\pi ", "∞": r"\infty "},
        **{"≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "∪": r"\cup ", "∈": r"\in ", "≈": r"\approx "},
        **{"°": r"^\circ ", "²": "^2", "³": "^3", "√": r"\sqrt ", "±": r"\pm ", "∅": r"\emptyset "},
    }
)
DAMAGED = [  # a backslash and a letter that were read as one character
    (re.compile("\f(?=rac|box)"), r"\\f"),
    (re.compile("\b(?=oxed|inom|egin|ar)"), r"\\b"),
    (re.compile("\t(?=ext|imes|frac|heta|an)"), r"\\t"),
]
DOUBLED = re.compile(r"\\\\(?=(?:boxed|fbox|[dtc]?frac|sqrt|text|pi|times|cdot|infty|left)\b)")
STYLED = re.compile(
    r"\\(?:text(?:bf|it|rm|sf|tt|normal)?|math(?:rm|bf|it|sf|cal|bb)|mbox|hbox|operatorname\*?)"
    r"\s*\{([^{}]*)\}"
)
REWRITTEN = [
    (re.compile(r"\\[dtc]frac(?![a-z])"), r"\\frac"),
    (re.compile(r"\\[dt]binom(?![a-z])"), r"\\binom"),
    (re.compile(r"\\(?:left|right)(?:\.|(?![a-z]))|\\[bB]igg?[lr]?(?![a-zA-Z])"), ""),
    (re.compile(r"(?<=\d)(?:\{,\}|,\\!|\\,|~|\\ )\s*(?=\d{3}(?!\d))"), ""),
    (re.compile(r"\\(?:displaystyle|limits|nolimits|rm|bf|it)(?![a-z])"), " "),
    (re.compile(r"\\(?:qquad|quad)|(?<!\\)\\[,;:! ]|\\(?:hspace|phantom)\{[^{}]*\}|~"), " "),
    (re.compile(r"\\(?:leqslant|leq|le|lt)(?![a-z])|\\(?:geqslant|geq|ge|gt)(?![a-z])"), None),
    (re.compile(r"<="), r"\\le "),
    (re.compile(r">="), r"\\ge "),
    (re.compile(r"\\(?:neq|ne)(?![a-z])|!="), r"\\ne "),
    (re.compile(r"\\lbrace(?![a-z])"), r"\\{"),
    (re.compile(r"\\rbrace(?![a-z])"), r"\\}"),
    (re.compile(r"\\lvert|\\rvert|\\vert|\\mid(?![a-z])"), "|"),
    *(
        (re.compile(rf"(?<=\d) ?(?:\\text\{{)? ?{word}s?(?![a-z]) ?\}}?"), rf"\\times 10^{zeros}")
        for word, zeros in (("thousand", 3), ("million", 6), ("billion", 9))
    ),
    (re.compile(r"^\*\*(.*)\*\*$"), r"\1"),
    (re.compile(r"\*\*"), "^"),
    (re.compile(r"\\varnothing(?![a-z])"), r"\\emptyset"),
    (re.compile(r"\\langle(?![a-z])"), "("),
    (re.compile(r"\\rangle(?![a-z])"), ")"),
    (re.compile(r"\\(?:triangle|angle)(?![a-z])"), ""),
    (re.compile(r"\\(?:overline|vec|overrightarrow)(?=\{?[A-Za-z])"), ""),
    (re.compile(r"_\{(\w)\}"), r"_\1"),
    (re.compile(r"\^\{(\w)\}"), r"^\1"),
    (re.compile(r"\\(?:i|j)(?![a-z])"), "i"),
]
ORDER_SIGNS = {"leqslant": r"\le ", "leq": r"\le ", "le": r"\le ", "lt": "<"} | {
    **{"geqslant": r"\ge ", "geq": r"\ge ", "ge": r"\ge ", "gt": ">"}
}
BASES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
BASE = re.compile(rf"_\{{\s*(?:\\[a-z]+\{{)?\s*({'|'.join(BASES)})\s*\}}{{1,2}}")
SPACES = re.compile(r"\s+")
REMOVABLE = re.compile(r"(?<![\d,]) | (?!\d)|(?<=,) (?!\d{3}(?!\d))")
WORDS = re.compile(r"[A-Za-z][A-Za-z' .-]*[A-Za-z]")


def repair(text: str) -> str:
    r"""Undo what JSON does to LaTeX: ``\f`` of ``\frac`` as a form feed, backslashes doubled."""
    for pattern, kept in DAMAGED:
        text = pattern.sub(kept, text)
    return text if r"\begin" in text else DOUBLED.sub(r"\\", text)


def clean(text: str) -> str:
    """A repaired answer with spacing, styling and variants of signs taken away."""
    text = text.translate(SIGNS)
    for pattern, kept in REWRITTEN:
        text = pattern.sub(order_sign if kept is None else kept, text)
    text = BASE.sub(lambda match: f"_{BASES.index(match[1])}", text)
    return SPACES.sub(" ", text).strip().rstrip(".,;: ").removesuffix("\\").strip()


def order_sign(match: re.Match[str]) -> str:
    return ORDER_SIGNS[match[0][1:]]


def unstyled(text: str) -> str:
    r"""A text with its ``\text{...}`` and the like opened."""
    return SPACES.sub(" ", STYLED.sub(r" \1 ", text)).strip()


def key(text: str) -> str:
    """What two cleaned answers of the same text share; words whatever their case."""
    text = REMOVABLE.sub("", text)
    return text.casefold() if WORDS.fullmatch(text) else text
