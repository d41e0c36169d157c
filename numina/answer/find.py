r"""Find the final answer in a solution's text: one way for grading, for votes and for corpora.

An answer is what a text states as such: its last box, what follows "answer is", "Answer:",
``####`` or ``答案：``, or a display that ends it. Programs, their output, thoughts before
``</think>``, placeholders such as ``\boxed{answer}`` and asides after ``\approx`` state none.
"""

from __future__ import annotations

import re

from numina.answer.braces import closing, outside
from numina.fences import FAILED, outputs, prose

BOX = re.compile(r"\\(?:boxed|fbox|framebox)\s*(?=\{)")
BARE_BOX = re.compile(r"\\(?:boxed|fbox|framebox)\s*(?![a-zA-Z{])(\\?[^\s{}$\\,]+(?:\{[^{}]*\})*)")
PLACEHOLDER = re.compile(
    r"(?:[\s.…_?*<>\[\]()$,;:~-]|\\(?:[ld]dots|cdots|dots|square|Box|q?quad|_|[,;:! ])"
    r"|\b(?:your|the|final|correct|numerical|numeric|insert|put|write|place|exact|computed|here"
    r"|answer|result|value|final_answer|solution|integer|number|xx+|ans)\b"
    r"|\\(?:text|textbf|mathrm|textit|mathbf)\s*\{|[{}])*",
    re.I,
)
MARKED = re.compile(
    r"""
    (?:^|(?<=[\n.!?:*>]))[ \t>*_#-]*                      # **Answer:** 18
        (?:(?:the|my|so|thus|hence|therefore|our)[ ,]+)*
        (?:final\s+|correct\s+)?(?:answer|ans|result)\b
        (?:[ \t]*(?:choice|value))?[ \t]*(?:\*\*|__)?[ \t]*(?::|\uff1a|=)[ \t]*(?:\*\*|__)?
    | \banswer\s+(?:to[^.\n]{1,80}?\s)?(?:is|equals|=|would\s+be|must\s+be|becomes)
        (?:\s+(?:therefore|thus|then|simply|just|indeed|hence|given\s+by))?\b\s*:?
        (?!\s*(?:that\b|not\b|to\s|because|obtained|found|correct|wrong|in\s|given|known|unique|clear)\b)
    | \b(?:option|choice)\s+is\b\s*:?
    | ^[ \t]*\#\#\#\#[ \t]+(?!\#|[A-Za-z]+\s)             # GSM8K
    | \u9009(?:\u62e9)?[ \t]*[:\uff1a]?[ \t]*(?=\(?[A-F]{1,6}(?![A-Za-z]))  # a Chinese choice
    | (?:\u7b54\u6848|\u7b54)(?:\u4e3a|\u662f)?[ \t]*(?:[:\uff1a]|(?<=[\u4e3a\u662f]))
    | ^[ \t]*(?:\#+|\*\*)[ \t]*(?:final\s+)?answer\b[ \t:*]*$    # a heading
    | <answer>
    """,
    re.I | re.M | re.X,
)
EMPTY_BOX = re.compile(r"\\(?:boxed|fbox|framebox)\s*\{[^{}]*\}")
BEHIND = re.compile(r"[ \t]*(?:\*\*|__)?[ \t]*(?P<line>\n\s*)?")
STOP = re.compile(
    r"</answer>|\n|(?<=[^\s\d])\.(?=\s+[A-Z(\\$]|\s*$)|(?<=\d)\.(?=\s|$)"
    r"|[\u3002\uff1b]|(?<=[\w)}$\]*])[,;]?\s+(?:and\s+)?(?:which|because|since|so\s|as\s+(?:the|we|it|\w+ed)\b|where\s+we"
    r"|I\s+hope|not\s+[$\d])"
)
MATH = re.compile(r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|(?<!\\)\$((?:\\.|[^$\\])+?)\$", re.S)
DISPLAY = re.compile(r"(?:\$\$(?P<a>[^$]+?)\$\$|\\\[(?P<b>(?:(?!\\\[).)+?)\\\])[\s.,;*]*\Z", re.S)
NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.\\^/])[+-]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?(?:/\d+)?)(?![\d(])"
)
IS = re.compile(
    r"(?:\b(?:is|are|equals|at)|[为是])\s*:?\s*(?P<value>[\[({].*[\])}])\s*[.。]?\s*\Z", re.S
)
LISTED = re.compile(r"\s*,?\s*(?:and|or)?\s*")
LINK = re.compile(r"\\[()\[\]]|\\(?:text|quad|qquad|mathrm)|[${}]|\\[,;!: ]")
ASIDE = re.compile(
    r"\\(?:approx|simeq|thickapprox|doteq|fallingdotseq)(?![a-z])|[\u2248\u2243\u2252]"
    r"|\b(?:approximately|about|roughly|approx)\b",
    re.I,
)
CONCLUDES = re.compile(  # what leads from one box to the next
    r"\b(?:so|thus|hence|therefore|then|giv(?:es|ing)|mak(?:es|ing)|total)\b|[-+*/]\s*\d+\s*=\s*$",
    re.I,
)
WORD = re.compile(r"[A-Za-z]{2,}")
BOUND = re.compile(
    r"\s*(?:more|less|fewer|greater|at least|at most|over|under|no more|no less)\b", re.I
)
BOUNDED = re.compile(  # a number that is only a bound
    r"(?:(?:more|less|fewer|greater|larger|smaller|higher|lower) than(?: or equal to)?"
    r"|at (?:least|most)|exceeds|over|under|above|below"
    r"|[\u5927\u5c0f\u591a\u5c11\u9ad8\u4f4e]\u4e8e(?:\u7b49\u4e8e)?"  # Chinese, the same
    r"|\u81f3[\u5c11\u591a]|\u8d85\u8fc7|\u4e0d[\u8db3\u5230])\s*\$?\s*\Z",
    re.I,
)
OPTION = re.compile(r"(?:\\(?:text|mathrm|mathbf)[a-z]*\s*\{)?\(?[A-J]\)?[.:]?\}?")
SPOKEN = re.compile(
    r"(?<![A-Za-z])(?:[A-Za-z]{3,}|(?:is|it|so|we|to|of|in|at|by|be|an|as|if|on|or|no|do|he|my|us))"
    r"(?![A-Za-z(]|\.[A-Za-z]+\()",
    re.I,
)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
CALLED = re.compile(
    r"\b(?:sqrt|cbrt|log|ln|exp|a?(?:sin|cos|tan)h?|arc(?:sin|cos|tan)|sec|csc|cot|pi|binomial|abs"
    r"|factorial|gcd|lcm|floor|ceil(?:ing)?|max|min|mod|cis|Matrix|Rational|Fraction|oo|inf|I)\b"
)


