"""What a killed run of `stages.tir_data` finished: a file for each part of its problems.

Programs are not run and teachers not asked again for these parts. The problems themselves are drawn
and written anew, which takes seconds.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from numina.records.attempt import Attempt
from numina.rows import read_object, write_json

FILES = "*-*.json"


@dataclass(frozen=True, slots=True)
class FinishedParts:
    """The finished parts of a run.

    Attributes:
        folder: of this run, which may have been interrupted; None: nothing is kept.
    """

    folder: Path | None = None

    def attempts(self, part: int, rng: random.Random) -> list[Attempt] | None:
        """The attempts of a part; None if it is not finished.

        Args:
            part: its number.
            rng: goes on as it did after the part.
        """
        if self.folder is None or not (file := self.folder / f"taught-{part:05d}.json").exists():
            return None
        found = read_object(file, "attempts", "rng")
        version, words, gauss = found["rng"]
        rng.setstate((version, tuple(words), gauss))
        return [Attempt(**attempt) for attempt in found["attempts"]]

    def keep_attempts(self, part: int, attempts: Sequence[Attempt], rng: random.Random) -> None:
        """Keep the attempts of a part, and where the random numbers are after it."""
        if self.folder is not None:
            rows = [dataclasses.asdict(attempt) for attempt in attempts]
            found = {"attempts": rows, "rng": rng.getstate()}
            write_json(self.folder / f"taught-{part:05d}.json", found)

    def rules(self, part: int) -> list[str] | None:
        """The rule that each ready-made solution of a part breaks, "" for none; None if the part
        is not finished."""
        if self.folder is None or not (file := self.folder / f"ready-{part:05d}.json").exists():
            return None
        return read_object(file, "rules")["rules"]

    def keep_rules(self, part: int, rules: Sequence[str]) -> None:
        """Keep the rules of a part."""
        if self.folder is not None:
            write_json(self.folder / f"ready-{part:05d}.json", {"rules": list(rules)})


NOTHING = FinishedParts()
