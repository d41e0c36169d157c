"""Families of primes and divisors, solved with sympy."""

from __future__ import annotations

from bisect import bisect_right
from math import gcd, isqrt
from random import Random

from numina.sources.family import Draw, Family, Step

# By trial division, so that answers do not come from sympy as the programs' do.
PRIMES = tuple(n for n in range(2, 1000) if all(n % i for i in range(2, isqrt(n) + 1)))


def primes_up_to(n: int) -> tuple[int, ...]:
    """The primes up to n, which is below 1000."""
    return PRIMES[: bisect_right(PRIMES, n)]


def powers_in(n: int) -> list[tuple[int, int]]:
    """The primes of n with their exponents."""
    found, prime = [], 2
    while n > 1:
        exponent = 0
        while n % prime == 0:
            n //= prime
            exponent += 1
        if exponent:
            found.append((prime, exponent))
        prime += 1
    return found


def factored(n: int) -> str:
    return " \\cdot ".join(f"{p}^{{{e}}}" if e > 1 else str(p) for p, e in powers_in(n))


def primes_between(rng: Random) -> Draw:
    low = rng.randint(10, 400)
    high = low + rng.randint(40, 400)
    upto, below = len(primes_up_to(high)), len(primes_up_to(low - 1))
    return Draw(
        numbers=(low, high),
        statements=(
            f"How many primes are there from ${low}$ to ${high}$?",
            f"Find the number of primes $p$ with ${low} \\le p \\le {high}$.",
            f"Houses are numbered from ${low}$ to ${high}$, and those with a prime number are "
            "painted. How many houses are painted?",
        ),
        chain=f"There are ${upto}$ primes up to ${high}$ and ${below}$ below ${low}$. So the count is "
        f"${upto} - {below} = {upto - below}$.",
        steps=(
            Step(
                f"We count the primes up to ${high}$ that are at least ${low}$.",
                f"from sympy import primerange\nprint(len(list(primerange({low}, {high} + 1))))",
            ),
        ),
        answer=upto - below,
    )


def prime_factor_sum(rng: Random) -> Draw:
    p, q = rng.sample((2, 3, 5, 7, 11, 13), 2)
    n = p ** rng.randint(1, 3) * q * rng.choice((1, 17, 19, 23, 29, 31, 37))
    primes = [prime for prime, _ in powers_in(n)]
    return Draw(
        numbers=(n,),
        statements=(
            f"What is the sum of the distinct prime factors of ${n}$?",
            f"Find the sum of all primes that divide ${n}$.",
            f"Each prime that divides ${n}$ is written down once. What do these primes add up to?",
        ),
        chain=f"${n} = {factored(n)}$. The sum is ${' + '.join(map(str, primes))} = {sum(primes)}$.",
        steps=(
            Step(
                f"We add the primes that divide ${n}$.",
                f"from sympy import primefactors\nprint(sum(primefactors({n})))",
            ),
        ),
        answer=sum(primes),
    )


def prime_sum_remainder(rng: Random) -> Draw:
    n, m = rng.randint(8, 50), rng.choice((7, 9, 11, 13, 17, 100))
    primes = PRIMES[:n]
    return Draw(
        numbers=(n, m),
        statements=(
            f"What is the remainder when the sum of the first ${n}$ primes is divided by ${m}$?",
            f"Find the sum of the ${n}$ smallest primes modulo ${m}$.",
            f"The ${n}$ smallest primes are added. What is left over when the total is divided by "
            f"${m}$?",
        ),
        chain=f"The first ${n}$ primes go from $2$ to ${primes[-1]}$ and add up to ${sum(primes)}$. "
        f"On division by ${m}$ this leaves ${sum(primes) % m}$.",
        steps=(
            Step(
                f"First we list the first ${n}$ primes.",
                "from sympy import prime\n"
                f"primes = [prime(i) for i in range(1, {n} + 1)]\nprint(primes[-1])",
            ),
            Step(
                f"Now we add them and reduce modulo ${m}$.",
                f"print(sum(primes) % {m})",
            ),
        ),
        answer=sum(primes) % m,
    )


def primes_with_remainder(rng: Random) -> Draw:
    n, m = rng.randint(100, 900), rng.choice((4, 5, 6, 7, 8, 9, 10, 12))
    r = rng.choice([i for i in range(1, m) if gcd(i, m) == 1])
    primes = primes_up_to(n)
    answer = sum(p % m == r for p in primes)
    return Draw(
        numbers=(n, m, r),
        statements=(
            f"How many primes up to ${n}$ leave remainder ${r}$ when divided by ${m}$?",
            f"Find the number of primes $p \\le {n}$ with $p \\equiv {r} \\pmod{{{m}}}$.",
            f"Of the primes not above ${n}$, how many are ${r}$ more than a multiple of ${m}$?",
        ),
        chain=f"There are ${len(primes)}$ primes up to ${n}$. Going through them, ${answer}$ have "
        f"remainder ${r}$ modulo ${m}$.",
        steps=(
            Step(
                f"First we list the primes up to ${n}$.",
                f"from sympy import primerange\nprimes = list(primerange(2, {n} + 1))\n"
                "print(len(primes))",
            ),
            Step(
                f"Now we count those with remainder ${r}$.",
                f"count = 0\nfor p in primes:\n    if p % {m} == {r}:\n        count += 1\n"
                "print(count)",
            ),
        ),
        answer=answer,
    )


def sum_of_large_divisors(rng: Random) -> Draw:
    n = 2 ** rng.randint(2, 5) * 3 ** rng.randint(1, 3) * rng.choice((5, 7, 11, 13, 25, 35))
    k = rng.randint(5, 30)
    all_of_them = [i for i in range(1, n + 1) if n % i == 0]
    large = [i for i in all_of_them if i > k]
    total, small = sum(all_of_them), sum(all_of_them) - sum(large)
    return Draw(
        numbers=(n, k),
        statements=(
            f"Find the sum of the divisors of ${n}$ that are greater than ${k}$.",
            f"What do the positive divisors of ${n}$ above ${k}$ add up to?",
            f"All positive integers that divide ${n}$ are written on a board, and those up to ${k}$ "
            "are wiped off. What is the sum of the rest?",
        ),
        chain=f"The divisors of ${n} = {factored(n)}$ add up to ${total}$, and those up to ${k}$ add "
        f"up to ${small}$. So the sum is ${total} - {small} = {sum(large)}$.",
        steps=(
            Step(
                f"First we list the divisors of ${n}$.",
                f"from sympy import divisors\nd = divisors({n})\nprint(len(d))",
            ),
            Step(
                f"Then we keep those greater than ${k}$.",
                f"large = [i for i in d if i > {k}]\nprint(len(large))",
            ),
            Step("Now we add them.", "print(sum(large))"),
        ),
        answer=sum(large),
    )


FAMILIES: tuple[Family, ...] = (
    Family(prime_factor_sum, "number_theory", 2, share=0.5),
    Family(primes_between, "number_theory", 2, share=0.5),
    Family(prime_sum_remainder, "number_theory", 4, share=0.5),
    Family(primes_with_remainder, "number_theory", 4, share=0.5),
    Family(sum_of_large_divisors, "number_theory", 5, share=0.5),
)
