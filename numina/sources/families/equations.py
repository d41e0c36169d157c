"""Families of equations and polynomials, solved with sympy."""

from __future__ import annotations

from random import Random

from numina.sources.family import Draw, Family, Step

UNKNOWN = 'from sympy import symbols, {name}\nx = symbols("x")\n'


def linear_system(rng: Random) -> Draw:
    x, y = rng.randint(2, 40), rng.randint(2, 40)
    a, b, c, d = (rng.randint(2, 9) for _ in range(4))
    while a * d == b * c:
        d = rng.randint(2, 9)
    e, f = a * x + b * y, c * x + d * y
    return Draw(
        numbers=(a, b, e, c, d, f),
        statements=(
            f"The numbers $x$ and $y$ satisfy ${a}x + {b}y = {e}$ and ${c}x + {d}y = {f}$. "
            "Find $xy$.",
            f"What is the product $xy$ of the solution of ${a}x + {b}y = {e}$, ${c}x + {d}y = {f}$?",
            f"At a fair, ${a}$ rides and ${b}$ games cost ${e}$ coins, and ${c}$ rides and ${d}$ "
            f"games cost ${f}$ coins. What is the price of a ride times the price of a game?",
        ),
        chain=f"Taking ${d}$ times the first equation and ${b}$ times the second, the difference is "
        f"${a * d - b * c}x = {e * d - f * b}$. So $x = {x}$, then $y = {y}$, and "
        f"$xy = {x * y}$.",
        steps=(
            Step(
                "We solve the two equations.",
                'from sympy import symbols, solve\nx, y = symbols("x y")\n'
                f"s = solve([{a}*x + {b}*y - {e}, {c}*x + {d}*y - {f}], [x, y])\n"
                "print(s[x] * s[y])",
            ),
        ),
        answer=x * y,
        canonical=min((a, b, e, c, d, f), (c, d, f, a, b, e)),
    )


def larger_root(rng: Random) -> Draw:
    r = rng.randint(2, 30)
    s = r + rng.randint(1, 40)
    return Draw(
        numbers=(r, s),
        statements=(
            f"Find the larger root of $x^2 - {r + s}x + {r * s} = 0$.",
            f"What is the greatest number $x$ with $x^2 - {r + s}x + {r * s} = 0$?",
            f"A rectangle has perimeter ${2 * (r + s)}$ and area ${r * s}$. How long is its longer "
            "side?",
        ),
        chain=f"We look for two numbers with sum ${r + s}$ and product ${r * s}$. These are ${r}$ and "
        f"${s}$, so the larger root is ${s}$.",
        steps=(
            Step(
                "We solve the equation.",
                UNKNOWN.format(name="solve") + f"print(max(solve(x**2 - {r + s}*x + {r * s}, x)))",
            ),
        ),
        answer=s,
    )


def multiples_between_roots(rng: Random) -> Draw:
    r, k = rng.randint(2, 40), rng.randint(3, 9)
    s = r + rng.randint(20, 150)
    upto, below = (s - 1) // k, r // k
    return Draw(
        numbers=(r, s, k),
        statements=(
            f"How many multiples of ${k}$ lie strictly between the two roots of "
            f"$x^2 - {r + s}x + {r * s} = 0$?",
            f"Find the number of multiples of ${k}$ that are greater than the one and less than the "
            f"other root of $x^2 - {r + s}x + {r * s}$.",
            f"For how many integers $n$ divisible by ${k}$ is $n^2 - {r + s}n + {r * s} < 0$?",
        ),
        chain=f"The roots are ${r}$ and ${s}$. There are ${upto}$ multiples of ${k}$ below ${s}$, and "
        f"${below}$ of them are at most ${r}$. So the count is ${upto} - {below} = "
        f"{upto - below}$.",
        steps=(
            Step(
                "First we solve the equation.",
                UNKNOWN.format(name="solve")
                + f"r, s = sorted(solve(x**2 - {r + s}*x + {r * s}, x))\nprint(r, s)",
            ),
            Step(
                f"Now we count the multiples of ${k}$ between the roots.",
                f"count = 0\nfor i in range(r + 1, s):\n    if i % {k} == 0:\n        count += 1\n"
                "print(count)",
            ),
        ),
        answer=upto - below,
    )


FAMILIES: tuple[Family, ...] = (
    Family(larger_root, "algebra", 1, share=0.5),
    Family(linear_system, "algebra", 2, share=0.5),
    Family(multiples_between_roots, "algebra", 4, share=0.5),
)
