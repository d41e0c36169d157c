"""Find rows that repeat an earlier row: a key and MinHash propose, an exact check decides.

Two rows are the same problem if their statements have the same words, numbers, operators and
relations in one spelling (`numina.corpus.statement`), and their answers agree. A near-duplicate
differs in its wording (`numina.corpus.wording`): fillers such as "the", the verb that asks, the
order of its sentences, or a letter of a word. A row is removed only because of a row that is kept,
so a chain of rows that resemble each other is not removed.

Time is linear in the rows, also for rows of one template: rows with other numbers, operators or
variables never meet in the MinHash index, and a row is compared with at most `MOST` others.
"""

from __future__ import annotations

from dataclasses import dataclass

from rensa import RMinHash, RMinHashLSH  # pyright: ignore[reportAttributeAccessIssue] (no stubs)

from numina.corpus.statement import answers_agree, is_word
from numina.corpus.wording import Statement, agreement, digest
from numina.records.dropped import Removal
from numina.records.problem import Problem

SHINGLE = 3  # words
HASHES, BANDS = 8, 4  # with one word of 20 misspelt, a row is proposed with probability 0.94
SIMILAR = 0.5  # asked for by the index, whose bands decide
MOST = 8  # earlier rows that a row is compared with


@dataclass(frozen=True, slots=True)
class Kept:
    """What is remembered of a kept row."""

    id: str
    answer: str
    solved: bool
    whole: bytes
    words: str

    def stands_for(self, row: Problem) -> bool:
        """Whether a row with the same statement adds nothing to this one."""
        known = bool(self.answer.strip()) or not row.answer.strip()
        solved = self.solved or not row.solution.strip()
        return known and solved and answers_agree(self.answer, row.answer)


class Duplicates:
    """The rows kept so far, and whether a new row repeats one of them."""

    def __init__(self) -> None:
        self.kept: list[Kept] = []
        self.by_key: dict[bytes, tuple[int, ...]] = {}
        self.index = RMinHashLSH(threshold=SIMILAR, num_perm=HASHES, num_bands=BANDS)

    def find(self, row: Problem, statement: Statement) -> Removal | None:
        """The removal of a row that repeats a kept row; else None, and the row is kept."""
        keys = {statement.key, statement.whole}  # sentences can be told apart differently
        equal = {place for key in keys for place in self.by_key.get(key, ())}
        for kept in map(self.kept.__getitem__, sorted(equal)):
            if kept.stands_for(row):
                rule = "duplicate" if kept.whole == statement.whole else "near_duplicate"
                return Removal(row, rule, kept.id, 1.0)
        sketch = RMinHash(num_perm=HASHES, seed=1)
        sketch.update(shingles(statement.words))
        proposed = sorted(self.index.query(sketch))
        for kept in map(self.kept.__getitem__, proposed[:MOST]):
            if (score := agreement(statement.words, kept.words)) and kept.stands_for(row):
                return Removal(row, "near_duplicate", kept.id, score)
        place = len(self.kept)
        for key in keys:
            if len(known := self.by_key.get(key, ())) < MOST:
                self.by_key[key] = (*known, place)
        if len(proposed) < MOST:
            self.index.insert(place, sketch)
        solved = bool(row.solution.strip())
        self.kept.append(Kept(row.id, row.answer, solved, statement.whole, statement.words))
        return None


def shingles(words: str) -> list[str]:
    """The word 3-grams, each marked with all that is not a word: statements that differ in a
    number, an operator or a variable have none in common."""
    found = words.split()
    marks = digest(" ".join(sorted(token for token in found if not is_word(token))))[:6].hex()
    found = [token for token in found if is_word(token)]
    count = max(1, len(found) - SHINGLE + 1)
    return [f"{marks} {' '.join(found[i : i + SHINGLE])}" for i in range(count)]
