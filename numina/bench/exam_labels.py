"""What an exam's problems and solutions should read, and how far a text is from it.

Labels are rows ``{label, problem, solution}`` of a JSONL file, or the LaTeX source of the exam.
Formulas are left out on both sides: OCR and text layers lose them, and what they lose is measured
apart, by the pairs that are kept from training. What is compared are words of prose of three
letters or more, and Chinese characters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

from numina.errors import UserError
from numina.rows import existing, read_lines

FOUND = 0.95  # of the label's words that a right text has, in order
FOREIGN = 0.1  # of a right text's words that may be of elsewhere
SMALL = (
    2  # words that may be missing or foreign in any case, for texts that are nearly all formulas
)

PROBLEMS = r"exercise|problem|question|task"
SOLUTIONS = r"solution|proof|answer"
ENVIRONMENT = re.compile(
    rf"\\begin\{{(?P<kind>{PROBLEMS}|{SOLUTIONS})\*?\}}(?:\[[^\]]*\])?(?P<body>.*?)\\end\{{(?P=kind)\*?\}}",
    re.S,
)
COMMENT = re.compile(r"(?<!\\)%.*")
DISPLAYS = "align|equation|gather|multline|eqnarray|tikzpicture|verbatim|array|displaymath|pmatrix"
FORMULA = re.compile(
    rf"\\begin\{{({DISPLAYS})\*?\}}.*?\\end\{{\1\*?\}}|\\\[.*?\\\]|\$\$.*?\$\$|\\\(.*?\\\)|(?<!\\)\$.*?(?<!\\)\$",
    re.S,
)
DROPPED = re.compile(
    r"\\(?:label|ref|eqref|cite|begin|end|includegraphics|hspace|vspace|href)\*?\{[^}]*\}"
)
COMMAND = re.compile(r"\\[A-Za-z]+\*?|\\.")
IN_FORMULA = re.compile(r"\\(?:text|textnormal|mbox|intertext)\{([^{}]*)\}")  # prose
WORD = re.compile(r"[a-z]{3,}(?![a-z(])|[\u3400-\u9fff]")  # span(v) is a formula


class Labelled(NamedTuple):
    """A problem of an exam as it should read; "" for a solution that it does not have."""

    label: str
    problem: str
    solution: str


class Distance(NamedTuple):
    """How far a text is from its label: characters that differ, of how many, and whether it counts
    as right."""

    errors: int
    characters: int
    right: bool


def read_labels(file: Path) -> list[Labelled]:
    """The labels of an exam, from a ``.tex`` file or from JSONL.

    Raises:
        UserError: the file is missing, or holds no labels.
    """
    if file.suffix == ".tex":
        labels = from_latex(existing(file).read_text(encoding="utf-8", errors="replace"))
    else:
        labels = []
        for number, row in read_lines(file):
            if not isinstance(row.get("label"), str) or not isinstance(row.get("problem"), str):
                raise UserError(f"{file}, line {number}: needs `label` and `problem`, both text")
            labels.append(Labelled(row["label"], row["problem"], str(row.get("solution") or "")))
    if not labels:
        raise UserError(f"{file}: holds no labels")
    return labels


def from_latex(text: str) -> list[Labelled]:
    """The problems of a LaTeX source, numbered from 1."""
    labels: list[Labelled] = []
    for match in ENVIRONMENT.finditer(
        COMMENT.sub("", text.partition("\\begin{document}")[2] or text)
    ):
        if re.fullmatch(PROBLEMS, match["kind"]):
            labels.append(Labelled(str(len(labels) + 1), match["body"], ""))
        elif labels and not labels[-1].solution:
            labels[-1] = labels[-1]._replace(solution=match["body"])
    return labels


def words(text: str) -> list[str]:
    """The words of prose of a text, with or without LaTeX."""
    text = FORMULA.sub(lambda formula: " ".join(("", *IN_FORMULA.findall(formula[0]), "")), text)
    text = COMMAND.sub(" ", DROPPED.sub(" ", text)).lower().replace("\u2019", "'")
    return WORD.findall(text.replace("ﬁ", "fi").replace("ﬂ", "fl").replace("ﬀ", "ff"))


def distance(text: str, label: str) -> Distance:
    """How far a text is from its label."""
    wanted = words(label)
    formulas = {word for part in FORMULA.finditer(label) for word in names_in(part[0])}
    read = [word for word in words(text) if word in wanted or word not in formulas]
    blocks = SequenceMatcher(None, wanted, read, autojunk=False).get_matching_blocks()
    common = sum(block.size for block in blocks)
    missing, foreign = len(wanted) - common, len(read) - common
    right = missing <= max(SMALL, (1 - FOUND) * len(wanted)) and foreign <= max(
        SMALL, FOREIGN * len(read)
    )
    wanted_text = "".join(wanted)
    return Distance(edits(wanted_text, "".join(read)), len(wanted_text), right)


def names_in(formula: str) -> list[str]:
    """Words of a formula, such as names of functions, commands among them."""
    return re.findall(r"[a-z]{3,}", formula.lower())


def edits(one: Sequence[str], other: Sequence[str]) -> int:
    """The least number of characters to insert, delete or replace (Levenshtein)."""
    import numpy as np

    codes = np.array([ord(char) for char in other], dtype=np.int64)
    places = np.arange(len(codes) + 1)
    row = places.copy()
    for number, char in enumerate(one, 1):
        changed = np.minimum(row[1:] + 1, row[:-1] + (codes != ord(char)))
        row = np.concatenate(([number], changed))
        row = np.minimum.accumulate(row - places) + places
    return int(row[-1])
