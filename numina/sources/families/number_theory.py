"""Families of number theory."""

from __future__ import annotations

from math import gcd, lcm
from random import Random

from sympy import divisor_count, divisor_sigma

from numina.sources.family import Draw, Family, Step


def multiples_of_either(rng: Random) -> Draw:
    a, b, n = rng.randint(3, 9), rng.choice((10, 11, 13, 16, 17, 19)), rng.randint(150, 950)
    first, second, both = n // a, n // b, n // lcm(a, b)
    return Draw(
        numbers=(a, b, n),
        statements=(
            f"How many positive integers not above ${n}$ are divisible by ${a}$ or by ${b}$?",
            f"Find the number of integers from $1$ to ${n}$ that are multiples of ${a}$, "
            f"multiples of ${b}$, or both.",
            f"Lamps are numbered $1$ to ${n}$. One switch lights every lamp whose number is "
            f"divisible by ${a}$, another every lamp whose number is divisible by ${b}$. "
            "How many lamps are lit when both switches are on?",
        ),
        chain=f"There are ${first}$ multiples of ${a}$ and ${second}$ multiples of ${b}$. Multiples "
        f"of both are multiples of ${lcm(a, b)}$, and there are ${both}$. "
        f"So the count is ${first} + {second} - {both} = {first + second - both}$.",
        steps=(
            Step(
                f"We test every integer up to ${n}$ for divisibility by ${a}$ or ${b}$.",
                f"count = 0\nfor i in range(1, {n} + 1):\n    if i % {a} == 0 or i % {b} == 0:\n"
                "        count += 1\nprint(count)",
            ),
        ),
        answer=first + second - both,
    )


def multiples_of_one_only(rng: Random) -> Draw:
    a, b, n = rng.randint(3, 9), rng.choice((10, 11, 13, 16, 17, 19)), rng.randint(150, 950)
    first, both = n // a, n // lcm(a, b)
    return Draw(
        numbers=(a, b, n),
        statements=(
            f"How many integers from $1$ to ${n}$ are multiples of ${a}$ but not of ${b}$?",
            f"Find the number of multiples of ${a}$ up to ${n}$ that ${b}$ does not divide.",
            f"How many positive integers not above ${n}$ are divisible by ${a}$ but not by ${b}$?",
        ),
        chain=f"There are ${first}$ multiples of ${a}$. Those that ${b}$ divides too are multiples of "
        f"${lcm(a, b)}$, and there are ${both}$. So the count is ${first} - {both} = "
        f"{first - both}$.",
        steps=(
            Step(
                f"We test every integer up to ${n}$ for both conditions.",
                f"count = 0\nfor i in range(1, {n} + 1):\n    if i % {a} == 0 and i % {b} != 0:\n"
                "        count += 1\nprint(count)",
            ),
        ),
        answer=first - both,
    )


def sum_of_multiples(rng: Random) -> Draw:
    a, n = rng.randint(3, 13), rng.randint(80, 400)
    k = (n - 1) // a
    return Draw(
        numbers=(a, n),
        statements=(
            f"Find the sum of all positive multiples of ${a}$ that are less than ${n}$.",
            f"What is the sum of the positive integers below ${n}$ that are divisible by ${a}$?",
            f"A clerk adds up the multiples of ${a}$, beginning with ${a}$ and leaving off before she "
            f"reaches ${n}$. What total does she get?",
        ),
        chain=f"There are ${k}$ such multiples, from ${a}$ to ${a * k}$. Their sum is "
        f"${a} \\cdot \\frac{{{k} \\cdot {k + 1}}}{{2}} = {a} \\cdot {k * (k + 1) // 2} = "
        f"{a * k * (k + 1) // 2}$.",
        steps=(
            Step(
                f"We add every integer below ${n}$ that is divisible by ${a}$.",
                f"total = 0\nfor i in range(1, {n}):\n    if i % {a} == 0:\n        total += i\n"
                "print(total)",
            ),
        ),
        answer=a * k * (k + 1) // 2,
    )


