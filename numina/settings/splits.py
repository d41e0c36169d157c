"""The validation splits and the answer rule of each."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from numina.settings.section import Count, Name, Positive, Section, Seed

Level = Annotated[int, Field(ge=1, le=5)]


class AnswerRule(Section):
    integer: bool  # only whole numbers count
    modulus: Count  # take the answer modulo this; 0: unchanged
    lowest: int | None  # smaller numbers get no vote
    highest: int | None  # larger numbers get no vote
    from_output: bool  # if a trace states no answer, use its last output

    @model_validator(mode="after")
    def consistent(self) -> AnswerRule:
        bounded = self.modulus or self.lowest is not None or self.highest is not None
        if bounded and not self.integer:
            raise ValueError("modulus, lowest and highest need integer: true")
        if self.lowest is not None and self.highest is not None and self.lowest > self.highest:
            raise ValueError(f"lowest {self.lowest} is above highest {self.highest}")
        return self


class FamilySplit(Section):
    """Problems of the embedded families, spread evenly over the families of the given levels."""

    source: Literal["families"]
    min_level: Level
    max_level: Level
    count: Positive
    answer: AnswerRule

    @model_validator(mode="after")
    def in_order(self) -> FamilySplit:
        if self.min_level > self.max_level:
            raise ValueError(f"min_level {self.min_level} is above max_level {self.max_level}")
        return self

    def lacking(self) -> str:
        """Always "": the families need no file."""
        return ""


class HubFile(Section):
    """One file of a data set on the hub, at a commit."""

    name: Name  # of the data set
    revision: Annotated[str, Field(pattern="^([0-9a-f]{40})?$")]  # the commit; "": not on the hub
    file: Name  # in the data set: .parquet or .jsonl


class PublishedSplit(Section):
    """Published problems whose answers are whole numbers."""

    source: Literal["path", "hub"]
    path: str  # source path: a .jsonl or .jsonl.gz file
    hub: HubFile  # source hub
    # cut: the rows of `level` in the whole MATH test; gsm8k: GSM8K's rows, as published or not
    rule: Literal["as_is", "cut", "gsm8k"]
    level: Count  # cut: 1 to 5; else 0
    count: Count  # problems to take, by seed; 0: all
    answer: AnswerRule

    @model_validator(mode="after")
    def level_to_cut(self) -> PublishedSplit:
        if self.rule == "cut" and not 1 <= self.level <= 5:
            raise ValueError(f"rule 'cut' needs a level from 1 to 5, level={self.level}")
        return self

    def lacking(self) -> str:
        """What the source needs but does not have; "" if nothing is missing."""
        if self.source == "path" and not self.path:
            return "path is empty"
        if self.source == "hub" and not self.hub.revision:
            return f"hub.revision is empty: the commit of {self.hub.name}, 40 hex digits"
        return ""


def kind_of(raw: Any) -> str:
    """Which of the two kinds a split is, by its source."""
    source = raw.get("source") if isinstance(raw, dict) else getattr(raw, "source", None)
    return "families" if source == "families" else "published"


Split = Annotated[
    Annotated[FamilySplit, Tag("families")] | Annotated[PublishedSplit, Tag("published")],
    Discriminator(kind_of),
]


class ValidationSets(Section):
    seed: Seed  # for the families' numbers and the problems taken
    splits: Annotated[tuple[Name, ...], Field(min_length=1)]  # names in the section `splits`

    @model_validator(mode="after")
    def distinct(self) -> ValidationSets:
        if len(set(self.splits)) < len(self.splits):
            raise ValueError(f"splits repeat: {list(self.splits)}")
        return self


class Answers(Section):
    """What counts as an answer outside the validation splits."""

    solve: AnswerRule  # numina solve
