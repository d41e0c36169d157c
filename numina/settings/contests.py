"""The rules of the contests that `numina submit` plays."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from numina.settings.section import Name, Positive, Section
from numina.settings.splits import AnswerRule


class ContestRules(Section):
    problems: Positive  # that the budget is for
    budget_s: Annotated[float, Field(gt=0)]  # for all of them; time_bank.budget_s replaces it
    reply_s: Annotated[float, Field(ge=0)]  # the most for one problem; 0: no limit
    default: Name  # the answer to a problem that gets no vote
    answer: AnswerRule

    @model_validator(mode="after")
    def whole_default(self) -> ContestRules:
        if self.answer.integer and not self.default.removeprefix("-").isdecimal():
            raise ValueError(f"default {self.default!r} is not a whole number")
        return self


class Contests(Section):
    aimo: ContestRules  # the first AIMO progress prize
    aimo2: ContestRules  # the second
    aimo3: ContestRules  # the third
    local: ContestRules  # a file of one's own

    @model_validator(mode="after")
    def whole_numbers(self) -> Contests:
        for name in ("aimo", "aimo2", "aimo3"):
            if not getattr(self, name).answer.integer:
                raise ValueError(f"{name}.answer.integer: its module takes whole numbers only")
        return self
