"""What a plan of a run says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fit:
    """The bytes that a stage needs of one card, by part; `fits` is None without cards."""

    parts: dict[str, int]
    total: int
    fits: bool | None


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """One fine-tuning: `hours` is None without cards."""

    rows: int
    tokens: int
    steps: int
    accumulate: int
    memory: Fit
    hours: float | None


@dataclass(frozen=True, slots=True)
class DecodingPlan:
    """One evaluation.

    Attributes:
        cards: that one copy of the model is split over.
        memory: of one card; the cache is that of `at_once` traces of `max_context` tokens.
        at_once: traces in flight.
        whole: traces of `max_context` tokens that fit; None without cards. Others wait.
        tokens: decoded in all.
        hours: None without cards.
    """

    cards: int
    memory: Fit
    at_once: int
    whole: int | None
    tokens: int
    hours: float | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What lies on a disk: how many bytes, where, on which device, and how many are free there."""

    what: str
    bytes: int
    place: str
    device: int
    free: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that `numina doctor --profile NAME` says of a run."""

    model: str
    parameters: int
    active: int
    cards: str | None
    machines: int
    processes: int
    downloads: dict[str, int]
    training: dict[str, TrainingPlan]
    quantise_bytes: int
    decoding: dict[str, DecodingPlan]
    disk: list[Kept]
    warnings: list[str]
    assumed: tuple[str, ...]
