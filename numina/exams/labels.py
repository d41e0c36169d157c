"""What stands at the start of a line of an exam: the label of a problem, or the word of a solution.

Labels are numbers of many kinds (``3``, ``1.2``, ``2b``, ``A1``, ``IV``, ``十二``) in many dresses
("Problem 3.", "Q1.", "(1.1; 2013-14)", "3)", "二、", "第3题"). A dress is a style; which style
numbers an exam's problems is decided in `numbering`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

NUMBER = r"(?:(?:\d{1,2}\.)+\d{1,3}|[A-Z]?-?\d{1,3})(?!\d)(?:[a-z](?![A-Za-z])|[ \t]?\([a-z]\))?"
ROMAN = r"[IVX]{1,6}(?![A-Za-z])"
HAN = r"[一二三四五六七八九十百]{1,4}"
LABEL = rf"(?P<label>{NUMBER}|{ROMAN}|[A-Z](?![A-Za-z]))"
IN_WORDS = (
    rf"(?:\(\s*{LABEL}(?P<extra>[;,][^)]{{1,40}})?\s*\)"
    rf"|(?:(?<![A-Za-z])|(?=\d)){LABEL.replace('label', 'label2')})"
)
BEHIND = r"[ \t]*(?P<mark>[.:)\]．：、。]?)[*]*[ \t]*"
START = r"^[ \t#*•\xa0\x00-\x08]*"
WORDS = r"problem|question|exercise|task|example|prob\.|ex\.|aufgabe|exercice"

STYLES = {
    "word": rf"{START}(?P<word>(?i:{WORDS}))[ \t]*(?:(?i:no\.?|number)|\#)?[ \t]*"
    rf"{IN_WORDS}{BEHIND}",
    "q": rf"{START}(?P<word>[QP])\.?[ \t]?(?P<label>\d{{1,3}}[a-z]?(?![A-Za-z\d])){BEHIND}",
    "han_word": rf"{START}(?P<word>第|例|题|习题|问题|试题)[ \t]*(?:目)?[ \t]*"
    rf"(?P<label>{HAN}|{NUMBER})[ \t]*(?:题|问)?{BEHIND}",
    "han": rf"{START}[（(]?(?P<label>{HAN}|[-—–=＝≡](?=[ \t]*、))[）)]?[ \t]*"
    r"(?P<mark>[、．.:：]|(?<=[）)]))[ \t]*",
    "dated": rf"{START}\([ \t]*{LABEL}[;,][ \t]*(?P<extra>[^)]{{1,40}})\){BEHIND}",
    "bare": rf"{START}(?P<label>{NUMBER})[ \t]*"
    r"(?P<mark>[)．、：]|[.:](?!\d)|(?<=\d\.\d)(?=\s))[ \t]*",
    "bracket": rf"{START}[\[【](?P<label>\d{{1,3}})[\]】](?P<mark>)[ \t]*",
    "paren": rf"{START}[(（](?P<label>\d{{1,3}})[)）](?P<mark>)[ \t]*",
    "roman": rf"{START}(?P<label>{ROMAN})(?P<mark>[.)])[ \t]+",
    "letter": rf"{START}(?P<label>[A-Z])(?P<mark>[.)])[ \t]+",
}
PATTERNS = {style: re.compile(pattern) for style, pattern in STYLES.items()}
SUB = re.compile(rf"{START}[(（]?(?P<label>\d{{1,2}}|[a-h]|[ivx]{{1,4}})[)）][ \t]*")

SOLUTION = re.compile(
    rf"{START}(?P<which>alternat(?:iv)?e |another |second |third |official |sample )?"
    r"(?P<word>solution|proof|answer|soln?\.|ans\.|worked solution|model answer)"
    r"(?P<plural>s?)(?![a-z])[ \t]*"
    r"(?:(?:to|of|for)[ \t]+(?:problem|question|exercise)?[ \t]*)?"
    rf"(?:\(?{LABEL}\)?)?{BEHIND}",
    re.I,
)
HAN_SOLUTION = re.compile(
    rf"{START}(?:[（(]?(?P<sub>\d{{1,2}})[)）][ \t]*)?"
    r"(?:[【\[](?P<boxed>[^】\]]{0,6}?(?:解|证|答案|详解|点拨|参考答案)[^】\]]{0,4})[】\]]"
    r"|(?P<word>证明|解答|解析|解法[一二三四1-4]?|证法[一二三四1-4]?|另解|另证|参考答案|答案|解|证|答)"
    r"(?P<mark>[ \t]*[:：.．]|[ \t\u3000]+(?=\S)|$))[ \t]*[:：]?[ \t]*"
)
GLUED = re.compile(
    rf"{START}(?P<word>[解证])(?=[因由设记令先当对若取任注显易首分原将把根用考观从故])"
)
POINTS = re.compile(
    r"^[ \t]*[（(【\[][^）)】\]]{0,12}?\d+[ \t]*(?:分|points?|marks?|pts?\.?)[^）)】\]]{0,24}"
    r"[）)】\]][ \t.:：]*",
    re.I,
)
CHINESE = re.compile(r"[\u3400-\u9fff]")
NOT_FIRST = re.compile(r"法[二三四2-4]|另|alternat|another|second|third", re.I)
OFTEN_PROSE = re.compile(r"证明|证")  # "prove that": a solution only at the start of a paragraph

SECTION = re.compile(
    rf"{START}(?:(?:answers?|hints?)\s*(?:and|&|to)\s*)?(?:(?:worked|full|model|sample|detailed)\s+)?"
    r"(?:solutions|answers)(?:\s+(?:to|for|of)\s+[^\n]{1,40})?\s*[:：]?[\s*]*$"
    r"|^\s*(?:参考答案|答案与解析|答案及解析|试题解析|参考答案与解析|解答部分|解析部分)"
    r"(?:及评分标准|与评分标准|[与和及].{1,6})?\s*[:：]?\s*$",
    re.I,
)
KEY = re.compile(rf"{START}(?:answer\s*key|answers?|key|答案|参考答案)\s*[:：]?[\s*]*$", re.I)
PROBLEMS = re.compile(
    rf"{START}(?:problems?|questions?|exercises?|试题|题目)\s*[:：]?[\s*]*$", re.I
)
ROUND = re.compile(
    rf"{START}[^\n]{{0,40}}\b(?:round|part|day|test|section|paper|contest|chapter|lecture|sheet"
    r"|week)\b[^\n]{0,40}$|^\s*第[一二三四五六七八九十\dIVX]+(?:部分|卷|章|节|轮|试|天|讲)[^\n]{0,30}$",
    re.I,
)
CHAPTER = re.compile(rf"{START}(?:\d{{1,3}}|{ROMAN}|{HAN})[.、][ \t]*[^\n]{{1,60}}$")
KIND_OF_QUESTION = re.compile(r"(?:选择|填空|解答|计算|证明|判断|应用|简答|综合|附加|论述)题")


class Label(NamedTuple):
    """A label: as text, and as numbers that can be counted on.

    ``2b`` is number 2, part 2; ``1.3`` is number 3 under (1,); ``B2`` is number 2 under (2,).
    """

    text: str
    under: tuple[int, ...]
    number: int
    part: int = 0
    extra: str = ""


class Mark(NamedTuple):
    """A label or a solution's word at the start of a line.

    Attributes:
        style: of `STYLES`; ``solution`` for a solution's word.
        label: None for a solution without one.
        body: where the text behind it begins in the line.
        sub: of a solution: the part of the problem that it solves, such as ``2`` of "(2) 解".
        first: of a solution: whether it is not called another one.
    """

    style: str
    label: Label | None
    body: int
    sub: str = ""
    first: bool = True


def label_of(text: str, extra: str = "") -> Label:
    """A label from its text."""
    plain = text.translate(MISREAD) if len(text) == 1 else re.sub(r"[\s()-]", "", text)
    extra = extra.strip(" ;,")
    if re.fullmatch(HAN, plain):
        return Label(str(han(plain)), (), han(plain), 0, extra)
    if re.fullmatch(r"[IVX]+", plain) and plain not in ("", "X"):
        return Label(plain, (), roman(plain), 0, extra)
    if re.fullmatch(r"[A-Za-z]", plain):
        return Label(plain, (), ord(plain.upper()) - 64, 0, extra)
    found = re.fullmatch(r"([A-Z]?)((?:\d+\.)*)(\d+)([a-z]?)", plain)
    if not found:
        return Label(plain, (), 0, 0, extra)
    letter, above, number, part = found.groups()
    under = ((ord(letter) - 64,) if letter else ()) + tuple(
        int(level) for level in above.split(".") if level
    )
    shown = f"{letter}{above}{int(number)}{part}"
    return Label(shown, under, int(number), ord(part) - 96 if part else 0, extra)


def roman(text: str) -> int:
    """The value of a Roman numeral."""
    values = [{"I": 1, "V": 5, "X": 10}[sign] for sign in text]
    after = [*values[1:], 0]
    return sum(-one if one < two else one for one, two in zip(values, after, strict=True))


MISREAD = str.maketrans("-—–=＝≡", "一一一二二三")  # by OCR, of strokes


def han(text: str) -> int:
    """The value of a Chinese numeral below 1000."""
    digits = {sign: value for value, sign in enumerate("零一二三四五六七八九")}
    total = now = 0
    for sign in text:
        if sign in "十百":
            total, now = total + (now or 1) * (10 if sign == "十" else 100), 0
        else:
            now = digits[sign]
    return total + now


def problem_marks(text: str) -> list[Mark]:
    """The ways to read the start of a line as a problem's label, each of another style."""
    found = []
    for style, pattern in PATTERNS.items():
        match = pattern.match(text)
        if match and is_heading(style, match, text):
            parts = match.groupdict()
            label = label_of(
                parts.get("label") or parts.get("label2") or "", parts.get("extra") or ""
            )
            if label.number:
                found.append(Mark(style, label, match.end()))
    return found


