r"""Answers with a parameter or a condition: families of solutions, sets, points and intervals.

``\frac{\pi}{6}+2k\pi`` for whole k, ``\{x \mid x=5k+2, k\in\mathbb{Z}\}``, ``n\equiv 1, 5\pmod 6``,
``(3t, 1-2t)``. They are compared as sets, so that the name of the parameter and the member that it
starts from do not matter. Runs in the worker processes only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sympy

from numina.answer import builders
from numina.answer.arithmetic import Unreadable, is_matrix
from numina.answer.compare import Undecided
from numina.answer.declared import Domain, take_declarations
from numina.answer.environments import unfolded
from numina.answer.latex import read_formula
from numina.answer.loci import Locus, affine, equal_loci
from numina.answer.periodic import Periodic, equal_periodic
from numina.answer.progressions import Progression, equal_unions, rational
from numina.answer.shape import AND, OR, RELATION, outside, split, split_word, whole
from numina.answer.symbolic import number_of

PARAMETERS = {*"klmnjtsuv", "lambda", "mu"}
WHOLE = {*"klmnj"}
ORDERED = {"<", ">", r"\le", r"\ge"}
CUP = re.compile(r"\\(?:big)?cup(?![a-z])(?:\s*_\s*\{\s*\}|\s*_)?")
NAMED = re.compile(
    r"\s*\(?\s*((?:\\[a-z]+|[A-Za-z])(?:_\w|_\{\w+\}|\([a-z]\))?)\s*\)?\s*"
)
COORDINATES = re.compile(
    r"\s*(?:\(\s*[a-z](?:\s*,\s*[a-z])+\s*\)|\\begin\{([pb]matrix)\}\s*[a-z](?:\s*\\\\\s*[a-z])+\s*"
    r"\\end\{\1\}|\\?[rvp])\s*"
)
TUPLE = re.compile(r"\(([^(),]*(?:,[^(),]*)+)\)")
Value = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """A part of a family.

    Attributes:
        kind: ``value``; ``except``, for what is left out; ``point``; ``interval``; ``part`` of
            whole numbers, which `progressions` has.
        values: one, the coordinates, or the two ends.
        open: which of the two ends are left out.
    """

    kind: str
    values: Value = ()
    open: tuple[bool, bool] = (False, False)
    progressions: tuple[Progression, ...] = ()

    @property
    def symbols(self) -> set[Any]:
        return set().union(*(value.free_symbols for value in self.values))


@dataclass(frozen=True, slots=True)
class Family:
    """An answer that was read: its parts, the domains that it declares, and its name."""

    branches: tuple[Branch, ...]
    domains: dict[str, Domain]
    names: tuple[str, ...] = ()
    condition: bool = False  # whether it is a set by a condition

    @property
    def kinds(self) -> set[str]:
        return {"value" if one.kind == "part" else one.kind for one in self.branches}

    @property
    def letters(self) -> set[str]:
        """The parameters that occur, declared or not."""
        found = {str(symbol) for one in self.branches for symbol in one.symbols}
        return {letter for letter in found if letter in self.domains or letter in PARAMETERS}

    @property
    def declares(self) -> bool:
        return self.condition or bool(self.letters & self.domains.keys())


def equal_families(prediction: str, gold: str) -> bool | None:
    """Whether two cleaned answers are the same family; None if they are not both families.

    Raises:
        Undecided: they are, and it could not be decided.
    """
    verdicts = set()
    natural = False
    for start in (0, 1):
        try:
            sides = [Reader(start).family(text) for text in (prediction, gold)]
        except Unreadable:
            return None
        natural = any(d.natural for side in sides for d in side.domains.values())
        if not comparable(*sides):
            return None
        verdicts.add(compared(*(settled(side, sides, start) for side in sides)))
        if not natural:
            break
    if len(verdicts) > 1:
        raise Undecided("whether 0 is a natural number")
    return verdicts.pop()


def comparable(left: Family, right: Family) -> bool:
    """Whether two answers are families; without a declaration, only where nothing else is meant."""
    if left.names and right.names and left.names != right.names and len(left.names) == 1:
        return False
    for side in (left, right):
        spelled = {letter for name in side.names for letter in re.findall("[A-Za-z]+", name)}
        if spelled & side.letters:
            return False  # a rule, as a_n = 2n+1
        if side.kinds == {"value"} and any(
            side.domains[letter].real for letter in side.letters & side.domains.keys()
        ):
            return False
    sides = (left, right)
    if any(side.declares for side in sides):
        return True
    parts = [any(one.kind == "part" for one in side.branches) for side in sides]
    if any(parts):
        return all(part or side.letters for part, side in zip(parts, sides, strict=True))
    if not left.letters or not right.letters:
        return False
    renamed = not left.letters & right.letters
    if left.kinds == right.kinds == {"value"}:
        if turning(left) and turning(right):
            return renamed or bool(left.names and right.names) or left.letters == {"k"}
        return renamed and bool(left.names and right.names)
    return renamed


def turning(family: Family) -> bool:
    r"""Whether all steps are fractions of \pi, and some part is a family of whole numbers."""
    steps = [
        sympy.diff(one.values[0], symbol) / sympy.pi
        for one in family.branches
        for symbol in one.symbols
    ]
    return family.letters <= WHOLE and all(step.is_Rational for step in steps)


def settled(side: Family, sides: Sequence[Family], start: int) -> Family:
    """A family in which each parameter has a domain: its own, the other side's, or the usual."""
    stated = {d for one in sides for name, d in one.domains.items() if name in one.letters}
    if len(stated) == 1:
        usual = stated.pop()
    else:
        whole_ones = "value" in side.kinds or side.letters <= WHOLE
        usual = Domain(real=not whole_ones)
    domains = {name: side.domains.get(name, usual) for name in side.letters}
    for name, domain in domains.items():
        if domain.natural:
            domains[name] = replace(domain, natural=False, low=start)
    return replace(side, domains=domains)


