"""Families of counting with conditions: at least one, avoiding a point."""

from __future__ import annotations

from math import comb
from random import Random

from numina.sources.family import Draw, Family, Step


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
    Family(committees_at_least, "counting", 4, share=0.5),
    Family(grid_paths_avoiding, "counting", 5, share=0.5),
)
