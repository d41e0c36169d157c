"""The protocol of the first AIMO: its module `aimo`.

`make_env()` gives an environment. `iter_test()` gives two tables for each problem (`id, problem`
and `id, answer`). `predict()` must be called with the second, filled in, before the next problem.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

from numina.errors import UserError


class Aimo:
    """The contest's own environment.

    Raises:
        UserError: the module is not installed.
    """

    def __init__(self) -> None:
        if importlib.util.find_spec("aimo") is None:
            raise UserError("--problems is needed, as the contest's module `aimo` is not installed")
        self.environment: Any = importlib.import_module("aimo").make_env()

    def play(self, answer: Callable[[str, str], str]) -> None:
        """Answer the problems in the order in which they are served."""
        for test, submission in self.environment.iter_test():
            name, text = str(test["id"].iloc[0]), str(test["problem"].iloc[0])
            submission["answer"] = int(answer(name, text))
            self.environment.predict(submission)
