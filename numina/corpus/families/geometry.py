"""Families of geometry."""

from __future__ import annotations

from math import isqrt
from random import Random

from numina.corpus.family import Draw, Family, Step


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


def lattice_triangle(rng: Random) -> Draw:
    twice = 0
    while twice == 0:  # three points on a line are no triangle
        x1, y1, x2, y2, x3, y3 = (rng.randint(0, 20) for _ in range(6))
        twice = (x2 - x1) * (y3 - y1) - (x3 - x1) * (y2 - y1)
    return Draw(
        numbers=(x1, y1, x2, y2, x3, y3),
        statements=(
            f"A triangle has vertices $({x1},{y1})$, $({x2},{y2})$ and $({x3},{y3})$. What is twice "
            "its area?",
            f"Let $K$ be the area of the triangle with vertices $({x1},{y1})$, $({x2},{y2})$, "
            f"$({x3},{y3})$. Find $2K$.",
            f"The points $A = ({x1},{y1})$, $B = ({x2},{y2})$ and $C = ({x3},{y3})$ span a "
            "parallelogram with sides $AB$ and $AC$. What is its area?",
        ),
        chain=f"The sides from the first vertex are $({x2 - x1}, {y2 - y1})$ and "
        f"$({x3 - x1}, {y3 - y1})$. Twice the area is $|{(x2 - x1) * (y3 - y1)} - "
        f"({(x3 - x1) * (y2 - y1)})| = {abs(twice)}$.",
        steps=(
            Step(
                "We take the cross product of two sides.",
                f"x1, y1 = {x1}, {y1}\nx2, y2 = {x2}, {y2}\nx3, y3 = {x3}, {y3}\n"
                "print(abs((x2 - x1) * (y3 - y1) - (x3 - x1) * (y2 - y1)))",
            ),
        ),
        answer=abs(twice),
    )


def grid_squares(rng: Random) -> Draw:
    m, n = sorted(rng.sample(range(4, 45), 2))
    terms = [(m - k) * (n - k) for k in range(m)]
    shown = " + ".join(map(str, terms[:3])) + (" + \\cdots" if len(terms) > 3 else "")
    return Draw(
        numbers=(m, n),
        statements=(
            f"How many squares of any size do the lines of an ${m} \\times {n}$ grid of unit squares "
            "bound?",
            f"Find the number of squares, of all sizes, in a board of ${m}$ by ${n}$ unit cells.",
            f"A window has ${m}$ rows and ${n}$ columns of equal square panes. How many squares can "
            "be seen in it, counting all sizes?",
        ),
        chain=f"There are $({m}-k+1)({n}-k+1)$ squares of side $k$. Adding for $k$ from $1$ to "
        f"${m}$: ${shown} = {sum(terms)}$.",
        steps=(
            Step(
                f"We add the squares of each side length up to ${m}$.",
                f"total = 0\nfor k in range({m}):\n    total += ({m} - k) * ({n} - k)\nprint(total)",
            ),
        ),
        answer=sum(terms),
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
                f"count = 0\nfor x in range(-{r}, {r + 1}):\n    for y in range(-{r}, {r + 1}):\n"
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
                f"count = 0\nfor x in range(-{r}, {r + 1}):\n    for y in range(-{r}, {r + 1}):\n"
                f"        if {m} <= x ** 2 + y ** 2 <= {n}:\n            count += 1\nprint(count)",
            ),
        ),
        answer=answer,
    )


def triangles_of_perimeter(rng: Random) -> Draw:
    p, s = rng.randint(20, 90), rng.randint(2, 7)
    answer = sum(
        a + b > p - a - b >= b for a in range(s, p // 3 + 1) for b in range(a, (p - a) // 2 + 1)
    )
    return Draw(
        numbers=(p, s),
        statements=(
            f"How many triangles, up to congruence, have integer sides of at least ${s}$ and "
            f"perimeter ${p}$?",
            f"Find the number of triples $a \\le b \\le c$ of integers with $a \\ge {s}$, "
            f"$a + b > c$ and $a + b + c = {p}$.",
            f"A wire of length ${p}$ is bent into a triangle whose sides are whole numbers, none "
            f"below ${s}$. How many different triangles are possible?",
        ),
        chain=f"With $a \\le b \\le c$ and $c = {p} - a - b$, the condition is $c < {p} / 2$. Counting "
        f"the possible $b$ for each $a$ from ${s}$ to ${p // 3}$ gives ${answer}$.",
        steps=(
            Step(
                "We try all sides in order and test the triangle.",
                f"count = 0\nfor a in range({s}, {p}):\n    for b in range(a, {p}):\n"
                f"        c = {p} - a - b\n        if c >= b and a + b > c:\n            count += 1\n"
                "print(count)",
            ),
        ),
        answer=answer,
    )


FAMILIES: tuple[Family, ...] = (
    Family(box_surface, "geometry", 1),
    Family(lattice_triangle, "geometry", 2),
    Family(grid_squares, "geometry", 3),
    Family(disc_points, "geometry", 3),
    Family(triangles_of_perimeter, "geometry", 4),
    Family(ring_points, "geometry", 5, held_out=True),
)
