"""Separate the rows to train on from those that leak a validation problem or repeat a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from numina.corpus.duplicates import Duplicates
from numina.corpus.leaks import leak_rule
from numina.corpus.shelves import NOTHING, Finished
from numina.corpus.wording import read
from numina.records.dropped import Removal
from numina.records.problem import Problem
from numina.settings.data import Dedup


def sift(
    rows: Iterable[Problem],
    validation: Iterable[Problem],
    params: Dedup,
    finished: Finished = NOTHING,
) -> Iterator[Problem | Removal]:
    """Each row, or its removal, in the order of the rows.

    A chain of thought and a tool-integrated solution of one problem do not repeat each other. Only
    what is needed of the kept rows stays in memory: about 1.5 kB a row.

    Args:
        rows: of all training sources.
        validation: the problems of all splits.
        params: the rule of leaks.
        finished: what a killed run finished, which is left out: only the rows that it kept count.
    """
    leaks = leak_rule(params, validation)
    by_kind = {False: Duplicates(), True: Duplicates()}
    for row in finished.kept:
        by_kind[bool(row.tools)].find(row, read(row.problem))
    for row in islice(rows, finished.rows, None):
        statement = read(row.problem)
        duplicates = by_kind[bool(row.tools)]
        yield leaks.find(row, statement) or duplicates.find(row, statement) or row


def clean(
    rows: Iterable[Problem], validation: Iterable[Problem], params: Dedup
) -> tuple[list[Problem], list[Removal]]:
    """The rows to keep and the removals, each in the order of the rows."""
    sifted = list(sift(rows, validation, params))
    kept = [row for row in sifted if isinstance(row, Problem)]
    return kept, [row for row in sifted if isinstance(row, Removal)]
