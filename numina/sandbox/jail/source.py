"""Blocks as models write them: indented as a whole, or with a notebook's commands in between."""

from __future__ import annotations

import ast
import re
import textwrap

COMMAND = re.compile(r"(\s*)(?:%time\s+(?P<timed>\S.*)|!.*|%%?[A-Za-z].*)$")


def parse(code: str, file: str) -> tuple[ast.Module, str]:
    """The tree of a block, and its source as it was read.

    Only where a block is not Python as it stands: lines such as `!pip install sympy` and
    `%matplotlib inline` are skipped, and the indentation that all lines share is taken off.

    Raises:
        SyntaxError: of the block as it stands, where this does not help.
        ValueError: it has a null character.
    """
    try:
        return ast.parse(code, file), code
    except SyntaxError as error:
        first, found = error, error
    for _ in range(code.count("\n") + 2):
        if (mended := without_cause(code, found)) is None:
            raise first
        code = mended
        try:
            return ast.parse(code, file), code
        except SyntaxError as error:
            found = error
    raise first


def without_cause(code: str, error: SyntaxError) -> str | None:
    """The block without what this error is about; None where it is a real one."""
    lines = code.splitlines()
    if error.lineno is None or not 0 < error.lineno <= len(lines):
        return None
    if error.msg == "unexpected indent":
        head, _, rest = code.partition("\n")
        for mended in (textwrap.dedent(code), head + "\n" + textwrap.dedent(rest)):
            if mended != code:
                return mended
        return None
    place = error.lineno - 1
    if not (command := COMMAND.match(lines[place])):
        return None
    lines[place] = command[1] + (command["timed"] or "pass")
    return "\n".join(lines) + "\n"