def compared(left: Family, right: Family) -> bool:
    sides = (left, right)
    kinds = left.kinds | right.kinds
    if kinds == {"interval", "point"} and all(
        len(one.values) == 2 for side in sides for one in side.branches
    ):
        kinds = {"interval"}
        sides = tuple(
            replace(
                side,
                branches=tuple(
                    replace(one, kind="interval", open=(True, True)) if one.kind == "point" else one
                    for one in side.branches
                ),
            )
            for side in sides
        )
    if len(kinds) > 1:
        if "except" in kinds and kinds != {"except", "value"}:
            raise Undecided("what is left out, and what is not")
        return False
    if kinds <= {"value", "except"}:
        return equal_values_of(*sides)
    if kinds == {"interval"}:
        if not left.letters or not right.letters:
            return False  # a bounded set and one without bounds
        return equal_periodic(*([periodic(one, side) for one in side.branches] for side in sides))
    return equal_loci(*([locus(one, side) for one in side.branches] for side in sides))


def equal_values_of(left: Family, right: Family) -> bool:
    try:
        return equal_unions(
            *([p for one in side.branches for p in progressions(one, side)] for side in (left, right))
        )
    except NotLinear:
        return equal_loci(*([locus(one, side) for one in side.branches] for side in (left, right)))


class NotLinear(Exception):
    """A family that is not a union of arithmetic progressions."""


def locus(branch: Branch, family: Family) -> Locus:
    if branch.kind == "part":
        raise Undecided("a congruence and a family that is not linear")
    symbols = sorted(branch.symbols, key=str)
    known = tuple((s, family.domains[str(s)]) for s in symbols if str(s) in family.domains)
    return Locus(branch.values, known)


def progressions(branch: Branch, family: Family) -> Iterator[Progression]:
    """The progressions of a part with one value."""
    if branch.kind == "part":
        yield from branch.progressions
        return
    yield from linear(branch.values[0], family.domains)


