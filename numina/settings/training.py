"""Fine-tuning."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from numina.settings.section import Positive, Section, Seed


class Sft(Section):
    seed: Seed
    epochs: Annotated[float, Field(gt=0)]
    learning_rate: Annotated[float, Field(gt=0, lt=1)]  # the peak, after warm-up
    batch_size: Positive  # blocks of max_length tokens per optimiser step
    warmup_ratio: Annotated[float, Field(ge=0, lt=1)]  # share of the steps
    max_length: Annotated[
        int, Field(ge=16)
    ]  # tokens of a block; longer samples are left out, or cut
    packing: Literal["best_fit", "wrapped", "none"]  # how samples share blocks: see docs/packing.md
    mask_prompt: bool  # no loss on the problem
    mask_output: bool  # no loss on program outputs

    @field_validator("packing", mode="before")
    @classmethod
    def earlier_values(cls, value: Any) -> Any:
        """True and false were its values once."""
        if isinstance(value, bool):
            return "best_fit" if value else "none"
        return value
