"""Fine-tuning."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from numina.settings.section import Count, Positive, Section, Seed

# Of the optimisers that PyTorch has, those that treat each weight by itself: the result is then the
# same however ZeRO-3 shares the weights out.
Optimizer = Literal["adamw_torch_fused", "adamw_torch", "sgd", "rmsprop", "adagrad"]
# By warm-up and the number of steps alone.
Schedule = Literal[
    "cosine", "linear", "polynomial", "inverse_sqrt", "constant_with_warmup", "constant"
]


class Sft(Section):
    seed: Seed
    epochs: Annotated[float, Field(gt=0)]
    learning_rate: Annotated[float, Field(gt=0, lt=1)]  # the peak, after warm-up
    batch_size: Positive  # blocks of max_length tokens per optimiser step
    warmup_ratio: Annotated[float, Field(ge=0, lt=1)]  # share of the steps; none if constant
    schedule: Schedule  # of the learning rate, after warm-up
    optimizer: Optimizer
    weight_decay: Annotated[float, Field(ge=0, lt=1)]
    max_grad_norm: Annotated[float, Field(ge=0)]  # a longer gradient is scaled down; 0: none is
    max_length: Annotated[int, Field(ge=16)]  # tokens of a block; longer samples: see packing
    packing: Literal["best_fit", "wrapped", "none"]  # how samples share blocks: see docs/packing.md
    mask_prompt: bool  # no loss on the problem
    mask_output: bool  # no loss on program outputs
    mask_failed: bool  # no loss on programs that failed; what mends them is learned
    held_out: Count  # rows not trained on, whose loss is taken after each epoch

    @field_validator("packing", mode="before")
    @classmethod
    def earlier_values(cls, value: Any) -> Any:
        """True and false were its values once."""
        if isinstance(value, bool):
            return "best_fit" if value else "none"
        return value
