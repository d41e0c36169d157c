"""Families of algebra."""

from __future__ import annotations

from random import Random

from numina.sources.family import Draw, Family, Step


def squares_of_roots(rng: Random) -> Draw:
    s, p = rng.randint(9, 60), rng.randint(2, 20)
    return Draw(
        numbers=(s, p),
        statements=(
            f"Let $r$ and $t$ be the roots of $x^2 - {s}x + {p} = 0$. Find $r^2 + t^2$.",
            f"What is the sum of the squares of the roots of $x^2 - {s}x + {p}$?",
            f"Two real numbers have sum ${s}$ and product ${p}$. What do their squares add up to?",
        ),
        chain=f"The roots have sum ${s}$ and product ${p}$. So $r^2 + t^2 = {s}^2 - 2 \\cdot {p} = "
        f"{s * s} - {2 * p} = {s * s - 2 * p}$.",
        steps=(
            Step(
                "We use the sum and the product of the roots.",
                f"s = {s}\np = {p}\nprint(s ** 2 - 2 * p)",
            ),
        ),
        answer=s * s - 2 * p,
    )


def cubes_of_roots(rng: Random) -> Draw:
    s, p = rng.randint(5, 30), rng.randint(1, 20)
    while s * s < 4 * p:
        s += 1
    return Draw(
        numbers=(s, p),
        statements=(
            f"Find $r^3 + t^3$, where $r$ and $t$ are the roots of $x^2 - {s}x + {p} = 0$.",
            f"What do the cubes of the two roots of $x^2 - {s}x + {p}$ add up to?",
            f"What is the sum of the cubes of the roots of $x^2 - {s}x + {p}$?",
        ),
        chain=f"With sum ${s}$ and product ${p}$, $r^3 + t^3 = {s}^3 - 3 \\cdot {p} \\cdot {s} = "
        f"{s**3} - {3 * p * s} = {s**3 - 3 * p * s}$.",
        steps=(
            Step(
                "We use the sum and the product of the roots.",
                f"s = {s}\np = {p}\nprint(s ** 3 - 3 * s * p)",
            ),
        ),
        answer=s**3 - 3 * p * s,
    )


def iterated_function(rng: Random) -> Draw:
    a, b, k, x = rng.randint(2, 4), rng.randint(1, 15), rng.randint(4, 7), rng.randint(1, 9)
    values = [x]
    for _ in range(k):
        values.append(a * values[-1] + b)
    return Draw(
        numbers=(a, b, k, x),
        statements=(
            f"Let $f(x) = {a}x + {b}$. Starting from ${x}$, $f$ is applied ${k}$ times. "
            "What is the result?",
            f"Let $x_0 = {x}$ and $x_{{n+1}} = {a}x_n + {b}$. Find $x_{{{k}}}$.",
            f"A machine turns a number $x$ into ${a}x + {b}$. The number ${x}$ is put in, and each "
            f"result is put in again, until the machine has run ${k}$ times. What comes out last?",
        ),
        chain="The values are in turn $" + ", ".join(map(str, values)) + f"$. After ${k}$ steps we "
        f"have ${values[-1]}$.",
        steps=(
            Step(
                f"We apply the function ${k}$ times.",
                f"x = {x}\nfor i in range({k}):\n    x = {a} * x + {b}\nprint(x)",
            ),
        ),
        answer=values[-1],
    )


def iterated_function_remainder(rng: Random) -> Draw:
    a, b, k, x = rng.randint(2, 5), rng.randint(1, 15), rng.randint(20, 90), rng.randint(1, 9)
    m = rng.choice((7, 11, 13, 100, 1000, 17, 19))
    power = a**k
    answer = (power * x + b * (power - 1) // (a - 1)) % m
    return Draw(
        numbers=(a, b, k, x, m),
        statements=(
            f"Let $x_0 = {x}$ and $x_{{n+1}} = {a}x_n + {b}$. What is $x_{{{k}}}$ modulo ${m}$?",
            f"A machine turns $x$ into ${a}x + {b}$. It starts from ${x}$ and runs ${k}$ times. "
            f"What remainder does the last number leave on division by ${m}$?",
            f"Let $f(x) = {a}x + {b}$. Starting from ${x}$, $f$ is applied ${k}$ times. "
            f"What is the remainder when the result is divided by ${m}$?",
        ),
        chain=f"In closed form the result is ${a}^{{{k}}} \\cdot {x} + {b} \\cdot "
        f"\\frac{{{a}^{{{k}}} - 1}}{{{a - 1}}}$. Modulo ${m}$ this is ${answer}$.",
        steps=(
            Step(
                f"We apply the function ${k}$ times.",
                f"x = {x}\nfor i in range({k}):\n    x = {a} * x + {b}\nprint(x % {m})",
            ),
        ),
        answer=answer,
    )


FAMILIES: tuple[Family, ...] = (
    Family(squares_of_roots, "algebra", 2, share=0.65),
    Family(iterated_function, "algebra", 3, share=0.65),
    Family(cubes_of_roots, "algebra", 4, share=0),
    Family(iterated_function_remainder, "algebra", 4, share=0.5),
)
