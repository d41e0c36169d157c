r"""Whether two answers are equal, part by part. Runs in the worker processes only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import sympy

from numina.answer.arithmetic import Malformed, Unreadable, is_matrix
from numina.answer.equations import (
    FLIPPED,
    congruence_of,
    constant_ratio,
    depends,
    named,
    named_only,
    numerator,
    replaced,
    stated,
    value_of,
)
from numina.answer.latex import read_formula
from numina.answer.normalise import WORDS, key, unstyled
from numina.answer.number import equal_numbers, read_number
from numina.answer.sets import as_set, names_set, read, variables
from numina.answer.shape import Shape, is_name, read_shape, spelled
from numina.answer.symbolic import equal_formulas, equal_matrices, equal_values
from numina.answer.units import take_unit

DOTS = r"\dots"
SETS = ("union", "meet", "bounds", "pair", "set")


class Undecided(Exception):
    """It could not be decided whether two parts are equal; the message says why."""


def equal_answers(prediction: str, gold: str) -> bool:
    """Whether two cleaned answers are equal.

    Raises:
        Undecided: it could not be decided, with the reason.
    """
    return equal_shapes(read_shape(prediction), read_shape(gold))


def equal_shapes(left: Shape, right: Shape) -> bool:
    if left == right:
        return True
    kinds = {left.kind, right.kind}
    if "congruence" in kinds:
        return equal_congruences(left, right)
    if "system" in kinds:
        return equal_systems(left, right)
    if kinds <= {*SETS, "chain", "formula"} and (
        any(names_set(side) for side in (left, right))
        or ("chain" in kinds and kinds & {"union", "meet", "bounds"})
    ):
        return equal_sets(left, right)
    if "chain" in kinds:
        return equal_chains(left, right)
    if kinds == {"formula"}:
        return equal_texts(left.text, right.text)
    if kinds in ({"list"}, {"set"}, {"list", "set"}):
        return equal_members(named(left.items), named(right.items))
    if kinds == {"set", "formula"}:
        return equal_members(flat_set(left), flat_set(right))
    if kinds == {"pair"}:
        brackets = len(left.items) > 2 or len(right.items) > 2 or left.text == right.text
        return brackets and in_order(left.items, right.items)
    if kinds == {"pair", "list"}:
        return equal_pair_and_list(*((left, right) if left.kind == "pair" else (right, left)))
    if kinds in ({"matrix"}, {"row"}):
        return in_order(left.items, right.items)
    if "matrix" in kinds and kinds & {"pair", "list"}:
        return in_order(entries(left), entries(right))
    if kinds == {"ratio"}:
        return equal_ratios(left, right)
    if kinds <= {"union", "pair", "set"} and kinds != {"pair", "set"}:
        return equal_sets(left, right)
    if r"\begin" in left.text + right.text or "matrix" in kinds:
        return equal_vectors(left, right)
    if len(left.items) == 1 and left.kind in ("list", "matrix"):
        return equal_shapes(left.items[0], right)
    if kinds == {"ratio", "formula"}:
        return equal_quotient(*((left, right) if left.kind == "ratio" else (right, left)))
    return False


def equal_texts(left: str, right: str) -> bool:
    if key(left) == key(right):
        return True
    if all(WORDS.fullmatch(side.strip()) and prose(side) for side in (left, right)):
        return False  # their letters are not a product
    sides = (left.strip(), right.strip())
    if r"\emptyset" in sides:
        return "" in sides  # the members of \{\}
    gaps = [DOTS in side for side in (left, right)]
    if DOTS in (left.strip(), right.strip()):
        return False
    try:
        verdict = equal_formulas(left, right)
    except Malformed:
        if number_or_formula(left) or number_or_formula(right):
            return False
        raise Undecided("no formula") from None
    except Unreadable as reason:
        if prose(left) or prose(right):
            return False
        if all(gaps):
            return decided(equal_values(*(read_formula(side, dots=True) for side in (left, right))))
        raise Undecided(str(reason)) from None
    if verdict is None:
        raise Undecided("no digits tell them apart")
    return verdict


def number_or_formula(text: str) -> bool:
    """Whether a text can be read, so that a text that cannot be a formula differs from it."""
    try:
        read_formula(text)
    except Unreadable:
        return False
    return True


def prose(text: str) -> bool:
    """Whether a text says something in words: one of four letters, or several."""
    text = take_unit(unstyled(text))[0]
    text = re.sub(r"\\[a-zA-Z]+", " ", text)
    found = re.findall(r"[A-Za-z]{2,}|[\u4e00-\u9fff]+", text)
    return any(len(word) > 3 or not word.isascii() for word in found) or len(found) > 1


def plain(shape: Shape) -> Any:
    """What equal numbers and equal texts share, without sympy."""
    if shape.kind != "formula":
        return shape
    number = read_number(shape.text)
    return key(shape.text) if number is None or number.irrational else number.value


def equal_members(left: Sequence[Shape], right: Sequence[Shape]) -> bool:
    """Whether each member of one has its equal in the other; order and repetition do not matter."""
    ours, theirs = ({plain(shape): shape for shape in side} for side in (left, right))
    if not ours or not theirs:
        return not ours and not theirs
    if ours.keys() == theirs.keys():
        return True
    return covers(ours, theirs, ordered=True) and covers(theirs, ours, ordered=False)


def covers(some: dict[Any, Shape], others: dict[Any, Shape], *, ordered: bool) -> bool:
    """Whether each of some members has its equal among the others."""
    for value, shape in some.items():
        if value in others:
            continue
        pairs = ((shape, other) if ordered else (other, shape) for other in others.values())
        if not any(equal_shapes(one, other) for one, other in pairs if not differ(one, other)):
            return False
    return True


def differ(left: Shape, right: Shape) -> bool:
    """Whether two members are plainly different numbers."""
    numbers = [read_number(side.text) if side.kind == "formula" else None for side in (left, right)]
    return bool(numbers[0] and numbers[1] and not equal_numbers(*numbers))  # type: ignore[arg-type]


def in_order(left: Sequence[Shape], right: Sequence[Shape]) -> bool:
    return len(left) == len(right) and all(map(equal_shapes, left, right))


def equal_pair_and_list(pair: Shape, other: Shape) -> bool:
    """``(1, 2)`` or a printed ``[1, 2]`` and bare values; the order of ``[1, 2]`` is free."""
    if pair.text == "()":
        return in_order(pair.items, other.items)
    return pair.text == "[]" and equal_members(pair.items, other.items)


def entries(shape: Shape) -> tuple[Shape, ...]:
    r"""The entries of a vector; a matrix of several rows and columns keeps its rows."""
    if shape.kind != "matrix":
        return shape.items
    if len(shape.items) == 1:
        return shape.items[0].items
    return tuple(row.items[0] if len(row.items) == 1 else row for row in shape.items)


def flat_set(shape: Shape) -> tuple[Shape, ...]:
    return shape.items if shape.kind == "set" else (shape,)


def equal_vectors(left: Shape, right: Shape) -> bool:
    """A formula of matrices with another, or with a matrix, a vector or a number."""
    try:
        values = [vector(side) for side in (left, right)]
    except (Unreadable, TypeError, ValueError) as reason:
        raise Undecided(str(reason)) from None
    if not any(map(is_matrix, values)):
        return decided(equal_values(*values))
    if not all(map(is_matrix, values)):
        return False
    ours, theirs = values
    if "pair" in (left.kind, right.kind) and ours.shape != theirs.shape:
        theirs = theirs.T
    return decided(equal_matrices(ours, theirs))


def vector(shape: Shape) -> Any:
    if shape.kind == "matrix":
        return sympy.ImmutableMatrix([[read(cell) for cell in row.items] for row in shape.items])
    if shape.kind == "pair":
        return sympy.ImmutableMatrix([read(item) for item in shape.items])
    if shape.kind != "formula":
        raise Unreadable(f"a {shape.kind}")
    return read_formula(shape.text)


def equal_ratios(left: Shape, right: Shape) -> bool:
    if left.text == right.text == "time":
        return in_order(left.items, right.items)
    left, right = untimed(left), untimed(right)
    if len(left.items) != len(right.items):
        return False
    first, other = ([read(item) for item in side.items] for side in (left, right))
    return all(
        decided(equal_values(first[0] * other[i], other[0] * first[i])) for i in range(len(first))
    )


def untimed(shape: Shape) -> Shape:
    """A ratio that was read as a time of day, such as ``10:15``, as a ratio."""
    return Shape("ratio", items=shape.items[:2]) if shape.text == "time" else shape


def equal_quotient(ratio: Shape, formula: Shape) -> bool:
    r"""``3:4`` and ``\frac{3}{4}``."""
    if ratio.text == "time" or len(ratio.items) != 2:
        return False
    top, low = map(read, ratio.items)
    if not re.search(r"\\frac|/", formula.text):
        return False
    return decided(equal_values(top, low * read(formula)))


def equal_congruences(left: Shape, right: Shape) -> bool:
    r"""``m \equiv 11 \pmod 9`` and ``2 \pmod 9``; a bare residue fits any modulus."""
    sides = [stated(side) for side in (left, right)]
    if sides[0].kind == sides[1].kind == "congruence":
        moduli = [read_formula(side.text) for side in sides]
        if not decided(equal_values(*moduli)):
            return False
        modulus = moduli[0]
        residues = [[read(item) for item in side.items] for side in sides]
        if modulus.is_Integer and all(r.is_Integer for side in residues for r in side):
            ours, theirs = ({int(r) % int(modulus) for r in side} for side in residues)
            return ours == theirs
        return equal_members(sides[0].items, sides[1].items)
    congruence, other = sides if sides[0].kind == "congruence" else sides[::-1]
    if found := congruence_of(other):
        return equal_congruences(congruence, found)
    if other.kind not in ("formula", "list", "set"):
        return False
    return equal_members(least(congruence), other.items or (other,)) or equal_members(
        congruence.items, other.items or (other,)
    )


def least(congruence: Shape) -> Sequence[Shape]:
    """The residues of a congruence, the whole ones between 0 and its modulus."""
    numbers = [read_formula(congruence.text), *map(read, congruence.items)]
    if not all(number.is_Integer for number in numbers):
        return congruence.items
    modulus, *residues = map(int, numbers)
    return [Shape("formula", str(residue % modulus)) for residue in residues]


def equal_systems(left: Shape, right: Shape) -> bool:
    """Equations, one a name, with others, with a tuple, or with their bare values."""
    if left.kind == right.kind == "system":
        return matched(left.items, right.items)
    system, other = (left, right) if left.kind == "system" else (right, left)
    ordered = sorted(system.items, key=lambda item: spelled(item.items[0]))
    values = [item.items[1] for item in (ordered if other.kind == "pair" else system.items)]
    if other.kind == "chain" and other.text == "=" and len(other.items) == 2:
        return equal_systems_of_tuple(system, other)
    if other.kind == "pair" and other.text == "()":
        return turned(in_order, values, other.items, system is left)
    if other.kind in ("list", "set"):
        if any(item.kind in ("pair", "system", "chain") for item in other.items):
            return len(other.items) == 1 and turned_shapes(system, other.items[0], system is left)
        return turned(equal_members, values, other.items, system is left)
    if other.kind == "formula" and len({spelled(item.items[1]) for item in system.items}) == 1:
        return turned_shapes(values[0], other, system is left)
    return False


def equal_systems_of_tuple(system: Shape, other: Shape) -> bool:
    """``x = 1, y = 2`` and ``(x, y) = (1, 2)``."""
    names, values = other.items
    if names.kind != "pair" or values.kind != "pair" or len(names.items) != len(values.items):
        return False
    parts = zip(names.items, values.items, strict=True)
    return matched(system.items, [Shape("chain", "=", pair) for pair in parts])


def matched(left: Sequence[Shape], right: Sequence[Shape]) -> bool:
    """Whether the equations of two systems give each name the same value."""
    ours, theirs = ({spelled(i.items[0]): i.items[1] for i in side} for side in (left, right))
    return ours.keys() == theirs.keys() and all(
        equal_shapes(value, theirs[name]) for name, value in ours.items()
    )


def turned(compare: Any, ours: Sequence[Shape], theirs: Sequence[Shape], first: bool) -> bool:
    return compare(ours, theirs) if first else compare(theirs, ours)


def turned_shapes(ours: Shape, theirs: Shape, first: bool) -> bool:
    return equal_shapes(ours, theirs) if first else equal_shapes(theirs, ours)


def equal_chains(left: Shape, right: Shape) -> bool:
    """Equations and inequalities, with each other or with a bare value."""
    left, right = stated(left), stated(right)
    if left.kind != "chain" or right.kind != "chain":
        if "chain" not in (left.kind, right.kind):
            return equal_shapes(left, right)
        chain, other = (left, right) if left.kind == "chain" else (right, left)
        value = value_of(chain)
        if value is not None:
            return turned_shapes(value, other, chain is left)
        if other.kind in ("pair", "union", "formula", "list", "set") and "=" not in chain.text:
            try:
                return as_set(chain) == as_set(other)
            except (Unreadable, NotImplementedError) as reason:
                if other.kind == "formula":
                    return False
                raise Undecided(str(reason)) from None
        return False
    left_value, right_value = value_of(left), value_of(right)
    if left_value is not None and right_value is not None:
        return equal_definitions(left, right, left_value, right_value)
    if set(left.text.split()) | set(right.text.split()) == {"="}:
        return equal_equations(left, right)
    return equal_inequalities(left, right)


def equal_definitions(left: Shape, right: Shape, ours: Shape, theirs: Shape) -> bool:
    """Two equations that each define a name."""
    names = [spelled(side.items[0]) for side in (left, right)]
    if all(is_name(side.items[0]) for side in (left, right)):
        heads = [re.fullmatch(r"(.+?)\((\w)\)", name) for name in names]
        if heads[0] and heads[1] and heads[0][1] == heads[1][1] and heads[0][2] != heads[1][2]:
            renamed = replaced(theirs, heads[1][2], heads[0][2])
            return equal_shapes(ours, renamed) if renamed is not None else False
        functions = [name.split("(")[0] for name in names]
        if functions[0] == functions[1]:
            return equal_shapes(ours, theirs)
        curve = {"y", "f(x)"}
        if depends(ours) and set(names) == curve:
            return equal_shapes(ours, theirs)
        if not depends(ours) and not depends(theirs):
            return False
        return equal_equations(left, right, of_names=True)
    return equal_shapes(ours, theirs)


def decided(verdict: bool | None) -> bool:
    if verdict is None:
        raise Undecided("no digits tell them apart")
    return verdict


def equal_equations(left: Shape, right: Shape, *, of_names: bool = False) -> bool:
    """Two equations are equal if the differences of their sides have a constant ratio.

    Denominators are multiplied away: ``y = 1/x`` is ``xy = 1``. With `of_names`, both
    must have the same variables.
    """
    if len(left.items) == len(right.items) and (
        in_order(left.items, right.items) or in_order(left.items, right.items[::-1])
    ):
        return True
    try:
        first, other = (read(side.items[0]) - read(side.items[-1]) for side in (left, right))
    except Unreadable as reason:
        raise Undecided(str(reason)) from None
    if of_names and first.free_symbols != other.free_symbols:
        return False
    first, other = map(numerator, (first, other))
    return constant_ratio(first, other) is not None


def equal_inequalities(left: Shape, right: Shape) -> bool:
    if left.text == right.text and in_order(left.items, right.items):
        return True
    flipped = " ".join(FLIPPED.get(sign, sign) for sign in reversed(right.text.split()))
    if left.text == flipped and in_order(left.items, right.items[::-1]):
        return True
    signs = {left.text, right.text}
    try:
        if len(left.items) == len(right.items) == 2 and not signs & {"=", r"\in"}:
            first, other = (read(side.items[0]) - read(side.items[1]) for side in (left, right))
            ratio = constant_ratio(first, other)
            if ratio is None or not ratio.is_real:
                return False
            sign = right.text if ratio > 0 else FLIPPED[right.text]
            return left.text == sign
        return as_set(left) == as_set(right)
    except (Unreadable, NotImplementedError) as reason:
        if left.text in (right.text, flipped) and "=" not in left.text and named_only(left, right):
            return False
        if ("=" in left.text.split()) != ("=" in right.text.split()):
            return False
        raise Undecided(str(reason)) from None


def equal_sets(left: Shape, right: Shape) -> bool:
    """Unions of intervals, as sets of real numbers; conditions on several names one by one."""
    if left.kind == right.kind and left.kind in ("union", "meet", "bounds"):
        if len(left.items) == len(right.items):
            try:
                if equal_members(left.items, right.items):
                    return True
            except Undecided:
                pass
    elif {left.kind, right.kind} == {"meet", "bounds"} and equal_members(left.items, right.items):
        return True
    if any(side.kind == "pair" and len(side.items) > 2 for side in (left, right)):
        return False
    try:
        names = [variables(side) for side in (left, right)]
        if max(map(len, names)) > 1:
            return False  # conditions on several names that differ one by one
        return bool(as_set(left) == as_set(right))
    except (Unreadable, NotImplementedError, TypeError) as reason:
        raise Undecided(str(reason)) from None
