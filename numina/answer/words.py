"""Answers in words: ``twenty-one``, ``three quarters``, ``no real solutions``, ``DNE``."""

from __future__ import annotations

import re

UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
UNITS += ["eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"]
UNITS += ["eighteen", "nineteen"]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
VALUES = {word: value for value, word in enumerate(UNITS)}
VALUES |= {word: 10 * tens for tens, word in enumerate(TENS, 2)}
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
PARTS = {"half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6}
PARTS |= {"seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10}
PARTS |= {f"{word}s": part for word, part in PARTS.items() if word != "halves"}
WORD = "|".join(sorted([*VALUES, *SCALES], key=len, reverse=True))
NUMBER = re.compile(
    rf"(?P<number>(?:{WORD})(?:(?:[ -]|\s+and\s+)(?:{WORD}))*)"
    rf"(?:[ -](?P<part>{'|'.join(PARTS)})|(?P<counted> [a-z]+))?",
    re.I,
)
NO_SUCH = re.compile(r"(?:there (?:is|are) )?no such [a-z ]+", re.I)
MIXED = re.compile(
    rf"((?:{WORD})(?:[ -](?:{WORD}))*|\d+) and (an?|one|two|three) ({'|'.join(PARTS)})", re.I
)
CHINESE = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
CHINESE_SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8}
IN_CHINESE = re.compile(f"[{''.join([*CHINESE, *CHINESE_SCALES])}]+")
PERCENT = re.compile(rf"百分之({IN_CHINESE.pattern}|\d+(?:\.\d+)?)")
FRACTION = re.compile(f"({IN_CHINESE.pattern})分之({IN_CHINESE.pattern})")
NOT_COUNTED = {
    "and",
    "or",
    "to",
    "by",
    "of",
    "over",
    "times",
    "plus",
    "minus",
    "if",
    "more",
    "less",
}
SAME = {  # what means the same, each with the text that stands for it
    **dict.fromkeys(
        (
            *("no solution", "no solutions", "there is no solution", "there are no solutions"),
            *("has no solution", "none", "empty set", "the empty set", "无解", "方程无解", "空集"),
        ),
        r"\emptyset",
    ),
    **dict.fromkeys(
        (
            *("no real solution", "no real solutions", "there are no real solutions"),
            *("there is no real solution", "no real root", "no real roots", "无实数解", "无实数根"),
        ),
        "no real solution",
    ),
    **dict.fromkeys(
        ("dne", "does not exist", "doesn't exist", "the limit does not exist", "不存在"),
        "does not exist",
    ),
    **dict.fromkeys(
        (
            *("infinitely many", "infinitely many solutions", "an infinite number of solutions"),
            *("infinite number of solutions", "infinite solutions", "an infinite number"),
            *("infinitely many numbers", "无穷多", "无数个", "无穷多个", "无数"),
        ),
        "infinitely many",
    ),
    **dict.fromkeys(
        ("infinity", "positive infinity", "+infinity", "正无穷", "正无穷大"), r"\infty"
    ),
    **dict.fromkeys(("negative infinity", "-infinity", "负无穷", "负无穷大"), r"-\infty"),
    **dict.fromkeys(("convergent", "converges", "收敛"), "converges"),
    **dict.fromkeys(("divergent", "diverges", "发散"), "diverges"),
    **dict.fromkeys(("充要条件", "充分必要条件", "充要", "充分且必要条件"), "充要条件"),
    **dict.fromkeys(
        ("necessary and sufficient", "sufficient and necessary"), "sufficient and necessary"
    ),
    "一半": r"\frac{1}{2}",
    **dict.fromkeys(("true", "yes", "是", "对", "正确"), "yes"),
    **dict.fromkeys(("false", "no", "否", "不是", "错误", "错"), "no"),
}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SAME |= {
    f"{week}{sign}": day
    for week in ("星期", "周")
    for sign, day in zip("一二三四五六日", DAYS, strict=True)
}


def standard(text: str) -> str:
    """A text in words as the number that it states, or as the usual text of the same meaning.

    A word for what is counted is kept: ``twelve apples`` is ``12 apples``. Any other text stays.
    """
    if NO_SUCH.fullmatch(text):
        return r"\emptyset"
    if text.casefold() in SAME:
        return SAME[text.casefold()]
    if match := PERCENT.fullmatch(text):
        return rf"{chinese_number(match[1]) if IN_CHINESE.fullmatch(match[1]) else match[1]}\%"
    if match := FRACTION.fullmatch(text):
        return rf"\frac{{{chinese_number(match[2])}}}{{{chinese_number(match[1])}}}"
    if IN_CHINESE.fullmatch(text):
        return str(chinese_number(text))
    if (match := MIXED.fullmatch(text)) and (found := mixed(match)):
        return found
    found = NUMBER.fullmatch(text)
    if found is None or (found["counted"] or "").strip().lower() in NOT_COUNTED:
        return text
    value = number(re.split(r"[ -]+(?:and +)?", found["number"].lower()))
    if value is None:
        return text
    if found["part"]:
        return rf"\frac{{{value}}}{{{PARTS[found['part'].lower()]}}}"
    return f"{value}{found['counted'] or ''}"


def mixed(match: re.Match[str]) -> str | None:
    """A mixed number: ``three and a half``."""
    whole = int(match[1]) if match[1].isdigit() else number(re.split(r"[ -]+", match[1].lower()))
    if whole is None:
        return None
    top, low = VALUES.get(match[2].lower(), 1), PARTS[match[3].lower()]
    return rf"\frac{{{whole * low + top}}}{{{low}}}"


def number(words: list[str]) -> int | None:
    """The number that words state; None if they do not make one, as in ``three four``."""
    total, group, least = 0, 0, 10**12
    for word in words:
        if word == "hundred":
            if not 0 < group < 10:
                return None
            group *= 100
        elif word in SCALES:
            if not group or SCALES[word] >= least:
                return None
            least = SCALES[word]
            total, group = total + group * least, 0
        else:
            value = VALUES[word]
            room = 100 if group % 100 == 0 else 10 if group % 10 == 0 and group % 100 >= 20 else 0
            if (group and value >= room) or (group and value == 0):
                return None
            group += value
    return total + group


def chinese_number(text: str) -> int:
    """A whole number in Chinese numerals: ``二十五`` is 25."""
    total, group, digit = 0, 0, 0
    for sign in text:
        if sign in CHINESE:
            digit = CHINESE[sign] + (10 * digit if digit else 0)
        elif (scale := CHINESE_SCALES[sign]) < 10**4:
            group, digit = group + (digit or 1) * scale, 0
        else:
            total, group, digit = (total + group + digit) * scale, 0, 0
    return total + group + digit
