"""Labelled pairs of answers, and whether the grader's rules were written on them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from numina.answer.equal import as_integer
from numina.errors import UserError
from numina.rows import read_lines

OWN = Path(__file__).with_name("pairs") / "kinds.jsonl"  # worded for the rules, kind by kind
SEEN = Path(__file__).with_name("pairs") / "seen.json"  # SHA-256 of files that the rules know
PLAIN_CAVEATS = (None, "machine label")  # others say that a convention decides


@dataclass(frozen=True, slots=True)
class Pair:
    """A labelled pair.

    Attributes:
        kind: of answers, or where the label is from.
        convention: whether the label depends on a convention, so that the pair is counted apart.
    """

    prediction: str
    gold: str
    label: bool
    kind: str
    convention: bool

    @property
    def whole(self) -> bool:
        """Whether both are plainly whole numbers."""
        return as_integer(self.prediction) is not None and as_integer(self.gold) is not None


def is_seen(path: Path) -> bool:
    """Whether the rules were written with these pairs at hand, so that they measure no more than
    what the rules remember.

    Raises:
        UserError: the file is missing.
    """
    if path.resolve() == OWN.resolve():
        return True
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        raise missing(path) from None
    return digest in json.loads(SEEN.read_text(encoding="utf-8")).values()


def missing(path: Path) -> UserError:
    return UserError(f"--pairs: {path}: not found (rows: prediction, gold, is_equivalent)")


def read_labelled(path: Path) -> list[Pair]:
    """Read labelled pairs; a review replaces the label.

    Raises:
        UserError: the file is missing, or a row has no text or label, with its line and field.
    """
    if not path.exists():
        raise missing(path)
    pairs = []
    for line, row in read_lines(path):
        reviewed = row.get("reviewed")
        label = row.get("is_equivalent") if reviewed is None else reviewed
        convention = row.get("caveat") not in PLAIN_CAVEATS
        gold = "" if convention and row.get("gold") is None else row.get("gold")
        texts = {"prediction": row.get("prediction"), "gold": gold}
        for field, value in texts.items():
            if not isinstance(value, str):
                raise UserError(f"{path}, line {line}: field {field!r} must be text, got {value!r}")
        if not isinstance(label, bool):
            raise UserError(f"{path}, line {line}: field 'is_equivalent' must be true or false")
        kind = str(row.get("kind", row.get("label_kind", "unknown"))).split(" (")[0].split(",")[0]
        pairs.append(Pair(str(texts["prediction"]), str(gold), label, kind, convention))
    return pairs