def two_remainders(rng: Random) -> Draw:
    a, b = rng.sample((7, 8, 9, 11, 13, 17, 19, 23), 2)
    while gcd(a, b) > 1:
        a, b = rng.sample((7, 8, 9, 11, 13, 17, 19, 23), 2)
    r, s = rng.randint(1, a - 1), rng.randint(1, b - 1)
    answer = next(n for n in range(r, a * b + 1, a) if n % b == s)
    return Draw(
        numbers=(a, r, b, s),
        statements=(
            f"Find the smallest positive integer that leaves remainder ${r}$ when divided by ${a}$ "
            f"and remainder ${s}$ when divided by ${b}$.",
            f"What is the least positive integer $n$ with $n \\equiv {r} \\pmod{{{a}}}$ and "
            f"$n \\equiv {s} \\pmod{{{b}}}$?",
            f"Packed in boxes of ${a}$, a crate of nails leaves ${r}$ over; packed in boxes of "
            f"${b}$, it leaves ${s}$ over. What is the smallest possible number of nails?",
        ),
        chain=f"We want $n = {a}k + {r}$ with ${a}k \\equiv {(s - r) % b} \\pmod{{{b}}}$. The least "
        f"such $k$ is ${(answer - r) // a}$, so $n = {a} \\cdot {(answer - r) // a} + {r} = "
        f"{answer}$.",
        steps=(
            Step(
                "We try positive integers in turn until both remainders fit.",
                f"n = 1\nwhile n % {a} != {r} or n % {b} != {s}:\n    n += 1\nprint(n)",
            ),
        ),
        answer=answer,
        canonical=min((a, r, b, s), (b, s, a, r)),
    )


def three_remainders(rng: Random) -> Draw:
    a, b, c = rng.choice(((5, 7, 9), (5, 8, 11), (7, 9, 11), (4, 9, 11), (5, 9, 13), (7, 8, 9)))
    r, s, t = rng.randint(1, a - 1), rng.randint(1, b - 1), rng.randint(1, c - 1)
    both = next(n for n in range(r, a * b + 1, a) if n % b == s)
    answer = next(n for n in range(both, a * b * c + 1, a * b) if n % c == t)
    return Draw(
        numbers=(a, r, b, s, c, t),
        statements=(
            f"What is the least positive $n$ with remainders ${r}$, ${s}$, ${t}$ on division by "
            f"${a}$, ${b}$, ${c}$?",
            f"Find the least $n > 0$ with $n \\equiv {r} \\pmod{{{a}}}$, "
            f"$n \\equiv {s} \\pmod{{{b}}}$ and $n \\equiv {t} \\pmod{{{c}}}$.",
            f"Find the smallest positive integer that leaves remainder ${r}$ when divided by ${a}$, "
            f"remainder ${s}$ when divided by ${b}$, and remainder ${t}$ when divided by ${c}$.",
        ),
        chain=f"The first two conditions give $n \\equiv {both} \\pmod{{{a * b}}}$. Trying "
        f"${both}$ plus multiples of ${a * b}$, the first with remainder ${t}$ modulo ${c}$ is "
        f"${answer}$.",
        steps=(
            Step(
                "We try positive integers in turn until all three remainders fit.",
                f"n = 1\nwhile n % {a} != {r} or n % {b} != {s} or n % {c} != {t}:\n    n += 1\n"
                "print(n)",
            ),
        ),
        answer=answer,
    )


def divisor_total(rng: Random) -> Draw:
    p, q, e, f = (
        rng.choice((2, 3)),
        rng.choice((5, 7, 11, 13)),
        rng.randint(2, 5),
        rng.randint(1, 2),
    )
    r = rng.choice((17, 19, 23, 29, 31))
    n = p**e * q**f * r
    first, second = (p ** (e + 1) - 1) // (p - 1), (q ** (f + 1) - 1) // (q - 1)
    return Draw(
        numbers=(n,),
        statements=(
            f"What is the sum of the positive divisors of ${n}$?",
            f"Find the sum of all positive integers that divide ${n}$.",
            f"Every positive integer that divides ${n}$ is written on a board. "
            "What do the written numbers add up to?",
        ),
        chain=f"${n} = {p}^{e} \\cdot {q}^{f} \\cdot {r}$. The divisors add up to "
        f"${first} \\cdot {second} \\cdot {r + 1} = {first * second * (r + 1)}$.",
        steps=(
            Step(
                f"We test every integer up to ${n}$ and add those that divide it.",
                f"total = 0\nfor i in range(1, {n} + 1):\n    if {n} % i == 0:\n        total += i\n"
                "print(total)",
            ),
        ),
        answer=int(divisor_sigma(n)),
    )


