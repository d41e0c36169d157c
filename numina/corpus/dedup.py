"""Take out duplicates, and whatever leaks a validation problem; record each removal's rule.

The n-gram rule is the one that NuminaMath used against its test sets (an exact overlap of ten
words). Near-duplicates have the same numbers and a high Jaccard similarity of word 5-gram sets,
found exactly through an inverted index; a problem with other numbers is another problem.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from numina.records.problem import Problem
from numina.settings.data import Dedup

SHINGLE = 5  # words


@dataclass(frozen=True, slots=True)
class Removal:
    """Why a row was taken out: the rule, and the row or the words that it met."""

    id: str
    rule: Literal["leak", "duplicate", "near_duplicate"]
    met: str


def words(text: str) -> list[str]:
    """The words, numbers and LaTeX commands of a text, in lower case."""
    return re.findall(r"\\[a-z]+|[^\W\d_]+|\d+", text.lower())


def numbers(text: str) -> list[str]:
    """The numbers of a text, in order."""
    return re.findall(r"\d+", text)


def ngrams(text: str, n: int) -> set[tuple[str, ...]]:
    """The word n-grams of a text; a shorter text is one n-gram of its own."""
    tokens = words(text)
    return {tuple(tokens[i : i + n]) for i in range(max(1, len(tokens) - n + 1))}


def clean(
    problems: Sequence[Problem], validation: Sequence[Problem], params: Dedup
) -> tuple[list[Problem], list[Removal]]:
    """Split rows into those to keep, in their order, and the removals."""
    leaks = {
        gram: row.id for row in validation for gram in sorted(ngrams(row.problem, params.ngram))
    }
    kept: list[Problem] = []
    removed: list[Removal] = []
    exact: dict[tuple[str, ...], str] = {}
    by_shingle: dict[tuple[str, ...], list[int]] = defaultdict(list)
    sizes: list[int] = []
    for row in problems:
        leaked = sorted(ngrams(row.problem, params.ngram) & leaks.keys())
        if leaked:
            removed.append(Removal(row.id, "leak", f"{leaks[leaked[0]]}: {' '.join(leaked[0])}"))
            continue
        whole = tuple(words(row.problem))
        if whole in exact:
            removed.append(Removal(row.id, "duplicate", exact[whole]))
            continue
        shingles = ngrams(row.problem, SHINGLE)
        shared = Counter(place for gram in shingles for place in by_shingle[gram])
        near = [
            place
            for place, count in sorted(shared.items())
            if count / (len(shingles) + sizes[place] - count) > params.jaccard
            and numbers(kept[place].problem) == numbers(row.problem)
        ]
        if near:
            removed.append(Removal(row.id, "near_duplicate", kept[near[0]].id))
            continue
        exact[whole] = row.id
        for gram in shingles:
            by_shingle[gram].append(len(kept))
        kept.append(row)
        sizes.append(len(shingles))
    return kept, removed
