r"""Read a formula of an answer into sympy: our own grammar, small and strict.

It reads what answers consist of (arithmetic, fractions, roots, powers, factorials, binomials,
logarithms, trigonometry, absolute values, floors) and refuses the rest (`Unreadable`), where a
lenient parser would drop a sign or a letter without a word. ``e`` is Euler's number and ``i`` the
imaginary unit. Runs in the worker processes only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import sympy

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    **{name: getattr(sympy, name) for name in ("sin", "cos", "tan", "cot", "sec", "csc", "exp")},
    **{f"{name}h": getattr(sympy, f"{name}h") for name in ("sin", "cos", "tan")},
    **{f"arc{name}": getattr(sympy, f"a{name}") for name in ("sin", "cos", "tan", "cot")},
    **{"ln": sympy.log, "log": sympy.log, "lg": lambda x: sympy.log(x, 10)},
}
GREEK = {
    *("alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "kappa"),
    *("lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "phi", "varphi", "chi", "psi", "omega"),
    *("Gamma", "Delta", "Theta", "Lambda", "Sigma", "Phi", "Psi", "Omega"),
}
WORDS = "|".join(sorted([*FUNCTIONS, "sqrt", "pi", "infty"], key=len, reverse=True))
TOKEN = re.compile(
    rf"\s*(\\[A-Za-z]+|\\.|\d+\.\d*|\.\d+|\d+|(?:{WORDS})(?![a-z])|[A-Za-z]'*|\S)", re.S
)
CLOSING = {"(": ")", "[": "]", "{": "}", r"\{": r"\}", r"\lfloor": r"\rfloor", r"\lceil": r"\rceil"}
BLANK = {"\\": "", r"\cdot": "*", r"\times": "*", r"\div": "/", r"\ast": "*"}
SIGNS = {*CLOSING, *CLOSING.values(), *BLANK}
OPERATORS = {"+", "-", "*", "/", "^", "!", "_", ",", "=", "<", ">", ":", "|", "&", ";", "?"}


class Unreadable(ValueError):
    """A formula that is beyond the grammar; the message says where."""


def read_formula(text: str) -> Any:
    """The sympy expression that a text states.

    Raises:
        Unreadable: the text is no formula of the grammar.
    """
    if not text.strip():
        raise Unreadable("empty")
    parser = Parser(TOKEN.findall(text))
    value = parser.sum()
    if parser.peek():
        raise Unreadable(f"{parser.peek()!r} in {text!r}")
    return value


class Parser:
    def __init__(self, tokens: list[str]) -> None:
        tokens = [token.removeprefix("\\") if is_word(token) else token for token in tokens]
        self.tokens = [BLANK.get(token, token) for token in tokens]
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if not token or (expected and token != expected):
            raise Unreadable(f"{token or 'the end'!r} where {expected or 'a value'!r} should be")
        self.at += 1
        return token

    def sum(self) -> Any:
        value = self.product()
        while self.peek() in ("+", "-"):
            value = value + self.product() if self.take() == "+" else value - self.product()
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
            elif token == "frac" and self.at - begin == 1 and plain.isdigit():
                factor = self.power()
                mixed = factor.is_Rational and 0 < factor < 1
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
                value = sympy.factorial(value)
            elif self.tokens[self.at : self.at + 3] == ["{", "circ", "}"] or self.peek() == "circ":
                self.at += 3 if self.peek() == "{" else 1
                value = value * sympy.pi / 180
            else:
                value = value ** self.argument()
        return value

    def argument(self, digit: bool = False) -> Any:
        r"""What a command takes: a group or one token; of a number one digit (``\frac12``)."""
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
            return sympy.Abs(value)
        self.take()
        if is_number(token):
            if self.peek() == "_":
                return self.based(token)
            return sympy.Rational(token)
        if token == "frac":
            top = self.argument(digit=True)
            return quotient(top, self.argument(digit=True))
        if token == "binom":
            return sympy.binomial(self.argument(digit=True), self.argument(digit=True))
        if token == "sqrt":
            return self.root()
        if token in FUNCTIONS:
            return self.function(token)
        if token in ("pi", "infty"):
            return sympy.pi if token == "pi" else sympy.oo
        if token.rstrip("'").isalpha() and (len(token.rstrip("'")) == 1 or token in GREEK):
            return self.symbol(token)
        raise Unreadable(f"{token!r}")

    def based(self, digits: str) -> Any:
        """A number in a base, as ``1202_3``."""
        self.take("_")
        base = self.argument()
        sound = base.is_Integer and 2 <= base <= 36 and digits.isdigit()
        if not sound or max(map(int, digits)) >= base:
            return sympy.Symbol(f"{digits}_{base}")  # no number, so equal to itself alone
        return sympy.Integer(int(digits, int(base)))

    def root(self) -> Any:
        degree = self.group("[") if self.peek() == "[" else 2
        return sympy.root(self.argument(), degree)

    def function(self, name: str) -> Any:
        call = FUNCTIONS[name]
        if name == "log" and self.peek() == "_":
            self.take()
            base = self.argument(digit=False)
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
        while self.begins_value(self.peek()) and self.peek() not in (*FUNCTIONS, "("):
            value = value * self.power()
        if self.peek() == "/" and self.at + 1 < len(self.tokens):
            self.take()
            value = quotient(value, self.power())
        return sign * value

    def symbol(self, name: str) -> Any:
        if name == "e":
            return sympy.E
        if name == "i":
            return sympy.I
        if self.peek() == "_":
            self.take()
            begin = self.at
            self.argument()
            name += "_" + "".join(self.tokens[begin : self.at]).strip("{}")
        if name[0] in "fgh" and self.peek() == "(":
            return sympy.Symbol(f"{name}({self.group('(')})")
        return sympy.Symbol(name)


def quotient(top: Any, low: Any) -> Any:
    if low == 0:
        raise Unreadable("division by zero")
    return top / low


def is_word(token: str) -> bool:
    return token[1:].isalpha() and token[0] == "\\" and token not in SIGNS


def is_number(token: str) -> bool:
    return token[:1].isdigit() or (token[:1] == "." and len(token) > 1)
