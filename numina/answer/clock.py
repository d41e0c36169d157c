"""Times of day in words: ``half past three``, ``3 o'clock``, ``下午3点半``, ``noon``."""

from __future__ import annotations

import re

HOURS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"]
HOURS += ["twelve"]
HOUR = rf"(?P<hour>1?\d|{'|'.join(HOURS)})"
HALF = r"(?P<half>\s*[ap]\.?\s?m\.?)?"
PAST = re.compile(rf"(?P<part>half|(?:a )?quarter) (?P<way>past|to|after) {HOUR}{HALF}", re.I)
FULL = re.compile(
    rf"{HOUR} ?o'? ?clock{HALF}(?P<day> in the (?:morning|afternoon|evening)| at night)?", re.I
)
CHINESE = re.compile(
    r"(?P<day>上午|早上|凌晨|早晨|下午|晚上|傍晚)?(?P<hour>\d{1,2})\s*(?:[:：时点])\s*"
    r"(?:(?P<minutes>\d{1,2})分?|(?P<half>半)|整)?"
)
NAMED = {"noon": "12:00 PM", "midday": "12:00 PM", "midnight": "12:00 AM", "正午": "12:00 PM"}


def in_figures(text: str) -> str:
    """A text that states a time of day in words, in figures; any other text as it is."""
    if found := NAMED.get(re.sub(r"^(?:12(?::00)? )(?=noon|midnight)", "", text.casefold())):
        return found
    if match := PAST.fullmatch(text):
        minutes = {"h": 30}.get(match["part"][0].lower(), 15)
        hour, back = hour_of(match["hour"]), match["way"].lower() == "to"
        if back:
            hour, minutes = (hour - 2) % 12 + 1, 60 - minutes
        return f"{hour}:{minutes:02d}{match['half'] or ''}"
    if match := FULL.fullmatch(text):
        day = (match["day"] or "").strip().lower()
        half = match["half"] or ("" if not day else " AM" if "morning" in day else " PM")
        return f"{hour_of(match['hour'])}:00{half}"
    match = CHINESE.fullmatch(text)
    if match and (match["day"] or re.search("[时点]", text)):
        minutes = 30 if match["half"] else int(match["minutes"] or 0)
        half = {"上": " AM", "早": " AM", "凌": " AM"}.get((match["day"] or "")[:1], " PM")
        half = half if match["day"] and int(match["hour"]) <= 12 else ""
        return f"{match['hour']}:{minutes:02d}{half}"
    return text


def hour_of(text: str) -> int:
    return int(text) if text.isdigit() else HOURS.index(text.lower()) + 1
