r"""Find the final answer in a solution's text."""

from __future__ import annotations

import re

BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
BARE_BOX = re.compile(r"\\(?:boxed|fbox)\s+([^\s{}$\\.]+)")
PHRASE = re.compile(
    r"answer\s+is:?\s*(?:\$\$?|\\\(|\\\[)?\s*([^\s$][^\n$]*?)(?:\\\)|\\\]|\$)?\s*(?:\.\s|\.?$|\$)",
    re.I | re.M,
)
OUTPUT = re.compile(r"```output\n(.*?)(?:```|\Z)", re.S)
MATH = re.compile(r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|(?<!\\)\$((?:\\.|[^$\\])+?)\$", re.S)
NUMBER = re.compile(
    r"(?<![\w.])[+-]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?(?:/\d+)?)(?!\d)"
)
LISTED = re.compile(r"\s*,?\s*(?:and|or)?\s*")
FINAL = re.compile(r".*\bfinal answer\b\W*", re.I | re.S)
LINK = re.compile(r"\\[()\[\]]|\\(?:text|quad|qquad|mathrm)|[${}]|\\[,;!: ]")
WORD = re.compile(r"[A-Za-z]{2,}")


def boxes(text: str) -> list[tuple[int, int, str]]:
    """All balanced boxes that stand in no other, in order: where each begins and ends, and what
    it holds."""
    found = []
    end = 0
    for match in BOX.finditer(text):
        close = closing(text, match.end()) if match.start() >= end else None
        if close is not None:
            end = close + 1
            found.append((match.start(), end, text[match.end() : close].strip()))
    return found


def closing(text: str, begin: int) -> int | None:
    """Where the brace that is open at `begin` is closed; an escaped one does not count."""
    depth = 1
    for match in re.finditer(r"\\.|[{}]", text[begin:], re.S):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return begin + match.start()
    return None


def last_box(text: str) -> str | None:
    r"""The content of the last balanced ``\boxed{...}`` or ``\fbox{...}``, or None.

    A box that is never closed is passed over, since what it would have held is not known.
    """
    for match in reversed(list(BOX.finditer(text))):
        close = closing(text, match.end())
        if close is not None:
            return text[match.end() : close].strip()
    return None


def last_output(text: str) -> str | None:
    """The last line of the last ```output block, or None where that is a failure or empty."""
    blocks = OUTPUT.findall(text)
    lines = blocks[-1].strip().splitlines() if blocks else []
    if not lines or "Traceback" in blocks[-1] or re.match(r"\w*(?:Error|Timeout)\b", lines[-1]):
        return None
    return lines[-1].strip()


def find_answer(text: str, from_output: bool = False) -> str | None:
    """The final answer: the last box, else what follows the last "answer is"; else None.

    Args:
        text: a solution.
        from_output: whether, failing those, the last line that its last program printed is the
            answer. Not by default: a trace that a limit has cut off did not say that it is.
    """
    boxed = last_box(text)
    if boxed:
        return boxed
    phrases = PHRASE.findall(text)
    if phrases:
        return phrases[-1].strip()
    return last_output(text) if from_output else None


def stated_answer(text: str) -> str:
    r"""What a text gives as the answer, where it may be the plain answer itself.

    Of boxes, the last; with it those before it that only ``and``, ``or``, a comma or signs part
    from it. Without boxes, in prose: what follows "answer is", else the last formula between
    dollar signs or brackets, else the last number.
    """
    if boxed := final_boxes(text):
        return boxed
    if open_box := list(BOX.finditer(text)):
        return text[open_box[-1].end() :].strip().rstrip("$")  # cut off in the midst
    prose = len(WORD.findall(MATH.sub(" ", re.sub(r"\\[a-zA-Z]+(?:\{[^{}]*\})?", " ", text)))) >= 2
    if prose and (phrases := PHRASE.findall(text)):
        return phrases[-1].strip()
    final = FINAL.match(text)
    text = text[final.end() :] if final else text
    formulas, numbers = list(MATH.finditer(text)), list(NUMBER.finditer(text))
    if formulas and not (final and numbers and numbers[-1].start() > formulas[-1].end()):
        first = len(formulas) - 1
        while first and LISTED.fullmatch(text[formulas[first - 1].end() : formulas[first].start()]):
            first -= 1
        inner = ", ".join(next(filter(None, match.groups())).strip() for match in formulas[first:])
        behind = text[formulas[-1].end() :].strip(" .")
        return f"{inner} {behind}" if re.match(r"\\?%|percent|pct", behind) else inner
    text = text.strip().strip("$").strip()
    plain = "\\" not in text and not re.match(r"[\d(\[{+-]", text)
    if numbers and (final or (plain and (prose or re.match(r"[A-Za-z]{3,} ?: ", text)))):
        return numbers[-1][0]
    return text


def final_boxes(text: str) -> str | None:
    found = boxes(text)
    if not found:
        return None
    kept = [found[-1]]
    for box in reversed(found[:-1]):
        between = text[box[1] : kept[0][0]]
        if not joined(between):
            break
        kept.insert(0, box)
    if len(kept) > 1:
        return ", ".join(dict.fromkeys(content for *_, content in kept))
    behind = re.match(r"\s*\$?\s*(\\?%|percent|pct)", text[found[-1][1] :])
    return f"{kept[0][2]} {behind[1]}" if behind else kept[0][2]


def joined(between: str) -> bool:
    """Whether what stands between two boxes makes one list of them."""
    words = WORD.findall(LINK.sub(" ", between))
    others = [word for word in words if word.lower() not in ("and", "or")]
    return (
        len(between) < 60
        and "\n\n" not in between
        and (not words or (len(others) <= 1 and (len(words) > len(others) or "," in between)))
    )