def divisors_that_are_multiples(rng: Random) -> Draw:
    k = rng.choice((4, 6, 9, 10, 12, 14, 15))
    m = 2 ** rng.randint(1, 4) * 3 ** rng.randint(1, 3) * rng.choice((5, 7, 25, 35, 11, 49, 13))
    n = k * m
    count = int(divisor_count(m))
    return Draw(
        numbers=(n, k),
        statements=(
            f"How many positive divisors of ${n}$ are multiples of ${k}$?",
            f"Of the positive integers that divide ${n}$, how many are divisible by ${k}$?",
            f"A number divides ${n}$ and is itself divisible by ${k}$. How many positive numbers "
            "have both properties?",
        ),
        chain=f"Such a divisor is ${k}d$ where $d$ divides ${n} / {k} = {m}$. "
        f"The number ${m}$ has ${count}$ divisors, so the count is ${count}$.",
        steps=(
            Step(
                f"First we list the divisors of ${n}$.",
                f"from sympy import divisors\nd = divisors({n})\nprint(len(d))",
            ),
            Step(
                f"Now we count those that are multiples of ${k}$.",
                f"count = 0\nfor i in d:\n    if i % {k} == 0:\n        count += 1\nprint(count)",
            ),
        ),
        answer=count,
    )


def digits_of_power(rng: Random) -> Draw:
    a, b = rng.choice([*range(2, 10), *range(11, 20)]), rng.randint(8, 30)
    digits = str(a**b)
    total = sum(map(int, digits))
    return Draw(
        numbers=(a, b),
        statements=(
            f"What is the sum of the digits of ${a}^{{{b}}}$?",
            f"Find the digit sum of the number ${a}^{{{b}}}$ written in base ten.",
            f"The power ${a}^{{{b}}}$ is written out in full. What do its digits add up to?",
        ),
        chain=f"Written out, ${a}^{{{b}}} = {digits}$. Its digits add up to ${total}$.",
        steps=(
            Step(
                f"We write out ${a}^{{{b}}}$ and add its digits.",
                f"n = {a} ** {b}\ntotal = 0\nfor d in str(n):\n    total += int(d)\nprint(total)",
            ),
        ),
        answer=total,
    )


def power_remainder(rng: Random) -> Draw:
    a, b, m = rng.randint(3, 60), rng.randint(20, 300), rng.choice((97, 101, 125, 1000, 77, 91))
    answer = pow(a, b, m)
    while answer == 0:
        a += 1
        answer = pow(a, b, m)
    return Draw(
        numbers=(a, b, m),
        statements=(
            f"What is the remainder when ${a}^{{{b}}}$ is divided by ${m}$?",
            f"Find the remainder of ${a}^{{{b}}}$ modulo ${m}$.",
            f"Dividing ${a}^{{{b}}}$ by ${m}$ leaves a remainder. What is it?",
        ),
        chain=f"Modulo ${m}$, ${a}^2 \\equiv {a * a % m}$ and ${a}^4 \\equiv {pow(a, 4, m)}$. "
        f"Squaring on and multiplying the powers that make up ${b}$ gives ${answer}$.",
        steps=(
            Step(
                f"We compute the power modulo ${m}$.",
                f"r = pow({a}, {b}, {m})\nprint(r)",
            ),
        ),
        answer=answer,
    )


FAMILIES: tuple[Family, ...] = (
    Family(multiples_of_either, "number_theory", 1, share=0.65),
    Family(sum_of_multiples, "number_theory", 1, share=0.65),
    Family(divisor_total, "number_theory", 2, share=0.65),
    Family(digits_of_power, "number_theory", 4, share=0),
    Family(power_remainder, "number_theory", 2, share=0.65),
    Family(two_remainders, "number_theory", 4),
    Family(multiples_of_one_only, "number_theory", 3, share=0.5),
    Family(divisors_that_are_multiples, "number_theory", 5, share=0),
    Family(three_remainders, "number_theory", 4, share=0),
)
