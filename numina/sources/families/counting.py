"""Families of counting."""

from __future__ import annotations

from math import comb
from random import Random

from numina.sources.family import Draw, Family, Step


def committees(rng: Random) -> Draw:
    a, b = rng.randint(5, 11), rng.randint(5, 11)
    j, k = rng.randint(2, 4), rng.randint(2, 4)
    return Draw(
        numbers=(a, b, j, k),
        statements=(
            f"A club has ${a}$ women and ${b}$ men. In how many ways can it choose a committee of "
            f"${j}$ women and ${k}$ men?",
            f"In how many ways can ${j}$ red and ${k}$ blue balls be taken from ${a}$ different red "
            f"and ${b}$ different blue balls?",
            f"From ${a}$ novels and ${b}$ plays, a reader picks ${j}$ novels and ${k}$ plays. "
            "How many selections are possible?",
        ),
        chain=f"There are $\\binom{{{a}}}{{{j}}} = {comb(a, j)}$ and $\\binom{{{b}}}{{{k}}} = "
        f"{comb(b, k)}$ choices, so ${comb(a, j)} \\cdot {comb(b, k)} = "
        f"{comb(a, j) * comb(b, k)}$ in all.",
        steps=(
            Step(
                "We multiply the two numbers of choices.",
                f"from math import comb\nprint(comb({a}, {j}) * comb({b}, {k}))",
            ),
        ),
        answer=comb(a, j) * comb(b, k),
        canonical=min((a, b, j, k), (b, a, k, j)),
    )


def grid_paths(rng: Random) -> Draw:
    a, b = rng.randint(4, 24), rng.randint(4, 24)
    return Draw(
        numbers=(a, b),
        statements=(
            f"How many paths lead from $(0,0)$ to $({a},{b})$ by steps of one unit right or up?",
            f"Find the number of shortest paths along grid lines from $(0,0)$ to $({a},{b})$.",
            f"A robot is ${a}$ blocks west and ${b}$ blocks south of its goal and drives only east "
            "or north. How many routes can it take?",
        ),
        chain=f"A path has ${a + b}$ steps, of which ${a}$ go right. So there are "
        f"$\\binom{{{a + b}}}{{{a}}} = {comb(a + b, a)}$ paths.",
        steps=(
            Step(
                "We choose which steps go right.",
                f"from math import comb\nprint(comb({a} + {b}, {a}))",
            ),
        ),
        answer=comb(a + b, a),
        canonical=(min(a, b), max(a, b)),
    )


def grid_paths_through(rng: Random) -> Draw:
    a, b = rng.randint(5, 10), rng.randint(5, 10)
    c, d = rng.randint(2, a - 2), rng.randint(2, b - 2)
    first, second = comb(c + d, c), comb(a - c + b - d, a - c)
    return Draw(
        numbers=(a, b, c, d),
        statements=(
            f"How many paths from $(0,0)$ to $({a},{b})$ by unit steps right or up pass through "
            f"$({c},{d})$?",
            f"Find the number of shortest grid paths from $(0,0)$ to $({a},{b})$ that visit the "
            f"point $({c},{d})$.",
            f"A robot drives from $(0,0)$ to $({a},{b})$, only east or north, and must call at "
            f"$({c},{d})$ on the way. How many routes can it take?",
        ),
        chain=f"There are $\\binom{{{c + d}}}{{{c}}} = {first}$ paths to the point and "
        f"$\\binom{{{a - c + b - d}}}{{{a - c}}} = {second}$ onwards, so ${first} \\cdot {second} = "
        f"{first * second}$.",
        steps=(
            Step(
                f"First we count the paths to $({c},{d})$.",
                f"from math import comb\nfirst = comb({c} + {d}, {c})\nprint(first)",
            ),
            Step(
                f"Now we count the paths onwards to $({a},{b})$ and multiply.",
                f"second = comb({a - c} + {b - d}, {a - c})\nprint(first * second)",
            ),
        ),
        answer=first * second,
        # Mirrored in the diagonal, and run backwards.
        canonical=min((a, b, c, d), (b, a, d, c), (a, b, a - c, b - d), (b, a, b - d, a - c)),
    )


