"""Families of counting with conditions: arrangements, bounds, at least, avoiding."""

from __future__ import annotations

from math import comb, factorial
from random import Random

from numina.sources.family import Draw, Family, Step


def letter_arrangements(rng: Random) -> Draw:
    a, b, c = rng.randint(1, 6), rng.randint(1, 6), rng.randint(1, 7)
    n = a + b + c
    answer = comb(n, a) * comb(b + c, b)
    word = "A" * a + "B" * b + "C" * c
    return Draw(
        numbers=(a, b, c),
        statements=(
            f"In how many different orders can the letters of {word} be written?",
            f"How many different words can be made from all the letters of {word}?",
            f"A row of ${n}$ flowers has ${a}$ of one kind, ${b}$ of another and ${c}$ of a third. How "
            "many such rows look different?",
        ),
        chain=f"There are $\\binom{{{n}}}{{{a}}} = {comb(n, a)}$ sets of places for A, then "
        f"$\\binom{{{b + c}}}{{{b}}} = {comb(b + c, b)}$ for B. That makes ${answer}$.",
        steps=(
            Step(
                f"There are ${n}$ letters; we divide by the orders of equal ones.",
                f"from math import factorial\nn = factorial({n})\n"
                f"print(n // (factorial({a}) * factorial({b}) * factorial({c})))",
            ),
        ),
        answer=factorial(n) // (factorial(a) * factorial(b) * factorial(c)),
        canonical=(min(a, b, c), sorted((a, b, c))[1], max(a, b, c)),
    )


def sums_with_bounds(rng: Random) -> Draw:
    a, b, c = rng.randint(0, 4), rng.randint(1, 5), rng.randint(0, 4)
    n = a + b + c + rng.randint(8, 40)
    rest = n - a - b - c
    answer = comb(rest + 2, 2)
    return Draw(
        numbers=(n, a, b, c),
        statements=(
            f"How many triples of integers $x \\ge {a}$, $y \\ge {b}$, $z \\ge {c}$ satisfy "
            f"$x + y + z = {n}$?",
            f"Find the number of integer solutions of $x + y + z = {n}$ with $x \\ge {a}$, "
            f"$y \\ge {b}$ and $z \\ge {c}$.",
            f"In how many ways can ${n}$ equal coins be shared by three heirs so that they get at "
            f"least ${a}$, ${b}$ and ${c}$ coins?",
        ),
        chain=f"Taking away the least values leaves ${rest}$ to share among three without bounds, in "
        f"$\\binom{{{rest + 2}}}{{2}} = {answer}$ ways.",
        steps=(
            Step(
                "We try all $x$ and $y$, which determine $z$.",
                f"count = 0\nfor x in range({a}, {n} + 1):\n    for y in range({b}, {n} + 1):\n"
                f"        if {n} - x - y >= {c}:\n            count += 1\nprint(count)",
            ),
        ),
        answer=answer,
        canonical=(n, min(a, b, c), sorted((a, b, c))[1], max(a, b, c)),
    )