def linear(value: Any, domains: dict[str, Domain]) -> Iterator[Progression]:
    names = sorted((s for s in value.free_symbols if str(s) in domains), key=str)
    if not names:
        yield Progression(value)
        return
    for name in names:
        domain = domains[str(name)]
        if members := finite(domain):
            for k in members:
                yield from linear(value.subs(name, k), domains)
            return
    signs = {p for p in value.atoms(sympy.Pow) if p.base == -1 and p.exp.free_symbols & set(names)}
    if signs:
        yield from halves(value, names, domains)
        return
    if not affine(value, names):
        raise NotLinear
    first = sympy.expand(value.subs(dict.fromkeys(names, 0)))
    steps = [sympy.expand(sympy.diff(value, name)) for name in names]
    known = [domains[str(name)] for name in names]
    if len(names) == 1:
        for low, high in parts(known[0]):
            yield Progression(first, steps[0], low, high)
        return
    sizes = [rational(step / steps[0]) for step in steps]
    if None in sizes or any(domain != Domain() for domain in known):
        raise NotLinear
    fractions = [size for size in sizes if size is not None]
    low = sympy.ilcm(*(size.denominator for size in fractions))
    top = sympy.igcd(*(int(size * int(low)) for size in fractions))
    yield Progression(first, steps[0] * sympy.Rational(top, low))


def parts(domain: Domain) -> Iterator[tuple[int | None, int | None]]:
    """The ranges of a domain between the numbers that it leaves out."""
    low = domain.low
    for gap in sorted(set(domain.without)):
        if (low is None or gap >= low) and (domain.high is None or gap <= domain.high):
            if low is None or low < gap:
                yield low, gap - 1
            low = gap + 1
    if low is None or domain.high is None or low <= domain.high:
        yield low, domain.high


def finite(domain: Domain) -> Sequence[int]:
    if domain.listed:
        return domain.listed
    if domain.low is None or domain.high is None or domain.high - domain.low > 500:
        return ()
    return [k for k in range(domain.low, domain.high + 1) if k not in domain.without]


def halves(value: Any, names: Sequence[Any], domains: dict[str, Domain]) -> Iterator[Progression]:
    """A value with a power of -1, for its even and its odd parameters."""
    if len(names) > 1 or domains[str(names[0])] != Domain():
        raise NotLinear
    (name,) = names
    j = sympy.Symbol("j", integer=True)
    for odd in (0, 1):
        part = sympy.powsimp(sympy.expand(value.subs(name, 2 * j + odd)))
        if part.atoms(sympy.Pow) & {p for p in part.atoms(sympy.Pow) if p.base == -1}:
            raise NotLinear
        yield from linear(part.subs(j, name), domains)


def periodic(branch: Branch, family: Family) -> Periodic:
    low, high = branch.values
    names = [s for s in branch.symbols if str(s) in family.domains]
    if len(names) != 1 or family.domains[str(names[0])] != Domain():
        raise Undecided("intervals whose parameter is not any integer")
    steps = [sympy.expand(sympy.diff(end, names[0])) for end in (low, high)]
    if steps[0] != steps[1] or steps[0] == 0 or steps[0].free_symbols:
        raise Undecided("intervals of different lengths")
    length = sympy.expand(high - low)
    if length.free_symbols or not number_of(length, 40) > 0:
        raise Undecided("an interval without a length")
    first = low.subs(names[0], 0)
    return Periodic(first, length, sympy.Abs(steps[0]), *branch.open)


