"""Synthetic problems by seed, as many as asked for, with known duplicates: for measuring the data
build at sizes for which there are no rows at hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from numina.records.problem import Problem

SYLLABLES = [a + b for a in "bcdfghklmnprstvw" for b in ("a", "e", "i", "o", "u", "an", "er", "il")]
COMMON = (
    *("of", "is", "a", "and", "to", "in", "with", "for", "each", "how", "many", "has", "more"),
    *("than", "all", "numbers", "such"),
)
VOCABULARY = 20_000
REPEATED = 0.05  # share of rows that repeat an earlier one in another spelling
TEMPLATED = 0.05  # share of rows of one template
TOOL_EVERY = 12
SOLVED_TOKENS = 2048  # more than a row of `solved` has, prompt included
STEPS = (
    "We first add ${n}$ and ${m}$, which gives ${n}+{m}={sum}$ on the left side.",
    "Multiplying both sides of the equation by ${m}$, we see that ${n} \\cdot {m} = {product}$.",
    "Since ${n}$ is less than ${sum}$, the remainder has to be a positive integer.",
    "Therefore the number of ways to choose them is at most ${product}$.",
)
RECENT = 1000  # rows that are repeated


def synthetic(count: int, seed: int) -> Iterator[Problem]:
    """Rows of about 200 characters. The id of one that repeats an earlier row ends in
    "-repeats-" and the number of that row."""
    random = Random(seed)
    words = ["".join(random.choices(SYLLABLES, k=random.randint(2, 4))) for _ in range(VOCABULARY)]
    recent: list[tuple[int, Problem]] = []
    for number in range(count):
        draw = random.random()
        if draw < REPEATED and recent:
            of, row = random.choice(recent)
            yield Problem(
                f"{number}-repeats-{of}", other_spelling(row.problem), row.answer, "bench"
            )
            continue
        make = template if draw < REPEATED + TEMPLATED else prose
        row = Problem(str(number), make(random, words), str(random.randint(0, 999)), "bench")
        if draw >= REPEATED + TEMPLATED:
            recent = [*recent[-RECENT:], (number, row)] if number % 50 == 0 else recent
        yield row


def solved(count: int, seed: int) -> Iterator[Problem]:
    """The rows of `synthetic` with a chain of thought of some 900 characters; every twelfth has a
    tool-integrated solution instead, about the share of NuminaMath-TIR in both sets."""
    random = Random(seed)
    for number, row in enumerate(synthetic(count, seed)):
        ending = f"So the answer is $\\boxed{{{row.answer}}}$."
        if number % TOOL_EVERY:
            yield replace(row, solution=f"{chain(random)} {ending}")
        else:
            program = f"```python\nprint({row.answer} + 0)\n```\n```output\n{row.answer}\n```"
            yield replace(row, tools=f"{chain(random)}\n{program}\n{ending}")


def chain(random: Random) -> str:
    steps = []
    for _ in range(random.randint(8, 16)):
        n, m = random.randint(2, 99), random.randint(2, 99)
        steps.append(random.choice(STEPS).format(n=n, m=m, sum=n + m, product=n * m))
    return " ".join(steps)


def one_template(count: int, seed: int) -> Iterator[Problem]:
    """Rows of one template that differ in their numbers only."""
    random = Random(seed)
    for number in range(count):
        yield Problem(str(number), template(random, []), str(random.randint(0, 999)), "bench")


def one_wording(count: int, seed: int) -> Iterator[Problem]:
    """Rows of one template with equal numbers and answers, that differ in one name only."""
    random = Random(seed)
    for number in range(count):
        name = "".join(random.choices(SYLLABLES, k=4)).title()
        yield Problem(str(number), template(Random(0), [name]), "5", "bench")


def prose(random: Random, words: list[str]) -> str:
    sentences = []
    for _ in range(random.randint(2, 4)):
        ranks = [int(VOCABULARY * random.random() ** 3) for _ in range(random.randint(6, 10))]
        found = [random.choice(COMMON) if random.random() < 0.4 else words[rank] for rank in ranks]
        n, m = random.randint(2, 99), random.randint(2, 99)
        found.insert(random.randrange(len(found)), f"$\\frac{{{n}}}{{{m}}}x^2 \\le {n + m}$")
        sentences.append(" ".join(found).capitalize() + ".")
    return " ".join(sentences)


def template(random: Random, names: list[str]) -> str:
    a, b, c = (random.randint(10, 9999) for _ in range(3))
    name = random.choice(names) if names else "A positive integer"
    return (
        f"{name} is divided by ${a}$ with remainder ${b % a}$. It can be written as "
        f"$\\frac{{m}}{{n}}$, where $m$ and $n$ are relatively prime positive integers below "
        f"${c}$. Find $m+n$."
    )


def other_spelling(text: str) -> str:
    return text.replace(r"\frac", r"\dfrac").replace(r"\le ", r"\leq").replace(". ", ".\n\n")
