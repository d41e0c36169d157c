r"""Read a formula of an answer into sympy: our own grammar, small and strict.

It reads what answers consist of (arithmetic, fractions, roots, powers, factorials, binomials,
logarithms, trigonometry, absolute values, floors, sums, matrices) and refuses the rest
(`Unreadable`), where a lenient parser would silently drop a sign or a letter. ``e`` is Euler's
number and ``i`` the imaginary unit; ``\log`` has base 10, like ``\lg``; ``log`` without a
backslash, which programs print, is the natural logarithm. Runs in the worker processes only.
"""

from __future__ import annotations

import re
from typing import Any

import sympy

from numina.answer.arithmetic import (
    FUNCTIONS,
    SEVERAL,
    Malformed,
    Unreadable,
    determinant,
    factorial,
    is_matrix,
    quotient,
    raised,
    rooted,
    series,
)
from numina.answer.normalise import thousands

UNIT_VECTORS = ("vi", "vj", "vk")
GREEK = {
    *("alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "kappa"),
    *("lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "phi", "varphi", "chi", "psi", "omega"),
    *("gap", *UNIT_VECTORS),
    *("Gamma", "Delta", "Theta", "Lambda", "Sigma", "Phi", "Psi", "Omega", "ell", "vartheta"),
}
PLAIN = [*(name for name in (*FUNCTIONS, *SEVERAL) if name[0] not in "\\RI"), "sqrt", "pi", "infty"]
WORDS = "|".join(sorted(PLAIN, key=len, reverse=True))
TOKEN = re.compile(
    r"\s*(\\[A-Za-z]+|\\.|\d+\.\d+[eE][+-]?\d+(?![\w.])|\d+[eE](?:\+?\d+|-\d\d+)(?![\w.])"
    rf"|\d+\.\d*|\.\d+|\d+|(?:{WORDS})(?![a-z])|[A-Za-z]'*|\S)",
    re.S,
)
CLOSING = {"(": ")", "[": "]", "{": "}", r"\{": r"\}", r"\lfloor": r"\rfloor", r"\lceil": r"\rceil"}
BLANK = {"\\": "", r"\cdot": "*", r"\times": "*", r"\div": "/", r"\ast": "*", r"\bullet": "*"}
SIGNS = {*CLOSING, *CLOSING.values(), *BLANK, r"\log", r"\C"}
OPERATORS = {"+", "-", "*", "/", "^", "!", "_", ",", "=", "<", ">", ":", "|", "&", ";", "?", "bmod"}
OPERATORS |= {"dots", "%", "mod", "pmod", "equiv", "le", "ge", "ne", "in", "to", "cup", "cap"}
MATRIX = re.compile(
    r"\\begin\{(?P<kind>[pbvBV]?(?:small)?matrix|array)\*?\}(?:\s*\{[lcr| ]*\}|\[[lcr]\])?"
    r"(?P<body>(?:(?!\\begin\{).)*?)\\end\{(?P=kind)\*?\}",
    re.S,
)
BASED = re.compile(
    r"(?<![\w.\\^])(?P<digits>\d[0-9A-Z]*(?:\.[0-9A-Z]+)?|[A-Z]+\d[0-9A-Z]*|[A-F]{2,}(?=_\{16\}))_(?:\{(?P<long>\d+)\}|(?P<short>\d))(?!\d)"
)
DERIVATIVE = re.compile(r"\\frac\s*\{\s*(?:d|\\partial)\b[^{}]*\}\s*\{\s*(?:d|\\partial ?)[a-z]")
PRIVATE = 0xE000  # characters that stand for matrices


def read_formula(text: str, *, dots: bool = False) -> Any:
    """The sympy expression that a text states, which may be a matrix.

    Args:
        text: a cleaned formula.
        dots: whether dots may stand for anything, to compare two texts that both have them.
            Otherwise dots continue a sum only if its terms show how.

    Raises:
        Unreadable: the text is not a formula of the grammar.
    """
    if not text.strip():
        raise Unreadable("empty")
    if DERIVATIVE.search(text):
        raise Unreadable("a derivative")
    matrices: list[Any] = []
    text = thousands(text)

    def kept(match: re.Match[str]) -> str:
        matrices.append(read_matrix(match["kind"], match["body"], matrices))
        return chr(PRIVATE + len(matrices) - 1)

    text = BASED.sub(in_base, text)
    while (after := MATRIX.sub(kept, text)) != text:
        text = after
    return parsed(text.replace(r"\dots", r"\gap") if dots else text, matrices)


def parsed(text: str, matrices: list[Any]) -> Any:
    parser = Parser(TOKEN.findall(text), matrices)
    value = parser.sum()
    if parser.peek():
        raise Unreadable(f"{parser.peek()!r} in {text!r}")
    return value


def read_matrix(kind: str, body: str, matrices: list[Any]) -> Any:
    body = re.sub(r"\\hline|\\\\\s*\[[^\]]*\]", lambda m: "" if "h" in m[0] else r"\\", body)
    rows = [row for row in re.split(r"\\\\", body) if row.strip()]
    cells = [[parsed(cell, matrices) for cell in row.split("&")] for row in rows]
    if not cells or len({len(row) for row in cells}) > 1:
        raise Unreadable(f"rows of different lengths in {body!r}")
    found = sympy.ImmutableMatrix(cells)
    if kind in ("vmatrix", "vsmallmatrix"):
        return determinant(found)
    return found


def in_base(match: re.Match[str]) -> str:
    """A number in a base, as ``1202_3``, in base ten; a text that may be a name stays as it is."""
    digits, base = match["digits"], int(match["long"] or match["short"])
    if 2 <= base <= 36 and (base > 10 or digits.replace(".", "").isdigit()):
        try:
            whole, _, rest = digits.partition(".")
            value = int(whole + rest, base)
            return rf"(\frac{{{value}}}{{{base ** len(rest)}}})" if rest else f"({value})"
        except ValueError:
            pass
    if digits[0].isalpha():
        return match[0]
    raise Malformed(f"{digits} in base {base}")


class Parser:
    def __init__(self, tokens: list[str], matrices: list[Any]) -> None:
        tokens = [token.removeprefix("\\") if is_word(token) else token for token in tokens]
        self.tokens = [BLANK.get(token, token) for token in tokens]
        self.matrices = matrices
        self.bound: list[Any] = []  # variables of sums
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if not token or (expected and token != expected):
            raise Malformed(f"{token or 'the end'!r} where {expected or 'a value'!r} should be")
        self.at += 1
        return token

    def sum(self) -> Any:
        terms = [self.product()]
        dots = None
        while self.peek() in ("+", "-"):
            sign = self.take()
            if self.peek() == "dots":
                self.take()
                if sign == "-" or dots is not None:
                    raise Unreadable("dots")
                dots = len(terms)
                continue
            term = self.product()
            terms.append(term if sign == "+" else -term)
        if dots is not None:
            return series(terms, dots)
        value = terms[0]
        for term in terms[1:]:
            value = value + term
        return value

    def product(self) -> Any:
        if self.peek() in ("+", "-"):
            return self.product() if self.take() == "+" else -self.product()
        begin = self.at
        value = self.power()
        while True:
            token, plain = self.peek(), self.tokens[self.at - 1]
            if token in ("*", "/"):
                self.take()
                sign = 1
                while self.peek() in ("+", "-"):
                    sign = -sign if self.take() == "-" else sign
                factor = sign * self.power()
                value = value * factor if token == "*" else quotient(value, factor)
            elif token == "bmod":
                self.take()
                value = sympy.Mod(value, self.power())
            elif token == "frac" and self.at - begin == 1 and plain.isdigit():
                factor = self.power()
                mixed = getattr(factor, "is_Rational", False) and 0 < factor < 1
                value = value + factor if mixed else value * factor
            elif self.begins_value(token):
                if token[0] in "0123456789." and self.at - begin == 1 and is_number(plain):
                    raise Unreadable(f"two numbers side by side: {plain} {token}")
                value = value * self.power()
            else:
                return value

    def begins_value(self, token: str) -> bool:
        return bool(token) and token not in OPERATORS and token not in CLOSING.values()

    def power(self) -> Any:
        return self.raised(self.atom())

    def raised(self, value: Any) -> Any:
        while self.peek() in ("^", "!"):
            if self.take() == "!":
                value = factorial(value)
            elif self.tokens[self.at : self.at + 3] == ["{", "circ", "}"] or self.peek() == "circ":
                self.at += 3 if self.peek() == "{" else 1
                value = value * sympy.pi / 180
            elif is_matrix(value) and (transposed := self.transpose()):
                self.at += transposed
                value = value.T
            else:
                value = raised(value, self.argument())
        return value

    def transpose(self) -> int:
        """How many tokens mark a matrix as transposed; 0 for none."""
        for said in (["T"], ["top"], ["{", "T", "}"], ["{", "top", "}"]):
            if self.tokens[self.at : self.at + len(said)] == said:
                return len(said)
        return 0

    def argument(self, digit: bool = False) -> Any:
        r"""A command's argument: a group or one token; one digit of a number (``\frac12``)."""
        token = self.peek()
        if token == "{":
            return self.group("{")
        if digit and token.isdigit() and len(token) > 1:
            self.tokens[self.at] = token[1:]
            return sympy.Integer(token[0])
        if token in ("+", "-"):
            return self.argument() if self.take() == "+" else -self.argument()
        return self.atom()

    def group(self, opening: str) -> Any:
        self.take(opening)
        value = self.sum()
        self.take(CLOSING[opening])
        return value

    def atom(self) -> Any:
        token = self.peek()
        if token in CLOSING:
            value = self.group(token)
            rounding = {r"\lfloor": sympy.floor, r"\lceil": sympy.ceiling}
            return rounding[token](value) if token in rounding else value
        if token == "|":
            self.take()
            value = self.sum()
            self.take("|")
            return determinant(value) if is_matrix(value) else sympy.Abs(value)
        self.take()
        if is_number(token):
            return sympy.Rational(token)
        if len(token) == 1 and 0 <= ord(token) - PRIVATE < len(self.matrices):
            return self.matrices[ord(token) - PRIVATE]
        if token == "frac":
            top = self.argument(digit=True)
            return quotient(top, self.argument(digit=True))
        if token == "binom":
            return sympy.binomial(self.argument(digit=True), self.argument(digit=True))
        if token == "sqrt":
            return self.root()
        if token in ("sum", "prod"):
            return self.series(sympy.Sum if token == "sum" else sympy.Product)
        if token in SEVERAL:
            return self.several(token)
        if token in FUNCTIONS:
            return self.function(token)
        if token in ("pi", "infty"):
            return sympy.pi if token == "pi" else sympy.oo
        if "\u2e80" <= token[0] <= "\u9fff":
            raise Unreadable(f"{token!r}")
        if token.rstrip("'").isalpha() and (len(token.rstrip("'")) == 1 or token in GREEK):
            return self.symbol(token)
        if token in ("^", "*", "/", "+", "-", "}", ")", "="):
            raise Malformed(f"{token!r} where a value should be")
        raise Unreadable(f"{token!r}")

    def root(self) -> Any:
        degree = self.group("[") if self.peek() == "[" else sympy.Integer(2)
        return rooted(self.argument(digit=True), degree)

    def series(self, kind: Any) -> Any:
        r"""A sum or product, as ``\sum_{j=0}^{m} j^2``."""
        self.take("_")
        self.take("{")
        name = self.take()
        if not name.isalpha() or len(name) > 1:
            raise Unreadable(f"{name!r} as the variable of a sum")
        self.take("=")
        low = self.sum()
        self.take("}")
        self.take("^")
        high = self.argument()
        variable = sympy.Symbol(name, integer=True)
        self.bound.append((name, variable))
        body = self.product()
        self.bound.pop()
        return kind(body, (variable, low, high))

    def several(self, name: str) -> Any:
        opening = self.take()
        if opening not in ("(", "{", r"\{"):
            raise Unreadable(f"{opening!r} after {name}")
        values = [self.sum()]
        while self.peek() == ",":
            self.take()
            values.append(self.sum())
        self.take(CLOSING[opening])
        return SEVERAL[name](*values)

    def function(self, name: str) -> Any:
        call = FUNCTIONS[name]
        if name in ("log", r"\log") and self.peek() == "_":
            self.take()
            base = self.argument(digit=True)
            call = lambda x: sympy.log(x, base)  # noqa: E731
        exponent = None
        if self.peek() == "^":
            self.take()
            exponent = self.argument()
        if self.peek() in ("(", "[", "{"):
            value = call(self.group(self.peek()))
        else:
            value = call(self.operand())
        if exponent is None:
            return self.raised(value)
        if exponent == -1 and f"arc{name}" in FUNCTIONS:
            raise Unreadable(f"{name}^-1 may be the inverse function or the reciprocal")
        return value**exponent

    def operand(self) -> Any:
        r"""What a function without brackets applies to: ``2x`` in ``\sin 2x \cos y``."""
        sign = -1 if self.peek() == "-" and self.take() else 1
        value = self.power()
        while self.begins_value(self.peek()) and self.peek() not in (
            *FUNCTIONS,
            *UNIT_VECTORS,
            "(",
        ):
            value = value * self.power()
        if self.peek() == "/" and self.at + 1 < len(self.tokens):
            self.take()
            value = quotient(value, self.power())
        return sign * value

    def symbol(self, name: str) -> Any:
        for known, variable in reversed(self.bound):
            if name == known and self.peek() != "_":
                return variable
        if name == "e" and self.peek() != "_":
            return sympy.E
        if name == "i" and self.peek() != "_":
            return sympy.I
        if self.peek() == "_":
            self.take()
            begin = self.at
            index = self.argument()
            if getattr(index, "free_symbols", set()) & {variable for _, variable in self.bound}:
                return sympy.Function(f"{name}_")(index)
            name += "_" + "".join(self.tokens[begin : self.at]).strip("{}")
        if name.rstrip("'")[:1] in tuple("fghFGH") and self.peek() == "(":
            return sympy.Function(name)(self.group("("))
        return sympy.Symbol(name)


def is_word(token: str) -> bool:
    return token[1:].isalpha() and token[0] == "\\" and token not in SIGNS


def is_number(token: str) -> bool:
    return token[:1].isdigit() or (token[:1] == "." and len(token) > 1)
