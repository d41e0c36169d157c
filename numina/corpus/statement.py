r"""A statement as a list of units, by which two statements are told apart.

A unit is a word, a number or a LaTeX command, together with the signs that stand before it:
``2n+1`` is ``2``, ``n``, ``+1``, and ``2n-1`` is ``2``, ``n``, ``-1``. Words, numbers, operators,
relations and brackets count; punctuation, spacing, dollar signs and the case of words do not.
"""

from __future__ import annotations

import re
import unicodedata

# What LaTeX writes in several ways, in one of them.
SPELLINGS = {
    **{r"\dfrac": r"\frac", r"\tfrac": r"\frac", r"\cfrac": r"\frac"},
    **{r"\le": r"\leq", r"\leqslant": r"\leq", "≤": r"\leq"},
    **{r"\ge": r"\geq", r"\geqslant": r"\geq", "≥": r"\geq"},
    **{r"\ne": r"\neq", "≠": r"\neq", r"\to": r"\rightarrow", "→": r"\rightarrow"},
    **{"×": r"\times", "÷": r"\div", "·": r"\cdot", "−": "-", "–": "-", "√": r"\sqrt"},
    **{"π": r"\pi", "°": r"\circ", "∞": r"\infty", r"\lbrace": r"\{", r"\rbrace": r"\}"},
    **{r"\lvert": "|", r"\rvert": "|", r"\vert": "|", r"\mid": "|"},
    **dict.fromkeys(("…", r"\dots", r"\ldots", r"\cdots", r"\dotsc", r"\dotsb"), "..."),
}
# Commands that change how a formula looks and not what it says.
LOOKS = {
    *(r"\left", r"\right", r"\big", r"\Big", r"\bigl", r"\bigr", r"\Bigl", r"\Bigr", r"\bigg"),
    *(r"\displaystyle", r"\textstyle", r"\limits", r"\quad", r"\qquad", r"\noindent", r"\hspace"),
    *(r"\,", r"\;", r"\!", r"\:", r"\ ", r"\[", r"\]", r"\(", r"\)", "\\\n"),
}
STYLES = {r"\mathbf", r"\mathrm", r"\text", r"\textbf", r"\mathit", r"\boldsymbol"}
PUNCTUATION = set('$.,;?"`~“”‘’，。；？、—')
TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[^\W\d_]+|\d+(?:\.\d+)?|\.\d+|\.{3}|[^\s\w]|_", re.S)
THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:(?:,|\{,\}|,\\!)\d{3})+(?!\d)")
ALONE = re.compile(r"\{\s*(\\[A-Za-z]+|[^\W\d_]|\d+)\s*\}")  # braces that group nothing


def units(text: str) -> list[str]:
    """The units of a text; signs behind the last word are a unit of their own."""
    text = unicodedata.normalize("NFC", text)
    text = THOUSANDS.sub(lambda match: re.sub(r"\D", "", match[0]), text)
    text = ALONE.sub(r" \1 ", text)
    tokens = [(match[0], match.start(), match.end()) for match in TOKEN.finditer(text)]
    found: list[str] = []
    signs = ""
    for place, (token, start, end) in enumerate(tokens):
        before = tokens[place - 1] if place else ("", -1, -1)
        behind = tokens[place + 1] if place + 1 < len(tokens) else ("", -1, -1)
        token = SPELLINGS.get(token, token)
        left = before[0] if before[2] == start else ""
        right = behind[0] if behind[1] == end else ""
        if token in LOOKS or (len(token) == 1 and is_punctuation(token, left, right)):
            continue
        if is_word(token):
            found.append(signs + (token.lower() if len(token) > 1 else token))
            signs = ""
        elif len(token) > 1 or token.isdigit():
            found.append(signs + token)
            signs = ""
        else:
            signs += token
    return [*found, signs] if signs else found


def is_word(token: str) -> bool:
    """Whether a token is made of letters and is not a LaTeX command."""
    return token[:1].isalpha()


def is_punctuation(token: str, left: str, right: str) -> bool:
    """Whether a sign says nothing in mathematics, given what it touches on both sides."""
    if token in PUNCTUATION:
        return True
    if token == "-":  # right-angled, x-axis
        return is_word(left) and is_word(right) and max(len(left), len(right)) > 1
    if token == "!":  # a factorial follows what it is of
        return not (left.isdigit() or left in (")", "}") or (len(left) == 1 and left.isalpha()))
    if token == ":":  # a ratio
        return not (left and right)
    if token == "'":  # the prime of f'(x), and not a citizen's vote
        return (is_word(left) and len(left) > 1) or not left or is_word(right)
    return False


def plain_answer(answer: str) -> list[str]:
    """The units of an answer without its style: ``\\mathbf{2340}`` is ``2340``."""
    return [unit for unit in units(answer) if unit not in STYLES]
