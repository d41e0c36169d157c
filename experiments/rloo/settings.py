"""The knobs of RLOO."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from numina.settings.section import Positive, Section, Seed

Weight = Annotated[float, Field(ge=0, le=100)]


class Rewards(Section):
    """What a sample earns; the parts are added."""

    right: Weight  # its answer is right
    ran: Weight  # its last program ran to its end
    format: Weight  # it ended by itself, with an answer in a box

    @model_validator(mode="after")
    def earns(self) -> Rewards:
        if not (self.right or self.ran or self.format):
            raise ValueError("every weight is 0, so nothing earns a reward")
        return self


class Rloo(Section):
    seed: Seed
    rounds: Positive  # of sampling and learning
    problems: Positive  # a round
    samples: Annotated[int, Field(ge=2)]  # of a problem: each is measured by the others
    temperature: Annotated[float, Field(gt=0, le=2)]  # of the samples, at top_p 1
    learning_rate: Annotated[float, Field(gt=0, lt=1)]
    max_grad_norm: Annotated[float, Field(ge=0)]  # a longer gradient is scaled down; 0: none is
    rewards: Rewards
