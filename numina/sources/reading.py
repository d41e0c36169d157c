"""Convert rows of published sets and of local files to problems."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numina.answer.find import last_box
from numina.errors import UserError
from numina.fences import blocks
from numina.records.problem import Problem
from numina.rows import TEXTS, to_problem

# The fields of a problem that a row may have, and the columns of those with another name.
FIELDS = ("id", "problem", "answer", "solution", "tools", "subject", "level", "contest")
FIELDS += ("subsource", "url", "page")
OTHER_NAMES = {"subsource": "source"}
MESSAGES = ("messages", "conversations")
ASKS, ANSWERS = ("user", "human"), ("assistant", "gpt")
# NuminaMath's words for a problem without an answer, plain or in a box.
NO_ANSWER = re.compile(r"\W*(?:\\text\W*)?(?:proof|not\s*found)\W*", re.I)
FINAL_LINE = re.compile(r"^####[ \t]*(\S.*?)[ \t]*$", re.M)

LEVEL = re.compile(r"(?:level\s*)?(\d{1,2})(?:\.0)?", re.I)
UNKNOWN_LEVELS = {"", "?", "level ?", "level?", "n/a", "none", "null", "nan", "unknown"}
EXACT = 2**53  # below this, floats represent every whole number exactly


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where all rows of a source are from: fields of `Problem` of these names."""

    source: str
    revision: str
    licence: str


class Ids:
    """The ids of rows so far, each with its place."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}

    def add(self, name: str, where: str) -> None:
        """Add the id of a row.

        Raises:
            UserError: another row has it, with the places of both.
        """
        if name in self.places:
            raise UserError(f"{where}: field 'id': {name!r} is already in {self.places[name]}")
        self.places[name] = where


def read_fields(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a problem in a row, from the columns that hold them; those without a value
    are left out.

    A field is in the column of its name unless `columns` says otherwise, and not there if `columns`
    gives that column to another field; a field whose column is "" is not read. What a conversation
    says is taken for what is missing.
    """
    given = set(columns.values())
    found = {}
    for field in FIELDS:
        column = columns.get(field, OTHER_NAMES.get(field, field))
        if column and (field in columns or column not in given):
            found[field] = one_text(field, row.get(column))
    found = present(found)
    if found.get("id") == "":
        del found["id"]
    talk = next((row[name] for name in MESSAGES if row.get(name)), None)
    solution, said = found.get("solution", ""), spoken(talk, ANSWERS)
    if "tools" not in found and is_tool_integrated(solution):
        found |= {"solution": "", "tools": solution}
    elif "tools" not in found and is_tool_integrated(said):
        found["tools"] = said
    elif said and not solution and "tools" not in found:
        found["solution"] = said
    if "problem" not in found and (asked := spoken(talk, ASKS)):
        found["problem"] = asked
    return found


def wanted(columns: Mapping[str, str]) -> set[str]:
    """The columns that `read_fields` looks at."""
    return {*FIELDS, *OTHER_NAMES.values(), *columns.values(), *MESSAGES}


def one_text(field: str, value: Any) -> Any:
    """The text of a field that holds a conversation, or a list of one text; else what it holds."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        return value[0]
    if isinstance(value, list) and value and all(isinstance(turn, dict) for turn in value):
        return spoken(value, ASKS if field == "problem" else ANSWERS) or value
    return value


def spoken(talk: Any, roles: tuple[str, ...]) -> str:
    """The first question or the last answer of a conversation; "" if there is none.

    Turns are ``{role, content}``, or ``{from, value}`` as in ShareGPT's files.
    """
    turns = [turn for turn in talk if isinstance(turn, dict)] if isinstance(talk, list) else []
    texts = [
        text
        for turn in turns
        if turn.get("role", turn.get("from")) in roles
        and isinstance(text := turn.get("content", turn.get("value")), str)
    ]
    return (texts[0] if roles is ASKS else texts[-1]) if texts else ""


def is_tool_integrated(text: Any) -> bool:
    """Whether a solution has a program and an output."""
    if not isinstance(text, str) or "```" not in text:
        return False
    return {"python", "output"} <= {block.kind for block in blocks(text)}


def answer_of(fields: Mapping[str, Any]) -> Any:
    """A row's answer; if it has none, what its last box or GSM8K's last line states; else ""."""
    given = fields.get("answer", "")
    if not isinstance(given, str) or not (NO_ANSWER.fullmatch(given) or not given.strip()):
        return given
    for text in (fields.get("solution"), fields.get("tools")):
        if not isinstance(text, str):
            continue
        stated = last_box(text)
        if stated is None and (lines := FINAL_LINE.findall(text)):
            stated = lines[-1]
        if stated is not None and not NO_ANSWER.fullmatch(stated):
            return stated
    return ""


def content_hash(fields: Mapping[str, Any]) -> str:
    """Sixteen hex digits that depend on what the fields hold, and on nothing else."""
    text = json.dumps(fields, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def source_problem(row: Mapping[str, Any], where: str, prefix: str = "") -> Problem:
    """A problem from a row; fields that are null or NaN count as missing.

    The id and the answer may be numbers or text, the level ``4``, ``4.0``, ``"4"``, ``Level 4``,
    or something that means unknown, which gives 0.

    Args:
        row: `id`, `problem`, `answer`, and optional fields.
        where: the place of the row, for messages.
        prefix: put before an id that is a bare number.

    Raises:
        UserError: a field is missing or cannot be read, with its place and the value.
    """
    fields = present(row)
    if (number := plain_number(fields.get("id"))) is not None:
        fields["id"] = f"{prefix}{number}"
    if (number := plain_number(fields.get("answer"))) is not None:
        fields["answer"] = number
    for field in TEXTS:
        value = plain_number(fields.get(field, "")) or fields.get(field, "")
        if not isinstance(value, str):
            raise UserError(f"{where}: field {field!r} must be text, got {value!r}")
        fields[field] = value
    return to_problem({**fields, "level": level_of(fields, where)}, where)


def present(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a row that have a value; pandas writes NaN for a missing one."""
    return {
        key: value
        for key, value in row.items()
        if value is not None and not (isinstance(value, float) and math.isnan(value))
    }


def plain_number(value: Any) -> str | None:
    """A number as text, a whole one without a decimal point; None if it is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        value = int(value)
    return str(value)


def level_of(row: Mapping[str, Any], where: str) -> int:
    """The level of a row; 0 if it is missing or unknown.

    Raises:
        UserError: it is neither a whole number nor of the form `Level 4`.
    """
    level = present(row).get("level", 0)
    if isinstance(level, str) and level.strip().lower() in UNKNOWN_LEVELS:
        return 0
    text = level.strip() if isinstance(level, str) else plain_number(level) or ""
    if match := LEVEL.fullmatch(text):
        return int(match[1])
    raise UserError(f"{where}: field 'level' must be a whole number, got {level!r}")
