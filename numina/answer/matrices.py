"""Matrices and vectors. Runs in the worker processes only."""

from __future__ import annotations

from typing import Any

import sympy

from numina.answer.arithmetic import Unreadable, is_matrix
from numina.answer.latex import read_formula
from numina.answer.sets import read
from numina.answer.shape import Shape
from numina.answer.symbolic import equal_matrices, equal_values
from numina.answer.unit_vectors import has_units, may_have_units
from numina.answer.verdicts import Undecided, decided

UNITS = sympy.symbols("vi vj vk")
LETTERS = (sympy.I, *sympy.symbols("j k"))


def entries(shape: Shape) -> tuple[Shape, ...]:
    r"""The entries of a vector; a matrix of several rows and columns keeps its rows."""
    if shape.kind != "matrix":
        return shape.items
    if len(shape.items) == 1:
        return shape.items[0].items
    return tuple(row.items[0] if len(row.items) == 1 else row for row in shape.items)


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


def in_units(left: Shape, right: Shape) -> bool:
    """Whether one of two shapes is a sum of unit vectors, and the other may be such a vector.

    Plain letters are unit vectors only beside a vector: ``3i-2j`` beside ``(3, -2)``.
    """
    for one, other in ((left, right), (right, left)):
        if one.kind == "formula" and other.kind in ("formula", "pair", "matrix"):
            beside = other.kind == "matrix" or (other.kind == "pair" and other.text in ("()", "[]"))
            if has_units(one.text) or (beside and may_have_units(one.text)):
                return True
    return False


def equal_in_units(left: Shape, right: Shape) -> bool:
    """Vectors by their components; a missing one is 0."""
    try:
        ours, theirs = components(left), components(right)
    except Unreadable as reason:
        if not any(side.kind == "formula" and has_units(side.text) for side in (left, right)):
            return False
        raise Undecided(str(reason)) from None
    if ours is None or theirs is None:
        return False
    return decided(equal_matrices(padded(ours), padded(theirs)))


def components(shape: Shape) -> Any:
    """The components of a vector; None if the shape is not a vector.

    Raises:
        Unreadable: it is a formula that is beyond the grammar, or that may be a complex number.
    """
    value = vector(shape)
    if not is_matrix(value):
        value = value.xreplace({LETTERS[0]: UNITS[0], LETTERS[1]: UNITS[1]})
        parts = [sympy.diff(value, unit) for unit in UNITS]
        rest = sympy.expand(
            value - sum(part * unit for part, unit in zip(parts, UNITS, strict=True))
        )
        last = sympy.diff(rest, LETTERS[2])  # a plain k beside others in style
        if sympy.expand(rest - last * LETTERS[2]) != 0:
            return None
        if not has_units(shape.text) and not parts[1] and not last:
            raise Unreadable("a complex number or a vector")
        value = sympy.ImmutableMatrix([*parts[:2], parts[2] + last])
    if value.free_symbols & set(UNITS):
        raise Unreadable("unit vectors inside a formula")
    return value.T if value.rows == 1 else value


def padded(value: Any) -> Any:
    return sympy.ImmutableMatrix([*value, *[0] * (3 - len(value))]) if len(value) < 3 else value
