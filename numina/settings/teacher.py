"""The teacher: a model on a server that writes and rewrites training data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from numina.settings.decoding import Context, Depth, refuse_long_steps
from numina.settings.section import Name, Section, Tokens


class TeacherParams(Section):
    model: str  # its name at the server
    kind: Literal["chat", "completions"]
    prompt: Name  # see numina/teacher/prompt.py
    temperature: Annotated[float, Field(ge=0, le=2)]  # of attempts at problems
    top_p: Annotated[float, Field(gt=0, le=1)]
    max_new_tokens: Tokens  # a step
    max_context: Context  # tokens of prompt, programs and outputs
    depth: Depth  # program runs per attempt

    @model_validator(mode="after")
    def fits(self) -> TeacherParams:
        refuse_long_steps(self.max_new_tokens, self.max_context)
        return self
