"""The accelerators that a run can be planned for; figures are their makers', for dense matrices."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from numina.errors import UserError


@dataclass(frozen=True, slots=True)
class Card:
    """One accelerator.

    Attributes:
        name: as `--cards` takes it.
        mib: of memory, as its driver reports it.
        tflops: 10^12 operations a second in 16 bits.
        gb_s: 10^9 bytes of memory a second.
        bfloat16: whether it computes with it; an older card has float16 alone.
    """

    name: str
    mib: int
    tflops: float
    gb_s: int
    bfloat16: bool = True

    @property
    def bytes(self) -> int:
        """Its memory."""
        return self.mib * 2**20


CARDS = {
    card.name.lower(): card
    for card in (
        Card("H200", 143771, 989, 4800),
        Card("H100", 81559, 989, 3350),
        Card("A100-80GB", 81920, 312, 2039),
        Card("A100-40GB", 40960, 312, 1555),
        Card("L40S", 46068, 362, 864),
        Card("L4", 23034, 121, 300),
        Card("A10G", 23028, 70, 600),
        Card("RTX-4090", 24564, 165, 1008),
        Card("V100-32GB", 32768, 125, 900, bfloat16=False),
        Card("T4", 15360, 65, 320, bfloat16=False),
        Card("P100", 16384, 18.7, 732, bfloat16=False),
    )
}


@dataclass(frozen=True, slots=True)
class Cards:
    """Several cards of one kind."""

    count: int
    card: Card

    def __str__(self) -> str:
        return f"{self.count} x {self.card.name}"


def cards_here(lines: Sequence[str]) -> Cards | None:
    """The cards of a machine, from their driver's lines `name, memory`; None for an unknown kind.

    Of cards of several kinds, the first kind counts.
    """
    found = [card for line in lines if (card := card_of(line))]
    return Cards(found.count(found[0]), found[0]) if found else None


def card_of(line: str) -> Card | None:
    """The card that a driver's line names, such as `NVIDIA A100-SXM4-80GB, 81920 MiB`."""
    name, _, memory = line.partition(",")
    words = set(re.split(r"[ -]+", name.lower()))
    mib = int(re.sub(r"\D", "", memory) or 0)
    for card in CARDS.values():
        kind = set(re.sub(r"-\d+gb$", "", card.name.lower()).split("-"))
        if kind <= words and (not mib or abs(card.mib - mib) < card.mib / 10):
            return card
    return None


def parse_cards(text: str) -> Cards:
    """Cards as a person writes them: `8 x H100`, `2xT4`, `A100-80GB`.

    Raises:
        UserError: there is no such card in the table, or no such number of them.
    """
    match = re.fullmatch(r"\s*(?:(\d+)\s*[x×*]?\s+|(\d+)\s*[x×*]\s*)?([A-Za-z][\w -]*?)\s*", text)
    name = match[3].lower().replace(" ", "-") if match else ""
    count = int(match[1] or match[2] or 1) if match else 0
    if name not in CARDS or not 1 <= count <= 100_000:
        known = ", ".join(card.name for card in CARDS.values())
        raise UserError(f"--cards: {text!r} is not a number of cards such as '8 x H100' ({known})")
    return Cards(count, CARDS[name])
