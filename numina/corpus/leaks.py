"""Find training rows that are problems of the validation splits.

Rule ``coverage``, ours: words shared with a validation problem are only a reason to look. A row
leaks the problem if all of this holds:

- it has at least a given share of the problem's tokens, each beside a neighbour that it has in the
  problem, the rare ones counting more;
- its numbers, operators and relations are the problem's, but for whole sentences of only one;
- figures and options that both have are the same;
- the answers agree.

A row with the same statement leaks whatever its answer. Only the validation splits decide how rare
a token is, so a row's verdict does not depend on the other rows.

Rule ``ngram``: one n-gram of words shared with a validation problem removes a row, as NuminaMath
did with 10 words. It also removes rows that only share a phrase, such as "where m and n are
relatively prime positive integers. Find m+n".
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from math import log
from typing import Protocol

from numina.corpus.parts import Gram, Parts, parts
from numina.corpus.statement import answers_agree
from numina.corpus.wording import Statement, read
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.settings.data import Dedup

SEED = 3  # tokens
COMMONEST = 50  # validation problems with a seed; a more common one is no reason to look
SEEDS = 0.15  # seeds that a row shares with a problem, for each of its tokens, to be compared
LOOKED_AT = 5  # validation problems that a row is compared with
FEW, FEW_LEAST = 3, 0.9  # a problem with fewer symbols has to be covered at least so far


class LeakRule(Protocol):
    """Whether a row leaks a validation problem."""

    def find(self, row: Problem, statement: Statement) -> Removal | None:
        """The removal of a row that leaks a problem; None if it does not."""
        ...


def leak_rule(params: Dedup, validation: Iterable[Problem]) -> LeakRule:
    """The rule that `dedup.leaks` names, for the problems of all validation splits."""
    if params.leaks == "ngram":
        return SharedNgram(validation, params.ngram)
    return Covered(validation, params.coverage)


class Covered:
    """Rule ``coverage``.

    Args:
        validation: the problems.
        least: share of a problem that a leak has.
    """

    def __init__(self, validation: Iterable[Problem], least: float) -> None:
        self.least = least
        self.problems = list(validation)
        statements = [read(problem.problem) for problem in self.problems]
        both = list(zip(self.problems, statements, strict=True))
        self.by_key = {
            key: problem.id
            for problem, statement in both
            for key in (statement.key, statement.whole)
        }
        self.parts = [parts(problem.problem, statement) for problem, statement in both]
        having = Counter(token for asked in self.parts for token in set(asked.tokens))
        self.weight = {token: log((len(both) + 1) / count) for token, count in having.items()}
        seeds: dict[Gram, list[int]] = defaultdict(list)
        for place, asked in enumerate(self.parts):
            for gram in ngrams(asked.tokens, SEED):
                seeds[gram].append(place)
        self.seeds = {gram: places for gram, places in seeds.items() if len(places) <= COMMONEST}

    def find(self, row: Problem, statement: Statement) -> Removal | None:
        if known := self.by_key.get(statement.key) or self.by_key.get(statement.whole):
            return Removal(row, "leak", known, 1.0)
        here = parts(row.problem, statement)
        grams = ngrams(here.tokens, SEED) & self.seeds.keys()
        hits = Counter(chain.from_iterable(map(self.seeds.__getitem__, grams)))
        best = Removal(row, "leak", "", 0.0)
        for place, count in hits.most_common(LOOKED_AT):
            problem, asked = self.problems[place], self.parts[place]
            if count < SEEDS * len(asked.tokens) or not answers_agree(row.answer, problem.answer):
                continue
            if can_be(here, asked):
                score = self.coverage(here, asked)
                few = len(asked.symbols) < FEW
                least = max(self.least, FEW_LEAST) if few else self.least
                if score >= least and score > best.score:
                    best = Removal(row, "leak", problem.id, score)
        return best if best.partner else None

    def coverage(self, here: Parts, asked: Parts) -> float:
        """The weight of a problem's tokens that stand in a row beside one of their neighbours, as
        a share of the weight of all."""
        pairs = set(pairwise(here.tokens))
        shared = [pair in pairs for pair in pairwise(asked.tokens)]
        beside = zip([False, *shared], [*shared, False], strict=True)
        weights = [self.weight[token] for token in asked.tokens]
        covered = sum(weight for weight, near in zip(weights, beside, strict=True) if any(near))
        return round(covered / sum(weights), 4)


def can_be(here: Parts, asked: Parts) -> bool:
    """Whether the symbols of a row allow it to be a problem."""
    figures = not (here.figure and asked.figure) or here.figure == asked.figure
    options = not (here.options and asked.options) or here.options == asked.options
    within = here.has(asked.symbols) or (len(here.symbols) >= FEW and asked.has(here.symbols))
    return bool(asked.tokens) and figures and options and within


class SharedNgram:
    """Rule ``ngram``. A statement of fewer words leaks if it is the same; the score is the share
    of a row's n-grams that validation problems have."""

    def __init__(self, validation: Iterable[Problem], n: int) -> None:
        self.n = n
        self.grams = {
            gram: problem.id
            for problem in validation
            for gram in sorted(self.grams_of(problem, read(problem.problem)))
        }

    def grams_of(self, problem: Problem, statement: Statement) -> set[Gram]:
        found = re.findall(r"\\[a-z]+|[^\W\d_]+|\d+", problem.problem.lower())
        return ngrams(found, self.n) if len(found) >= self.n else {(statement.whole.hex(),)}

    def find(self, row: Problem, statement: Statement) -> Removal | None:
        grams = self.grams_of(row, statement)
        shared = sorted(grams & self.grams.keys())
        if not shared:
            return None
        return Removal(row, "leak", self.grams[shared[0]], round(len(shared) / len(grams), 4))


def ngrams(items: Sequence[str], n: int) -> set[Gram]:
    """The n-grams of a list; a shorter list is a single n-gram."""
    return {tuple(items[i : i + n]) for i in range(max(1, len(items) - n + 1))}
