"""Fine-tuning."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from numina.settings.section import Positive, Section, Seed


class Sft(Section):
    seed: Seed
    epochs: Annotated[float, Field(gt=0)]
    learning_rate: Annotated[float, Field(gt=0, lt=1)]  # the peak, after warm-up
    batch_size: Positive  # blocks of max_length tokens per optimiser step
    warmup_ratio: Annotated[float, Field(ge=0, lt=1)]  # share of the steps
    max_length: Annotated[int, Field(ge=16)]  # tokens of a block; longer samples are left out
    packing: bool  # several samples per block; none attends to another
    mask_prompt: bool  # no loss on the problem
    mask_output: bool  # no loss on program outputs
