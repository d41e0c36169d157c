"""Families of geometry."""

from __future__ import annotations

from math import gcd, isqrt
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


def squared_triangle_area(rng: Random) -> Draw:
    a, b = rng.randint(5, 30), rng.randint(5, 30)
    c = rng.choice([i for i in range(abs(a - b) + 1, a + b) if (a + b + i) % 2 == 0])
    s = (a + b + c) // 2
    x, y, z = sorted((a, b, c))
    answer = ((x * x + y * y + z * z) ** 2 - 2 * (x**4 + y**4 + z**4)) // 16
    return Draw(
        numbers=(a, b, c),
        statements=(
            f"A triangle has sides ${a}$, ${b}$ and ${c}$. What is the square of its area?",
            f"Find $A^2$, where $A$ is the area of the triangle with sides ${a}$, ${b}$, ${c}$.",
            f"Three rods of lengths ${a}$, ${b}$ and ${c}$ are joined to a triangle of area $A$. "
            "What is $A^2$?",
        ),
        chain=f"Half the perimeter is ${s}$. By Heron's formula $A^2 = {s} \\cdot {s - a} \\cdot "
        f"{s - b} \\cdot {s - c} = {answer}$.",
        steps=(
            Step(
                "First we find half the perimeter.",
                f"a, b, c = {a}, {b}, {c}\ns = (a + b + c) // 2\nprint(s)",
            ),
            Step(
                "Now we use Heron's formula.",
                "print(s * (s - a) * (s - b) * (s - c))",
            ),
        ),
        answer=answer,
        canonical=(x, y, z),
    )


def interior_points(rng: Random) -> Draw:
    a, b = rng.randint(3, 25), rng.randint(1, 25)
    c, d = rng.randint(1, 25), rng.randint(3, 25)
    while a * d - b * c < 5:
        a, d = a + 1, d + 1
    area = a * d - b * c
    edge = gcd(a, b) + gcd(c, d) + gcd(abs(a - c), abs(b - d))
    answer = (area - edge + 2) // 2
    return Draw(
        numbers=(a, b, c, d),
        statements=(
            f"How many points with integer coordinates lie strictly inside the triangle with "
            f"vertices $(0,0)$, $({a},{b})$ and $({c},{d})$?",
            f"A triangle has vertices $(0,0)$, $({a},{b})$, $({c},{d})$. Find the number of lattice "
            "points in its interior.",
            f"A triangular field has corners $(0,0)$, $({a},{b})$ and $({c},{d})$. A tree stands on "
            "each lattice point inside it, none on its edges. How many trees are there?",
        ),
        chain=f"Twice the area is ${area}$, and there are ${edge}$ lattice points on the edges. By "
        f"Pick's theorem the interior has $\\frac{{{area} - {edge} + 2}}{{2}} = {answer}$.",
        steps=(
            Step(
                "First we find twice the area.",
                f"a, b = {a}, {b}\nc, d = {c}, {d}\narea = abs(a * d - b * c)\nprint(area)",
            ),
            Step(
                "Then we count the points on the edges.",
                "from math import gcd\nedge = gcd(a, b) + gcd(c, d) + gcd(a - c, b - d)\n"
                "print(edge)",
            ),
            Step("Now we use Pick's theorem.", "print((area - edge + 2) // 2)"),
        ),
        answer=answer,
        canonical=min((a, b, c, d), (d, c, b, a)),
    )


FAMILIES: tuple[Family, ...] = (
    Family(box_surface, "geometry", 1, share=0.65),
    Family(squared_triangle_area, "geometry", 3, share=0.5),
    Family(disc_points, "geometry", 4),
    Family(ring_points, "geometry", 5, share=0.5),
    Family(interior_points, "geometry", 5, share=0.5),
)
