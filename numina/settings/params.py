"""Read and check params.yaml, and return it by section.

The whole file is checked when any section is loaded, so an invalid value fails in the first stage
that runs, before any work. A stage gets only the sections that it loads: those that dvc.yaml names
for it, and `hardware`. There are no defaults here: params.yaml states every setting, so DVC sees
every value that a stage can depend on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError, model_validator

from numina import overlay
from numina.agent.published import as_published
from numina.errors import UserError
from numina.settings.contests import Contests
from numina.settings.data import Collect, CotData, Dedup, Digitize, TirData, TirSelect
from numina.settings.decoding import EngineParams, EvalGreedy, Sandbox, Sctir, TimeBank
from numina.settings.hardware import Hardware
from numina.settings.models import BaseModelParams, Quantize, TemplateParams
from numina.settings.section import Section
from numina.settings.splits import Answers, Split, ValidationSets
from numina.settings.teacher import TeacherParams
from numina.settings.training import Sft

FILE = Path("params.yaml")


class Params(Section):
    """The sections of params.yaml."""

    base_model: BaseModelParams
    validation_sets: ValidationSets
    splits: dict[str, Split]
    digitize: Digitize
    collect: Collect
    dedup: Dedup
    cot_data: CotData
    teacher: TeacherParams
    tir_data: TirData
    tir_select: TirSelect
    template: TemplateParams
    sft_cot: Sft
    sft_tir: Sft
    quantize: Quantize
    sandbox: Sandbox
    engine: EngineParams
    eval_greedy: EvalGreedy
    sctir: Sctir
    time_bank: TimeBank
    answers: Answers
    contests: Contests
    hardware: Hardware

    @property
    def passed_on(self) -> bool:
        """Whether the base model is evaluated as it is: neither trained nor quantised."""
        return self.template.name == "chat"

    @model_validator(mode="after")
    def consistent(self) -> Params:
        """Check what involves more than one section."""
        for name in self.validation_sets.splits:
            if name not in self.splits:
                known = ", ".join(self.splits)
                raise ValueError(f"validation_sets.splits: {name!r} is not in splits ({known})")
            if lacking := self.splits[name].lacking():
                raise ValueError(f"splits.{name}.{lacking} (validation_sets.splits names it)")
        nodes, each = max(1, len(self.hardware.nodes.hosts)), self.hardware.processes
        at_once = nodes * each * self.hardware.micro_batch
        for name, sft in (("sft_cot", self.sft_cot), ("sft_tir", self.sft_tir)):
            if at_once and sft.batch_size % at_once:
                raise ValueError(
                    f"{name}.batch_size: {sft.batch_size} blocks are not shared out evenly by "
                    f"{nodes * each} processes (hardware.processes {each} x nodes {nodes}) that "
                    f"take hardware.micro_batch {self.hardware.micro_batch} at once"
                )
        if self.engine.name == "server" and not self.hardware.server.urls:
            raise ValueError(
                "engine.name 'server' needs hardware.server.urls, such as http://localhost:8000/v1"
            )
        if self.cot_data.teacher == "server":
            self.check_teacher("cot_data.teacher")
        if "server" in self.tir_data.teachers:
            self.check_teacher("tir_data.teachers")
        if self.digitize.vision and not self.hardware.vision.url:
            raise ValueError(
                f"digitize.vision {self.digitize.vision!r} needs hardware.vision.url, "
                "such as http://localhost:8000/v1"
            )
        return self

    def check_teacher(self, knob: str) -> None:
        """Check that a teacher on a server can be asked.

        Args:
            knob: that asks for it.

        Raises:
            ValueError: it has no name or no address.
        """
        if not self.teacher.model:
            raise ValueError(f"{knob}: 'server' needs teacher.model, its name there")
        if not self.hardware.teacher.urls:
            raise ValueError(
                f"{knob}: 'server' needs hardware.teacher.urls, such as http://localhost:8000/v1"
            )


def load(*sections: str, file: Path = FILE) -> Params:
    """Check all of params.yaml and return the named sections.

    Reading another section from the result raises AttributeError: a stage that uses a section
    that dvc.yaml does not name for it would not rerun when that section changes.

    Raises:
        UserError: see `read`.
    """
    whole = read(file)
    return Params.model_construct(
        _fields_set=set(sections), **{name: getattr(whole, name) for name in sections}
    )


def read(file: Path = FILE) -> Params:
    """Read and check the whole file, with the experiment's changes if one is running.

    Raises:
        UserError: the file is missing or not YAML in UTF-8, a key occurs twice, or a value is
            wrong: one line for each, with its key and the value.
    """
    changes = overlay.file()
    if changes is None:
        return parse(document(file), str(file))
    # An experiment without changes has an empty file.
    whole = overlay.over(document(file), document(changes) or {}, changes.parent.name)
    return parse(whole, f"{file} with {changes}")


def document(file: Path = FILE) -> Any:
    """The content of a YAML file.

    Raises:
        UserError: it is missing, not YAML in UTF-8, or has a key twice.
    """
    try:
        return yaml.load(file.read_text(encoding="utf-8"), Loader=UniqueKeyLoader)
    except FileNotFoundError:
        raise UserError(f"{file}: not found (run from the root of the repository)") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: not UTF-8 ({error})") from None
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{file}{line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        # A control character; an integer of more digits than Python reads; a list for a key.
        raise UserError(f"{file}: not YAML: {' '.join(str(error).split())}") from None


class UniqueKeyLoader(yaml.SafeLoader):
    """PyYAML's safe loader, with an error for duplicate keys, where PyYAML takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"duplicate key {key!r}", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def parse(raw: Any, where: str = str(FILE)) -> Params:
    """Check a whole params document; what it leaves to a published model's row is filled in.

    Raises:
        UserError: one line for each wrong value, with its key and the value.
    """
    try:
        return as_published(Params.model_validate(raw))
    except ValidationError as error:
        lines = []
        for item in error.errors():
            parts = [str(part) for part in item["loc"]]
            if parts[:1] == ["splits"]:
                del parts[2:3]  # the kind of split that pydantic chose
            key = ".".join(parts) or "the whole file"
            # Printing a whole section would not show which value is wrong; the message does.
            silent = item["type"] == "missing" or isinstance(item["input"], dict)
            given = "" if silent else f" (got {item['input']!r})"
            message = item["msg"].removeprefix("Value error, ")
            if not parts and item["type"] == "model_type":
                message = "is not a mapping of sections"
            lines.append(f"{where}: {key}: {message}{given}")
        raise UserError("\n".join(lines)) from None
