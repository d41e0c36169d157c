"""Families of algebra."""

from __future__ import annotations

from random import Random

from numina.corpus.family import Draw, Family, Step


def sum_and_difference(rng: Random) -> Draw:
    x, y = sorted(rng.sample(range(3, 60), 2), reverse=True)
    s, d = x + y, x - y
    return Draw(
        numbers=(s, d),
        statements=(
            f"The numbers $x$ and $y$ satisfy $x + y = {s}$ and $x - y = {d}$. What is $xy$?",
            f"Two numbers have sum ${s}$ and difference ${d}$. Find their product.",
            f"Ann and Ben have ${s}$ coins between them, and Ann has ${d}$ more than Ben. What is "
            "the product of their two numbers of coins?",
        ),
        chain=f"Adding the equations gives $2x = {s + d}$, so $x = {x}$ and $y = {s} - {x} = {y}$. "
        f"The product is ${x} \\cdot {y} = {x * y}$.",
        steps=(
            Step(
                "We solve the two equations for the two numbers.",
                'from sympy import symbols, solve\nx, y = symbols("x y")\n'
                f"sol = solve([x + y - {s}, x - y - {d}], [x, y])\nprint(sol)",
            ),
            Step("Now we multiply the two numbers.", "print(sol[x] * sol[y])"),
        ),
        answer=x * y,
    )


def cubic_value(rng: Random) -> Draw:
    a, b, c, n = rng.randint(2, 9), rng.randint(2, 20), rng.randint(1, 40), rng.randint(10, 18)
    answer = n**3 - a * n**2 + b * n + c
    return Draw(
        numbers=(a, b, c, n),
        statements=(
            f"Let $P(x) = x^3 - {a}x^2 + {b}x + {c}$. What is $P({n})$?",
            f"Find the value of $x^3 - {a}x^2 + {b}x + {c}$ at $x = {n}$.",
            f"What remainder does $x^3 - {a}x^2 + {b}x + {c}$ leave on division by $x - {n}$?",
        ),
        chain=f"We have ${n}^3 = {n**3}$, ${a} \\cdot {n}^2 = {a * n * n}$ and ${b} \\cdot {n} = "
        f"{b * n}$. So the value is ${n**3} - {a * n * n} + {b * n} + {c} = {answer}$.",
        steps=(
            Step(
                f"We evaluate the polynomial at ${n}$.",
                f"x = {n}\nvalue = x ** 3 - {a} * x ** 2 + {b} * x + {c}\nprint(value)",
            ),
        ),
        answer=answer,
    )


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


def floor_sum(rng: Random) -> Draw:
    a, b, n = rng.randint(2, 9), rng.randint(10, 19), rng.randint(20, 90)
    whole, rests = a * n * (n + 1) // 2, sum(a * k % b for k in range(1, n + 1))
    return Draw(
        numbers=(a, b, n),
        statements=(
            f"Compute $\\sum_{{k=1}}^{{{n}}} \\left\\lfloor \\frac{{{a}k}}{{{b}}} "
            "\\right\\rfloor$.",
            f"Find the sum of $\\lfloor {a}k/{b} \\rfloor$ over the integers $k$ from $1$ to "
            f"${n}$.",
            f"For $k = 1, 2, \\dots, {n}$ the fraction $\\frac{{{a}k}}{{{b}}}$ is rounded down to an "
            "integer. What is the sum of these integers?",
        ),
        chain=f"Without rounding, the numerators add up to ${whole}$, and the remainders modulo "
        f"${b}$ to ${rests}$. So the sum is $({whole} - {rests}) / {b} = {(whole - rests) // b}$.",
        steps=(
            Step(
                f"We add the rounded values for $k$ up to ${n}$.",
                f"total = 0\nfor k in range(1, {n + 1}):\n    total += {a} * k // {b}\nprint(total)",
            ),
        ),
        answer=(whole - rests) // b,
    )


def product_pairs(rng: Random) -> Draw:
    a, b = rng.randint(2, 9), rng.randint(2, 9)
    c = rng.randint(60, 260)
    n = c + a * b
    pairs = [d for d in range(1, n + 1) if n % d == 0 and d > b and n // d > a]
    while len(pairs) < 2:
        c += 1
        n = c + a * b
        pairs = [d for d in range(1, n + 1) if n % d == 0 and d > b and n // d > a]
    return Draw(
        numbers=(a, b, c),
        statements=(
            f"How many ordered pairs $(x, y)$ of positive integers satisfy $xy + {a}x + {b}y = {c}$?",
            f"Find the number of solutions of $xy + {a}x + {b}y = {c}$ in positive integers.",
            f"For how many pairs of positive integers $x$ and $y$ is $xy + {a}x + {b}y$ equal to "
            f"${c}$?",
        ),
        chain=f"Adding ${a * b}$ gives $(x + {b})(y + {a}) = {n}$. We need divisors of ${n}$ above "
        f"${b}$ whose cofactor exceeds ${a}$; there are ${len(pairs)}$.",
        steps=(
            Step(
                "We try all pairs of positive integers.",
                f"count = 0\nfor x in range(1, {c}):\n    for y in range(1, {c}):\n"
                f"        if x * y + {a} * x + {b} * y == {c}:\n            count += 1\nprint(count)",
            ),
        ),
        answer=len(pairs),
    )


FAMILIES: tuple[Family, ...] = (
    Family(cubic_value, "algebra", 1),
    Family(sum_and_difference, "algebra", 1),
    Family(squares_of_roots, "algebra", 2),
    Family(iterated_function, "algebra", 2),
    Family(product_pairs, "algebra", 4),
    Family(floor_sum, "algebra", 4),
    Family(cubes_of_roots, "algebra", 4, held_out=True),
    Family(iterated_function_remainder, "algebra", 4, held_out=True),
)
