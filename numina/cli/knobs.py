"""The knobs of params.yaml with the comments beside them, and who reads them."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from numina.settings.params import document, read

# The sections that no stage reads.
OTHERS = {
    "hardware": "the machine; no stage",
    "answers.solve": "numina solve",
    "contests": "numina submit",
}
COMMENT = re.compile(r"(?:^|\s)#\s?(.*)$")


@dataclass(frozen=True, slots=True)
class Knob:
    """A leaf of params.yaml.

    Attributes:
        key: dotted.
        value: as JSON.
        meaning: the comment beside it, else that in numina/settings; "" if there is none.
        readers: the stages that rerun when it changes, or the command that reads it.
    """

    key: str
    value: str
    meaning: str
    readers: str


def knobs(params: Path, dag: Path) -> list[Knob]:
    """Every knob, in the order of the file.

    Raises:
        UserError: params.yaml is wrong.
    """
    checked = read(params)
    text = params.read_text(encoding="utf-8")
    lines, stages = text.splitlines(), readers_of(document(dag))
    return [
        Knob(
            key=key,
            value=json.dumps(value, ensure_ascii=False),
            meaning=comment(lines, line) or field_comment(checked, key.split(".")),
            readers=who(key, stages),
        )
        for key, value, line in leaves(yaml.compose(text), document(params), "")
    ]


def leaves(node: Any, value: Any, prefix: str) -> Iterator[tuple[str, Any, int]]:
    """The leaves of a mapping, given as YAML node and as value: dotted key, value, key's line."""
    for key, below in node.value:
        name, inside = f"{prefix}{key.value}", value[key.value]
        if isinstance(inside, dict) and inside:
            yield from leaves(below, inside, f"{name}.")
        else:
            yield name, inside, key.start_mark.line


def comment(lines: list[str], at: int) -> str:
    """The comment on a line and those that go on below it, at its column or further right."""
    first = COMMENT.search(lines[at])
    if first is None:
        return ""
    column = first.end() - len(first.group(1)) - 2
    below = takewhile(
        lambda line: line.strip().startswith("#") and line.index("#") >= max(4, column),
        lines[at + 1 :],
    )
    return " ".join([first.group(1), *(line.strip().lstrip("#").strip() for line in below)])


def field_comment(section: Any, path: list[str]) -> str:
    """The comment beside a field of a section's class."""
    *above, name = path
    for part in above:
        section = section[part] if isinstance(section, dict) else getattr(section, part)
    source = inspect.getsource(type(section)) if isinstance(section, BaseModel) else ""
    found = re.search(rf"^    {name}: .*?  # (.*)$", source, re.M)
    return found[1] if found else ""


def readers_of(dag: Any) -> dict[str, set[str]]:
    """The sections and keys that each stage of dvc.yaml names."""
    return {
        name: set(stage.get("do", stage).get("params", [])) for name, stage in dag["stages"].items()
    }


def who(key: str, stages: dict[str, set[str]]) -> str:
    """Who reads a knob."""
    parts = key.split(".")
    above = [".".join(parts[: end + 1]) for end in range(len(parts))]
    named = [name for name, keys in stages.items() if keys.intersection(above)]
    return ", ".join(named) or next((OTHERS[part] for part in above if part in OTHERS), "nobody")


def table(found: list[Knob]) -> str:
    """The knobs as a page in Markdown."""
    page = [
        "# All knobs",
        "",
        "`numina params --markdown` writes this page from `params.yaml`.",
        "",
    ]
    section = ""
    for knob in found:
        here, _, name = knob.key.partition(".")
        if here != section:
            section = here
            page += ["", f"## {section}", "", "| knob | default | | read by |", "|---|---|---|---|"]
        meaning = knob.meaning.replace("|", "\\|")
        page.append(f"| `{name}` | `{knob.value}` | {meaning} | {knob.readers} |")
    return "\n".join(page) + "\n"
