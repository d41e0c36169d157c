"""Parse blocks as models write them, including indented ones and notebook commands."""

from __future__ import annotations

import ast
import re
import textwrap

COMMAND = re.compile(
    r"(?P<indent>\s*)(?:(?P<assigned>[\w, ]+=\s*)?(?:%time\s+(?P<timed>\S.*)|!.*|%%?[A-Za-z].*)"
    r"|\?{1,2}[A-Za-z][\w.]*|[A-Za-z][\w.]*\?{1,2})\s*$"
)
PROMPT = re.compile(r"\s*(?:>>>|\.\.\.)(?: |$)")
UNKNOWN = re.compile(r"invalid (?:non-printable )?character .*\(?U\+([0-9A-F]+)\)?")
# Characters of texts about mathematics, and what they mean in Python.
TYPOGRAPHY = str.maketrans(
    {
        **dict.fromkeys("\xa0\u2007\u2009\u202f\u3000", " "),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff", ""),
        **dict.fromkeys("\u2212\u2013\u2010\u2011", "-"),
        **dict.fromkeys("\u2018\u2019", "'"),
        **dict.fromkeys("\u201c\u201d", '"'),
        **{"\xd7": "*", "\u22c5": "*", "\xf7": "/", "\xb2": "**2", "\xb3": "**3"},
        **{"\u2264": "<=", "\u2265": ">=", "\u2260": "!="},
        **{chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)},  # full width
    }
)


def parse(code: str, file: str) -> tuple[ast.Module, str]:
    """The tree of a block, and the source that was parsed.

    Only if a block is not valid Python, lines such as `!pip install sympy` and
    `%matplotlib inline` are skipped, indentation common to all lines and prompts are removed, and
    characters of typeset text are replaced by those of Python.

    Raises:
        SyntaxError: the original error of the block, if this does not help.
        ValueError: it has a null character.
    """
    try:
        return ast.parse(code, file), code
    except SyntaxError as error:
        first, found = error, error
    for _ in range(2 * code.count("\n") + 4):
        if (mended := without_cause(code, found)) is None:
            raise first
        code = mended
        try:
            return ast.parse(code, file), code
        except SyntaxError as error:
            found = error
    raise first


def without_cause(code: str, error: SyntaxError) -> str | None:
    """The block without the cause of the error; None if the error is a real one."""
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
    if PROMPT.match(lines[place]):
        return "\n".join(PROMPT.sub("", line, 1) for line in lines if PROMPT.match(line)) + "\n"
    if command := COMMAND.match(lines[place]):
        assigned = command["assigned"] or ""
        instead = command["timed"] or ("[]" if assigned else "pass")
        lines[place] = command["indent"] + assigned + instead
    elif unknown := UNKNOWN.match(error.msg):
        character = chr(int(unknown[1], 16))
        begin = max(0, lines[place].find(character, (error.offset or 1) - 1))
        lines[place] = lines[place][:begin] + lines[place][begin:].translate(TYPOGRAPHY)
    else:
        return None
    mended = "\n".join(lines) + "\n"
    return mended if mended != code else None
