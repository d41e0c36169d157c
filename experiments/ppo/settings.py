"""The knobs of PPO."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from experiments.rloo.settings import Rloo
from numina.settings.section import Positive, Share


class Ppo(Rloo):
    epochs: Positive  # how often a round's samples are used
    minibatches: Positive  # optimiser steps of an epoch
    clip: Annotated[float, Field(gt=0, lt=1)]  # how far a token's probability ratio counts
    gae: Share  # lambda of generalised advantage estimation; the discount is 1
    critic_rate: Annotated[float, Field(gt=0, lt=1)]  # learning rate of the critic
    critic_weight: Annotated[float, Field(gt=0)]  # of the critic's loss

    @model_validator(mode="after")
    def shared_out(self) -> Ppo:
        if self.problems * self.samples % self.minibatches:
            raise ValueError(
                f"{self.problems} problems x {self.samples} samples are not shared out evenly by "
                f"minibatches {self.minibatches}"
            )
        return self