def is_heading(style: str, match: re.Match[str], text: str) -> bool:
    """Whether a worded label is a heading, not a sentence that goes on, such as "problem 1 we"."""
    if style not in ("word", "q", "han_word"):
        return True
    rest = text[match.end() : match.end() + 1]
    if match["mark"] or style == "han_word":
        return not (style == "han_word" and rest and rest in "的中和与得可知")
    parts = match.groupdict()
    bracketed = style == "word" and parts.get("label") is not None
    return bracketed or (match["word"][0].isupper() and not rest.islower())


def asks_for_proof(text: str) -> bool:
    """Whether a line begins with 证明, which may be "prove that" as well as "proof"."""
    return re.match(rf"{START}(?:[（(]?\d{{0,2}}[)）])?[ \t]*证明", text) is not None


def solution_mark(text: str, fresh: bool = True) -> Mark | None:
    """The start of a line as the word of a solution; None for another line.

    Args:
        text: of the line.
        fresh: whether it begins a paragraph.
    """
    match = SOLUTION.match(text)
    if match and not ANSWER_LINE.match(text):
        rest = text[match.end() : match.end() + 1]
        begins = match["word"][0].isupper() and not rest.islower()
        if (match["mark"] or begins) and not (match["plural"] and not match["mark"]):
            label = label_of(match["label"]) if match["label"] else None
            return Mark("solution", label, match.end(), first=not match["which"])
    match = HAN_SOLUTION.match(text)
    if match:
        word = match["boxed"] or match["word"]
        sure = match["boxed"] or fresh or not OFTEN_PROSE.match(word)
        if sure and not ANSWER_LINE.match(text):
            first = not NOT_FIRST.search(word)
            return Mark("solution", None, match.end(), match["sub"] or "", first)
    match = GLUED.match(text) if fresh else None
    return Mark("solution", None, match.end()) if match else None


ANSWER_LINE = re.compile(
    r"^[ \t]*(?:(?:final )?answer|ans\.?|答案|答|[【\[]答案[】\]])"
    r"[ \t]*(?:[:=：]|(?<=[】\]])|(?<=ns\.))[ \t]*"
    r"(?P<answer>\S[^\n]{0,80}?)[.。]?[ \t]*$",
    re.I,
)