def digit_sum_numbers(rng: Random) -> Draw:
    low = rng.randint(10, 300)
    high = low + rng.randint(200, 700)
    s = rng.randint(6, 16)
    digits = ((n // 1000, n // 100 % 10, n // 10 % 10, n % 10) for n in range(low, high + 1))
    answer = len([row for row in digits if sum(row) == s])
    return Draw(
        numbers=(low, high, s),
        statements=(
            f"How many integers from ${low}$ to ${high}$ have digits that add up to ${s}$?",
            f"Find the number of integers between ${low}$ and ${high}$, inclusive, whose digit sum "
            f"is ${s}$.",
            f"Tickets carry the numbers ${low}$ to ${high}$. A ticket wins when the sum of its "
            f"digits is ${s}$. How many tickets win?",
        ),
        chain=f"Going through the hundreds digits in turn and counting the last two digits that "
        f"complete the sum ${s}$ between ${low}$ and ${high}$ gives ${answer}$ in all.",
        steps=(
            Step(
                f"We test every integer from ${low}$ to ${high}$.",
                f"count = 0\nfor i in range({low}, {high} + 1):\n"
                f"    if sum(int(d) for d in str(i)) == {s}:\n        count += 1\nprint(count)",
            ),
        ),
        answer=answer,
    )


def pair_sums(rng: Random) -> Draw:
    n, d = rng.randint(20, 120), rng.randint(5, 13)
    sizes = [len(range(r or d, n + 1, d)) for r in range(d)]
    answer = comb(sizes[0], 2)
    for r in range(1, d):
        if r < d - r:
            answer += sizes[r] * sizes[d - r]
        elif r == d - r:
            answer += comb(sizes[r], 2)
    return Draw(
        numbers=(n, d),
        statements=(
            f"How many pairs of integers $1 \\le x < y \\le {n}$ have $x + y$ divisible by ${d}$?",
            f"In how many ways can two different integers be chosen from $1$ to ${n}$ so that their "
            f"sum is a multiple of ${d}$?",
            f"Cards are numbered $1$ to ${n}$. How many pairs of cards have numbers that add up to a "
            f"multiple of ${d}$?",
        ),
        chain=f"By remainders modulo ${d}$, from $0$ on, there are ${', '.join(map(str, sizes))}$ "
        f"numbers. Pairing remainders that add up to ${d}$ or $0$ gives ${answer}$ pairs.",
        steps=(
            Step(
                "We try all pairs.",
                f"count = 0\nfor x in range(1, {n} + 1):\n    for y in range(x + 1, {n} + 1):\n"
                f"        if (x + y) % {d} == 0:\n            count += 1\nprint(count)",
            ),
        ),
        answer=answer,
    )


def pair_products(rng: Random) -> Draw:
    n, d = rng.randint(20, 120), rng.choice((5, 7, 11, 13))
    multiples = n // d
    answer = comb(n, 2) - comb(n - multiples, 2)
    return Draw(
        numbers=(n, d),
        statements=(
            f"Find the number of pairs $1 \\le x < y \\le {n}$ for which ${d}$ divides $xy$.",
            f"Two different integers from $1$ to ${n}$ are multiplied. How many pairs give a "
            f"multiple of ${d}$?",
            f"How many pairs of integers $1 \\le x < y \\le {n}$ have a product $xy$ divisible by "
            f"${d}$?",
        ),
        chain=f"There are $\\binom{{{n}}}{{2}} = {comb(n, 2)}$ pairs. In ${comb(n - multiples, 2)}$ "
        f"of them neither is one of the ${multiples}$ multiples of ${d}$. That leaves ${answer}$.",
        steps=(
            Step(
                "We try all pairs.",
                f"count = 0\nfor x in range(1, {n} + 1):\n    for y in range(x + 1, {n} + 1):\n"
                f"        if x * y % {d} == 0:\n            count += 1\nprint(count)",
            ),
        ),
        answer=answer,
    )


FAMILIES: tuple[Family, ...] = (
    Family(committees, "counting", 1, share=0.65),
    Family(grid_paths, "counting", 2, share=0.65),
    Family(digit_sum_numbers, "counting", 4),
    Family(grid_paths_through, "counting", 4),
    Family(pair_sums, "counting", 4),
    Family(pair_products, "counting", 5, share=0.5),
)
