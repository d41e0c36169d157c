"""What stands in the way of a run, or would surprise its owner."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from numina.estimate.assumed import TRACE_SHARE
from numina.estimate.cards import Cards
from numina.estimate.disk import too_full
from numina.estimate.records import DecodingPlan, Kept, TrainingPlan
from numina.estimate.units import in_gb
from numina.settings.params import Params
from numina.sources.catalog import FAMILIES


def lacking_sources(params: Params) -> Iterator[str]:
    """Rows that are asked for and that `collect` cannot give."""
    added = (*params.collect.jsonl, *params.collect.sources)
    if any(source.count == 0 for source in added):
        return
    given = sum(source.count for source in added)
    given += sum(math.ceil(family.share * params.collect.per_family) for family in FAMILIES)
    asked = max(params.cot_data.max_rows, params.tir_data.max_rows)
    if asked > 10 * given:
        yield (
            f"max_rows asks for {params.cot_data.max_rows:,} rows (cot_data) and "
            f"{params.tir_data.max_rows:,} (tir_data), and collect gives some {given:,}: add to "
            "collect.sources; the figures here are of all that is asked for"
        )


def unfit_cards(params: Params, processes: int, cards: Cards | None) -> Iterator[str]:
    """Knobs that these cards cannot meet."""
    micro = params.hardware.micro_batch
    for name in () if params.passed_on else ("sft_cot", "sft_tir"):
        if getattr(params, name).batch_size % (processes * micro):
            yield (
                f"{name}.batch_size: {getattr(params, name).batch_size} blocks are not shared out "
                f"evenly by {processes} processes that take {micro} at once"
            )
    if cards is None:
        return
    if processes > cards.count:
        yield f"hardware.processes: {processes} processes in all, and {cards} are named"
    if processes < cards.count and not params.passed_on:
        yield f"hardware.processes: {cards.count - processes} of {cards} train nothing"
    named, each = max(1, len(params.hardware.nodes.hosts)), params.hardware.processes
    if each and processes > each * named:
        yield f"hardware.nodes.hosts: {processes // each} nodes of {each} cards are to be named"
    if params.hardware.vllm.tensor_parallel > cards.count:
        yield (
            f"hardware.vllm.tensor_parallel: {params.hardware.vllm.tensor_parallel} cards, and "
            f"{cards} are named"
        )
    if not cards.card.bfloat16:
        yield (
            f"{cards.card.name} has no bfloat16: it trains in float32, for how long is not "
            "estimated"
        )
        if params.engine.dtype in ("bfloat16", "auto"):
            yield f"engine.dtype: {params.engine.dtype}: {cards.card.name} decodes in float16"


def unfit_memory(
    training: dict[str, TrainingPlan], decoding: dict[str, DecodingPlan], cards: Cards | None
) -> Iterator[str]:
    """Stages that need more memory than a card has."""
    if cards is None:
        return
    for name, stage in (training | decoding).items():
        if stage.memory.fits is False:
            yield (
                f"{name}: needs {in_gb(stage.memory.total)} of a card; {cards.card.name} has "
                f"{in_gb(cards.card.bytes)}"
            )
    for name, stage in decoding.items():
        if stage.whole and stage.whole < stage.at_once * TRACE_SHARE:
            yield (
                f"{name}: {stage.at_once} traces are to be in flight, and the cache holds "
                f"{stage.whole} whole ones: some wait"
            )


def unfit_disk(disk: list[Kept]) -> Iterator[str]:
    """Disks that are too small, and checkpoints that would surprise the owner of a home folder."""
    for line in too_full(disk):
        yield f"disk: {line}"
    for item in disk:
        home = Path(item.place).is_relative_to(Path.home())
        if item.what == "checkpoints" and home and item.bytes > 20e9:
            yield (
                f"hardware.cache: checkpoints take up to {in_gb(item.bytes)} in {item.place}, in "
                "your home folder; hardware.cache puts them elsewhere"
            )
