"""Families of sequences and series."""

from __future__ import annotations

from math import gcd
from random import Random

from numina.sources.family import Draw, Family, Step


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


def terms_divisible(rng: Random) -> Draw:
    a, d, n = rng.randint(1, 20), rng.randint(2, 15), rng.randint(30, 120)
    m = rng.choice([i for i in (3, 4, 5, 7, 8, 9, 11) if gcd(i, d) == 1])
    found = [i for i in range(n) if (a + i * d) % m == 0]
    return Draw(
        numbers=(a, d, n, m),
        statements=(
            f"How many of the first ${n}$ terms of the arithmetic sequence ${a}, {a + d}, "
            f"{a + 2 * d}, \\dots$ are divisible by ${m}$?",
            f"An arithmetic sequence starts with ${a}$ and has common difference ${d}$. Find how many "
            f"of its first ${n}$ terms are multiples of ${m}$.",
            f"A bus leaves at minute ${a}$ and then every ${d}$ minutes, ${n}$ times in all. How many "
            f"departures are at a minute divisible by ${m}$?",
        ),
        chain=f"The first term divisible by ${m}$ is ${a + found[0] * d}$, term number "
        f"${found[0] + 1}$, and from there it is every term number ${m}$ further. Up to term ${n}$ "
        f"these are ${len(found)}$.",
        steps=(
            Step(
                f"First we list the ${n}$ terms.",
                f"a = [{a} + i * {d} for i in range({n})]\nprint(a[-1])",
            ),
            Step(
                f"Now we count those divisible by ${m}$.",
                f"count = 0\nfor i in a:\n    if i % {m} == 0:\n        count += 1\nprint(count)",
            ),
        ),
        answer=len(found),
    )


def recurrence_first_above(rng: Random) -> Draw:
    p, q, limit = rng.randint(1, 9), rng.randint(1, 9), rng.randint(3, 90) * 100
    c, d = rng.randint(1, 2), rng.randint(1, 3)
    values = recurrence_values(p, q, c, d, 2)
    while values[-1] <= limit:
        values = recurrence_values(p, q, c, d, len(values) + 1)
    rule = f"a_n = {c if c > 1 else ''}a_{{n-1}} + {d if d > 1 else ''}a_{{n-2}}"
    return Draw(
        numbers=(p, q, c, d, limit),
        statements=(
            f"Let $a_1 = {p}$, $a_2 = {q}$ and ${rule}$ for $n > 2$. What is the least $n$ with "
            f"$a_n > {limit}$?",
            f"A sequence starts ${p}, {q}$ and goes on by ${rule}$. Find the number of its first term "
            f"above ${limit}$.",
            f"A sequence with $a_1 = {p}$ and $a_2 = {q}$ obeys ${rule}$. At which $n$ does $a_n$ "
            f"exceed ${limit}$ for the first time?",
        ),
        chain=f"The terms are ${', '.join(map(str, values))}$. The first above ${limit}$ is "
        f"$a_{{{len(values)}}}$, so $n = {len(values)}$.",
        steps=(
            Step(
                f"First we compute terms until one is above ${limit}$.",
                f"a = [{p}, {q}]\nwhile a[-1] <= {limit}:\n"
                f"    a.append({c} * a[-1] + {d} * a[-2])\nprint(a[-1])",
            ),
            Step("Now we count the terms.", "print(len(a))"),
        ),
        answer=len(values),
    )


def recurrence_sum_of_some(rng: Random) -> Draw:
    p, q, n = rng.randint(1, 9), rng.randint(1, 9), rng.randint(8, 14)
    c, d, m = rng.randint(1, 2), rng.randint(1, 3), rng.choice((2, 3, 4, 5))
    values = recurrence_values(p, q, c, d, n)
    some = [value for value in values if value % m == 0]
    rule = f"a_n = {c if c > 1 else ''}a_{{n-1}} + {d if d > 1 else ''}a_{{n-2}}"
    return Draw(
        numbers=(p, q, c, d, n, m),
        statements=(
            f"Let $a_1 = {p}$, $a_2 = {q}$ and ${rule}$ for $n > 2$. What is the sum of those of the "
            f"first ${n}$ terms that are divisible by ${m}$?",
            f"A sequence starts ${p}, {q}$ and goes on by ${rule}$. Find the sum of the multiples of "
            f"${m}$ among its first ${n}$ terms.",
            f"The sequence with $a_1 = {p}$, $a_2 = {q}$ obeys ${rule}$. Of its first ${n}$ terms, only "
            f"those that ${m}$ divides are added. What is the total?",
        ),
        chain=f"The terms are ${', '.join(map(str, values))}$. The multiples of ${m}$ among them are "
        f"${len(some)}$ and add up to ${sum(some)}$.",
        steps=(
            Step(
                f"First we compute the terms up to ${n}$.",
                f"a = [{p}, {q}]\nwhile len(a) < {n}:\n    a.append({c} * a[-1] + {d} * a[-2])\n"
                "print(a[-1])",
            ),
            Step(
                f"Then we keep the multiples of ${m}$.",
                f"some = [i for i in a if i % {m} == 0]\nprint(len(some))",
            ),
            Step("Now we add them.", "print(sum(some))"),
        ),
        answer=sum(some),
    )


FAMILIES: tuple[Family, ...] = (
    Family(arithmetic_sum, "sequences", 1, share=0.65),
    Family(terms_divisible, "sequences", 3, share=0.5),
    Family(recurrence_remainder, "sequences", 4),
    Family(recurrence_first_above, "sequences", 4, share=0.5),
    Family(recurrence_sum_of_some, "sequences", 5, share=0.5),
    Family(recurrence_sum, "sequences", 5, share=0),
)
