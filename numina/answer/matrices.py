"""Matrices and vectors. Runs in the worker processes only."""

from __future__ import annotations

from typing import Any

import sympy

from numina.answer.arithmetic import Unreadable, is_matrix
from numina.answer.latex import read_formula
from numina.answer.sets import read
from numina.answer.shape import Shape
from numina.answer.symbolic import equal_matrices, equal_values
from numina.answer.verdicts import Undecided, decided


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