def last_box(text: str) -> str | None:
    r"""The content of the last balanced ``\boxed{...}`` or ``\fbox{...}``, or None.

    A box that is never closed is ignored. For solutions of a corpus, which are complete.
    """
    for match in reversed(list(BOX.finditer(text))):
        begin = text.index("{", match.end()) + 1
        end = closing(text, begin)
        if end is not None:
            return text[begin:end].strip()
    return None


def find_answer(text: str, from_output: bool = False) -> str | None:
    """The final answer that a solution states, or None.

    Args:
        text: a solution, programs and their outputs included.
        from_output: if no answer is stated, take the last line that the last program printed. Off
            by default: a trace that a limit cut off did not state that this is its answer.
    """
    said = conclusion(prose(text))
    if said is None:
        return None
    if cut_off(said):
        return None
    found = stated_in_boxes(said) or marked(said) or display(said)
    if found is not None:
        return found
    if is_plain(said) and not words(said) and not BOX.search(said):
        return stripped(said)
    return last_output(text) if from_output else None


INTEGER_PARAMETER = re.compile(
    r"(?<=\$)[,;]?\s*\(?(?:(?:where|for|with|and|here)\s+)?(?:\$(?P<one>[a-z])\$\s+(?:is|are|be|being)"
    r"\s+(?:an?|any|some)\s+(?:arbitrary\s+)?integer|(?:any|all|every|some|each|an)?\s*integers?\s+"
    r"\$(?P<other>[a-z])\$)\)?[\s.]*$"
)


def stated_answer(text: str) -> str:
    r"""The answer of a text that may be the plain answer itself.

    As `find_answer`; if that finds nothing in prose, the last formula between dollar signs or
    brackets, else the last number. A box that lacks only its closing brace is read; the answer is
    "" if the text breaks off deeper inside it.
    """
    said = conclusion(prose(text))
    if said is not None and not said.strip():
        said = re.sub(r"(?m)^\s*```.*$", "", text)  # nothing but a block: the answer stands in it
    said = text if said is None else said
    if cut_off(said):
        return open_box(said)
    found = stated_in_boxes(said)
    if found is None and not is_plain(said):
        found = marked(said) or display(said) or last_value(said)
    return stripped(said) if found is None else found