def coin_change(rng: Random) -> Draw:
    a, b = rng.sample((2, 3, 4, 5, 7, 8, 9), 2)
    n = rng.randint(25, 150)
    answer = sum((n - a * i) // b + 1 for i in range(n // a + 1))
    return Draw(
        numbers=(n, a, b),
        statements=(
            f"In how many ways can ${n}$ cents be paid with coins of $1$, ${a}$ and ${b}$ cents?",
            f"How many ways are there to pay ${n}$ cents with coins of $1$, ${a}$ and ${b}$ cents?",
            f"Find the number of integers $x, y, z \\ge 0$ with $x + {a}y + {b}z = {n}$.",
        ),
        chain=f"With $i$ coins of ${a}$ cents there are $\\lfloor ({n} - {a}i) / {b} \\rfloor + 1$ "
        f"choices for the others. For $i$ from $0$ to ${n // a}$ these add up to ${answer}$.",
        steps=(
            Step(
                f"We try all numbers of coins of ${a}$ and ${b}$ cents.",
                f"count = 0\nfor i in range({n} // {a} + 1):\n    for j in range({n} // {b} + 1):\n"
                f"        if {a} * i + {b} * j <= {n}:\n            count += 1\nprint(count)",
            ),
        ),
        answer=answer,
        canonical=(n, min(a, b), max(a, b)),
    )


def rectangles_on_board(rng: Random) -> Draw:
    a, b = rng.randint(3, 30), rng.randint(3, 30)
    wide, high = comb(a + 1, 2), comb(b + 1, 2)
    return Draw(
        numbers=(a, b),
        statements=(
            f"How many rectangles are formed by the grid lines of an ${a} \\times {b}$ board?",
            f"Find the number of rectangles made of whole cells on a board of ${a} \\times {b}$ "
            "cells.",
            f"A window has ${a}$ columns and ${b}$ rows of panes. In how many ways can a rectangular "
            "block of panes be chosen?",
        ),
        chain=f"A rectangle is given by two of ${a + 1}$ lines and two of ${b + 1}$, so there are "
        f"${wide} \\cdot {high} = {wide * high}$.",
        steps=(
            Step(
                "We choose two lines in each direction.",
                f"from math import comb\nprint(comb({a} + 1, 2) * comb({b} + 1, 2))",
            ),
        ),
        answer=wide * high,
        canonical=(min(a, b), max(a, b)),
    )


def committees_at_least(rng: Random) -> Draw:
    a, b, k = rng.randint(4, 12), rng.randint(5, 12), rng.randint(3, 5)
    every, none = comb(a + b, k), comb(b, k)
    return Draw(
        numbers=(a, b, k),
        statements=(
            f"A club has ${a}$ women and ${b}$ men. How many committees of ${k}$ members have at "
            "least one woman?",
            f"In how many ways can ${k}$ of ${a}$ women and ${b}$ men be chosen so that at least one "
            "woman is among them?",
            f"A box has ${a}$ good and ${b}$ bad bulbs, all different. How many choices of ${k}$ "
            "bulbs include a good one?",
        ),
        chain=f"There are $\\binom{{{a + b}}}{{{k}}} = {every}$ choices in all, and "
        f"$\\binom{{{b}}}{{{k}}} = {none}$ without a woman. So the count is ${every} - {none} = "
        f"{every - none}$.",
        steps=(
            Step(
                "First we count all choices.",
                f"from math import comb\nevery = comb({a} + {b}, {k})\nprint(every)",
            ),
            Step(
                "Now we take away those of men only.",
                f"print(every - comb({b}, {k}))",
            ),
        ),
        answer=every - none,
    )


def grid_paths_avoiding(rng: Random) -> Draw:
    a, b = rng.randint(5, 10), rng.randint(5, 10)
    c, d = rng.randint(2, a - 2), rng.randint(2, b - 2)
    every, through = comb(a + b, a), comb(c + d, c) * comb(a - c + b - d, a - c)
    return Draw(
        numbers=(a, b, c, d),
        statements=(
            f"How many paths from $(0,0)$ to $({a},{b})$ by unit steps right or up avoid "
            f"$({c},{d})$?",
            f"Find the number of shortest grid paths from $(0,0)$ to $({a},{b})$ that do not visit "
            f"the point $({c},{d})$.",
            f"A robot drives from $(0,0)$ to $({a},{b})$, only east or north. The crossing "
            f"$({c},{d})$ is closed. How many routes can it take?",
        ),
        chain=f"There are $\\binom{{{a + b}}}{{{a}}} = {every}$ paths in all, and ${through}$ of them "
        f"pass through the point. So the count is ${every} - {through} = {every - through}$.",
        steps=(
            Step(
                "First we count all paths.",
                f"from math import comb\nevery = comb({a} + {b}, {a})\nprint(every)",
            ),
            Step(
                f"Then we count those through $({c},{d})$.",
                f"through = comb({c} + {d}, {c}) * comb({a - c} + {b - d}, {a - c})\nprint(through)",
            ),
            Step("Now we subtract.", "print(every - through)"),
        ),
        answer=every - through,
        canonical=min((a, b, c, d), (b, a, d, c), (a, b, a - c, b - d), (b, a, b - d, a - c)),
    )


FAMILIES: tuple[Family, ...] = (
    Family(rectangles_on_board, "counting", 2, share=0.5),
    Family(letter_arrangements, "counting", 2, share=0.5),
    Family(coin_change, "counting", 3, share=0.5),
    Family(sums_with_bounds, "counting", 3, share=0.5),
    Family(committees_at_least, "counting", 4, share=0.5),
    Family(grid_paths_avoiding, "counting", 5, share=0.5),
)
