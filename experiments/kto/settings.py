"""The experiment's own section of experiments/kto/params.yaml."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from numina.settings.section import Positive, Section, Seed
from numina.settings.training import Optimizer, Schedule


class SampleParams(Section):
    seed: Seed
    problems: Positive  # training problems that are drawn
    samples: Annotated[int, Field(ge=2)]  # of each problem
    temperature: Annotated[float, Field(gt=0, le=2)]  # the other limits are those of sctir


class TrainParams(Section):
    seed: Seed
    epochs: Annotated[float, Field(gt=0)]
    learning_rate: Annotated[float, Field(gt=0, lt=1)]  # the peak, after warm-up
    batch_size: Positive  # samples an optimiser step
    micro_batch: Annotated[int, Field(ge=2)]  # samples a forward pass; KL pairs are made inside it
    warmup_ratio: Annotated[float, Field(ge=0, lt=1)]
    schedule: Schedule
    optimizer: Optimizer
    weight_decay: Annotated[float, Field(ge=0, lt=1)]
    max_grad_norm: Annotated[float, Field(ge=0)]
    max_length: Annotated[int, Field(ge=16)]  # tokens; longer samples are left out
    beta: Annotated[float, Field(gt=0)]  # the reward is beta times the log-ratio to the start
    balance: Annotated[float, Field(gt=0)]  # weight of all right samples over that of all wrong
    mask_output: bool  # program output is not part of the reward and of the KL
    keep_uniform: bool  # also train on problems whose samples are all right or all wrong

    @model_validator(mode="after")
    def shared_out(self) -> TrainParams:
        if self.batch_size % self.micro_batch:
            raise ValueError(
                f"batch_size {self.batch_size} is not a multiple of micro_batch {self.micro_batch}"
            )
        return self


class Kto(Section):
    sample: SampleParams
    train: TrainParams
