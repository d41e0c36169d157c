"""Programs from the calculator annotations of GSM8K's solutions (Cobbe et al. 2021, arXiv
2110.14168), such as ``48/2 = <<48/2=24>>24``.

Each annotated step becomes an assignment under a comment with the step's words. Where a step uses
the result of an earlier one, it names it, so nothing is left to compute in the head; a solution
that uses a number that was computed nowhere has no program. What the answer does not depend on is
left out, and so are results in the comments.
"""

from __future__ import annotations

import ast
import itertools
import math
import operator
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from fractions import Fraction
from string import ascii_lowercase

NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
FOUND = re.compile(NUMBER)
UNIT = r"(?:(?:\s+|\s*/\s*)[A-Za-z]+){0,3}"
# An annotation with the result that follows it, or an equation in the prose without one.
STEP = re.compile(
    rf"<<(?P<left>[^<>=]+)=(?P<right>[^<>=]+)>>\s*(?:{NUMBER})?"
    rf"|(?P<plain>\(?\$?{NUMBER}\)?{UNIT}(?:\s*[-+*/x×÷]\s*\(?\$?{NUMBER}%?\)?{UNIT})+)"
    rf"\s*=\s*\$?(?P<value>{NUMBER})(?![\d/]|\.\d|\s*[-+*/x×÷]\s*\d)"
)
UNITS = re.compile(r"/?\s*[A-Za-z]{2,}")
IN_WORDS = re.compile(r"\s[-+*/x×÷]\s|\d/[a-z]")  # arithmetic with units between its numbers
IN_TEXT = re.compile(rf"\$?(?<![\w./]){NUMBER}(?![\w%/]|\.\d)")
# What a step's words end with before its annotation: the same expression once more.
EXPRESSION = re.compile(r"[\s(]*(?:[\d$.,%()\s]|(?<![A-Za-z])[xX](?![A-Za-z])|[-+*/×÷=])*=?\s*\$?$")
DANGLING = re.compile(
    r"(?:\b(?:because|is|are|=|a total of|of|equals|so|since|or)|[,;:$(=-])\s*$", re.I
)
OPERATORS: dict[type, Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
MOST_STEPS = len(ascii_lowercase)
MOST_PLACES = 5  # of a result
# Numbers that a solution may use although the problem does not give them: small ones, and how many
# of a unit make up another.
SMALL = range(13)
KNOWN = (14, 15, 16, 18, 20, 24, 25, 28, 29, 30, 31, 36, 48, 50, 52, 60, 75, 90, 100, 128, 144)
KNOWN += (180, 360, 365, 366, 1000, 1760, 2000, 3600, 5280)
NUMERALS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
NUMERALS += " fifteen sixteen seventeen eighteen nineteen twenty"
TO_WHOLE = ("round({})", "int({})")


@dataclass(frozen=True, slots=True)
class Annotated:
    """A step of a solution: its words, what it computes, and the result that it states."""

    words: str
    expression: str
    stated: Fraction


@dataclass(frozen=True, slots=True)
class Computed:
    """A step of a program.

    Attributes:
        words: of the solution.
        known: whether it uses no number that comes from nowhere.
        code: an expression, with ``{2}`` for the result of step 2.
        needs: which earlier steps it names.
        value: its exact value.
        whole: whether Python computes it with whole numbers only.
    """

    words: str
    known: bool
    code: str
    needs: tuple[int, ...]
    value: Fraction
    whole: bool


def program_of(solution: str, problem: str, answer: str) -> str | None:
    """A program that computes the answer in the solution's steps, or None if they do not reach it.

    Args:
        solution: with annotations.
        problem: the statement; a number of it is not taken for the result of a step that was used.
        answer: a number.
    """
    gold = read(answer)
    given = numbers_in(problem)
    steps = computed(annotated(solution), given)
    last = next((at for at in reversed(range(len(steps))) if steps[at].value == gold), None)
    if gold is None or last is None:
        return None
    needed: set[int] = set()
    waiting = [last]
    while waiting:
        at = waiting.pop()
        if at not in needed:
            needed.add(at)
            waiting += steps[at].needs
    if not all(steps[at].known for at in needed):
        return None
    return written(steps, sorted(needed), gold)


def annotated(solution: str) -> Iterator[Annotated]:
    """The steps of a solution that compute something."""
    for line in solution.splitlines():
        if line.startswith("####"):
            continue
        found = list(STEP.finditer(line))
        for number, match in enumerate(found):
            begin = found[number - 1].end() if number else 0
            after = line[match.end() :] if number == len(found) - 1 else ""
            left = match["left"] or arithmetic(match["plain"])
            stated = read(match["right"] or match["value"])
            if stated is not None and re.search(r"[\d)][-+*/]", left):
                words = words_of(line[begin : match.start()], after)
                yield Annotated(words, re.sub(r"\s", "", left), stated)


def arithmetic(equation: str) -> str:
    """The left side of an equation in prose as Python, without units."""
    bare = UNITS.sub("", equation).translate(str.maketrans("x×÷", "**/"))
    return re.sub(r"[$,\s]", "", bare).replace("%", "/100")


def words_of(before: str, after: str) -> str:
    """The words of a step, without the expression that they end with before its annotation."""
    before = EXPRESSION.sub("", before)
    if IN_WORDS.search(before):
        after = ""
    return f"{DANGLING.sub('', before).strip()} {after.strip()}"


def without(words: str, results: Collection[Fraction | None]) -> str:
    """The words of a step without some numbers."""
    bare = IN_TEXT.sub(lambda match: "" if read(match[0]) in results else match[0], words)
    return re.sub(r"\s+([.,;])", r"\1", " ".join(bare.split()).strip(" .,;:=$-+*/"))


def numbers_in(problem: str) -> set[Fraction | None]:
    """The numbers of a problem, in digits or words."""
    words = set(re.findall("[a-z]+", problem.lower()))
    spelt = {Fraction(n) for n, word in enumerate(NUMERALS.split(), 1) if word in words}
    return spelt | {read(number) for number in FOUND.findall(problem)}


def is_known(number: Fraction | None, given: Set[Fraction | None]) -> bool:
    """Whether a solution may use a number that it has not computed."""
    return number in given or number in KNOWN or (number is not None and number < SMALL.stop)


def computed(steps: Iterable[Annotated], given: Set[Fraction | None]) -> list[Computed]:
    """The steps as expressions of a program; those are left out that do not give what they state.

    Args:
        steps: of a solution.
        given: numbers of the problem: one of them, or a small one, stands for the result of an
            earlier step only if that is not used yet.
    """
    found: list[Computed] = []
    used: set[int] = set()
    for step in itertools.islice(steps, MOST_STEPS):
        numbers = [read(number) for number in FOUND.findall(step.expression)]
        needs = [
            result_of(number, found, used if number in given or number in SMALL else ())
            for number in numbers
        ]
        value = evaluated(filled(step.expression, map(plain, numbers)))
        rounding = None if value is None else rounding_to(value, step.stated)
        if rounding is None:
            continue
        parts = [
            plain(number) if need is None else f"{{{need}}}"
            for number, need in zip(numbers, needs, strict=True)
        ]
        code = filled(step.expression, parts)
        results = {one.value for one in found} - given | {step.stated}
        earlier = tuple(need for need in needs if need is not None)
        used.update(earlier)
        exact = not re.search(r"[/.]", code) and all(found[at].whole for at in earlier)
        spaced = re.sub(r"(?<=[\d)}])([-+*/])", r" \1 ", code)
        found.append(
            Computed(
                words=without(step.words, results),
                known=all(
                    need is not None or is_known(number, given)
                    for number, need in zip(numbers, needs, strict=True)
                ),
                code=rounding.format(spaced),
                needs=earlier,
                value=step.stated,
                whole=exact or rounding in TO_WHOLE,
            )
        )
    return found


def filled(expression: str, numbers: Iterable[str]) -> str:
    """An expression with other texts for its numbers."""
    texts = iter(numbers)
    return FOUND.sub(lambda _: next(texts), expression)


def result_of(
    number: Fraction | None, found: Sequence[Computed], barred: Collection[int]
) -> int | None:
    """The latest step with a number for its result, or None."""
    steps = reversed(range(len(found)))
    return next((at for at in steps if found[at].value == number and at not in barred), None)


def rounding_to(value: Fraction, stated: Fraction) -> str | None:
    """How a value is rounded to the one that is stated, or None if it cannot be."""
    if value == stated:
        return "{}"
    places = next((n for n in range(MOST_PLACES) if (stated * 10**n).denominator == 1), None)
    if places is None:
        return None
    if round(value, places) == stated:
        return f"round({{}}, {places})" if places else "round({})"
    return "int({})" if math.floor(value) == stated >= 0 else None


def evaluated(expression: str) -> Fraction | None:
    """The exact value of an expression, or None if it has none."""
    try:
        return value_of(ast.parse(expression.lstrip("+"), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError):
        return None


def value_of(node: ast.expr) -> Fraction:
    """The exact value of a part of an expression.

    Raises:
        ValueError: it is not arithmetic.
        ZeroDivisionError: it divides by zero.
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return Fraction(str(node.value))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -value_of(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](value_of(node.left), value_of(node.right))
    raise ValueError(ast.unparse(node))


def written(steps: Sequence[Computed], needed: Sequence[int], answer: Fraction) -> str:
    """The program of some steps, the last of which is the answer."""
    names = dict(zip(needed, ascii_lowercase, strict=False))
    every = [names.get(at, "") for at in range(len(steps))]
    lines: list[str] = []
    for at in needed:
        if steps[at].words:
            lines.append(f"# {steps[at].words}")
        lines.append(f"{names[at]} = {steps[at].code.format(*every)}")
    last = steps[needed[-1]]
    places = max(0, len(plain(answer).partition(".")[2]))
    shown = names[needed[-1]]
    if not last.whole:
        shown = f"round({shown}, {places})" if places else f"round({shown})"
    return "\n".join([*lines, f"print({shown})"])


def read(number: str) -> Fraction | None:
    """The number that a text is, or None."""
    try:
        return Fraction(re.sub(r"[,$\s]", "", number))
    except (ValueError, ZeroDivisionError):
        return None


def plain(number: Fraction | None) -> str:
    """A number as Python writes it, without zeros at its ends."""
    if number is None or number.denominator == 1:
        return str(number)
    return str(float(number))