def conclusion(text: str) -> str | None:
    """What follows the thoughts of a text; None if the thoughts never end."""
    if "</think>" in text:
        return text.rsplit("</think>", 1)[1]
    return None if "<think>" in text else text


def cut_off(text: str) -> bool:
    """Whether a text ends inside its last box."""
    openings = list(BOX.finditer(text))
    if not openings:
        return False
    return closing(text, text.index("{", openings[-1].end()) + 1) is None


def open_box(text: str) -> str:
    """The content of the box that is open at the end of a text; "" if it ends inside a group."""
    content = text[text.index("{", list(BOX.finditer(text))[-1].end()) + 1 :].strip().rstrip("$.")
    return content if closing(content + "}", 0) == len(content) else ""


def boxes(text: str) -> list[tuple[int, int, str]]:
    """The outermost boxes: where each begins and ends, and what it holds.

    Placeholders are left out.
    """
    found = []
    end = 0
    matches = [*BOX.finditer(text), *BARE_BOX.finditer(text)]
    for match in sorted(matches, key=lambda match: match.start()):
        if match.start() < end:
            continue
        if match.re is BARE_BOX:
            end, content = match.end(), match[1].rstrip(".")
        else:
            begin = text.index("{", match.end()) + 1
            close = closing(text, begin)
            if close is None:
                continue
            end, content = close + 1, text[begin:close].strip()
        if not PLACEHOLDER.fullmatch(content):
            found.append((match.start(), end, content))
    return found


def stated_in_boxes(text: str) -> str | None:
    r"""The last box, with those before it that are separated from it only by words like "and".

    A box after ``\approx`` is an aside to the one before it.
    """
    found = boxes(text)
    if not found:
        return None
    kept = [found[-1]]
    for box in reversed(found[:-1]):
        between = text[box[1] : kept[0][0]]
        if ASIDE.search(between) and len(between) < 60:
            kept[0] = box
            continue
        if not joined(between):
            break
        kept.insert(0, box)
    if len(kept) > 1:
        return ", ".join(dict.fromkeys(content for *_, content in kept))
    behind = re.match(r"\s*\$?\s*(\\?%|percent|pct)", text[kept[0][1] :])
    return f"{kept[0][2]} {behind[1]}" if behind else kept[0][2]


def joined(between: str) -> bool:
    """Whether the text between two boxes makes them one list."""
    shown = LINK.sub(" ", between)
    if CONCLUDES.search(shown):
        return False
    all_words = WORD.findall(shown)
    others = [word for word in all_words if word.lower() not in ("and", "or")]
    return (
        len(between) < 60
        and "\n\n" not in between
        and "=" not in between.replace("$", "").strip()[:1]
        and (
            not all_words or (len(others) <= 1 and (len(all_words) > len(others) or "," in between))
        )
    )


def marked(text: str) -> str | None:
    """What follows the last "answer is" or "Answer:", if that is not a placeholder."""
    for match in reversed(list(MARKED.finditer(text))):
        begin = BEHIND.match(text, match.end())
        rest = text[begin.end() if begin else match.end() :]
        value = "" if EMPTY_BOX.match(rest.lstrip(" $")) else value_of(rest)
        if value and not PLACEHOLDER.fullmatch(value):
            return told(value)
    return None


def told(value: str) -> str:
    """The number of a sentence such as ``Jane started 4 hours ago``, which has only one."""
    numbers = list(NUMBER.finditer(value))
    english = re.match(r"[A-Za-z]{2,}", value) and len(WORD.findall(value)) > 2
    sentence = english or CHINESE.match(value)
    if sentence and len(numbers) == 1 and "\\" not in value:
        return value if BOUNDED.search(value[: numbers[0].start()]) else numbers[0][0]
    return value


def value_of(rest: str) -> str:
    """The answer at the beginning of a text: to the end of its formula, sentence or line."""
    rest = rest.lstrip()
    if formula := MATH.match(rest):
        inner = next(filter(None, formula.groups())).strip()
        behind = rest[formula.end() :]
        while follow := re.match(rf"{LISTED.pattern}(?={MATH.pattern})", behind, re.S):
            more = MATH.match(behind, follow.end())
            if more is None:
                break
            inner += ", " + next(filter(None, more.groups())).strip()
            behind = behind[more.end() :]
        unit = re.match(r"\s*(\\?%|percent\b|pct\b)", behind)
        return f"{inner} {unit[1]}" if unit else inner
    shown = STOP.search(outside(rest))
    value = rest[: shown.start()] if shown else rest
    return stripped(value)


