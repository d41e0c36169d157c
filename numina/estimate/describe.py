"""A plan as text for a person."""

from __future__ import annotations

from numina.estimate.records import DecodingPlan, Fit, Plan, TrainingPlan
from numina.estimate.units import in_gb, in_hours


def describe(found: Plan) -> str:
    """A plan as text for a person."""
    lines = [
        f"model       {found.model}: {found.parameters / 1e9:.3g}e9 parameters"
        f", {found.active / 1e9:.3g}e9 of them a token",
        f"cards       {found.cards or 'none named (--cards)'}; {found.machines} "
        f"machine{'s' if found.machines > 1 else ''}, {found.processes} training "
        f"process{'es' if found.processes > 1 else ''}",
        "",
        "downloads",
        *(f"  {in_gb(size):>9}  {what}" for what, size in found.downloads.items()),
        *([] if found.downloads else ["  none"]),
    ]
    if found.training:
        lines += ["", "training, memory of one card"]
        for name, stage in found.training.items():
            lines += [memory_line(name, stage.memory), training_line(stage)]
        memory = in_gb(found.quantise_bytes)
        lines += ["", "quantize", f"  {memory} of this machine's memory (float32)"]
    lines += ["", "decoding, memory of one card"]
    for name, stage in found.decoding.items():
        lines += [memory_line(name, stage.memory), decoding_line(stage)]
    lines += ["", "disk"]
    lines += [
        f"  {item.what:18} {in_gb(item.bytes):>9}  {item.place} ({in_gb(item.free)} free)"
        for item in found.disk
    ]
    lines += ["", "assumed", *(f"  {line}" for line in found.assumed)]
    if found.warnings:
        lines += ["", "to see to", *(f"  {line}" for line in found.warnings)]
    return "\n".join(lines)


def memory_line(name: str, memory: Fit) -> str:
    """A stage's memory in a line."""
    parts = ", ".join(f"{part} {in_gb(size)}" for part, size in memory.parts.items() if size)
    verdict = {True: " fits", False: " DOES NOT FIT", None: ""}[memory.fits]
    return f"  {name}: {in_gb(memory.total)}{verdict} ({parts})"


def training_line(stage: TrainingPlan) -> str:
    """A fine-tuning's size in a line."""
    time = "" if stage.hours is None else f", about {in_hours(stage.hours)}"
    return (
        f"    at most {stage.rows:,} rows, {stage.tokens:,} tokens, {stage.steps:,} steps of "
        f"{stage.accumulate} forward pass{'es' if stage.accumulate > 1 else ''} a process{time}"
    )


def decoding_line(stage: DecodingPlan) -> str:
    """An evaluation's size in a line."""
    whole = "" if stage.whole is None else f" ({stage.whole:,} whole ones fit)"
    time = "" if stage.hours is None else f", about {in_hours(stage.hours)}"
    return (
        f"    {stage.cards} card{'s' if stage.cards > 1 else ''} a copy, {stage.at_once:,} traces "
        f"in flight{whole}, {stage.tokens:,} tokens{time}"
    )
