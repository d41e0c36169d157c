r"""Write an answer in one way: what does not change its value is removed.

A space between two digits stays (``1 1/2`` is not 11/2), and so does a space after a comma that
would otherwise be a thousands separator (``32, 349`` is not 32349).
"""

from __future__ import annotations

import re

from numina.answer.braces import group
from numina.answer.environments import unfolded
from numina.answer.notations import REWRITTEN
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
FUNCTION_NAME = re.compile(r"\\operatorname\*?\s*\{\s*(?:\\,)?\s*([A-Za-z]+)\s*\}")
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
