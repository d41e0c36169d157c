"""Families of sequences and series."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from numina.corpus.family import Draw, Family, Step


def arithmetic_sum(rng: Random) -> Draw:
    a, d, n = rng.randint(2, 30), rng.randint(2, 15), rng.randint(12, 60)
    last = a + (n - 1) * d
    return Draw(
        numbers=(a, d, n),
        statements=(
            f"An arithmetic sequence starts with ${a}$ and has common difference ${d}$. What is the "
            f"sum of its first ${n}$ terms?",
            f"Find ${a} + {a + d} + {a + 2 * d} + \\cdots$, an arithmetic series of ${n}$ terms.",
            f"A runner covers ${a}$ km in the first week and ${d}$ km more in each week than in the "
            f"one before. How many km does she cover in ${n}$ weeks?",
        ),
        chain=f"The last term is ${a} + {n - 1} \\cdot {d} = {last}$. The sum is "
        f"$\\frac{{{n}({a} + {last})}}{{2}} = \\frac{{{n} \\cdot {a + last}}}{{2}} = "
        f"{n * (a + last) // 2}$.",
        steps=(
            Step(
                f"We add the ${n}$ terms.",
                f"total = 0\nfor i in range({n}):\n    total += {a} + i * {d}\nprint(total)",
            ),
        ),
        answer=n * (a + last) // 2,
    )


def alternating_squares(rng: Random) -> Draw:
    a = rng.randint(2, 60)
    n = a + 2 * rng.randint(5, 40)
    answer = a * a + sum(range(a + 1, n + 1))
    return Draw(
        numbers=(a, n),
        statements=(
            f"Find ${a}^2 - {a + 1}^2 + {a + 2}^2 - \\cdots + {n}^2$.",
            f"The squares of ${a}, {a + 1}, \\dots, {n}$ are added and subtracted in turn, beginning "
            "with a plus. What is the result?",
            f"What is the value of the alternating sum ${a}^2 - {a + 1}^2 + \\cdots - {n - 1}^2 + "
            f"{n}^2$?",
        ),
        chain=f"Each pair $k^2 - (k-1)^2$ is $k + (k - 1)$, so all is ${a}^2$ plus the integers from "
        f"${a + 1}$ to ${n}$: ${a * a} + {answer - a * a} = {answer}$.",
        steps=(
            Step(
                "We add the squares with alternating signs.",
                f"total = 0\nsign = 1\nfor i in range({a}, {n + 1}):\n    total += sign * i ** 2\n"
                "    sign = -sign\nprint(total)",
            ),
        ),
        answer=answer,
    )


def first_term_beyond(rng: Random) -> Draw:
    a, r, bound = rng.randint(1, 12), rng.randint(2, 5), rng.randint(2, 99) * 1000
    terms = [a]
    while terms[-1] <= bound:
        terms.append(terms[-1] * r)
    return Draw(
        numbers=(a, r, bound),
        statements=(
            f"A geometric sequence starts with ${a}$ and has ratio ${r}$. Which term, counted from "
            f"$1$, is the first to exceed ${bound}$?",
            f"Let $a_1 = {a}$ and $a_{{n+1}} = {r}a_n$. Find the least $n$ with $a_n > {bound}$.",
            f"A colony of ${a}$ cells grows ${r}$-fold every hour; its sizes form a sequence that "
            f"starts with ${a}$. Which member of the sequence is the first above ${bound}$?",
        ),
        chain=f"The terms are ${', '.join(map(str, terms[:4]))}, \\dots$. Term ${len(terms) - 1}$ is "
        f"${terms[-2]}$ and term ${len(terms)}$ is ${terms[-1]}$, the first above ${bound}$. "
        f"So the answer is ${len(terms)}$.",
        steps=(
            Step(
                f"We multiply on until the term exceeds ${bound}$.",
                f"n = 1\na = {a}\nwhile a <= {bound}:\n    a *= {r}\n    n += 1\nprint(n)",
            ),
        ),
        answer=len(terms),
    )


def recurrence_values(p: int, q: int, c: int, d: int, count: int) -> list[int]:
    """The first terms of a_n = c a_{n-1} + d a_{n-2} from p and q."""
    values = [p, q]
    while len(values) < count:
        values.append(c * values[-1] + d * values[-2])
    return values


def recurrence_remainder(rng: Random) -> Draw:
    p, q, n = rng.randint(1, 9), rng.randint(1, 9), rng.randint(12, 40)
    c, d, m = rng.randint(1, 3), rng.randint(1, 3), rng.choice((7, 10, 11, 13, 100))
    values = recurrence_values(p, q, c, d, n)
    rests = ", ".join(str(value % m) for value in values[:8])
    rule = f"a_n = {c if c > 1 else ''}a_{{n-1}} + {d if d > 1 else ''}a_{{n-2}}"
    return Draw(
        numbers=(p, q, c, d, n, m),
        statements=(
            f"Let $a_1 = {p}$, $a_2 = {q}$ and ${rule}$ for $n > 2$. What is the remainder when "
            f"$a_{{{n}}}$ is divided by ${m}$?",
            f"A sequence starts ${p}, {q}$ and goes on by ${rule}$. Find its term number ${n}$ "
            f"modulo ${m}$.",
            f"The sequence with $a_1 = {p}$, $a_2 = {q}$ obeys ${rule}$. What remainder does its "
            f"term $a_{{{n}}}$ leave on division by ${m}$?",
        ),
        chain=f"Modulo ${m}$ the terms begin ${rests}, \\dots$. Going on to term ${n}$ we reach "
        f"${values[-1] % m}$.",
        steps=(
            Step(
                f"First we compute the terms up to ${n}$.",
                f"a = [{p}, {q}]\nwhile len(a) < {n}:\n    a.append({c} * a[-1] + {d} * a[-2])\n"
                "print(a[-1])",
            ),
            Step(f"Now we reduce the last term modulo ${m}$.", f"print(a[-1] % {m})"),
        ),
        answer=values[-1] % m,
    )


def recurrence_sum(rng: Random) -> Draw:
    p, q, n = rng.randint(1, 9), rng.randint(1, 9), rng.randint(8, 16)
    c, d = rng.randint(1, 2), rng.randint(1, 3)
    values = recurrence_values(p, q, c, d, n)
    rule = f"a_n = {c if c > 1 else ''}a_{{n-1}} + {d if d > 1 else ''}a_{{n-2}}"
    return Draw(
        numbers=(p, q, c, d, n),
        statements=(
            f"With $a_1 = {p}$, $a_2 = {q}$ and ${rule}$, find $a_1 + a_2 + \\cdots + a_{{{n}}}$.",
            f"A sequence starts ${p}, {q}$ and goes on by ${rule}$. What do its first ${n}$ terms "
            "add up to?",
            f"Let $a_1 = {p}$, $a_2 = {q}$ and ${rule}$ for $n > 2$. What is the sum of the first "
            f"${n}$ terms?",
        ),
        chain=f"The terms are ${', '.join(map(str, values))}$. They add up to ${sum(values)}$.",
        steps=(
            Step(
                f"First we compute the terms up to ${n}$.",
                f"a = [{p}, {q}]\nwhile len(a) < {n}:\n    a.append({c} * a[-1] + {d} * a[-2])\n"
                "print(a[-1])",
            ),
            Step("Now we add the terms.", "print(sum(a))"),
        ),
        answer=sum(values),
    )


def telescoping_fraction(rng: Random) -> Draw:
    a = rng.randint(2, 30)
    b = a + rng.randint(5, 40)
    value = Fraction(1, a) - Fraction(1, b + 1)
    return Draw(
        numbers=(a, b),
        statements=(
            f"The sum $\\sum_{{k={a}}}^{{{b}}} \\frac{{1}}{{k(k+1)}}$ equals $\\frac{{m}}{{n}}$ in "
            "lowest terms. Find $m + n$.",
            f"Write $\\frac{{1}}{{{a} \\cdot {a + 1}}} + \\frac{{1}}{{{a + 1} \\cdot {a + 2}}} + "
            f"\\cdots + \\frac{{1}}{{{b} \\cdot {b + 1}}}$ as a reduced fraction $\\frac{{m}}{{n}}$. "
            "What is $m + n$?",
            f"The fractions $\\frac{{1}}{{k(k+1)}}$ for $k$ from ${a}$ to ${b}$ add up to "
            "$\\frac{m}{n}$, where $m$ and $n$ are relatively prime. What is $m + n$?",
        ),
        chain=f"The sum telescopes to $\\frac{{1}}{{{a}}} - \\frac{{1}}{{{b + 1}}} = "
        f"\\frac{{{b + 1 - a}}}{{{a * (b + 1)}}} = \\frac{{{value.numerator}}}{{{value.denominator}}}$. "
        f"So $m + n = {value.numerator + value.denominator}$.",
        steps=(
            Step(
                "First we add the fractions exactly.",
                f"from fractions import Fraction\ntotal = Fraction(0)\nfor k in range({a}, {b + 1}):\n"
                "    total += Fraction(1, k * (k + 1))\nprint(total)",
            ),
            Step(
                "Now we add the numerator and the denominator.",
                "print(total.numerator + total.denominator)",
            ),
        ),
        answer=value.numerator + value.denominator,
    )


FAMILIES: tuple[Family, ...] = (
    Family(arithmetic_sum, "sequences", 1),
    Family(alternating_squares, "sequences", 2),
    Family(first_term_beyond, "sequences", 3),
    Family(recurrence_remainder, "sequences", 4),
    Family(telescoping_fraction, "sequences", 4),
    Family(recurrence_sum, "sequences", 5, held_out=True),
)
