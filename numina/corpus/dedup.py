"""Take out duplicates, and whatever leaks a validation problem; record each removal's rule.

The n-gram rule is the one that NuminaMath used against its test sets (an exact overlap of ten
words); a statement with fewer words leaks where it is the same. Two rows are one problem where
their statements have the same words, numbers, operators and relations in the same order
(`numina.corpus.statement`), but for a filler such as "the".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from numina.corpus.statement import plain_answer, units
from numina.records.problem import Problem
from numina.settings.data import Dedup

SHINGLE = 5  # words
FILLERS = {"the", "then", "that", "please"}

Gram = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """Why a row was taken out: the rule, and the row or the words that it met."""

    id: str
    rule: Literal["leak", "duplicate", "near_duplicate"]
    met: str


def words(text: str) -> list[str]:
    """The words, numbers and LaTeX commands of a text, in lower case."""
    return re.findall(r"\\[a-z]+|[^\W\d_]+|\d+", text.lower())


def grams(text: str, n: int) -> set[Gram]:
    """The word n-grams of a text; one that has fewer words is a single gram, of its units."""
    found = words(text)
    return ngrams(found, n) if len(found) >= n else {tuple(units(text))}


def ngrams(items: Sequence[str], n: int) -> set[Gram]:
    """The n-grams of a list; a shorter list is one n-gram of its own."""
    return {tuple(items[i : i + n]) for i in range(max(1, len(items) - n + 1))}


def similarity(one: Sequence[str], other: Sequence[str]) -> float:
    """Jaccard similarity of the 5-grams of two lists of units."""
    a, b = ngrams(one, SHINGLE), ngrams(other, SHINGLE)
    return len(a & b) / len(a | b)


def clean(
    problems: Sequence[Problem], validation: Sequence[Problem], params: Dedup
) -> tuple[list[Problem], list[Removal]]:
    """Split rows into those to keep, in their order, and the removals.

    A near-duplicate, which has other fillers, is removed only where its answer is that of the row
    that it repeats.
    """
    leaks = {
        gram: row.id for row in validation for gram in sorted(grams(row.problem, params.ngram))
    }
    kept: list[Problem] = []
    removed: list[Removal] = []
    exact: dict[Gram, str] = {}
    without_fillers: dict[Gram, list[Problem]] = {}
    for row in problems:
        whole = tuple(units(row.problem))
        leaked = sorted(grams(row.problem, params.ngram) & leaks.keys())
        if leaked:
            removed.append(Removal(row.id, "leak", f"{leaks[leaked[0]]}: {' '.join(leaked[0])}"))
            continue
        if whole in exact:
            removed.append(Removal(row.id, "duplicate", exact[whole]))
            continue
        alike = without_fillers.setdefault(tuple(unit for unit in whole if unit not in FILLERS), [])
        near = [
            other.id
            for other in alike
            if plain_answer(other.answer) == plain_answer(row.answer)
            and similarity(whole, units(other.problem)) > params.jaccard
        ]
        if near:
            removed.append(Removal(row.id, "near_duplicate", near[0]))
            continue
        exact[whole] = row.id
        alike.append(row)
        kept.append(row)
    return kept, removed
