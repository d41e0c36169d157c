"""Options of a multiple choice: ``(B)``, ``D. 24``, ``A, C and D``, ``ACD``, ``①③``."""

from __future__ import annotations

import re

LETTER = r"(?:\(([A-J])\)|\[([A-J])\](?!,)|([A-J])[.):](?=\s|$|\d|\\)|([A-J])(?=$))"
OPTION = re.compile(
    rf"(?i:(?:the )?(?:option|choice|answer)s? ?:? ?)?{LETTER}\.?"
    r"(?! ?(?:[-+*/^=,<>_]|\\c[au]p|and\b|or\b)) *(.*)",
    re.S,
)
NAMED = re.compile(r"(?i:(?:the )?(?:option|choice)) ?\(?([A-Ja-j])\)?[.:]? *(.*)", re.S)
LEAD = re.compile(
    r"[故应]?选项?[为是]? ?:? ?|(?i:(?:only |both )?(?:the )?(?:correct )?"
    r"(?:(?:option|choice|answer|statement)s?(?: are| is)? ?:? ?)?(?:only |both )?)"
)
ONE = r"(?:\([A-J]\)|[A-J]\)?)"
SEPARATOR = r" ?(?:,|;|and\b|or\b|&|, ?and\b|[和与及]) ?"
SEVERAL = re.compile(rf"{ONE}(?:{SEPARATOR}{ONE})+|\([A-J]\)(?: ?\([A-J]\))+")
CIRCLED = re.compile("[①-⑳](?:[ ,、和]*[①-⑳])*")
SAID = re.compile(r" (?:are|is) (?:all )?(?:correct|true|right)$| only$|(?:是|都)?正确的?$")
RUN = re.compile(r"[A-J](?:[ ,;]*[A-J])+")


def read_options(text: str) -> tuple[frozenset[str], str] | None:
    """The letters that a cleaned answer chooses, and what follows a single one; or None."""
    if CIRCLED.fullmatch(text):
        return frozenset(re.findall("[①-⑳]", text)), ""
    lead = LEAD.match(text)
    rest = SAID.sub("", text[lead.end() :] if lead else text)
    if SEVERAL.fullmatch(rest):
        return frozenset(re.findall("[A-J]", rest)), ""
    if match := OPTION.fullmatch(text) or NAMED.fullmatch(text):
        *letters, value = match.groups()
        return frozenset(next(filter(None, letters)).upper()), value or ""
    if lead and lead.end() and RUN.fullmatch(rest) and re.search("选|option|choice", text, re.I):
        return chosen(rest), ""
    return None


def chosen(text: str) -> frozenset[str]:
    r"""The letters of a text beside options: ``b``, ``ACD``; a letter twice is not a choice."""
    if match := re.fullmatch(r"\(?([a-j])\)?", text):
        return frozenset(match[1].upper())
    letters = re.findall("[A-J]", text)
    if RUN.fullmatch(text) and len(set(letters)) == len(letters):
        return frozenset(letters)
    return frozenset()


def is_circled(text: str) -> bool:
    return CIRCLED.fullmatch(text) is not None
