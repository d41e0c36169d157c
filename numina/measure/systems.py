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
        name: of its figures in metrics.json. `gptq_greedy` is that of the quantised model whatever
            the method, as other programs read it; labels say what it is.
        model: its folder in `models/` and, for greedy decoding, in `eval/greedy/`.
        decoding: greedy: one trace a problem. vote: SC-TIR.
        label: what people read, with a place for the quantisation.
        short: the same for narrow columns.
    """

    name: str
    model: str
    decoding: Decoding
    label: str
    short: str


SYSTEMS = (
    System("cot_greedy", "cot", "greedy", "Chain of thought, greedy", "CoT"),
    System("tir_greedy", "tir", "greedy", "Tool-integrated, greedy", "TIR"),
    System(
        "gptq_greedy",
        "quantised",
        "greedy",
        "Tool-integrated, {quantisation}, greedy",
        "{quantisation}",
    ),
    System("sctir", "quantised", "vote", "SC-TIR: {quantisation}, sampled, voted", "SC-TIR"),
)
GREEDY = tuple(system for system in SYSTEMS if system.decoding == "greedy")
MODELS = tuple(dict.fromkeys(system.model for system in SYSTEMS))


def quantisation_name(record: Mapping[str, Any]) -> str:
    """What a quantiser did, from its own record: ``8-bit GPTQ``.

    Raises:
        UserError: the record does not say.
    """
    try:
        return f"{record['bits']:d}-bit {record['method']}"
    except (KeyError, ValueError, TypeError):
        raise UserError("the quantised model's record has no bits or no method") from None


def labels(quantisation: str) -> dict[str, str]:
    """The label of each system by its name."""
    return {system.name: system.label.format(quantisation=quantisation) for system in SYSTEMS}


def short_labels(quantisation: str) -> dict[str, str]:
    """The short label of each system by its name."""
    return {system.name: system.short.format(quantisation=quantisation) for system in SYSTEMS}
