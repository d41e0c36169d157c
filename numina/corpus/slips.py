"""How the embedded teacher goes wrong, and how it mends a program that failed.

The slips are those that small models make in their traces: names that are not defined, imports that
are missing or have another name, text taken for a number, an index past the end, a missing colon,
a result that is never printed. Each is followed by what one says on reading the output, and by the
program without the slip, so that a model can learn to mend its own.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from numina.sources.family import Step

NAME = r"[A-Za-z_]\w*"
# Functions by the names that models give them.
MISNAMED = {
    "comb": "binomial",
    "divisors": "divisor",
    "factorial": "fact",
    "gcd": "greatest_common_divisor",
    "prime": "nth_prime",
    "primefactors": "prime_factors",
    "primerange": "primes",
    "rem": "remainder",
    "solve": "solve_equation",
    "totient": "phi",
}
INVENTED = ("result", "answer", "value")


class Slip(NamedTuple):
    """A program that fails, and what is said on reading its output."""

    program: str
    said: str


def propose(
    steps: Sequence[Step], rng: random.Random, wrong_share: float, mended_share: float
) -> list[Step]:
    """The embedded teacher's attempt: the known solution, or one with an error in a program.

    An attempt whose program fails is either mended by the next program or ends there.

    Args:
        steps: the known solution.
        rng: draws whether, where and how it goes wrong.
        wrong_share: share of the attempts that have an error.
        mended_share: share of these in which a program fails and the next one mends it.
    """
    if rng.random() >= wrong_share:
        return list(steps)
    place = rng.randrange(len(steps))
    before, step, after = steps[:place], steps[place], steps[place + 1 :]
    slip = failing(step.program, rng)
    if rng.random() < mended_share:
        mended = Step(slip.said, step.program)
        return [*before, Step(step.thought, slip.program), mended, *after]
    numbers = list(re.finditer(r"\b\d+\b", step.program))
    if not numbers or rng.random() < 0.5:
        return [*before, Step(step.thought, slip.program)]
    number = rng.choice(numbers)
    other = f"{step.program[: number.start()]}{int(number[0]) + 1}{step.program[number.end() :]}"
    return [*before, Step(step.thought, other), *after]


def failing(program: str, rng: random.Random) -> Slip:
    """A program with one of the slips that it has room for; it fails or prints nothing."""
    return rng.choice(slips(program))


def slips(program: str) -> list[Slip]:
    """All slips that a program has room for, at least one."""
    return [slip for kind in KINDS if (slip := kind(program)) is not None]


def not_printed(program: str) -> Slip:
    """Leave out the print of the result."""
    head, _, shown = program.rpartition("print(")
    return Slip(f"{head}result = {shown[:-1]}", "Nothing was printed. We print the result.")


def undefined_name(program: str) -> Slip | None:
    """Print a name that was never set."""
    match = re.search(rf"print\(({NAME})\)$", program)
    if match is None:
        return None
    name = next(name for name in INVENTED if name != match[1])
    said = f"The name {name} is not defined. The result is in {match[1]}."
    return Slip(f"{program[: match.start()]}print({name})", said)


def not_set(program: str) -> Slip | None:
    """Leave out the line that gives a name its first value."""
    match = re.match(rf"((?:from .*\n)?)({NAME}) = (?:\d+|symbols.*)\n", program)
    if match is None:
        return None
    said = f"The name {match[2]} is not defined. We set it first."
    return Slip(match[1] + program[match.end() :], said)


def not_imported(program: str) -> Slip | None:
    """Leave out an import."""
    match = re.match(r"from .*\n", program)
    if match is None:
        return None
    return Slip(program[match.end() :], "The import is missing. We add it.")


def misnamed(program: str) -> Slip | None:
    """Import a function by a name that it does not have."""
    match = re.match(rf"from (\w+) import (?:{NAME}, )*({NAME})\n", program)
    if match is None or match[2] not in MISNAMED:
        return None
    wrong = MISNAMED[match[2]]
    said = f"There is no {wrong} in {match[1]}. The function is called {match[2]}."
    return Slip(re.sub(rf"\b{match[2]}\b", wrong, program), said)


def text_for_number(program: str) -> Slip | None:
    """Start a sum from text."""
    match = re.search(rf"^({NAME}) = 0$", program, re.M)
    if match is None or f"{match[1]} +=" not in program:
        return None
    said = f"A number cannot be added to text. We start {match[1]} from the number 0."
    return Slip(f'{program[: match.start()]}{match[1]} = "0"{program[match.end() :]}', said)


def length_of_number(program: str) -> Slip | None:
    """Take the length of a number."""
    match = re.search(rf"print\(({NAME})\)$", program)
    if match is None or not re.search(
        rf"^ *{match[1]} (?:\+=|= \d|= pow|= comb|= gcd)", program, re.M
    ):
        return None
    said = f"The number {match[1]} has no length. We print it."
    return Slip(f"{program[: match.start()]}print(len({match[1]}))", said)


def past_the_end(program: str) -> Slip | None:
    """Index a list by its length."""
    match = re.search(rf"print\(({NAME})\[-1\]", program)
    if match is None:
        return None
    name = match[1]
    said = f"The index is past the end of the list. The last entry is {name}[-1]."
    return Slip(program.replace(f"print({name}[-1]", f"print({name}[len({name})]"), said)


def divided_by_zero(program: str) -> Slip | None:
    """Begin the numbers to divide by at 0."""
    if "for i in range(1, " not in program or not re.search(r"\d % i\b", program):
        return None
    said = "We cannot divide by 0. The integers start from 1."
    return Slip(program.replace("for i in range(1, ", "for i in range(0, "), said)


def no_colon(program: str) -> Slip | None:
    """Leave out the colon of a loop."""
    match = re.search(r"^(for|while) .*(:)$", program, re.M)
    if match is None:
        return None
    said = f"The {match[1]} line has no colon. We add it."
    return Slip(program[: match.start(2)] + program[match.end(2) :], said)


KINDS: tuple[Callable[[str], Slip | None], ...] = (
    not_printed,
    undefined_name,
    not_set,
    not_imported,
    misnamed,
    text_for_number,
    length_of_number,
    past_the_end,
    divided_by_zero,
    no_colon,
)
