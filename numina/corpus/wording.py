"""What of a statement decides whether two are the same problem, and what is only wording."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from numina.corpus.statement import sentences

FILLERS = {"the", "then", "that", "there", "please"}
ASKING = {"find", "compute", "determine", "evaluate", "calculate"}
NUMERALS = (  # words that begin so are numbers, in which every letter counts
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twel", "thir", "fort", "fif", "hundred", "thousand", "million", "billion", "hal"),
)
MISSPELT = 8  # words for each that may be misspelt


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement read once.

    Attributes:
        sentences: its tokens.
        whole: digest of all of its tokens, in their order.
        words: its tokens without fillers, with one verb that asks, its sentences sorted.
        key: digest of `words`.
    """

    sentences: list[list[str]]
    whole: bytes
    words: str
    key: bytes


def read(text: str) -> Statement:
    """Read a statement."""
    found = sentences(text)
    words = " ".join(sorted(filter(None, map(essential, found))))
    whole = " ".join(token for sentence in found for token in sentence)
    return Statement(found, digest(whole), words, digest(words))


def digest(text: str) -> bytes:
    """16 bytes that stand for a text."""
    return blake2b(text.encode(), digest_size=16).digest()


def essential(sentence: Sequence[str]) -> str:
    """A sentence without fillers and with one verb that asks."""
    return " ".join(unworded(sentence)).replace("what is ", "find ")


def unworded(found: Iterable[str]) -> list[str]:
    """Tokens without fillers and with one verb that asks."""
    return ["find" if token in ASKING else token for token in found if token not in FILLERS]


def agreement(one: str, other: str) -> float:
    """The share of tokens in which the words of two statements agree; 0 if they differ in more
    than the spelling of a few words."""
    ours, theirs = one.split(), other.split()
    if len(ours) != len(theirs):
        return 0
    differing = [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]]
    if len(differing) * MISSPELT > len(ours):
        return 0
    misspelt = all(spelt_alike(*pair) for pair in differing)
    return round(1 - len(differing) / len(ours), 4) if misspelt else 0


def spelt_alike(one: str, other: str) -> bool:
    """Whether two long words differ in one letter after the first, as by a typing error; words for
    numbers never do."""
    if min(len(one), len(other)) < 5 or one[0] != other[0] or one.startswith(NUMERALS):
        return False
    if not (one.isalpha() and other.isalpha()) or abs(len(one) - len(other)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if start is None:
        return True
    one, other = one[start:], other[start:]
    swapped = one[:2] == other[1::-1] and one[2:] == other[2:]
    return swapped or one[1:] in (other, other[1:]) or one == other[1:]
