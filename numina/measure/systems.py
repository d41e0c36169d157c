"""The one list of systems: the ways to solve problems that the pipeline evaluates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from numina.errors import UserError

Decoding = Literal["greedy", "vote"]


@dataclass(frozen=True, slots=True)
class System:
    """A model and a way to decode with it.

    Attributes:
        name: of its figures in metrics.json. `gptq_greedy` is the quantised model with any
            method, as other programs read this name; labels name the real method.
        model: its folder in `models/` and, for greedy decoding, in `eval/greedy/`.
        decoding: greedy: one trace a problem. vote: SC-TIR.
        label: what people read, with placeholders for the words of `SystemLabels.of`.
        short: the same for narrow columns.
        after: the system before it in the recipe; None for the first.
        adds: what this step of the recipe adds, in words.
    """

    name: str
    model: str
    decoding: Decoding
    label: str
    short: str
    after: str | None
    adds: str


SCTIR = System(
    name="sctir",
    model="quantised",
    decoding="vote",
    label="{vote}: {quantisation}, sampled, voted",
    short="{short_vote}",
    after="gptq_greedy",
    adds="What sampling and voting adds",
)
SYSTEMS = (
    System(
        name="cot_greedy",
        model="cot",
        decoding="greedy",
        label="Chain of thought, greedy",
        short="CoT",
        after=None,
        adds="",
    ),
    System(
        name="tir_greedy",
        model="tir",
        decoding="greedy",
        label="{tools}, greedy",
        short="TIR",
        after="cot_greedy",
        adds="What writing and running programs adds",
    ),
    System(
        name="gptq_greedy",
        model="quantised",
        decoding="greedy",
        label="{tools}, {quantisation}, greedy",
        short="{quantisation}",
        after="tir_greedy",
        adds="What quantisation changes",
    ),
    SCTIR,
)
# The first sampled trace of each vote: no way to solve problems, but what a vote is compared with.
ONE_SAMPLED = "one_sampled"
GREEDY = tuple(system for system in SYSTEMS if system.decoding == "greedy")
MODELS = tuple(dict.fromkeys(system.model for system in SYSTEMS))


@dataclass(frozen=True, slots=True)
class SystemLabels:
    """What people read for each system, by its name.

    Attributes:
        long: a line.
        short: a word or two, for narrow columns.
    """

    long: dict[str, str]
    short: dict[str, str]

    @classmethod
    def of(cls, quantisation: str, greedy_depth: int, vote_depth: int) -> SystemLabels:
        """The labels of a run.

        Args:
            quantisation: as `quantisation_name` gives it.
            greedy_depth: how many programs a greedy trace may run. At 0 the tool-integrated models
                were asked for chains of thought.
            vote_depth: the same for a sampled trace: at 0 SC-TIR is chain of thought with votes.
        """
        words = {
            "quantisation": quantisation,
            "tools": "Tool-integrated" if greedy_depth else "Tool-integrated, no programs run",
            "vote": "SC-TIR" if vote_depth else "Chain of thought with votes",
            "short_vote": "SC-TIR" if vote_depth else "CoT votes",
        }
        return cls(
            {system.name: system.label.format(**words) for system in SYSTEMS},
            {system.name: system.short.format(**words) for system in SYSTEMS},
        )


def quantisation_name(record: Mapping[str, Any]) -> str:
    """What a quantiser did, from its own record: ``8-bit GPTQ``.

    Raises:
        UserError: the record does not say it.
    """
    try:
        name = f"{record['bits']:d}-bit {record['method']}"
        return name if record["method"] != "none" else "not quantised"
    except (KeyError, ValueError, TypeError):
        raise UserError("the quantised model's record has no bits or no method") from None
