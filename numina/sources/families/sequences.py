"""Families of sequences and series."""

from __future__ import annotations

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


FAMILIES: tuple[Family, ...] = (
    Family(arithmetic_sum, "sequences", 1, share=0.65),
    Family(recurrence_remainder, "sequences", 4),
    Family(recurrence_sum, "sequences", 5, share=0),
)
