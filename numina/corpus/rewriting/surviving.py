"""What a rewrite of a text must keep: its formulas, its numbers and its options.

Formulas are compared without spaces, dollar signs and what only sets their size, as translators
change these; the words of another language in a formula may be translated.
"""

from __future__ import annotations

import re
import unicodedata

from numina.answer.find import MATH
from numina.corpus.language import FOREIGN

WIDE = re.compile(r"[\u3000-\u303f\uff01-\uff60\u2018-\u201f\u00b7]")  # punctuation of Chinese text
MARKS = str.maketrans({"。": ".", "、": ",", "《": '"', "》": '"', "【": "[", "】": "]", "・": "·"})
LAYOUT = re.compile(
    r"\s+|\$|\\[()\[\],;:!> ~]|~|\\(?:q?quad|left|right|[dt]?displaystyle|limits)(?![A-Za-z])|\\\\"
)
BETWEEN = re.compile(r"(?<=\d)[\s$~]*[\s$][\s$~]*(?=\d)")  # two numbers, which stay two
STYLE = re.compile(r"\\(?:mathrm|text|textbf|mathbf|rm|bf|mbox|operatorname)(?![A-Za-z])\s*")
SLANTED = re.compile(r"\\([lg])eq(?:slant|q)?(?![A-Za-z])")
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
OPTION = re.compile(r"^\s*\(?([A-H])\)?\s*[.\uff0e\u3001:)]", re.M)
PARTS = re.compile(r"[;,]|\\(?:text|mathrm|mbox)\{[^{}]*\}|\\q?quad|\((?:\d|[ivxIVX]+)\)")
WORDS = 12  # numbers up to this may have been written in words


def plain_marks(text: str) -> str:
    """A text with the punctuation of Chinese texts in its English form."""
    return WIDE.sub(lambda mark: unicodedata.normalize("NFKC", mark[0].translate(MARKS)), text)


def squeezed(text: str) -> str:
    """A text without what may change in a formula that stays the same."""
    bare = STYLE.sub("", SLANTED.sub(r"\\\1e", plain_marks(text)))
    return re.sub(r"[{}]", "", LAYOUT.sub("", BETWEEN.sub("|", bare)))


def formulas(text: str) -> list[str]:
    """The formulas of a text, squeezed, cut where they hold words of another language."""
    foreign = "|".join(letter.pattern for letter in FOREIGN.values())
    found = []
    for match in MATH.finditer(text):
        inside = next(group for group in match.groups() if group is not None)
        pieces = re.split(f"(?:{foreign})+", plain_marks(inside))
        found += [squeezed(piece).strip(".,;:()") for piece in pieces]
    return [piece for piece in dict.fromkeys(found) if len(piece) > 1 or piece.isalnum()]


def occurs(formula: str, text: str) -> bool:
    """Whether a squeezed formula is in a squeezed text, not as a part of a longer number."""
    before, after = (r"(?<!\d)" * formula[:1].isdigit(), r"(?!\d)" * formula[-1:].isdigit())
    return re.search(before + re.escape(formula) + after, text) is not None


def numbers(text: str) -> set[str]:
    """The numbers of a text."""
    return set(NUMBER.findall(THOUSANDS.sub("", plain_marks(text))))


def lost(before: str, after: str) -> str:
    """What a rewrite has lost, in words; "" if every formula, number and option survives."""
    kept = squeezed(after)
    if gone := [formula for formula in formulas(before) if not occurs(formula, kept)]:
        return f"lost the formula {gone[0]}"
    if gone := sorted(numbers(before) - numbers(after)):
        return f"lost the number {gone[0]}"
    if gone := sorted(set(OPTION.findall(before)) - set(OPTION.findall(after))):
        return f"lost the option {gone[0]}"
    return ""


def added(before: str, after: str) -> str:
    """The number that a rewrite has made up, in words; "" if there is none."""
    new = numbers(after) - numbers(before)
    made_up = sorted(number for number in new if "." in number or int(number) > WORDS)
    return f"made up the number {made_up[0]}" if made_up else ""


def stands_in(answer: str, text: str) -> bool:
    """Whether each part of an answer, such as those of (1) and (2), is in a text."""
    parts = [squeezed(part).strip(".") for part in PARTS.split(answer)]
    return all(occurs(part, squeezed(text)) for part in parts if part)
