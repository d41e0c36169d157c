"""What a stage is given: its paths from dvc.yaml and its knobs from params.yaml.

The whole of params.yaml is checked whenever any section is asked for, so an impossible value
fails in the first stage that runs, before any work; yet a stage gets only the sections that it
asks for, which are those that dvc.yaml names for it. There are no defaults here: params.yaml
states every knob, so DVC sees every value that a stage can depend on.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Seed = Annotated[int, Field(ge=0)]


class UserError(Exception):
    """Something the user gave is wrong; the message names it. Shown without a traceback."""


def items(value: Any) -> Sequence[Any]:
    """The items of a list, or the value as the only one."""
    return value if isinstance(value, list | tuple) else (value,)


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def true_or_false(cls, value: Any, field: ValidationInfo) -> Any:
        """A switch is true or false and nothing else is: pydantic alone takes "no", and true for 1.

        Numbers given as text stay welcome: dvc exp run -S writes 1e-5 as 1e-05, text to PyYAML.
        """
        switch = cls.model_fields[str(field.field_name)].annotation is bool
        if any(isinstance(item, bool) != switch for item in items(value)):
            raise ValueError(f"must {'' if switch else 'not '}be true or false")
        return value


class BaseModelParams(Section):
    source: Literal["package", "hub", "path"]
    name: Annotated[str, Field(min_length=1)]
    revision: str
    file: str
    sha256: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")]
    dtype: Literal["float32", "bfloat16"]

    @model_validator(mode="after")
    def pinned(self) -> BaseModelParams:
        if self.source == "package" and ("==" not in self.name or not self.file or not self.sha256):
            raise ValueError("source 'package' needs name==version, file and sha256")
        if self.source == "hub" and not re.fullmatch("[0-9a-f]{40}", self.revision):
            raise ValueError(
                f"source 'hub' needs a commit of 40 hex digits, revision={self.revision!r}"
            )
        return self


class EmbeddedSplit(Section):
    min_level: Annotated[int, Field(ge=1, le=5)]
    max_level: Annotated[int, Field(ge=1, le=5)]
    count: Positive

    @model_validator(mode="after")
    def in_order(self) -> EmbeddedSplit:
        if self.min_level > self.max_level:
            raise ValueError(f"min_level {self.min_level} is above max_level {self.max_level}")
        return self


class HubFile(Section):
    """One file of a data set on the hub, at a commit."""

    name: Annotated[str, Field(min_length=1)]
    revision: Annotated[str, Field(pattern="^([0-9a-f]{40})?$")]
    file: Annotated[str, Field(min_length=1)]


class RealSplit(Section):
    """Published problems with whole numbers for answers."""

    source: Literal["path", "hub"]
    path: str
    hub: HubFile
    count: Count

    def lacking(self) -> str:
        """What its source needs and does not have; "" where nothing is missing."""
        if self.source == "path" and not self.path:
            return "path is empty"
        if self.source == "hub" and not self.hub.revision:
            return f"hub.revision is empty: the commit of {self.hub.name}, 40 hex digits"
        return ""


class MathSplit(RealSplit):
    rule: Literal["as_is", "cut"]


EMBEDDED_SPLITS = ("mini_amc", "mini_aime")


class ValidationSets(Section):
    seed: Seed
    splits: Annotated[
        tuple[Literal["mini_amc", "mini_aime", "amc", "aime", "math_level_4", "math_level_5"], ...],
        Field(min_length=1),
    ]
    mini_amc: EmbeddedSplit
    mini_aime: EmbeddedSplit
    amc: RealSplit
    aime: RealSplit
    math_level_4: MathSplit
    math_level_5: MathSplit

    @model_validator(mode="after")
    def sources(self) -> ValidationSets:
        for split in self.splits:
            lacking = "" if split in EMBEDDED_SPLITS else getattr(self, split).lacking()
            if lacking:
                raise ValueError(f"splits {list(self.splits)}: {split}.{lacking}")
        if len(set(self.splits)) < len(self.splits):
            raise ValueError(f"splits repeat: {list(self.splits)}")
        return self


class Digitize(Section):
    ocr: bool
    min_confidence: Share
    scale: Annotated[int, Field(ge=1, le=8)]


class JsonlSource(Section):
    path: Annotated[str, Field(min_length=1)]
    count: Count


class Collect(Section):
    seed: Seed
    per_family: Count
    jsonl: tuple[JsonlSource, ...]


class Dedup(Section):
    ngram: Annotated[int, Field(ge=2)]
    jaccard: Annotated[float, Field(gt=0, le=1)]


class CotData(Section):
    seed: Seed
    max_rows: Positive


class TirData(Section):
    seed: Seed
    max_rows: Positive
    rounds: Positive
    wrong_share: Share


class TemplateParams(Section):
    name: Literal["boundary", "winners"]


class Sft(Section):
    seed: Seed
    epochs: Annotated[float, Field(gt=0)]
    learning_rate: Annotated[float, Field(gt=0, lt=1)]
    batch_size: Positive
    warmup_ratio: Annotated[float, Field(ge=0, lt=1)]
    max_length: Annotated[int, Field(ge=16)]
    packing: bool
    mask_prompt: bool
    mask_output: bool
    gradient_checkpointing: bool
    save_steps: Count


class Quantize(Section):
    bits: Literal[4, 8]
    group_size: Positive
    desc_act: bool
    rows: Positive
    seed: Seed


class Sandbox(Section):
    timeout_s: Annotated[float, Field(gt=0, le=3600)]
    cpu_s: Annotated[int, Field(ge=1, le=86400)]
    memory_mb: Annotated[int, Field(ge=64, le=2**20)]
    file_mb: Annotated[int, Field(ge=1, le=2**16)]
    output_mb: Annotated[int, Field(ge=1, le=2**16)]
    open_files: Annotated[int, Field(ge=50, le=1024)]
    output_chars: Annotated[int, Field(ge=40, le=2**20)]
    stateless: bool
    allow_unisolated: bool


class Engine(Section):
    name: Literal["auto", "transformers", "vllm", "server", "replay"]
    batch_size: Positive
    dtype: Literal["auto", "float32", "bfloat16", "float16"]
    prefix_caching: bool
    tensor_parallel: Positive
    memory_share: Annotated[float, Field(gt=0, lt=1)]
    urls: tuple[str, ...]
    served_model: str
    key_variable: str
    timeout_s: Annotated[float, Field(gt=0)]
    patience_s: Annotated[float, Field(ge=0)]
    recording: str

    @model_validator(mode="after")
    def complete(self) -> Engine:
        if self.name == "server" and not self.urls:
            raise ValueError("name 'server' needs urls, such as http://localhost:8000/v1")
        if self.name == "replay" and not self.recording:
            raise ValueError("name 'replay' needs recording, a file that a run wrote")
        for url in self.urls:
            if not url.startswith(("http://", "https://")):
                raise ValueError(f"urls: {url!r} does not begin with http:// or https://")
        return self


class EvalGreedy(Section):
    max_new_tokens: Positive
    depth: Positive
    max_context: Annotated[int, Field(ge=64)]


class AnswerRule(Section):
    integer: bool
    modulus: Count
    lowest: int | None
    highest: int | None
    from_output: bool

    @model_validator(mode="after")
    def consistent(self) -> AnswerRule:
        bounded = self.modulus or self.lowest is not None or self.highest is not None
        if bounded and not self.integer:
            raise ValueError("modulus, lowest and highest need integer: true")
        if None not in (self.lowest, self.highest) and self.lowest > self.highest:  # type: ignore[operator]
            raise ValueError(f"lowest {self.lowest} is above highest {self.highest}")
        return self


class Answers(Section):
    mini_amc: AnswerRule
    mini_aime: AnswerRule
    amc: AnswerRule
    aime: AnswerRule
    math_level_4: AnswerRule
    math_level_5: AnswerRule
    solve: AnswerRule
    contest: AnswerRule

    def of(self, split: str) -> AnswerRule:
        """The rule of a split.

        Raises:
            UserError: there is none of that name.
        """
        if split not in type(self).model_fields:
            known = ", ".join(type(self).model_fields)
            raise UserError(f"split {split!r}: no rule in answers (there are: {known})")
        return getattr(self, split)


class TimeBank(Section):
    budget_s: Annotated[float, Field(ge=0)]
    base_s: Annotated[float, Field(ge=0)]
    most_s: Annotated[float, Field(ge=0)]


class Sctir(Section):
    n: Positive
    depth: Positive
    temperature: Annotated[float, Field(gt=0, le=2)]
    top_p: Annotated[float, Field(gt=0, le=1)]
    max_new_tokens: Positive
    max_context: Annotated[int, Field(ge=64)]
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    stop: Literal["lossless", "none", "beta", "esc"]
    stop_confidence: Annotated[float, Field(gt=0.5, lt=1)]
    stop_window: Annotated[int, Field(ge=2)]
    at_once: Count
    vote: Literal["uniform", "logprob"]
    no_code_weight: Share

    @model_validator(mode="after")
    def distinct_seeds(self) -> Sctir:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds repeat: {list(self.seeds)}")
        return self


class Params(Section):
    """The whole of params.yaml."""

    base_model: BaseModelParams
    validation_sets: ValidationSets
    digitize: Digitize
    collect: Collect
    dedup: Dedup
    cot_data: CotData
    tir_data: TirData
    template: TemplateParams
    sft_cot: Sft
    sft_tir: Sft
    quantize: Quantize
    sandbox: Sandbox
    engine: Engine
    eval_greedy: EvalGreedy
    sctir: Sctir
    answers: Answers
    time_bank: TimeBank


def parse(raw: Any, where: str = "params.yaml") -> Params:
    """Check a whole params document.

    Raises:
        UserError: one line for each wrong value, with its key and the value.
    """
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        lines = []
        for item in error.errors():
            key = ".".join(str(part) for part in item["loc"]) or "the whole file"
            # A whole section tells nobody which of its values is wrong; its message does.
            silent = item["type"] == "missing" or isinstance(item["input"], dict)
            given = "" if silent else f" (got {item['input']!r})"
            lines.append(f"{where}: {key}: {item['msg']}{given}")
        raise UserError("\n".join(lines)) from None


def load(path: Path = Path("params.yaml"), model: Path = Path("models/base")) -> Params:
    """Read and check params.yaml, against the base model too where it is already in place.

    Raises:
        UserError: the file is missing or no YAML, or a value is wrong.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: not found (run from the root of the repository)") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not YAML: {error}") from None
    params = parse(raw, str(path))
    check_group_size(params.quantize, model)
    return params


def check_group_size(quantize: Quantize, model: Path) -> None:
    """Refuse a GPTQ group size that does not divide the input size of every linear layer.

    Raises:
        UserError: it does not divide one, with both numbers.
    """
    if not (model / "config.json").exists():
        return
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    for field in ("hidden_size", "intermediate_size"):
        size = config.get(field)
        if isinstance(size, int) and size % quantize.group_size:
            raise UserError(
                f"params.yaml: quantize.group_size: {quantize.group_size} does not divide "
                f"{field} {size} of {model}"
            )


def paths(doc: str | None, *names: str) -> argparse.Namespace:
    """Parse the command line that dvc.yaml gives a stage: one required path a name."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in names:
        parser.add_argument(f"--{name}", type=Path, required=True, metavar="PATH")
    return parser.parse_args()


def run(main: Callable[..., None], *arguments: object) -> None:
    """Run a main function; show a `UserError` as its message alone, with exit status 1."""
    try:
        main(*arguments)
    except UserError as error:
        sys.exit(f"error: {error}")
