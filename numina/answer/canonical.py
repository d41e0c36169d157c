"""One text for all spellings of an answer, so that votes can be counted by it.

Equality of these texts is transitive and does not depend on order. Pairwise comparison, with its
units, roundings and percentages, is not transitive. Decimals are exact here; units other than
percent are left out. Runs in the worker processes only.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from fractions import Fraction
from typing import Any

import sympy

from numina.answer.arithmetic import Unreadable, is_matrix
from numina.answer.compare import prose
from numina.answer.equations import named, numerator, stated, value_of
from numina.answer.latex import read_formula
from numina.answer.matrices import components, entries
from numina.answer.nested import is_empty, is_nested
from numina.answer.normalise import WORDS, key
from numina.answer.number import read_number
from numina.answer.sets import as_set, names_set, read
from numina.answer.shape import Shape, read_shape, spelled
from numina.answer.symbolic import number_of, summed
from numina.answer.unit_vectors import has_units

DIGITS = 25  # of a value that is not rational
LARGEST_DENOMINATOR = 10**9
LARGEST = 4000  # digits of a number that is written out


def canonical_form(text: str) -> str:
    """The canonical text of a cleaned answer; if it cannot be read, the text itself.

    A rational value is ``p`` or ``p/q``.
    """
    try:
        return form(read_shape(text))
    except Exception:  # sympy raises anything; such an answer is counted by its spelling
        return f"text {key(text)}"


def form(shape: Shape) -> str:
    shape = stated(shape)
    if shape.kind == "chain":
        value = value_of(shape)
        if value is not None:
            return form(value)
        return equation(shape) if shape.text == "=" else conditions(shape)
    if is_empty(shape):
        return "{}"
    if names_set(shape) or shape.kind == "union":
        return conditions(shape)
    if shape.kind == "formula":
        return formula(shape.text)
    if shape.kind == "set" and is_nested(shape):
        return nested(shape)
    if shape.kind in ("list", "set"):
        return members([form(item) for item in named(shape.items)])
    if shape.kind == "system":
        return members([f"{spelled(i.items[0])} = {form(i.items[1])}" for i in shape.items])
    if shape.kind == "congruence":
        modulus = formula(shape.text)
        residues = [form(item) for item in shape.items]
        if modulus.isdigit() and int(modulus):
            residues = [str(int(r) % int(modulus)) if whole(r) else r for r in residues]
        return f"{members(residues)} mod {modulus}"
    if shape.kind == "matrix":
        rows = entries(shape)
        if all(row.kind != "row" for row in rows):
            return f"({', '.join(map(form, rows))})"
        return f"[{'; '.join(', '.join(map(form, row.items)) for row in rows)}]"
    if shape.kind == "ratio" and shape.text == "hours":
        return form(replace(shape, text="time"))
    inner = ", ".join(map(form, shape.items))
    if shape.kind == "pair":
        brackets = shape.text if len(shape.items) == 2 else "()"
        return f"{brackets[0]}{inner}{brackets[1]}"
    return f"{shape.kind} {shape.text} {inner}"


def nested(shape: Shape) -> str:
    """A set of sets, or the empty one: the braces count."""
    if is_empty(shape):
        return "{}"
    if shape.kind != "set":
        return form(shape)
    return f"{{{', '.join(sorted(set(map(nested, shape.items))))}}}"


def whole(text: str) -> bool:
    return text.removeprefix("-").isdigit()


def members(forms: list[str]) -> str:
    """Members whose order and repetition do not matter; a single member stands for itself."""
    forms = sorted(set(forms))
    return forms[0] if len(forms) == 1 else f"{{{', '.join(forms)}}}"


def formula(text: str) -> str:
    number = read_number(text)
    if number is not None:
        return str(number.value)
    if WORDS.fullmatch(text.strip()) and prose(text):
        return f"text {key(text.strip())}"
    try:
        value = read_formula(text)
    except Unreadable:
        return f"text {key(text)}"
    if has_units(text) and (found := components(Shape("formula", text))) is not None:
        value = found if r"\vk" in text else found[:2, :]
    if is_matrix(value):
        if 1 in value.shape:
            return f"({', '.join(map(fingerprint, value))})"
        rows = (value.row(n) for n in range(value.rows))
        return f"[{'; '.join(', '.join(map(fingerprint, row)) for row in rows)}]"
    return fingerprint(value)


def fingerprint(value: Any) -> str:
    """Digits that equal values share: of the value itself, or of it at fixed points."""
    symbols = sorted(value.free_symbols, key=str)
    if not symbols:
        return constant(value)
    whole_ones = {str(symbol) for symbol in summed(value)}
    shown = []
    for turn in range(4):
        at = {
            symbol: point(f"{symbol}", turn, integer=str(symbol) in whole_ones or symbol.is_integer)
            for symbol in symbols
        }
        shown.append(constant(value.subs(at)))
    names = sorted({str(symbol) for symbol in sympy.simplify(value).free_symbols})
    return shown[0] if not names else f"f({', '.join(names)}): {'; '.join(shown)}"


def point(name: str, turn: int, *, integer: bool) -> Any:
    drawn = zlib.crc32(f"{name} {turn}".encode())
    return (
        sympy.Integer(drawn % 7 + turn + 1) if integer else sympy.Rational(drawn % 9973 + 7, 3001)
    )


def constant(value: Any) -> str:
    if value.is_Rational:
        return rational(int(value.p), int(value.q))
    if value.is_infinite:
        return str(value)
    digits = number_of(value, 60)
    if not digits.is_number or not digits.is_finite:
        return str(value)
    real, imaginary = digits.as_real_imag()
    if abs(imaginary) > sympy.Float("1e-45") * max(1, abs(real)):
        return f"{part(real, sympy.re(value))} + {part(imaginary, sympy.im(value))} i"
    return part(real, value)


def part(digits: Any, value: Any) -> str:
    """A real value: as a fraction if 60 and 200 digits agree that it is a simple one."""
    exact = Fraction(str(digits))
    near = exact.limit_denominator(LARGEST_DENOMINATOR)
    if abs(exact - near) < Fraction(1, 10**45) * max(1, abs(near)):
        more = number_of(value, 220)
        if abs(sympy.re(more) - sympy.Rational(near.numerator, near.denominator)) < (
            sympy.Float("1e-190", 220) * max(1, abs(more))
        ):
            return rational(near.numerator, near.denominator)
    return str(sympy.N(digits, DIGITS))


def rational(top: int, low: int) -> str:
    if max(top.bit_length(), low.bit_length()) > 3 * LARGEST:
        return f"{top:x}/{low:x} in base 16"
    return str(top) if low == 1 else f"{top}/{low}"


def equation(shape: Shape) -> str:
    """An equation; the sides of its terms and a constant factor do not matter."""
    value = numerator(read(shape.items[0]) - read(shape.items[-1]))
    symbols = sorted(value.free_symbols, key=str)
    at = [{s: point(str(s), turn, integer=False) for s in symbols} for turn in range(4)]
    values = [number_of(value.subs(points), 60) for points in at]
    if values[0] == 0:
        return f"0 = {fingerprint(value)}"
    names = ", ".join(map(str, symbols))
    return f"0 = f({names}): {'; '.join(str(sympy.N(v / values[0], DIGITS)) for v in values[1:])}"


def conditions(shape: Shape) -> str:
    """A set of real numbers; conditions on several names by their parts."""
    try:
        found = as_set(shape)
        if isinstance(found, sympy.Interval):  # as a pair in brackets is written
            left, right = "(" if found.left_open else "[", ")" if found.right_open else "]"
            return f"{left}{constant(found.start)}, {constant(found.end)}{right}"
        return f"set {found}"
    except (Unreadable, NotImplementedError, TypeError):
        inner = ", ".join(sorted(map(form, shape.items))) if shape.kind != "chain" else ""
        terms = " ".join(form(item) for item in shape.items) if shape.kind == "chain" else inner
        return f"{shape.kind} {shape.text} {terms}"
