r"""Whether two answers are equal, part by part. Runs in the worker processes only."""

from __future__ import annotations

import re
from collections.abc import Sequence

from numina.answer.arithmetic import Malformed, Unreadable
from numina.answer.chains import equal_chains
from numina.answer.equations import congruence_of, named, stated
from numina.answer.latex import read_formula
from numina.answer.matrices import entries, equal_in_units, equal_vectors, in_units
from numina.answer.members import equal_members, equal_pair_and_list, in_order, turned
from numina.answer.nested import equal_nested, is_nested
from numina.answer.normalise import WORDS, key, unstyled
from numina.answer.ratios import equal_quotient, equal_ratios
from numina.answer.sets import as_set, names_set, read, readings, variables
from numina.answer.shape import Shape, read_bracketed, read_shape
from numina.answer.symbolic import equal_formulas, equal_values
from numina.answer.systems import equal_systems
from numina.answer.units import take_unit
from numina.answer.verdicts import Undecided, decided

DOTS = r"\dots"
NOUN = re.compile(r"(?<=[a-z]) (?:functions?|triangles?|numbers?|sequence|series)$")
CONSTANT = re.compile(r"(.*[a-z].*)\+\s*([CcKk])", re.S)
SETS = ("union", "meet", "bounds", "pair", "set")


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
        return equal_systems(left, right, equal_shapes)
    if kinds <= {*SETS, "chain", "formula"} and (
        any(names_set(side) for side in (left, right))
        or ("chain" in kinds and kinds & {"union", "meet", "bounds"})
    ):
        return equal_sets(left, right)
    if "chain" in kinds:
        return equal_chains(left, right, equal_shapes)
    if in_units(left, right):
        return equal_in_units(left, right)
    if kinds == {"formula"}:
        return equal_texts(left.text, right.text)
    if "set" in kinds and (is_nested(left) or is_nested(right)):
        return equal_nested(left, right, equal_shapes)
    if kinds in ({"list"}, {"set"}, {"list", "set"}):
        return equal_lists(left, right)
    if kinds == {"set", "formula"}:
        return equal_members(flat_set(left), flat_set(right), equal_shapes)
    if kinds == {"set", "pair"} and any(
        s.kind == "set" and len(s.items) == 1 for s in (left, right)
    ):
        return equal_members(flat_set(left), flat_set(right), equal_shapes)
    if kinds == {"pair"}:
        brackets = len(left.items) > 2 or len(right.items) > 2 or left.text == right.text
        return brackets and in_order(left.items, right.items, equal_shapes)
    if kinds == {"pair", "formula"} and r"\C" in left.text + right.text:
        return equal_named_point(left, right)
    if kinds == {"pair", "list"}:
        if left.kind == "pair":
            return equal_pair_and_list(left, right, equal_shapes)
        return equal_pair_and_list(right, left, turned(equal_shapes))
    if kinds in ({"matrix"}, {"row"}):
        return in_order(left.items, right.items, equal_shapes)
    if "matrix" in kinds and kinds & {"pair", "list"}:
        return in_order(entries(left), entries(right), equal_shapes)
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
    if all(WORDS.fullmatch(side.strip()) for side in (left, right)):
        if same_words(left, right):
            return True
        if prose(left) and prose(right):
            return False  # their letters are not a product
    if r"\emptyset" in (left.strip(), right.strip()):
        return False
    gaps = [DOTS in side for side in (left, right)]
    if DOTS in (left.strip(), right.strip()):
        return False
    left, right = with_constant(left, right)
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


def with_constant(left: str, right: str) -> tuple[str, str]:
    """Two antiderivatives with one name for their constant, if only the names differ."""
    found = [CONSTANT.fullmatch(side.strip()) for side in (left, right)]
    if not (found[0] and found[1]) or any(
        re.search(rf"(?<![A-Za-z\\]){match[2]}(?![A-Za-z])", match[1]) for match in found if match
    ):
        return left, right
    return left, f"{found[1][1]}+{found[0][2]}"


def same_words(left: str, right: str) -> bool:
    """Texts that differ by an article, or by a noun after an adjective: ``odd function``."""
    sides = [
        re.sub(r"^(?:the|an?) (?=[a-z]{3})", "", side.strip().casefold()) for side in (left, right)
    ]
    bare = [NOUN.sub("", side) for side in sides]
    return sides[0] == sides[1] or (bare[0] == bare[1] and bare != sides and bare[0] in sides)


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


def equal_lists(left: Shape, right: Shape) -> bool:
    ours, theirs = named(left.items), named(right.items)
    if equal_members(ours, theirs, equal_shapes):
        return True
    fewer, more = sorted((ours, theirs), key=len)
    if "signs" in (left.text, right.text) and len(fewer) > 1 and contained(fewer, more):
        raise Undecided("it is not said which signs go together")
    return False


def contained(fewer: Sequence[Shape], more: Sequence[Shape]) -> bool:
    return all(any(equal_shapes(one, other) for other in more) for one in fewer)


def equal_named_point(left: Shape, right: Shape) -> bool:
    """``C(5, 2)`` as a point, beside a pair."""
    sides = [
        read_bracketed(side.text.strip().removeprefix(r"\C")) if side.kind == "formula" else side
        for side in (left, right)
    ]
    return sides[0].kind == sides[1].kind and equal_shapes(*sides)


def flat_set(shape: Shape) -> tuple[Shape, ...]:
    return shape.items if shape.kind == "set" else (shape,)


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
        return equal_members(sides[0].items, sides[1].items, equal_shapes)
    congruence, other = sides if sides[0].kind == "congruence" else sides[::-1]
    if found := congruence_of(other):
        return equal_congruences(congruence, found)
    if other.kind not in ("formula", "list", "set"):
        return False
    return equal_members(least(congruence), other.items or (other,), equal_shapes) or equal_members(
        congruence.items, other.items or (other,), equal_shapes
    )


def least(congruence: Shape) -> Sequence[Shape]:
    """The residues of a congruence, the whole ones between 0 and its modulus."""
    numbers = [read_formula(congruence.text), *map(read, congruence.items)]
    if not all(number.is_Integer for number in numbers):
        return congruence.items
    modulus, *residues = map(int, numbers)
    return [Shape("formula", str(residue % modulus)) for residue in residues]


def equal_sets(left: Shape, right: Shape) -> bool:
    """Unions of intervals, as sets of real numbers; conditions on several names one by one."""
    if left.kind == right.kind and left.kind in ("union", "meet", "bounds"):
        if len(left.items) == len(right.items):
            try:
                if equal_members(left.items, right.items, equal_shapes):
                    return True
            except Undecided:
                pass
    elif {left.kind, right.kind} == {"meet", "bounds"} and equal_members(
        left.items, right.items, equal_shapes
    ):
        return True
    if any(side.kind == "pair" and len(side.items) > 2 for side in (left, right)):
        return False
    try:
        names = [variables(side) for side in (left, right)]
        if max(map(len, names)) > 1:
            return False  # conditions on several names that differ one by one
        found = {
            bool(as_set(one) == as_set(other))
            for one in readings(left)
            for other in readings(right)
        }
    except (Unreadable, NotImplementedError, TypeError) as reason:
        raise Undecided(str(reason)) from None
    if len(found) > 1:
        raise Undecided("the natural numbers begin with 0 or 1")
    return found.pop()
