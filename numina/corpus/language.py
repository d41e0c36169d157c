"""Which language a text is in: by its script, then by a library, formulas left out.

The library, lingua, takes about a millisecond a text and half a gigabyte of memory, and is unsure
of short texts full of formulas. So it is asked only where common words do not show that a text is
English, and only a clear verdict on enough letters counts.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from numina.corpus.soundness import NOT_PROSE

CHINESE = re.compile(r"[\u3400-\u9fff]")
FOREIGN = {  # letters that no English text with formulas has, by language or script
    "ja": re.compile(r"[\u3040-\u30ff]"),
    "ko": re.compile(r"[\u1100-\u11ff\uac00-\ud7af]"),
    "zh": CHINESE,
    "Cyrillic": re.compile(r"[\u0400-\u052f]"),
    "Armenian": re.compile(r"[\u0530-\u058f]"),
    "Hebrew": re.compile(r"[\u0590-\u05ff]"),
    "Arabic": re.compile(r"[\u0600-\u06ff\u0750-\u077f]"),
    "Indic": re.compile(r"[\u0900-\u0963\u0966-\u0dff]"),  # OCR reads | as \u0964
    "Thai": re.compile(r"[\u0e00-\u0eff]"),
    "Georgian": re.compile(r"[\u10a0-\u10ff]"),
}
LEAST_SHARE = 0.2  # of the letters outside formulas; a few may be a name in an English text
LETTER = re.compile(r"[^\W\d_]")
WORD = re.compile(r"[a-zà-ɏ]{2,}")
ENGLISH = re.compile(
    r"\b(?:the|of|and|is|are|that|with|which|what|how|find|for|then|we|this|from|have|has|each|if"
    r"|be|there|these|let|so|since|by|when|where|it)\b"
)
LEAST_ENGLISH = 0.15  # of the words
READ = 600  # characters of prose
LEAST_LETTERS = 40
SURE, LEFT = 0.5, 0.1  # the library's confidence in its verdict, at least, and in English, at most
LANGUAGES = "ENGLISH FRENCH GERMAN SPANISH ITALIAN PORTUGUESE DUTCH POLISH ROMANIAN CZECH"
LANGUAGES += " HUNGARIAN TURKISH VIETNAMESE INDONESIAN SWEDISH"


def language_of(text: str) -> str:
    """The language of a text: an ISO 639-1 code or the name of a script; ``en`` if nothing else
    is clear, as for a text of formulas."""
    prose = NOT_PROSE.sub(" ", text)
    letters = len(LETTER.findall(prose))
    for name, letter in FOREIGN.items():
        if len(letter.findall(prose)) >= max(1, LEAST_SHARE * letters):
            return name
    words = WORD.findall(prose[:READ].lower())
    read = " ".join(words)
    if len(ENGLISH.findall(read)) >= LEAST_ENGLISH * len(words) or len(read) < LEAST_LETTERS:
        return "en"
    return by_library(read)


def by_library(text: str) -> str:
    """The library's verdict on lower-case words; ``en`` if it is unsure."""
    confidence = detector().compute_language_confidence_values(text)
    english = next(one.value for one in confidence if one.language.name == "ENGLISH")
    best = confidence[0]
    if best.value < SURE or english > LEFT:
        return "en"
    return best.language.iso_code_639_1.name.lower()


@functools.cache
def detector() -> Any:
    """The library's detector of languages in Latin letters."""
    from lingua import Language, LanguageDetectorBuilder

    languages = [getattr(Language, name) for name in LANGUAGES.split()]
    return LanguageDetectorBuilder.from_languages(*languages).build()


def foreign(text: str) -> str:
    """The letters of other scripts that a text has, inside formulas too; "" if there are none."""
    found = "".join("".join(letter.findall(text)) for letter in FOREIGN.values())
    return "".join(dict.fromkeys(found))


def not_english(text: str) -> str:
    """Why a text is not English, in words; "" if it is."""
    language = language_of(text)
    if language != "en":
        return f"is in {language}"
    letters = foreign(text)
    return f"holds letters that are not English: {letters[:20]}" if letters else ""
