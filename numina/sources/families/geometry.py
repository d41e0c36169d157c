"""Families of geometry."""

from __future__ import annotations

from math import isqrt
from random import Random

from numina.sources.family import Draw, Family, Step


def box_surface(rng: Random) -> Draw:
    a, b, c = sorted(rng.sample(range(3, 30), 3))
    return Draw(
        numbers=(a, b, c),
        statements=(
            f"A box has edges of length ${a}$, ${b}$ and ${c}$. What is its surface area?",
            f"Find the total area of the faces of an ${a} \\times {b} \\times {c}$ cuboid.",
            f"How many unit squares of paper cover the outside of a closed box that is ${a}$ wide, "
            f"${b}$ deep and ${c}$ high?",
        ),
        chain=f"The faces have areas ${a * b}$, ${b * c}$ and ${a * c}$, each twice. So the total is "
        f"$2({a * b} + {b * c} + {a * c}) = 2 \\cdot {a * b + b * c + a * c} = "
        f"{2 * (a * b + b * c + a * c)}$.",
        steps=(
            Step(
                "We add the three areas and double them.",
                f"a, b, c = {a}, {b}, {c}\nprint(2 * (a * b + b * c + a * c))",
            ),
        ),
        answer=2 * (a * b + b * c + a * c),
    )


def disc_points(rng: Random) -> Draw:
    n = rng.randint(20, 900)
    rows = [2 * isqrt(n - x * x) + 1 for x in range(-isqrt(n), isqrt(n) + 1)]
    r = isqrt(n)
    return Draw(
        numbers=(n,),
        statements=(
            f"How many pairs $(x, y)$ of integers satisfy $x^2 + y^2 \\le {n}$?",
            f"Find the number of lattice points in the disc $x^2 + y^2 \\le {n}$.",
            f"How many points with integer coordinates are at most $\\sqrt{{{n}}}$ from the origin?",
        ),
        chain=f"For each $x$ from ${-r}$ to ${r}$ there are $2\\lfloor\\sqrt{{{n} - x^2}}\\rfloor + 1$ "
        f"points. For $x = 0$ these are ${2 * r + 1}$, and in all ${sum(rows)}$.",
        steps=(
            Step(
                f"We try all integer points with coordinates up to ${r}$.",
                f"count = 0\nfor x in range(-{r}, {r} + 1):\n    for y in range(-{r}, {r} + 1):\n"
                f"        if x ** 2 + y ** 2 <= {n}:\n            count += 1\nprint(count)",
            ),
        ),
        answer=sum(rows),
    )


def ring_points(rng: Random) -> Draw:
    m = rng.randint(10, 200)
    n = m + rng.randint(20, 400)

    def disc(limit: int) -> int:
        side = isqrt(limit)
        return sum(2 * isqrt(limit - x * x) + 1 for x in range(-side, side + 1))

    r = isqrt(n)
    answer = disc(n) - disc(m - 1)
    return Draw(
        numbers=(m, n),
        statements=(
            f"Find the number of lattice points in the ring ${m} \\le x^2 + y^2 \\le {n}$.",
            f"For how many integer points $(x, y)$ is $x^2 + y^2$ at least ${m}$ and at most ${n}$?",
            f"How many pairs $(x, y)$ of integers satisfy ${m} \\le x^2 + y^2 \\le {n}$?",
        ),
        chain=f"The disc up to ${n}$ holds ${disc(n)}$ points and the disc up to ${m - 1}$ holds "
        f"${disc(m - 1)}$, so the ring has ${disc(n)} - {disc(m - 1)} = {answer}$.",
        steps=(
            Step(
                f"We try all integer points with coordinates up to ${r}$.",
                f"count = 0\nfor x in range(-{r}, {r} + 1):\n    for y in range(-{r}, {r} + 1):\n"
                f"        if {m} <= x ** 2 + y ** 2 <= {n}:\n            count += 1\nprint(count)",
            ),
        ),
        answer=answer,
    )


FAMILIES: tuple[Family, ...] = (
    Family(box_surface, "geometry", 1, share=0.65),
    Family(disc_points, "geometry", 4),
    Family(ring_points, "geometry", 5, share=0.5),
)
