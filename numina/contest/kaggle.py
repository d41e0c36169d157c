"""Kaggle's inference server, the protocol of the second and the third AIMO.

The contest's module `kaggle_evaluation` calls `predict(id, problem)` from a thread of its server,
with two polars tables of one value each, and expects a table of `id, answer`. An exception there
ends the contest. In the contest's own run the server must be serving within 15 minutes; elsewhere
the module's local gateway asks the problems of a CSV file and writes `submission.parquet`.
"""

# `polars` and `kaggle_evaluation` are on the contest's machine.
# pyright: reportMissingImports=false

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numina.errors import UserError

IN_CONTEST = "KAGGLE_IS_COMPETITION_RERUN"


class KaggleServer:
    """An inference server of `kaggle_evaluation`.

    Args:
        module: of `kaggle_evaluation`.
        server: the class in it.
        problems: the CSV file (`id,problem`) for the local gateway.

    Raises:
        UserError: the module is not installed, or there is no such file and this is not the
            contest's own run.
    """

    def __init__(self, module: str, server: str, problems: Path) -> None:
        if importlib.util.find_spec("kaggle_evaluation") is None:
            raise UserError(
                "Kaggle's module `kaggle_evaluation` is not installed; it comes with the contest's "
                "data. To practise on a file: --contest local --problems FILE"
            )
        self.in_contest = bool(os.environ.get(IN_CONTEST))
        if not self.in_contest and not problems.is_file():
            raise UserError(f"{problems}: no such file; --problems names the contest's test.csv")
        self.server: Any = getattr(importlib.import_module(f"kaggle_evaluation.{module}"), server)
        self.problems = problems

    def play(self, answer: Callable[[str, str], str]) -> None:
        """Serve until the gateway has asked every problem."""

        def predict(id_: Any, problem: Any, *_: Any) -> Any:
            import polars

            name = id_.item(0)
            return polars.DataFrame(
                {"id": [name], "answer": [int(answer(str(name), str(problem.item(0))))]}
            )

        server = self.server(predict)
        if self.in_contest:
            server.serve()
        else:
            server.run_local_gateway((str(self.problems),))
