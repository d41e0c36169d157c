r"""A statement as a list of tokens in one spelling, used to compare two statements.

A token is a word, a number, a variable, a LaTeX command or a sign. Words, numbers, operators,
relations and brackets count; punctuation, spacing, dollar signs, the looks of formulas and the case
of words do not. ``\left(\dfrac12\right)`` is ``( \frac 1 2 )``; ``2n+1`` and ``2n-1`` differ.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from numina.answer.normalise import SIGNS, clean, key, scripts
from numina.answer.number import read_number

# One spelling for what LaTeX can write in several ways.
SPELLINGS = {
    **{r"\dfrac": r"\frac", r"\tfrac": r"\frac", r"\cfrac": r"\frac"},
    **{r"\dbinom": r"\binom", r"\tbinom": r"\binom", r"\%": "%", r"\#": "#", r"\&": "&"},
    **{r"\le": r"\leq", r"\leqslant": r"\leq", r"\leqq": r"\leq", r"\lt": "<"},
    **{r"\ge": r"\geq", r"\geqslant": r"\geq", r"\geqq": r"\geq", r"\gt": ">"},
    **{r"\ne": r"\neq", r"\to": r"\rightarrow", r"\varnothing": r"\emptyset"},
    **{r"\lbrace": r"\{", r"\rbrace": r"\}", r"\lbrack": "[", r"\rbrack": "]"},
    **{r"\lvert": "|", r"\rvert": "|", r"\vert": "|", r"\mid": "|", r"\degree": "°"},
    **dict.fromkeys((r"\dots", r"\ldots", r"\cdots", r"\dotsc", r"\dotsb", r"\hdots"), "..."),
}
# Commands that change how a formula looks, not what it means.
LOOKS = {
    *(r"\left", r"\right", r"\middle", r"\displaystyle", r"\textstyle", r"\limits", r"\quad"),
    *(r"\qquad", r"\noindent", r"\hspace", r"\cal", r"\bf", r"\rm", r"\it", r"\newline", r"\par"),
    *(r"\,", r"\;", r"\!", r"\:", r"\ ", r"\[", r"\]", r"\(", r"\)", "\\\n", r"\$"),
    *(rf"\{size}{side}" for size in ("big", "Big", "bigg", "Bigg") for side in ("", *"lrm")),
}
LETTER, LOWER = r"[^\W\d_]", r"[^\W\d_A-Z]"
ALONE = rf"(?<=(?<!{LETTER}){LETTER})"  # after a variable
SENTENCE_END = "\x1e"
# What is not matched is punctuation: the apostrophe of "citizen's", and ! and : where they are not
# a factorial and a ratio. The hyphen of "x-axis" is matched with the word before it.
TOKEN = re.compile(
    rf"\\[A-Za-z]+|\\.|{LETTER}+{LOWER}-(?={LOWER})|{LETTER}-(?={LOWER}{{2}})|{LETTER}+"
    rf"|\d+(?:\.\d+)?|\.\d+|\.\.\.|{SENTENCE_END}"
    rf"|(?<=[\d)}}])!|{ALONE}!"
    rf"|(?:(?<=[\d)}}] )|(?<=(?<!{LETTER}){LETTER} )):"
    rf"(?= (?:[\d(]|{LETTER}(?!{LETTER})|\\[A-Za-z]))"
    rf"|(?:(?<=[)}}'])|{ALONE})'(?!{LETTER})"
    r"|[^\s\w$.,;:!?'\"`~“”‘’，。；？、—\\]|_",
    re.S,
)
STYLED = re.compile(
    r"\\(?:text|textbf|textit|textrm|emph|mbox|mathrm|mathbf|mathit|mathcal|mathop|operatorname\*?"
    r"|boldsymbol|bm|boxed)\s*\{([^{}]*)\}"
)
PLAIN_ENVIRONMENT = re.compile(
    r"\\(?:begin|end)\s*\{(?:align|aligned|equation|gather|gathered|split|multline|eqnarray|center)"
    r"\*?\}"
)
TABLE = re.compile(r"\\begin\s*\{(?:\w*matrix|array|tabular)|\\pmatrix|\\cr\b")
LINES = re.compile(r"\\\\(?:\s*\[[^\]\n]*(?:pt|mm|cm|em|ex)\])?|(?<!\\)&")
THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:(?:,|\{,\}|,\\!|\\,)\d{3})+(?!\d)")
FRACTION = re.compile(r"(\\[dtc]?frac)\s*(\d)\s*(?=[\d{\\])")  # \frac12, \frac1{2}
DEGREES = re.compile(r"\^\s*(?:\\circ\b|\{\s*\\circ\s*\})")
SINGLE = re.compile(r"\{\s*(\\[A-Za-z]+|[^\W\d_]|\d+(?:\.\d+)?)\s*\}")  # braces that group nothing
WHOLE = re.compile(r"((?:^|[$(=+<>,|-])\s*)\{((?:[^{}\\]|\\(?!over\b|choose\b|atop\b))*)\}")
COLON = re.compile(r" ?(?::|\\colon\b) ?")
BOLD = re.compile(r"(?<!\d)\*\*|\*\*(?!\d)")
LABEL = re.compile(
    r"^[\s*]*(?:problem|exercise|question|example)\s*\d+[a-z]?\s*[.:)][\s*]*(?=\S)"
    r"|^\s*\(\s*\d+\s*(?:points?|marks?|pts)\.?\s*\)\s*",
    re.I,
)
NAMED = re.compile(r"^[A-Za-z]\s*=\s*")
UNIT = re.compile(
    r"\^\s*\\circ$|\\?%$|^\\?\$|(?<=\d)\s*\\(?:text|mathrm|mbox)\s*\{[^{}\d]*\}(?:\^\{?\d\}?)?$"
    r"|(?<=\d) +[a-z]{2}[a-z ]*$"
)
LONGEST = 300  # characters of an answer whose value is read
LETTERED = re.compile(r"^(?:\\text\w*\s*\{)?\s*\(\s*[A-F]\s*\)\s*\}?\s*(?=[^\s}])")
CHOICE = re.compile(r"\(? ?[A-F] ?\)?")
CLOSED = r"""(?:[$)\]}*"'”]|\\right\b| ?\\[)\]])"""  # may stand after the end of a sentence
SENTENCES = re.compile(rf"(?<=[.?!]){CLOSED}{{0,6}} (?=[A-Z$\\(\[])")


