"""The data build: from exams and other sources to training rows."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from numina.settings.section import Count, Name, Positive, Section, Seed, Share
from numina.sources.known import KNOWN


class Digitize(Section):
    ocr: bool  # use OCR for pages without a sound text layer; else skip them
    min_confidence: Share  # OCR lines below this are dropped
    scale: Annotated[int, Field(ge=1, le=8)]  # pixels per PDF point of a page rendered for OCR


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


class TirData(Section):
    seed: Seed  # which rows, and which attempts of the embedded teacher are wrong
    max_rows: Positive
    teacher: Literal["embedded", "server"]  # server: the model of section `teacher`
    rounds: Positive  # attempts at each problem
    trust_ready: bool  # keep tool-integrated solutions of sources without running their programs
    wrong_share: Share  # share of the embedded teacher's attempts that go wrong
    mended_share: Share  # of these, the share in which a program fails and the next one mends it
