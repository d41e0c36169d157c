"""What programs print, as LaTeX: ``2 - 3*I``, ``Matrix([[1, 2]])``, ``Rational(3, 4)``.

Python's own grammar reads it, so that nothing is evaluated.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence

LONGEST = 1000  # characters
CALL = re.compile(r"(?<![A-Za-z\\])[A-Za-z_][\w.]*\(")
SIGNS = re.compile(
    r"\*|(?<![A-Za-z])I(?![A-Za-z])|(?<![a-z])oo(?![a-z])|\[\[|\d[jJ]\b|[{\[][({]|^\{.*:|'"
    r"|\) ?[&|] ?\(|(?<![A-Za-z])(?:math|np|numpy|sympy|sp)\.[a-z]|^(?:S\.)?(?:EmptySet|Reals)$"
)
OPERATORS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: r" \cdot "}
COMPARED: dict[type[ast.cmpop], str] = {
    **{
        ast.Lt: "<",
        ast.Gt: ">",
        ast.LtE: r"\le ",
        ast.GtE: r"\ge ",
        ast.Eq: "=",
        ast.NotEq: r"\ne ",
    },
}
FUNCTIONS = {
    **{name: rf"\{name}" for name in ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh")},
    **{"tanh": r"\tanh", "exp": r"\exp", "ln": r"\ln", "gcd": r"\gcd", "lcm": r"\lcm"},
    **{"asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan", "acot": r"\arccot"},
    **{"arcsin": r"\arcsin", "arccos": r"\arccos", "arctan": r"\arctan", "Max": r"\max"},
    **{"Min": r"\min", "max": r"\max", "min": r"\min", "re": r"\Re", "im": r"\Im"},
}
CONSTANTS = {"I": "i", "pi": r"\pi", "E": "e", "oo": r"\infty", "inf": r"\infty", "nan": "nan"}
CONSTANTS |= {"True": "True", "False": "False", "None": "None", "EmptySet": r"\emptyset"}
CONSTANTS |= {"Reals": r"\mathbb{R}", "zoo": r"\infty"}
WRAPPERS = {"Integer", "Float", "Decimal", "float64", "float32", "int64", "mpf", "simplify", "N"}
WRAPPERS |= {
    "float",
    "int",
    "complex128",
    "Tuple",
    "expand",
    "str",
    "list",
    "sorted",
    "set",
    "frozenset",
}
MATRICES = {"Matrix", "ImmutableMatrix", "MutableDenseMatrix", "ImmutableDenseMatrix", "array"}


# An exponent of one letter before a factor in brackets, as in `e^x(x+1)`, which Python would call.
FACTOR = re.compile(r"\^\s*[A-Za-z]\s*\(")


SPACED = re.compile(r"\s*\[[\s\d.eE+\-\[\]]+\]\s*")
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")


class NotPrinted(ValueError):
    """A text is not an expression as a program prints it."""


def as_latex(text: str) -> str:
    """A text that a program printed as LaTeX; any other text as it is."""
    text = with_commas(text)
    if len(text) > LONGEST or "\\" in text or not (SIGNS.search(text) or CALL.search(text)):
        return text
    if FACTOR.search(text):
        return text
    source = text.strip().rstrip(".").replace("^", "**")
    try:
        body = ast.parse(source, mode="eval").body
        if isinstance(body, ast.Tuple) and body.elts and body.col_offset == body.elts[0].col_offset:
            return ", ".join(map(written, body.elts))  # A(1, 2), B(3, 4) without brackets
        return written(body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text


def with_commas(text: str) -> str:
    """An array as numpy prints it, ``[[1 2] [3 4]]``, as a list; any other text as it is."""
    if len(text) > LONGEST or not SPACED.fullmatch(text):
        return text
    numbers = re.sub(r"[\[\]]", " ", text).split()
    if len(numbers) < 2 or not all(map(NUMBER.fullmatch, numbers)):
        return text
    text = re.sub(r"(?<=[\d.])\s+(?=[-+\d.])", ", ", text.strip())
    rows = re.sub(r"\]\s*\[", "], [", text)
    return f"array({rows})"


def written(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=complex() as number):
            return f"{trimmed(number.imag)}i"
        case ast.Constant(value=float() as number):
            return decimal(number)
        case ast.Constant(value=str() as text):
            return text
        case ast.Constant(value=int() | None as plain):
            return str(plain)
        case ast.Name():
            if node.id in CONSTANTS:
                return CONSTANTS[node.id]
            return name(node.id)
        case ast.Attribute():
            return CONSTANTS[node.attr] if node.attr in CONSTANTS else refuse(node)
        case ast.UnaryOp(op=ast.USub()):
            return f"-{bracketed(node.operand)}"
        case ast.UnaryOp(op=ast.UAdd()):
            return written(node.operand)
        case ast.BinOp():
            return operation(node)
        case ast.Compare():
            sides = [written(side) for side in (node.left, *node.comparators)]
            signs = [COMPARED.get(type(sign)) or refuse(node) for sign in node.ops]
            return sides[0] + "".join(
                sign + side for sign, side in zip(signs, sides[1:], strict=True)
            )
        case ast.List() | ast.Tuple() | ast.Set():
            return collection(node)
        case ast.Dict():
            return solution(node)
        case ast.Call():
            return call(node)
    return refuse(node)


def refuse(node: ast.expr) -> str:
    raise NotPrinted(ast.dump(node)[:80])


def name(identifier: str) -> str:
    r"""A variable: ``x``, ``x1``, ``x_1``, ``alpha``."""
    if match := re.fullmatch(r"([A-Za-z])_?(\d+)", identifier):
        return f"{match[1]}_{{{match[2]}}}"
    if len(identifier) == 1:
        return identifier
    if identifier in (
        "alpha",
        "beta",
        "gamma",
        "delta",
        "theta",
        "lambda",
        "phi",
        "sigma",
        "omega",
    ):
        return rf"\{identifier} "
    raise NotPrinted(identifier)


def trimmed(value: float) -> str:
    return decimal(value).removesuffix(".0")


def decimal(value: float) -> str:
    shown = repr(value)
    if match := re.fullmatch(r"(-?[\d.]+)e([+-]?\d+)", shown):
        return rf"{match[1]} \times 10^{{{int(match[2])}}}"
    if not re.fullmatch(r"-?[\d.]+", shown):
        raise NotPrinted(shown)
    return shown


def bracketed(node: ast.expr) -> str:
    simple = isinstance(node, ast.Constant | ast.Name | ast.Call)
    return written(node) if simple else f"({written(node)})"


def operation(node: ast.BinOp) -> str:
    left, right = node.left, node.right
    if isinstance(node.op, ast.BitAnd | ast.BitOr):
        return joined(node)
    if isinstance(node.op, ast.Div):
        return rf"\frac{{{written(left)}}}{{{written(right)}}}"
    if isinstance(node.op, ast.Pow):
        return f"{bracketed(left)}^{{{written(right)}}}"
    if isinstance(node.op, ast.Mod):
        return rf"{bracketed(left)} \bmod {bracketed(right)}"
    if type(node.op) not in OPERATORS:
        return refuse(node)
    loose = isinstance(node.op, ast.Add)
    first = written(left) if loose or isinstance(node.op, ast.Sub) else bracketed(left)
    return f"{first}{OPERATORS[type(node.op)]}{written(right) if loose else bracketed(right)}"


def joined(node: ast.BinOp) -> str:
    """Conditions as sympy joins them: ``(2 <= x) & (x < 5)``."""
    word = "and" if isinstance(node.op, ast.BitAnd) else "or"
    for side in (node.left, node.right):
        inner = isinstance(side, ast.BinOp) and not isinstance(side.op, ast.BitAnd)
        if not isinstance(side, ast.Compare | ast.BinOp) or (inner and word == "and"):
            return refuse(node)
    return rf"{written(node.left)} \text{{ {word} }} {written(node.right)}"


def collection(node: ast.List | ast.Tuple | ast.Set) -> str:
    if isinstance(node, ast.List) and node.elts and all(isinstance(e, ast.List) for e in node.elts):
        return matrix(node)
    inner = ", ".join(map(written, node.elts))
    if isinstance(node, ast.Set):
        return rf"\{{{inner}\}}"
    if isinstance(node, ast.List):
        simple = all(
            isinstance(part, ast.Constant | ast.Name | ast.UnaryOp | ast.BinOp)
            for part in node.elts
        )
        return f"[{inner}]" if simple and len(node.elts) > 1 else inner
    return f"({inner})"


def matrix(node: ast.expr) -> str:
    if not isinstance(node, ast.List):
        return refuse(node)
    rows = [row.elts if isinstance(row, ast.List) else [row] for row in node.elts]
    body = r" \\ ".join(" & ".join(map(written, row)) for row in rows)
    return rf"\begin{{pmatrix}}{body}\end{{pmatrix}}"


def solution(node: ast.Dict) -> str:
    """``{x: 2, y: 3}`` as equations."""
    if any(isinstance(value, ast.Compare) for value in node.values):
        return refuse(node)  # {x: -2 <= x < 3} is a set
    pairs = zip(node.keys, node.values, strict=True)
    return r" \text{ and } ".join(
        f"{written(key or node)}={written(value)}" for key, value in pairs
    )


def call(node: ast.Call) -> str:
    function = node.func
    called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if isinstance(function, ast.Attribute) and called in ("open", "Lopen", "Ropen"):
        return interval([written(end) for end in node.args], called)
    if called in MATRICES and node.args:
        return matrix(node.args[0])
    if called == "Poly" and node.args:
        return written(node.args[0])
    if called in ("solve", "print") or (node.keywords and called not in MATRICES):
        return refuse(node)
    arguments = [written(argument) for argument in node.args]
    if len(arguments) == 1 and called in WRAPPERS:
        return arguments[0]
    if len(called) == 1 and arguments:
        return f"{called}({', '.join(arguments)})"
    several = called in ("max", "min", "Max", "Min", "gcd", "lcm")
    if called in FUNCTIONS and (len(arguments) == 1 or (several and arguments)):
        return f"{FUNCTIONS[called]}({', '.join(arguments)})"
    build = BUILT.get((called, len(arguments))) or BUILT.get((called, 0))
    return build(arguments) if build else refuse(node)


def interval(ends: Sequence[str], kind: str) -> str:
    left = "(" if kind in ("open", "Lopen") else "["
    right = ")" if kind in ("open", "Ropen") else "]"
    return f"{left}{ends[0]}, {ends[1]}{right}"


def closed(ends: Sequence[str]) -> str:
    open_left = ends[0] == r"-\infty" or ends[2:3] == ["True"]
    open_right = ends[1] == r"\infty" or ends[3:4] == ["True"]
    return f"{'(' if open_left else '['}{ends[0]}, {ends[1]}{')' if open_right else ']'}"


BUILT: dict[tuple[str, int], Callable[[Sequence[str]], str]] = {
    ("sqrt", 1): lambda a: rf"\sqrt{{{a[0]}}}",
    ("cbrt", 1): lambda a: rf"\sqrt[3]{{{a[0]}}}",
    ("root", 2): lambda a: rf"\sqrt[{a[1]}]{{{a[0]}}}",
    ("log", 1): lambda a: f"log({a[0]})",
    ("log", 2): lambda a: rf"\log_{{{a[1]}}}({a[0]})",
    ("log10", 1): lambda a: rf"\log_{{10}}({a[0]})",
    ("log2", 1): lambda a: rf"\log_{{2}}({a[0]})",
    ("abs", 1): lambda a: f"|{a[0]}|",
    ("Abs", 1): lambda a: f"|{a[0]}|",
    ("factorial", 1): lambda a: f"({a[0]})!",
    ("floor", 1): lambda a: rf"\lfloor {a[0]} \rfloor",
    ("ceiling", 1): lambda a: rf"\lceil {a[0]} \rceil",
    ("ceil", 1): lambda a: rf"\lceil {a[0]} \rceil",
    ("Rational", 2): lambda a: rf"\frac{{{a[0]}}}{{{a[1]}}}",
    ("Fraction", 2): lambda a: rf"\frac{{{a[0]}}}{{{a[1]}}}",
    ("Fraction", 1): lambda a: a[0],
    ("Rational", 1): lambda a: a[0],
    ("Pow", 2): lambda a: f"({a[0]})^{{{a[1]}}}",
    ("Mod", 2): lambda a: rf"({a[0]}) \bmod ({a[1]})",
    ("pow", 2): lambda a: f"({a[0]})^{{{a[1]}}}",
    ("binomial", 2): lambda a: rf"\binom{{{a[0]}}}{{{a[1]}}}",
    ("comb", 2): lambda a: rf"\binom{{{a[0]}}}{{{a[1]}}}",
    ("nCr", 2): lambda a: rf"\binom{{{a[0]}}}{{{a[1]}}}",
    ("Ne", 2): lambda a: rf"{a[0]}\ne {a[1]}",
    ("Or", 0): r" \text{ or } ".join,
    ("And", 0): r" \text{ and } ".join,
    ("Eq", 2): lambda a: f"{a[0]}={a[1]}",
    ("Point", 2): lambda a: f"({a[0]}, {a[1]})",
    ("Point2D", 2): lambda a: f"({a[0]}, {a[1]})",
    ("Point3D", 3): lambda a: f"({a[0]}, {a[1]}, {a[2]})",
    ("complex", 2): lambda a: f"{a[0]}+({a[1]})i",
    ("Interval", 2): closed,
    ("Interval", 4): closed,
    ("set", 0): lambda a: rf"\{{{', '.join(a)}\}}",
    ("FiniteSet", 0): lambda a: rf"\{{{', '.join(a)}\}}",
    ("Union", 0): r" \cup ".join,
    ("Add", 0): "+".join,
    ("Mul", 0): lambda a: r" \cdot ".join(f"({part})" for part in a),
}  # fmt: skip
