"""The data build: from exams and other sources to training rows."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from numina.settings.decoding import Context, Depth, EngineParams, refuse_long_steps
from numina.settings.section import Count, Name, Positive, Section, Seed, Share, Tokens
from numina.sources.known import KNOWN

# numina/corpus/teachers/choose.py
TeacherName = Literal["embedded", "annotations", "server", "model"]


class Digitize(Section):
    ocr: bool  # use OCR for pages without a sound text layer; else skip them
    min_confidence: Share  # OCR lines below this are dropped
    scale: Annotated[int, Field(ge=1, le=8)]  # pixels per PDF point of a page rendered for reading
    max_pixels: Annotated[
        int, Field(ge=10**5, le=10**9)
    ]  # of such a page; a larger one is scaled down
    vision: str  # model that reads pages without a sound text layer or with lost formulas; "": none
    on_bad_file: Literal["fail", "skip"]  # skip: keep files that cannot be read with the rejected


ProblemField = Literal[
    "id",
    "problem",
    "answer",
    "solution",
    "tools",
    "subject",
    "level",
    "contest",
    "subsource",
    "url",
    "page",
]


class JsonlSource(Section):
    path: Name  # a .jsonl or .jsonl.gz file
    count: Count  # rows to take, by seed; 0: all


class Source(Section):
    """Rows of a file or of a data set on the hub.

    An entry names one of `set`, `path` and `hub`, or a known set and the path of a copy of it. It
    may leave out the rest.
    """

    set: str = ""  # a known data set (numina/sources/known.py), with its revision and columns
    path: str = ""  # a local file: .jsonl, .jsonl.gz or .parquet
    hub: str = ""  # a data set on the hub
    revision: Annotated[str, Field(pattern="^([0-9a-f]{40})?$")] = ""  # hub: the commit
    files: str = ""  # hub: those to read, such as data/train-*.parquet
    columns: Mapping[ProblemField, str] = Field(default={})  # of fields with other names; "": none
    encoding: str = "utf-8"  # of a .jsonl file
    licence: str = ""  # of the rows
    count: Count = 0  # rows to take, by seed; 0: all

    @field_validator("encoding")
    @classmethod
    def exists(cls, value: str) -> str:
        try:
            return codecs.lookup(value) and value
        except LookupError:
            raise ValueError(f"unknown encoding {value!r}") from None

    @model_validator(mode="after")
    def one_place(self) -> Source:
        if self.set and self.set not in KNOWN:
            raise ValueError(f"no known set {self.set!r}; there are {', '.join(KNOWN)}")
        if not (self.set or self.path or self.hub):
            raise ValueError("needs `set`, `path` or `hub`")
        if self.hub and (self.set or self.path):
            raise ValueError("`hub` goes with neither `set` nor `path`")
        if self.hub and not (self.revision and self.files):
            raise ValueError("`hub` needs `revision` (a commit, 40 hex digits) and `files`")
        if not self.hub and (self.revision or self.files):
            raise ValueError("`revision` and `files` go with `hub`")
        return self


class Collect(Section):
    seed: Seed  # for the families' numbers and the rows taken from files
    per_family: Count  # training problems per family, times the family's share
    jsonl: tuple[JsonlSource, ...]  # local files to add
    sources: tuple[Source, ...]  # files and data sets to add, with more to say about them
    on_bad_row: Literal[
        "fail", "skip"
    ]  # skip: keep rows that cannot be read in a file of their own


class Dedup(Section):
    leaks: Literal["coverage", "ngram"]  # what makes a row a leak of a validation problem
    coverage: Annotated[float, Field(gt=0, le=1)]  # share of the problem that a leak has, at least
    ngram: Annotated[int, Field(ge=2)]  # words shared with a validation problem, of rule ngram


class CotData(Section):
    seed: Seed  # which rows
    max_rows: Positive
    teacher: Literal["none", "server"]  # server: section `teacher` translates and realigns


class ModelTeacherParams(Section):
    """A model that is sampled: rejection sampling."""

    path: str  # its folder
    sha256: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")]  # of it; the stage says which
    template: Literal["boundary", "winners"]  # see numina/template.py
    temperature: Annotated[float, Field(gt=0, le=2)]
    top_p: Annotated[float, Field(gt=0, le=1)]
    max_new_tokens: Tokens  # a step
    max_context: Context  # tokens of prompt, programs and outputs
    depth: Depth  # program runs per attempt
    engine: EngineParams

    @model_validator(mode="after")
    def fits(self) -> ModelTeacherParams:
        refuse_long_steps(self.max_new_tokens, self.max_context)
        return self


class TirData(Section):
    seed: Seed  # which problems, and what the teachers draw
    teachers: Annotated[tuple[TeacherName, ...], Field(min_length=1)]  # the first that knows
    max_rows: Positive  # problems that are tried
    integers: Share  # of the problems that are tried: with a whole number for an answer
    samples: Positive  # attempts at a problem in a round
    rounds: Positive  # a later one only for problems that are not solved
    trust_ready: bool  # keep tool-integrated solutions of sources without running their programs
    wrong_share: Share  # share of the embedded teacher's attempts that go wrong
    mended_share: Share  # of these, the share in which a program fails and the next one mends it
    model: ModelTeacherParams

    @model_validator(mode="after")
    def consistent(self) -> TirData:
        if len(set(self.teachers)) < len(self.teachers):
            raise ValueError(f"teachers repeat: {list(self.teachers)}")
        if "model" in self.teachers and not self.model.path:
            raise ValueError(f"teachers {list(self.teachers)} need model.path, a model's folder")
        return self


class TirSelect(Section):
    per_problem: Positive  # samples of a problem, the most different first
    min_pass: Share  # share of a problem's attempts that are right, at least
    max_pass: Share  # and at most
    recovery_share: Share  # of the samples, at most: with a program that failed and was mended

    @model_validator(mode="after")
    def in_order(self) -> TirSelect:
        if self.min_pass > self.max_pass:
            raise ValueError(f"min_pass {self.min_pass} is above max_pass {self.max_pass}")
        return self
