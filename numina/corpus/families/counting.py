"""Families of counting."""

from __future__ import annotations

from itertools import combinations
from math import comb
from random import Random

from numina.corpus.family import Draw, Family, Step


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
    )


def committees_at_least(rng: Random) -> Draw:
    a, b, k = rng.randint(5, 10), rng.randint(5, 10), rng.randint(4, 6)
    j = rng.randint(2, 3)
    few = [comb(a, i) * comb(b, k - i) for i in range(j)]
    everything = comb(a + b, k)
    return Draw(
        numbers=(a, b, k, j),
        statements=(
            f"A committee of ${k}$ people is chosen from ${a}$ women and ${b}$ men. How many "
            f"committees have at least ${j}$ women?",
            f"From ${a}$ red and ${b}$ blue balls, all different, ${k}$ are taken. In how many ways "
            f"can this give at least ${j}$ red balls?",
            f"A reader packs ${k}$ books out of ${a}$ novels and ${b}$ plays, with no fewer than "
            f"${j}$ novels. How many selections are possible?",
        ),
        chain=f"There are $\\binom{{{a + b}}}{{{k}}} = {everything}$ choices in all. Those with fewer "
        f"than ${j}$ number ${' + '.join(map(str, few))} = {sum(few)}$. "
        f"That leaves ${everything - sum(few)}$.",
        steps=(
            Step(
                f"We add the choices with ${j}$ or more of the first kind.",
                f"from math import comb\ntotal = 0\nfor i in range({j}, {k + 1}):\n"
                f"    total += comb({a}, i) * comb({b}, {k} - i)\nprint(total)",
            ),
        ),
        answer=everything - sum(few),
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
    )


def digit_sum_numbers(rng: Random) -> Draw:
    low = rng.randint(10, 300)
    high = low + rng.randint(200, 700)
    s = rng.randint(6, 16)
    answer = len([n for n in range(low, high + 1) if n // 100 + n // 10 % 10 + n % 10 == s])
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
                f"count = 0\nfor i in range({low}, {high + 1}):\n"
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
                f"count = 0\nfor x in range(1, {n + 1}):\n    for y in range(x + 1, {n + 1}):\n"
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
                f"count = 0\nfor x in range(1, {n + 1}):\n    for y in range(x + 1, {n + 1}):\n"
                f"        if x * y % {d} == 0:\n            count += 1\nprint(count)",
            ),
        ),
        answer=answer,
    )


def bounded_triples(rng: Random) -> Draw:
    m, n = rng.randint(6, 30), rng.randint(12, 60)
    n = min(n, 3 * m - 1)
    answer = sum(
        (-1) ** i * comb(3, i) * comb(n - i * (m + 1) + 2, 2) for i in range(4) if n >= i * (m + 1)
    )
    return Draw(
        numbers=(m, n),
        statements=(
            f"How many triples $(x, y, z)$ of integers from $0$ to ${m}$ have $x + y + z = {n}$?",
            f"Find the number of solutions of $x + y + z = {n}$ in integers with "
            f"$0 \\le x, y, z \\le {m}$.",
            f"In how many ways can ${n}$ equal coins be put into three different purses that hold at "
            f"most ${m}$ coins each?",
        ),
        chain=f"Without the bound there are $\\binom{{{n + 2}}}{{2}} = {comb(n + 2, 2)}$ triples. "
        f"Taking away those with an entry above ${m}$, by inclusion and exclusion, leaves "
        f"${answer}$.",
        steps=(
            Step(
                f"We try all $x$ and $y$ up to ${m}$ and test $z$.",
                f"count = 0\nfor x in range({m + 1}):\n    for y in range({m + 1}):\n"
                f"        z = {n} - x - y\n        if 0 <= z <= {m}:\n            count += 1\n"
                "print(count)",
            ),
        ),
        answer=answer,
    )


def spaced_subsets(rng: Random) -> Draw:
    n, k = rng.randint(7, 13), rng.randint(2, 4)
    t = rng.randint(k * (k + 1) // 2 + 4, k * n - k * k // 2 - 4)
    answer = sum(sum(c) == t for c in combinations(range(1, n + 1), k))
    return Draw(
        numbers=(n, k, t),
        statements=(
            f"How many subsets of ${k}$ elements of $\\{{1, 2, \\dots, {n}\\}}$ have sum ${t}$?",
            f"In how many ways can ${k}$ different integers from $1$ to ${n}$ add up to ${t}$?",
            f"A player draws ${k}$ of ${n}$ cards numbered $1$ to ${n}$ and wins if their total is "
            f"${t}$. How many winning hands are there?",
        ),
        chain=f"Listing the sets by their largest element and counting how the others complete the "
        f"sum ${t}$ gives ${answer}$ sets.",
        steps=(
            Step(
                f"We go through all choices of ${k}$ integers.",
                f"from itertools import combinations\ncount = 0\n"
                f"for c in combinations(range(1, {n + 1}), {k}):\n    if sum(c) == {t}:\n"
                "        count += 1\nprint(count)",
            ),
        ),
        answer=answer,
    )


FAMILIES: tuple[Family, ...] = (
    Family(committees, "counting", 1),
    Family(grid_paths, "counting", 2),
    Family(digit_sum_numbers, "counting", 3),
    Family(spaced_subsets, "counting", 3),
    Family(grid_paths_through, "counting", 3),
    Family(committees_at_least, "counting", 4),
    Family(pair_sums, "counting", 4),
    Family(bounded_triples, "counting", 4),
    Family(pair_products, "counting", 5, held_out=True),
)