def sentences(text: str) -> list[list[str]]:
    """The tokens of a statement, sentence by sentence, without a label such as "Problem 3."."""
    found: list[list[str]] = [[]]
    for token in map(spelling, TOKEN.findall(rewritten(text))):
        if token == SENTENCE_END:
            found.append([])
        elif token:
            found[-1].append(token)
    return [sentence for sentence in found if sentence]


def tokens(text: str) -> list[str]:
    """The tokens of a statement."""
    return [token for sentence in sentences(text) for token in sentence]


def rewritten(text: str) -> str:
    """A statement in which one thing is written in one way, so that tokens can be compared."""
    text = " ".join(text.split())
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).replace("—", " ")
        text = scripts(text).translate(SIGNS)
    text = LABEL.sub("", text)
    text = SENTENCES.sub(f" {SENTENCE_END} ", text)
    if "\\" in text:
        text = PLAIN_ENVIRONMENT.sub(" ", text)
        if not TABLE.search(text):
            text = LINES.sub(" ", text)
        text = DEGREES.sub("°", STYLED.sub(r" \1 ", text))
        text = FRACTION.sub(r"\1 \2 ", text)
    if "{" in text:
        text = WHOLE.sub(r"\1\2", SINGLE.sub(r" \1 ", text))
    if "," in text:
        text = THOUSANDS.sub(lambda match: re.sub(r"\D", "", match[0]), text)
    if ":" in text or r"\colon" in text:
        text = COLON.sub(" : ", text)
    return BOLD.sub(" ", text) if "**" in text else text


@lru_cache(1 << 16)
def spelling(token: str) -> str:
    """A token in the one spelling; "" if it has no mathematical meaning."""
    if token[0].isalpha() and len(token) > 1:
        word = token.removesuffix("-")
        return word if len(word) == 1 else word.lower()
    if token[0] == "." and token[-1].isdigit():
        return f"0{token}"
    return "" if token in LOOKS else SPELLINGS.get(token, token)


def is_word(token: str) -> bool:
    """Whether a token is a word, not a number, a variable, a command or a sign."""
    return len(token) > 1 and token[0].isalpha()


def plain_answer(answer: str) -> str:
    r"""An answer in one spelling, its value if it is a number: ``x = \mathbf{2}`` and 2.0 are 2.

    A unit after a number does not count, nor does the letter of ``(C)\ 18``.
    """
    return answer.lstrip("0") or "0" if answer.isascii() and answer.isdigit() else spelt(answer)


@lru_cache(1 << 14)
def spelt(answer: str) -> str:
    if len(answer) > LONGEST:
        return " ".join(tokens(answer))
    text = UNIT.sub("", key(clean(UNIT.sub("", answer.strip()))))
    text = LETTERED.sub("", NAMED.sub("", text))
    number = read_number(text)
    return str(number.value) if number else " ".join(tokens(text))


def answers_agree(one: str, other: str) -> bool:
    """Whether two answers are the same or cannot be compared: one is unknown or only a letter."""
    one, other = plain_answer(one), plain_answer(other)
    if not one or not other:
        return True
    letters = bool(CHOICE.fullmatch(one)), bool(CHOICE.fullmatch(other))
    return one == other or letters in ((True, False), (False, True))