@dataclass(slots=True)
class Reader:
    """Reads a cleaned answer as a family; natural numbers begin with `start`."""

    start: int
    names: list[str] = field(default_factory=list)

    def family(self, text: str) -> Family:
        """Read an answer.

        Raises:
            Unreadable: it is not of a form that a family or a finite set has.
        """
        self.names = []
        body, domains = take_declarations(text)
        body = unfolded(body).strip()
        body = re.sub(r"^\s*\\(?:big)?cup\s*(?:_\s*\{\s*\}|_)\s*", "", body)
        if match := re.match(r"(\\?[A-Za-z]+|[A-Z] ?=)\s*(?:\\in)?\s*(?=\\\{)", body):
            body = body[match.end() :]
        inner = re.fullmatch(r"\\\{(.*)\\\}", body, re.S)
        if inner and whole(body):
            head, condition = divided(inner[1])
            if condition is None:
                branches = self.branches(inner[1])
                return Family(tuple(branches), domains, condition=False)
            return self.set_of(head, condition, domains)
        if len(domains) == 1 and (chain := self.conditioned(body, domains)):
            return chain
        branches = tuple(self.branches(body))
        return Family(branches, domains, tuple(dict.fromkeys(self.names)))

    def set_of(self, head: str, condition: str, domains: dict[str, Domain]) -> Family:
        r"""A set such as ``\{x \mid ...\}``, whose head may have gone with its declaration."""
        head, condition = head.strip(), condition.strip().strip(",;").strip()
        if not condition and head:
            return Family(tuple(self.branches(head)), domains, condition=True)
        name = head or next(iter(domains), "")
        if not re.fullmatch(r"\\?[A-Za-z]+", name):
            raise Unreadable(f"a set of {head!r}")
        rest = {letter: domain for letter, domain in domains.items() if letter != name}
        try:
            branches = tuple(self.branches(condition))
            found = Family(branches, rest, condition=True)
            stated = {one for one in self.names if one != name}
            if self.names and not stated and name not in found.letters | unknown(found):
                if not found.kinds & {"interval", "except"} or found.letters:
                    return found
        except Unreadable:
            pass
        return self.solutions(condition, name, domains.get(name, Domain(real=True)))

    def solutions(self, condition: str, name: str, domain: Domain) -> Family:
        if domain.natural:
            domain_ = replace(domain, low=self.start)
        else:
            domain_ = domain
        try:
            found = tuple(builders.solved(condition, name, domain_))
        except (NotImplementedError, TypeError, ValueError) as reason:
            raise Unreadable(str(reason)) from None
        return Family(
            (Branch("part", progressions=found),),
            {name: domain} if domain.natural else {},
            condition=True,
        )

    def conditioned(self, body: str, domains: dict[str, Domain]) -> Family | None:
        r"""Inequalities of a name that is declared as whole, as ``-1 \le x \le 1``."""
        ((name, domain),) = domains.items()
        signs = {match[0] for match in outside(body, RELATION)}
        if not body and (domain.low, domain.high) != (None, None):
            return self.solutions("", name, domain)
        if domain.real or not signs or not signs <= ORDERED:
            return None
        letters = set(re.findall(r"(?<![A-Za-z\\])[A-Za-z](?![A-Za-z])", body))
        return self.solutions(body, name, domain) if letters == {name} else None

    def branches(self, text: str) -> Iterator[Branch]:
        """The parts of a text between "or", "and", commas and signs of unions."""
        if re.fullmatch(r"\s*(?:\\emptyset)?\s*", text):
            raise Unreadable("empty")
        whole_text = builders.residues(text.strip()) is not None
        for way in [text] if whole_text else split_word(text, OR):
            congruences = []
            parts = [part for half in split_word(way, AND) for part in split(half, ";")]
            if builders.residues(way.strip()) is None:
                parts = [part for half in parts for part in split(half, ",")]
            parts = [part.strip() for half in parts for part in split_word(half, CUP)]
            parts = [part for part in parts if part]
            if (point := self.system(parts)) is not None:
                yield point
                continue
            for part in parts:
                if (congruence := builders.residues(part)) is not None:
                    congruences.append(congruence)
                else:
                    yield from self.branch(part)
            if congruences:
                rests, modulus = builders.both(congruences)
                found = (Progression(sympy.Integer(r), sympy.Integer(modulus)) for r in rests)
                yield Branch("part", progressions=tuple(found))

    def system(self, parts: Sequence[str]) -> Branch | None:
        """``x = 2+3t, y = 1-t`` as a point, its coordinates in the order of their names."""
        found: dict[str, str] = {}
        for part in parts:
            signs = outside(part, RELATION)
            if len(signs) != 1 or signs[0][0] != "=":
                return None
            name, value = part[: signs[0].start()].strip(), part[signs[0].end() :]
            if not re.fullmatch(r"[A-Za-z](?:_\w)?", name) or name in found:
                return None
            found[name] = value
        if len(found) < 2:
            return None
        values = [self.values(found[name]) for name in sorted(found)]
        if any(len(value) > 1 for value in values):
            return None
        return Branch("point", tuple(value[0] for value in values))

    def branch(self, part: str) -> Iterator[Branch]:
        signs = [match[0] for match in outside(part, RELATION)]
        if not signs:
            yield from self.unnamed(part)
            return
        cuts = [0, *(end for m in outside(part, RELATION) for end in m.span()), len(part)]
        terms = [part[cuts[i] : cuts[i + 1]] for i in range(0, len(cuts), 2)]
        if signs in (["="], [r"\ne"], [r"\in"]):
            name = NAMED.fullmatch(terms[0])
            if name is None and not (signs == ["="] and is_names(terms[0])):
                raise Unreadable(f"not a name: {terms[0]!r}")
            if name:
                self.names.append(name[1].replace(" ", ""))
            for branch in self.unnamed(terms[1]):
                if signs != [r"\ne"]:
                    yield branch
                elif branch.kind == "value":
                    yield replace(branch, kind="except")
                else:
                    raise Unreadable("a point that is left out")
        elif len(signs) == 2 and (set(signs) <= {"<", r"\le"} or set(signs) <= {">", r"\ge"}):
            if signs[0] in (">", r"\ge"):
                terms, signs = terms[::-1], [{">": "<", r"\ge": r"\le"}[s] for s in signs[::-1]]
            name = NAMED.fullmatch(terms[1])
            if name is None:
                raise Unreadable("an inequality without a name")
            self.names.append(name[1])
            for low, high in zip(self.values(terms[0]), self.values(terms[2]), strict=True):
                yield Branch("interval", (low, high), (signs[0] == "<", signs[1] == "<"))
        else:
            raise Unreadable(f"relations {signs}")

    def unnamed(self, text: str) -> Iterator[Branch]:
        text = text.strip()
        if len(text) > 2 and text[0] in "([" and text[-1] in ")]" and whole(text):
            coordinates = split(text[1:-1], ",;")
            if len(coordinates) > 1:
                yield from self.bracketed(text[0] + text[-1], coordinates)
                return
        text = TUPLE.sub(lambda m: vector(m[1]), text)  # (1, 2) + t(3, 4)
        for value in self.values(text, matrix=True):
            if is_matrix(value):
                yield Branch("point", tuple(value))
            else:
                yield Branch("value", (value,))

    def bracketed(self, brackets: str, coordinates: Sequence[str]) -> Iterator[Branch]:
        if brackets != "()" and len(coordinates) != 2:
            raise Unreadable("an interval with several ends")
        for sign in ("+", "-"):
            parts = [signed(part, sign) for part in coordinates]
            values = tuple(read_formula(part) for part in parts)
            if any(map(is_matrix, values)):
                raise Unreadable("a matrix")
            opened = (brackets[0] == "(", brackets[1] == ")")
            yield Branch("point" if brackets == "()" else "interval", values, opened)
            if parts == list(coordinates):
                return

    def values(self, text: str, *, matrix: bool = False) -> list[Any]:
        r"""A value, or two of ``\pm``."""
        texts = dict.fromkeys(signed(text, sign) for sign in ("+", "-"))
        found = [read_formula(one) for one in texts]
        if not matrix and any(map(is_matrix, found)):
            raise Unreadable("a matrix")
        return found


def unknown(family: Family) -> set[str]:
    """The letters of values that are not parameters."""
    return {str(s) for one in family.branches for s in one.symbols} - family.letters


def vector(coordinates: str) -> str:
    return rf"\begin{{pmatrix}}{coordinates.replace(',', chr(92) * 2)}\end{{pmatrix}}"


def is_names(text: str) -> bool:
    return COORDINATES.fullmatch(text) is not None


def signed(text: str, sign: str) -> str:
    r"""A text with the upper or the lower sign of each ``\pm``."""
    other = "-" if sign == "+" else "+"
    return re.sub(r"\\(pm|mp)(?![a-z])", lambda m: sign if m[1] == "pm" else other, text)


def divided(text: str) -> tuple[str, str | None]:
    """The head and the condition of a set; None for the condition if it has none."""
    match = re.match(r"((?:(?![|:]).)*)(?:\||:)(.*)", text, re.S)
    if match is None or "|" in match[1]:
        return text, None
    return match[1], match[2]
