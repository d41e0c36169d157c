"""The fenced format of a solution: prose, programs and what they printed.

Models write fences in many ways: ``python``, ``py`` or ``Python3``, after a space, with the line
ends of Windows, indented in a list, or after words on a line. A closing fence is alone on its line,
or behind the last line of a program that is complete, so backticks in a comment or a docstring do
not close a block. A block that is never closed extends to the end of the text.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass

CODE_START, CODE_END = "```python\n", "```"
OUTPUT_START, OUTPUT_END = "```output\n", "```\n"
# How a model may open an output block: decoding stops there.
OUTPUT_STARTS = (OUTPUT_START, "```output\r\n", "``` output\n", "```Output\n")

FENCE = re.compile(
    r"^(?P<before>.*?)```+[ \t]*(?:\{\.?)?(?P<language>[A-Za-z][\w+#.-]*)?(?P<info>[^`]*?)\s*$"
)
# What may follow the name of Python: `{python}`, `python title="x"`, `python:x.py`, `python 3`.
INFO = re.compile(r"(?:\s*[\d.]+|:\S+|[^`]*\}|\s+\w+=.*)?")
# The last line of an output if the program failed.
FAILED = re.compile(r"\w*(?:Error|Timeout|Exception|Interrupt)\b")
PYTHON = re.compile(r"py(?:thon)?[\d.]*|sage|ipython[\d.]*", re.I)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a text.

    Attributes:
        kind: ``python``, ``output``, another language in lower case, or "" if none is named.
        start, end: of the block in the text, fences included.
        inside: where its content begins.
        text: the content between the fences.
    """

    kind: str
    start: int
    end: int
    inside: int
    text: str


def blocks(text: str) -> list[Block]:
    """The blocks of a text, in order."""
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    begins = [0]
    for line in lines:
        begins.append(begins[-1] + len(line))
    found: list[Block] = []
    at = 0
    while at < len(lines):
        kind = opened(lines, at)
        if kind is None:
            at += 1
            continue
        last = last_line(lines, at, kind)
        rest = code_before_fence(lines, at, last) if kind == "python" else ""
        closed = last < len(lines) and (closes(lines[last]) or bool(rest))
        start = begins[at] + lines[at].index("```")
        inside = begins[at + 1]
        content = text[inside : begins[last]] + rest
        at = last + 1 if closed else last
        found.append(Block(kind, start, begins[at], inside, content))
    return found


def prose(text: str) -> str:
    """A text without its blocks: each is replaced by an empty line."""
    kept, position = [], 0
    for block in blocks(text):
        kept += [text[position : block.start], "\n"]
        position = block.end
    return "".join([*kept, text[position:]])


def outputs(text: str) -> list[str]:
    """The outputs of the programs of a text, in order."""
    return [block.text for block in blocks(text) if block.kind == "output"]


def output_spans(text: str) -> list[tuple[int, int]]:
    """Character spans of the outputs of programs, with the fence that closes each output.

    The opening fence is not part of a span: the model writes it, and decoding stops there.
    """
    return [(block.inside, block.end) for block in blocks(text) if block.kind == "output"]


def failed_spans(text: str) -> list[tuple[int, int]]:
    """Character spans of the programs that failed, without their fences."""
    found, waiting = [], []
    for block in blocks(text):
        if block.kind == "python":
            waiting.append((block.inside, block.inside + len(block.text)))
        elif block.kind == "output":
            found += waiting if failed(block.text) else []
            waiting = []
    return found


def failed(output: str) -> bool:
    """Whether an output says that the program failed: an exception in its last line, or nothing."""
    lines = output.strip().splitlines()
    return not lines or FAILED.match(lines[-1]) is not None


def waiting_program(text: str) -> str:
    """The code to run for a text that ends with an opened output block; "" if there is none.

    It is every program since the previous output, joined. If there was none since then, there is
    nothing to run.
    """
    found = blocks(text)
    if found and found[-1].kind == "output":
        found.pop()
    programs: list[str] = []
    for block in reversed(found):
        if block.kind == "output":
            break
        if block.kind == "python":
            programs.append(dedented(block.text))
    return "\n".join(reversed(programs))


def dedented(code: str) -> str:
    """A program without the indentation of its first line, which it has in a list, for example."""
    lines = code.replace("\r\n", "\n").rstrip().split("\n")
    first = next((line for line in lines if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip())]
    if not indent:
        return "\n".join(lines)
    return "\n".join(line.removeprefix(indent) for line in lines)


def last_line(lines: list[str], at: int, kind: str) -> int:
    """The line that ends the block opened on line `at`; the number of lines if none does.

    A fence inside a docstring does not end a program: if a string is open before the fence, and a
    later fence is outside of strings, the later one ends the program.
    """
    candidates = (
        i
        for i in range(at + 1, len(lines))
        if ends(lines[i], kind) or (kind == "python" and code_before_fence(lines, at, i))
    )
    first = next(candidates, len(lines))
    if kind != "python" or not in_string("".join(lines[at + 1 : first])):
        return first
    for later in candidates:
        if not in_string("".join(lines[at + 1 : later])):
            return later
    return first


def code_before_fence(lines: list[str], at: int, place: int) -> str:
    """The code before a fence that closes a program without a line of its own; "" if there is none.

    There is such a fence if the program up to it is complete.
    """
    line = lines[place].rstrip() if place < len(lines) else ""
    code = line.removesuffix("```")
    if code == line or not code.strip() or "`" in code or "#" in code:
        return ""
    try:
        ast.parse(dedented("".join(lines[at + 1 : place]) + code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return code


def in_string(code: str) -> bool:
    """Whether a program ends inside a string of several lines."""
    try:
        for _ in tokenize.generate_tokens(io.StringIO(code).readline):
            pass
    except tokenize.TokenError as error:
        return "string" in str(error)
    except SyntaxError:
        return False
    return False


def opened(lines: list[str], at: int) -> str | None:
    """The kind of the block that a line opens, or None.

    A fence without a language opens a block only if the next fence closes it: otherwise it is a
    superfluous closing fence.
    """
    match = FENCE.match(lines[at].rstrip("\n"))
    if match is None:
        return None
    language = (match["language"] or "").lower()
    if "`" in match["before"] or (match["before"].strip() and not known(language)):
        return None
    if match["info"] and not (PYTHON.fullmatch(language) and INFO.fullmatch(match["info"])):
        return None
    if not language:
        matches = ((line, FENCE.match(line.rstrip("\n"))) for line in lines[at + 1 :])
        fence = next((line for line, match in matches if match and not match["info"]), None)
        return "" if fence is not None and closes(fence) else None
    return "python" if PYTHON.fullmatch(language) else language


def known(language: str) -> bool:
    return language == "output" or PYTHON.fullmatch(language) is not None


def closes(line: str) -> bool:
    return re.fullmatch(r"\s*```+\s*", line) is not None


def ends(line: str, kind: str) -> bool:
    """Whether a line ends a block: its closing fence, or the next block if that is missing."""
    if closes(line):
        return True
    match = FENCE.match(line.rstrip("\n"))
    if match is None or match["before"].strip() or match["info"]:
        return False
    language = (match["language"] or "").lower()
    return language == "output" or (kind == "output" and known(language))
