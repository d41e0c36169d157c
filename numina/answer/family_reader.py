r"""Read an answer as a family: its parts, its parameters and their domains.

Runs in the worker processes only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sympy

from numina.answer import builders
from numina.answer.arithmetic import Unreadable, is_matrix
from numina.answer.declared import Domain, take_declarations
from numina.answer.environments import unfolded
from numina.answer.family import Branch, Family
from numina.answer.latex import read_formula
from numina.answer.progressions import Progression
from numina.answer.shape import AND, OR, RELATION, outside, split, split_word, whole

ORDERED = {"<", ">", r"\le", r"\ge"}
CUP = re.compile(r"\\(?:big)?cup(?![a-z])(?:\s*_\s*\{\s*\}|\s*_)?")
NAMED = re.compile(r"\s*\(?\s*((?:\\[a-z]+|[A-Za-z])(?:_\w|_\{\w+\}|\([a-z]\))?)\s*\)?\s*")
COORDINATES = re.compile(
    r"\s*(?:\(\s*[a-z](?:\s*,\s*[a-z])+\s*\)|\\begin\{([pb]matrix)\}\s*[a-z](?:\s*\\\\\s*[a-z])+\s*"
    r"\\end\{\1\}|\\?[rvp])\s*"
)
TUPLE = re.compile(r"\(([^(),]*(?:,[^(),]*)+)\)")


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
        if re.fullmatch(r"\\emptyset|\\\{\s*\\\}", body):
            return Family((), domains)
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
        if not all(re.search(rf"(?<![A-Za-z]){name}(?![A-Za-z])", body) for name in domains):
            raise Unreadable("a declaration of another name")
        if len(set(self.names)) > 1:
            raise Unreadable("values of several names")
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
            own = not found.kinds & {"interval", "except"} or found.letters
            if own and self.names and not stated and name not in found.letters | found.unknown:
                return found
        except Unreadable:
            pass
        return self.solutions(condition, name, domains.get(name, Domain(real=True)))

    def solutions(self, condition: str, name: str, domain: Domain) -> Family:
        known = replace(domain, low=self.start) if domain.natural else domain
        try:
            found = tuple(builders.solved(condition, name, known))
        except builders.Continuum:
            return Family((Branch("continuum"),), {}, condition=True)
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
            if (row := builders.dotted(parts)) is not None:
                yield Branch("part", progressions=(row,))
                continue
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
