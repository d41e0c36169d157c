"""Families of division: common divisors, bases, sums modulo a number."""

from __future__ import annotations

from math import gcd, lcm
from random import Random

from numina.sources.family import Draw, Family, Step


def gcd_and_lcm(rng: Random) -> Draw:
    g = rng.randint(2, 15)
    a, b = (g * k for k in rng.sample(range(2, 20), 2))
    least, greatest = lcm(a, b), gcd(a, b)
    return Draw(
        numbers=(a, b),
        statements=(
            f"By how much does the least common multiple of ${a}$ and ${b}$ exceed their greatest "
            "common divisor?",
            f"Find $\\operatorname{{lcm}}({a}, {b}) - \\gcd({a}, {b})$.",
            f"The greatest common divisor of ${a}$ and ${b}$ is taken away from their least common "
            "multiple. What remains?",
        ),
        chain=f"The greatest common divisor is ${greatest}$, so the least common multiple is "
        f"$\\frac{{{a} \\cdot {b}}}{{{greatest}}} = {least}$. The difference is "
        f"${least - greatest}$.",
        steps=(
            Step(
                "First we find the greatest common divisor.",
                f"from math import gcd\na, b = {a}, {b}\ng = gcd(a, b)\nprint(g)",
            ),
            Step(
                "Now we find the least common multiple and subtract.",
                "print(a * b // g - g)",
            ),
        ),
        answer=least - greatest,
        canonical=(min(a, b), max(a, b)),
    )


def base_digit_sum(rng: Random) -> Draw:
    n, b = rng.randint(200, 9000), rng.choice((2, 3, 4, 5, 6, 7, 8, 9))
    digits, rest = [], n
    while rest:
        digits.append(rest % b)
        rest //= b
    written = "".join(map(str, reversed(digits)))
    return Draw(
        numbers=(n, b),
        statements=(
            f"What is the sum of the digits of ${n}$ written in base ${b}$?",
            f"Find the digit sum of the base-${b}$ representation of ${n}$.",
            f"The number ${n}$ is paid with as few coins as possible, of values $1$, ${b}$, "
            f"${b}^2$ and so on. How many coins are needed?",
        ),
        chain=f"In base ${b}$, ${n}$ is ${written}$. Its digits add up to ${sum(digits)}$.",
        steps=(
            Step(
                f"First we find the digits in base ${b}$.",
                f"n = {n}\ndigits = []\nwhile n > 0:\n    digits.append(n % {b})\n    n = n // {b}\n"
                "print(digits)",
            ),
            Step("Now we add the digits.", "print(sum(digits))"),
        ),
        answer=sum(digits),
    )


def power_sum_remainder(rng: Random) -> Draw:
    n, k, m = rng.randint(10, 60), rng.randint(2, 4), rng.choice((7, 9, 11, 13, 17, 100))
    total = sum(i**k for i in range(1, n + 1))
    return Draw(
        numbers=(n, k, m),
        statements=(
            f"What is the remainder when $1^{k} + 2^{k} + \\cdots + {n}^{k}$ is divided by ${m}$?",
            f"Find $1^{k} + 2^{k} + \\cdots + {n}^{k}$ modulo ${m}$.",
            f"Each integer from $1$ to ${n}$ is raised to the power ${k}$, and the results are added. "
            f"What is left over when the total is divided by ${m}$?",
        ),
        chain=f"The powers add up to ${total}$. On division by ${m}$ this leaves ${total % m}$.",
        steps=(
            Step(
                f"First we add the powers up to ${n}^{k}$.",
                f"total = 0\nfor i in range(1, {n} + 1):\n    total += i ** {k}\nprint(total)",
            ),
            Step(f"Now we reduce the total modulo ${m}$.", f"print(total % {m})"),
        ),
        answer=total % m,
    )


FAMILIES: tuple[Family, ...] = (
    Family(gcd_and_lcm, "number_theory", 2, share=0.5),
    Family(base_digit_sum, "number_theory", 3, share=0.5),
    Family(power_sum_remainder, "number_theory", 4, share=0.5),
)
