r"""Unit vectors in a text: ``3\mathbf{i}-2\hat{j}`` is written ``3\vi-2\vj``.

A styled ``i`` alone beside a number, as in ``2+3\mathbf{i}``, stays: it is the imaginary unit.
"""

from __future__ import annotations

import re

STYLE = r"\\(?:mathbf|boldsymbol|bm|pmb|vec|hat|widehat|overrightarrow|overline)\s*"
NAME = r"(?:\\([ij])math(?![a-z])|([ijk])(?![A-Za-z]))\s*"
UNIT = re.compile(
    rf"{STYLE}\{{\s*{STYLE}\{{\s*{NAME}\}}\s*\}}|{STYLE}\{{\s*{STYLE}{NAME}\}}|{STYLE}\{{\s*{NAME}\}}|{STYLE}{NAME}"
)
MARK = re.compile(r"\\v[ijk](?![a-z])")
ALONE = re.compile(r"(?:[^-+=]*=)?\s*[-+]?[^-+=]*\\vi\s*\.?\$?\s*")
PLAIN = re.compile(r"(?<!\\)j|i.*(?<!\\)k", re.S)


def marked(text: str) -> str:
    """A text with its unit vectors as commands of their own."""
    found = UNIT.sub(lambda match: rf"\v{next(filter(None, match.groups()))} ", text)
    several = re.search(r"\\v[jk](?![a-z])", found)
    return found if several or ALONE.fullmatch(found) else text


def has_units(text: str) -> bool:
    return MARK.search(text) is not None


def may_have_units(text: str) -> bool:
    """Whether plain letters may be unit vectors, as in ``3i-2j``."""
    return PLAIN.search(re.sub(r"\\[A-Za-z]+", " ", text)) is not None
