"""The data build: from exams and other sources to training rows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from numina.settings.section import Count, Name, Positive, Section, Seed, Share


class Digitize(Section):
    ocr: bool  # use OCR for pages without a sound text layer; else skip them
    min_confidence: Share  # OCR lines below this are dropped
    scale: Annotated[int, Field(ge=1, le=8)]  # pixels per PDF point of a page rendered for OCR


class JsonlSource(Section):
    path: Name  # a .jsonl or .jsonl.gz file
    count: Count  # rows to take, by seed; 0: all


class Collect(Section):
    seed: Seed  # for the families' numbers and the rows taken from files
    per_family: Count  # training problems per family, times the family's share
    jsonl: tuple[JsonlSource, ...]  # local files to add


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
    rounds: Positive  # attempts at each problem
    wrong_share: Share  # share of the embedded teacher's attempts that are wrong
