"""The protocol of the third AIMO."""

from __future__ import annotations

from pathlib import Path

from numina.contest.kaggle import KaggleServer

DATA = Path("/kaggle/input/ai-mathematical-olympiad-progress-prize-3")


def aimo3(problems: Path | None) -> KaggleServer:
    """The contest's server.

    Args:
        problems: the CSV file for its local gateway; None for the one that the contest provides.

    Raises:
        UserError: its module or the file is missing.
    """
    module, server = "aimo_3_inference_server", "AIMO3InferenceServer"
    return KaggleServer(module, server, problems or DATA / "test.csv")