def display(text: str) -> str | None:
    """The display that ends a text."""
    match = DISPLAY.search(text)
    if match is None:
        return None
    content = (match["a"] or match["b"]).strip().rstrip(".,")
    return None if PLACEHOLDER.fullmatch(content) else content


def is_plain(text: str) -> bool:
    """Whether a text is only an answer: not a sentence, not a formula among words."""
    text = text.strip()
    if not text or len(text) > 400 or MARKED.search(text):
        return False
    shown = outside(text)
    if any(match.start() > 0 or match.end() < len(text) for match in MATH.finditer(shown)):
        return bool(re.fullmatch(rf"(?:{MATH.pattern})\s*(?:\\?%|percent|pct)", text, re.S))
    if not is_sentence(text):
        return not (CHINESE.search(text) and re.search(r"[\u3002\uff0c]|^[\u4e00-\u9fff]", text))
    return bool(re.match(r"[\d(\[{+\-\\$.]", text)) or not NUMBER.search(text)


def words(text: str) -> list[str]:
    """The words of a text other than commands, functions (``sqrt``) and names (``xy``, ``ABC``)."""
    text = CALLED.sub(" ", re.sub(r"\\[a-zA-Z]+(?:\{[^{}]*\})?", " ", text))
    found = SPOKEN.findall(text)
    return [word for word in found if not word.isupper() and word.lower() not in ("and", "or")]


def is_sentence(text: str) -> bool:
    """Whether a text is prose: it has two words, or one before a colon."""
    found = words(text)
    return len(found) > 1 or bool(found and re.match(r"\s*[A-Za-z]{3,} ?: ", text))


def last_value(text: str) -> str | None:
    """The last formula of a text with those listed before it, else its last number."""
    if match := INTEGER_PARAMETER.search(text):  # the formula before it is the answer
        found = last_value(text[: match.start()])
        return (
            None if found is None else rf"{found}, {match['one'] or match['other']}\in\mathbb{{Z}}"
        )
    if (tuple_of := IS.search(text)) and not MATH.search(text) and not words(tuple_of["value"]):
        return tuple_of["value"]
    formulas, numbers = list(MATH.finditer(text)), list(NUMBER.finditer(text))
    if formulas:
        first = len(formulas) - 1
        while first and LISTED.fullmatch(text[formulas[first - 1].end() : formulas[first].start()]):
            first -= 1
        inner = ", ".join(next(filter(None, match.groups())).strip() for match in formulas[first:])
        behind = text[formulas[-1].end() :].strip(" .")
        if OPTION.fullmatch(inner) and behind and len(behind) < 40:
            return f"{inner} {behind}"
        return f"{inner} {behind}" if re.match(r"\\?%|percent|pct", behind) else inner
    if BOUND.match(text) or (numbers and BOUNDED.search(text[: numbers[-1].start()])):
        return None
    if numbers and "\\" not in text and not re.match(r"[\d(\[{+-]", text.strip()):
        return numbers[-1][0]
    return None


def stripped(text: str) -> str:
    """An answer without the marks of Markdown and of mathematics around it."""
    before = None
    text = text.strip()
    while text != before:
        before = text
        for pattern in (
            r"\*\*(.+)\*\*\.?",
            r"__(.+)__\.?",
            r"`(.+)`\.?",
            r"\*([^*]+)\*",
            r"#+ (.+)",
            r"([^*]+)\*\*",
        ):
            if match := re.fullmatch(pattern, text, re.S):
                text = match[1].strip()
        if match := MATH.fullmatch(text.rstrip(".")):
            text = next(filter(None, match.groups())).strip()
        if match := re.fullmatch(rf"(?:{MATH.pattern})\s*(\\?%|percent|pct)", text, re.S):
            inner, behind = next(filter(None, match.groups()[:-1])), match[match.lastindex or 0]
            text = f"{inner.strip()} {behind}"
    return text


def last_output(text: str) -> str | None:
    """The last line of the last output block, or None if that is a failure or empty."""
    printed = outputs(text)
    lines = printed[-1].strip().splitlines() if printed else []
    if not lines or "Traceback" in printed[-1] or FAILED.match(lines[-1]):
        return None
    return lines[-1].strip()
