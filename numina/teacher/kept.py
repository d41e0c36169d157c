"""The answers of teachers on disk, and what was paid for them. Nothing is ever evicted.

An answer is kept whole, as the server sent it, in the same transaction as its tokens are added to
what its model was paid for; so a run that is killed at any moment pays for no answer twice that it
had received.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numina.errors import UserError


@dataclass(frozen=True, slots=True)
class Paid:
    """What was paid for: answers, tokens of their prompts, and generated tokens."""

    answers: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.answer_tokens


class Kept:
    """The answers in a folder; close it after use. Several processes may share it.

    Args:
        folder: made if it is missing.

    Raises:
        UserError: it cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        from diskcache import Cache

        self.folder = folder
        with self.usable():
            folder.mkdir(parents=True, exist_ok=True)
            self.cache = Cache(str(folder), eviction_policy="none", cull_limit=0)

    def close(self) -> None:
        self.cache.close()

    def get(self, key: str) -> dict[str, Any] | None:
        """An answer as the server sent it; None if it is not kept or cannot be read."""
        with self.usable():
            text = self.cache.get(key)
        try:
            found = json.loads(text) if isinstance(text, str) else None
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def put(self, key: str, reply: dict[str, Any], model: str, paid: Paid) -> None:
        """Add what was paid for an answer, and keep it unless it has no key."""
        with self.usable(), self.cache.transact():
            if key:
                self.cache.set(key, json.dumps(reply))
            before = self.paid(model)
            sums = [
                before.answers + paid.answers,
                before.prompt_tokens + paid.prompt_tokens,
                before.answer_tokens + paid.answer_tokens,
            ]
            self.cache.set(f"paid {model}", json.dumps(sums))

    def paid(self, model: str) -> Paid:
        """What a model was paid for so far, in this and earlier runs."""
        with self.usable():
            text = self.cache.get(f"paid {model}")
        return Paid(*json.loads(text)) if isinstance(text, str) else Paid()

    @contextmanager
    def usable(self) -> Iterator[None]:
        """Turn an error of the disk into one that names the folder."""
        try:
            yield
        except (OSError, sqlite3.Error, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UserError(f"{self.folder}: answers cannot be kept here: {reason}") from None


def key_of(**parts: Any) -> str:
    """The name of an answer: a hash of all that it depends on."""
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
