r"""The form of an answer: a formula, a pair, an interval, a set, a matrix, an equation, ...

Text only: `symbolic` finds the values of the parts.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from numina.answer.normalise import thousands, unstyled
from numina.answer.units import take_unit

OPENING, CLOSING = "([{", ")]}"
WRAP = r"\\(?:text|mathrm|mbox|textbf|textrm|textit|hbox)"
AND = re.compile(
    rf",?\s*(?:{WRAP}\s*\{{\s*,?\s*and\s*,?\s*\}}|(?<![A-Za-z\\])and(?![A-Za-z])|(?<=[\d)])and(?=[(\d])"
    r"|\\land(?![a-z])|\\cap(?![a-z])|[和与且])\s*,?"
)
OR = re.compile(
    rf"[,;]?\s*(?:{WRAP}\s*\{{\s*,?\s*or\s*,?\s*\}}|(?<![A-Za-z\\])or(?![A-Za-z])|(?<=[\d)])or(?=[(\dA-Za-z])"
    r"|\\lor(?![a-z])|或者?)\s*,?"
)
RELATION = re.compile(r"\\(?:le|ge|ne|in|notin)(?![a-z])|[=<>]")
EQUIVALENT = r"\\n?equiv(?![a-z])"
CONGRUENT = re.compile(
    rf"(?P<sides>.*?)\s*\(?\s*(?:\\pmod|\\bmod|\\mod|\(?(?<![A-Za-z])mod(?:ulo)?(?![a-z])|{WRAP}\{{\s*\(?mod(?:ulo)?\s*\}}?)"
    r"\s*(?P<modulus>\{?[^{}()]+\}?|\{?\([^()]*\)\}?)\s*\)?\s*\}?",
    re.S,
)
SUBSCRIPT = r"(?:_(?:\w|\\[a-z]+|\{[^{}]*\}))?"
ATOM = rf"(?:\\?[A-Za-z]+{SUBSCRIPT}'*)"
NAME = re.compile(
    rf"{ATOM}|{ATOM}(?:\^\{{?-1\}}?)?\([^()]*\)|\|[A-Z]{{1,2}}\||\\frac\{{[A-Z]{{2,}}\}}\{{[A-Z]{{2,}}\}}|[A-Z]+/[A-Z]+"
    rf"|\|\{{?[A-Z]{{2}}\}}?\||\[[A-Z]{{3,}}\]"
    rf"|\\(?:angle|triangle|overline|vec){{?[A-Za-z]+}}?|\(?{ATOM}(?:,{ATOM})+\)?"
    rf"|{ATOM}(?::{ATOM})+|[A-Z]{{2,}}"
)
POINT = re.compile(r"(?P<name>[A-Z](?:_\w|_\{\w+\})?'*|\\C)\s*(?P<of>\(.*\))", re.S)
TRANSPOSED = re.compile(
    r"(?P<of>[(\[].*[)\]])\s*\^\s*(?:T|\\top|\\intercal|\{\s*(?:T|\\top|\\intercal)\s*\})", re.S
)
SIGNED = re.compile(r"\\(?:pm|mp)(?![a-z])")
OF_ANGLE = re.compile(
    r"\\(?:sin|cos|tan|cot|sec|csc)\(?(?:\\(?:theta|alpha|beta|gamma|phi)|[A-Z]+)\)?"
)
NOT_A_NAME = re.compile(
    r"\\C\b|\\?(?:sin|cos|tan|cot|sec|csc|log|ln|exp|sqrt|pi|infty|frac[^{].*|arc\w+|e|i|cis|sum|prod)\b"
)
MATRIX = re.compile(
    r"\\begin\{([pbB]?(?:small)?matrix|array)\}(?:\{[^{}]*\})?((?:(?!\\begin|\\end).)*)\\end\{\1\}",
    re.S,
)
BUILDER = re.compile(r"\s*[a-z]\s*(?:\\in\s*R\s*)?(?:\||:)\s*(.*)", re.S)
TIME = re.compile(
    r"(?=\d+ ?:|.*m)(\d{1,2})(?: ?: ?([0-5]\d))?(?: ?: ?([0-5]\d))?\s*(?:([ap])\.?\s?m\.?)?", re.I
)
ORDERED = {"<", ">", r"\le", r"\ge", r"\ne"}


@dataclass(frozen=True, slots=True)
class Shape:
    r"""A part of an answer.

    Attributes:
        kind: ``formula``; ``list`` (bare commas) and ``set``, whose order is free; ``pair`` in
            round or square brackets, which may be an interval; ``union`` of alternatives and
            ``meet`` of conditions; ``system`` of equations, one a name; ``matrix``, of ``row``;
            ``chain`` of relations; ``congruence``, of residues; ``ratio``.
        text: of a formula; of a pair, its two brackets; of a chain, its signs, spaced; of a
            congruence, its modulus; of a list, ``signs`` if it stands for several ``\pm``.
        items: the parts.
    """

    kind: str
    text: str = ""
    items: tuple[Shape, ...] = ()


def read_shape(text: str) -> Shape:
    """The form of a cleaned answer."""
    return read_whole(thousands(text.strip()))


def read_whole(text: str) -> Shape:
    """As `read_shape`, for a text whose commas only separate members, not digits."""
    if r"\pmod" in text or "mod" in text:
        found = CONGRUENT.fullmatch(text)
        if found and (
            (found["sides"].strip() and "bmod" not in text) or re.search(EQUIVALENT, text)
        ):
            return read_congruence(found["sides"], found["modulus"])
    ways = split_word(text, OR)
    if len(ways) == 1 and len(parts := split(text, ";")) > 1:
        ways = parts if any(len(split(part, ",")) > 1 for part in parts) else ways
    if len(ways) > 1:
        return alternatives([read_conditions(way) for way in ways if way.strip(" ,")])
    return read_conditions(text)


def read_conditions(text: str) -> Shape:
    """Parts that hold together: listed values, equations of several names, inequalities."""
    joined = split_word(text, AND)
    parts = [part for half in joined for part in split(half, ",;") if part.strip()]
    if len(parts) < 2:
        return read_single(parts[0] if parts else "")
    items = [read_single(part) for part in parts]
    if any(map(is_order, items)) and len(rest := [i for i in items if not is_real(i)]) < len(items):
        if len(rest) == 1:
            return rest[0]  # x \ne 2, x \in R
        items = parts = rest
    if all(item.kind == "chain" and set(item.text.split()) <= ORDERED for item in items):
        return Shape("meet" if len(joined) == len(parts) else "bounds", items=tuple(items))
    if all(item.kind in ("pair", "set", "union") for item in items) and r"\cap" in text:
        return Shape("meet", items=tuple(items))
    if is_system(items):
        return Shape("system", items=tuple(items))
    if (
        is_order(items[0])
        and items[0].text == r"\ne"
        and all(i.kind == "formula" for i in items[1:])
    ):
        name, first = items[0].items  # x \ne 1, 2
        chains = (Shape("chain", r"\ne", (name, value)) for value in (first, *items[1:]))
        return Shape("meet", items=tuple(chains))
    names = [spelled(item.items[0]) for item in items if is_equation(item)]
    count = len(dict.fromkeys(names))
    if 1 < count < len(items) == len(names) and names == names[:count] * (len(names) // count):
        blocks = [items[at : at + count] for at in range(0, len(items), count)]
        return Shape("list", items=tuple(Shape("system", items=tuple(block)) for block in blocks))
    return listed(items)


def is_equation(shape: Shape) -> bool:
    return shape.kind == "chain" and shape.text == "=" and is_name(shape.items[0])


def is_system(items: Sequence[Shape]) -> bool:
    """Whether each part defines a different name."""
    if not all(is_equation(item) for item in items):
        return False
    names = [re.sub(r"_.*", "", spelled(item.items[0])) for item in items]
    spelt = {spelled(item.items[0]) for item in items}
    return len(spelt) == len(items) and (len(set(names)) == len(items) or len(set(names)) > 1)


def alternatives(ways: Sequence[Shape]) -> Shape:
    """Parts joined by "or": a union if they are conditions, else a list."""
    conditions = ("chain", "meet", "bounds", "union")
    if any(way.kind in ("meet", "bounds") or is_order(way) for way in ways) and all(
        way.kind in (*conditions, "pair", "set") for way in ways
    ):
        return Shape("union", items=tuple(ways))
    if any(way.kind == "system" for way in ways):
        return Shape("list", items=tuple(ways))
    return listed(ways)


def is_real(shape: Shape) -> bool:
    r"""Whether a part only says ``x \in R``."""
    return (
        shape.kind == "chain"
        and shape.text == r"\in"
        and spelled(shape.items[1]) in ("R", r"\R", r"\Reals", r"\mathbb{R}")
    )


def is_order(shape: Shape) -> bool:
    return shape.kind == "chain" and set(shape.text.split()) <= ORDERED


def read_congruence(sides: str, modulus: str) -> Shape:
    residues = re.split(rf"{EQUIVALENT}|=", sides)[-1]
    shape = read_shape(residues.strip().rstrip("(").strip())
    congruence = Shape("congruence", modulus.strip("{}() "), flat(shape))
    return others(congruence) if r"\nequiv" in sides else congruence


def others(congruence: Shape) -> Shape:
    """A congruence with all residues that another one does not have."""
    numbers = [item.text.replace(" ", "") for item in congruence.items]
    whole_ones = all(re.fullmatch(r"-?\d{1,9}", number) for number in numbers)
    if not whole_ones or not re.fullmatch(r"[1-9]\d{0,3}", congruence.text):
        return Shape("formula", rf"\nequiv {' '.join(numbers)} \pmod {congruence.text}")
    modulus = int(congruence.text)
    taken = {int(number) % modulus for number in numbers}
    rest = (Shape("formula", str(n)) for n in range(modulus) if n not in taken)
    return Shape("congruence", congruence.text, tuple(rest))


def read_single(text: str) -> Shape:
    r"""A part without "or", "and" and bare commas; a point ``A(1, 2)`` is ``A = (1, 2)``."""
    point = POINT.fullmatch(text.strip())
    if (
        point
        and point["name"] != r"\C"
        and whole(point["of"])
        and len(split(point["of"][1:-1], ",;")) > 1
    ):
        parts = (Shape("formula", point["name"]), read_bracketed(point["of"]))
        return Shape("chain", "=", parts)
    return read_unnamed(text)


def read_unnamed(text: str) -> Shape:
    text = text.strip()
    text = take_unit(unstyled(take_unit(text)[0]))[0]
    if match := TIME.fullmatch(text):
        return Shape("ratio", time_kind(match), time_parts(match))
    if signs := outside(text, RELATION):
        return read_chain(text, signs)
    pieces = split_word(text, re.compile(r"\\cup(?![a-z])"))
    if len(pieces) > 1:
        return Shape("union", items=tuple(map(read_single, pieces)))
    if len(ratio := split(text, ":")) > 1:
        return Shape("ratio", items=tuple(map(read_single, ratio)))
    return read_bracketed(text)


def read_chain(text: str, signs: Sequence[re.Match[str]]) -> Shape:
    cuts = [0, *(end for match in signs for end in match.span()), len(text)]
    terms = [text[cuts[i] : cuts[i + 1]].strip() for i in range(0, len(cuts), 2)]
    items = tuple(map(read_unnamed, terms))
    if [match[0] for match in signs] == [r"\ne"] and items[1].kind == "list":  # x \ne \pm 3
        return Shape(
            "meet", items=tuple(Shape("chain", r"\ne", (items[0], one)) for one in items[1].items)
        )
    return Shape("chain", " ".join(match[0] for match in signs), items)


def read_bracketed(text: str) -> Shape:
    if match := MATRIX.fullmatch(text.strip("()[] ")) or MATRIX.fullmatch(text):
        rows = [row for row in re.split(r"\\\\", match[2].replace(r"\hline", "")) if row.strip()]
        cells = [Shape("row", items=tuple(map(read_single, row.split("&")))) for row in rows]
        return Shape("matrix", items=tuple(cells))
    braces = re.fullmatch(r"\\\{(.*)\\\}", text, re.S) or re.fullmatch(r"\{(.*)\}", text, re.S)
    if braces and whole(text):
        if rule := BUILDER.fullmatch(braces[1]):
            return read_shape(rule[1])
        if not braces[1].strip():
            return Shape("set")
        inner = read_whole(braces[1])
        return Shape("set", items=inner.items if inner.kind in ("list", "system") else (inner,))
    if len(text) > 2 and text[0] in "([" and text[-1] in ")]" and whole(text):
        inner = split(text[1:-1], ",;")
        if len(inner) > 1:
            return signed_pair(text) or Shape(
                "pair", text[0] + text[-1], tuple(map(read_single, inner))
            )
        if text[0] + text[-1] == "()" and (MATRIX.search(text) or RELATION.search(text)):
            return read_single(text[1:-1])
    if (turned := TRANSPOSED.fullmatch(text)) and whole(turned["of"]):
        inner = split(turned["of"][1:-1], ",;")
        if len(inner) > 1:
            return Shape(
                "matrix", items=tuple(Shape("row", items=(read_single(i),)) for i in inner)
            )
    if (signed := re.fullmatch(r"([-+])\s*(\(.*\))", text, re.S)) and whole(signed[2]):
        inner = split(signed[2][1:-1], ",")
        if len(inner) > 1:
            sign = signed[1].strip("+")
            return Shape("pair", "()", tuple(read_single(f"{sign}({item})") for item in inner))
    if SIGNED.search(text):
        return Shape("list", items=tuple(map(read_bracketed, both_signs(text))))
    return Shape("formula", text)


def both_signs(text: str) -> tuple[str, str]:
    """A text with its upper signs, and with its lower ones."""
    upper = SIGNED.sub(lambda m: "+" if "pm" in m[0] else "-", text)
    return upper, SIGNED.sub(lambda m: "-" if "pm" in m[0] else "+", text)


def signed_pair(text: str) -> Shape | None:
    r"""``(\pm 3, 4)`` as a list of two points; None without a sign.

    With several signs all combinations are meant (of kind ``list``, text ``signs``), unless there
    is a ``\mp`` that says which of them go together.
    """
    parts = split(text[1:-1], ",;")
    several = sum(SIGNED.search(part) is not None for part in parts) > 1
    if not SIGNED.search(text):
        return None
    if not several or r"\mp" in text:
        return Shape("list", items=tuple(map(read_bracketed, both_signs(text))))
    ways = [both_signs(part) if SIGNED.search(part) else (part,) for part in parts]
    points = [f"{text[0]}{','.join(way)}{text[-1]}" for way in itertools.product(*ways)]
    return Shape("list", "signs", tuple(map(read_bracketed, points)))


def listed(items: Sequence[Shape]) -> Shape:
    """A list, flat."""
    return Shape("list", items=tuple(part for item in items for part in flat(item)))


def flat(shape: Shape) -> tuple[Shape, ...]:
    return shape.items if shape.kind in ("list",) else (shape,)


def time_kind(match: re.Match[str]) -> str:
    """A ``time`` with its half of the day, of 24 ``hours``, or as a ``clock`` shows it."""
    if match[4]:
        return "time"
    return "clock" if 1 <= int(match[1]) <= 12 and match[1][0] != "0" else "hours"


def time_parts(match: re.Match[str]) -> tuple[Shape, ...]:
    hour, half = int(match[1]), (match[4] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    parts = [hour, int(match[2] or 0), int(match[3] or 0)]
    return tuple(Shape("formula", str(part)) for part in parts)


def is_name(shape: Shape) -> bool:
    r"""Whether a side of an equation only names the other: ``x``, ``f(x)``, ``|AB|``."""
    text = spelled(shape)
    if OF_ANGLE.fullmatch(text):
        return True
    return bool(NAME.fullmatch(text)) and not NOT_A_NAME.match(text)


def spelled(shape: Shape) -> str:
    """The text of a shape without spaces, for the shapes that a name can have."""
    if shape.kind == "formula":
        return re.sub(r"\s", "", shape.text)
    if shape.kind == "pair":
        return shape.text[0] + ",".join(map(spelled, shape.items)) + shape.text[1]
    if shape.kind == "ratio":
        return ":".join(map(spelled, shape.items))
    return "?"


def whole(text: str) -> bool:
    """Whether the bracket that opens a text is closed by its last character."""
    depth = 0
    for position, sign in enumerate(text):
        depth += sign in OPENING
        depth -= sign in CLOSING
        if depth == 0 and position and position < len(text) - 1 and sign in CLOSING:
            return False
    return depth == 0


def split(text: str, signs: str) -> list[str]:
    """The parts of a text between signs that are outside brackets and matrices."""
    if not any(sign in text for sign in signs):
        return [text]
    places = [place for place in levels(text) if text[place] in signs]
    cuts = [-1, *places, len(text)]
    return [text[low + 1 : high] for low, high in itertools.pairwise(cuts)]


def split_word(text: str, pattern: re.Pattern[str]) -> list[str]:
    """The parts of a text between words that are outside brackets and matrices."""
    found = outside(text, pattern)
    cuts = [0, *(end for match in found for end in match.span()), len(text)]
    return [text[cuts[i] : cuts[i + 1]] for i in range(0, len(cuts), 2)]


def outside(text: str, pattern: re.Pattern[str]) -> list[re.Match[str]]:
    """The matches of a pattern that are outside brackets and matrices."""
    found = list(pattern.finditer(text))
    places = set(levels(text)) if found else set()
    return [match for match in found if match.start() in places]


def levels(text: str) -> list[int]:
    """The places of a text that are outside brackets and environments."""
    places, depth, inside = [], 0, 0
    for position, sign in enumerate(text):
        if sign == "\\":
            inside += text.startswith(r"\begin", position)
            inside -= text.startswith(r"\end{", position)
        if depth <= 0 and not inside:
            places.append(position)
        depth += sign in OPENING
        depth -= sign in CLOSING
    return places
