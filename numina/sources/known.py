"""Published data sets that `collect.sources` knows by name: where they are, and what they hold.

Revisions are commits of the hub's `main` branch. Files and columns are as in the sets' cards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Known:
    """A published data set.

    Attributes:
        hub: its name on the hub.
        revision: the commit.
        files: which of its files hold the training rows.
        licence: as an SPDX identifier.
        columns: the column of each field that has another name.
    """

    hub: str
    revision: str
    files: str
    licence: str
    columns: Mapping[str, str] = field(default_factory=dict)


KNOWN = {
    "numina_cot": Known(
        hub="AI-MO/NuminaMath-CoT",
        revision="9d8d210c9f6a36c8f3cd84045668c9b7800ef517",
        files="data/train-*.parquet",
        licence="Apache-2.0",
    ),
    "numina_tir": Known(
        hub="AI-MO/NuminaMath-TIR",
        revision="77a91d7b7a1a98ac4b1beb7d86c09d156b935dcd",
        files="data/train-*.parquet",
        licence="Apache-2.0",
    ),
    "math": Known(
        hub="EleutherAI/hendrycks_math",
        revision="21a5633873b6a120296cce3e2df9d5550074f4a3",
        files="*/train-*.parquet",
        licence="MIT",
        columns={"subject": "type"},
    ),
    "gsm8k": Known(
        hub="openai/gsm8k",
        revision="740312add88f781978c0658806c59bc2815b9866",
        files="main/train-*.parquet",
        licence="MIT",
        columns={"problem": "question", "solution": "answer"},
    ),
}
