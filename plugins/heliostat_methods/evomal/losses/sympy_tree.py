"""SymPy expressions as plain lists, so that one process can hand them to another as JSON.

SymPy's own texts (``str``, ``srepr``) are read back by evaluating them as Python, and a pickle runs
what it names. A tree names functions of a fixed list instead:

    >>> import sympy
    >>> to_tree(sympy.Symbol("y", real=True) ** 2 / 3)
    ['Mul', ['Rational', 1, 3], ['Pow', 'y', 2]]
"""

from typing import Any

SYMBOLS = ("y", "f", "a", "b")
"""The symbols of a loss and of an operation's arguments, all real."""

CONSTANTS = (
    "BooleanFalse",
    "BooleanTrue",
    "ComplexInfinity",
    "Exp1",
    "ImaginaryUnit",
    "Infinity",
    "NaN",
    "NegativeInfinity",
    "Pi",
)

FUNCTIONS = frozenset(
    (
        "Abs", "Add", "And", "Equality", "GreaterThan", "Heaviside", "LambertW", "LessThan",
        "Max", "Min", "Mul", "Not", "Or", "Piecewise", "Pow", "StrictGreaterThan",
        "StrictLessThan", "Unequality", "acosh", "arg", "asinh", "atanh", "conjugate",
        "cos", "cosh", "coth", "csch", "exp", "im", "log", "re", "sech", "sign", "sin", "sinh",
        "tan", "tanh", "atan",
    )
)  # fmt: skip
"""What loss expressions are made of, and what their simplification may turn them into."""

_PAIR = "ExprCondPair"


def to_tree(expression: Any) -> Any:
    """Return an expression as lists of names and integers; floats keep every bit.

    Raises ValueError for one that holds anything but the symbols, constants and functions above.
    """
    import sympy

    name = type(expression).__name__
    if isinstance(expression, sympy.Symbol) and expression.name in SYMBOLS and expression.is_real:
        return expression.name
    if isinstance(expression, sympy.Integer):
        return int(expression)
    if isinstance(expression, sympy.Rational):
        return ["Rational", int(expression.p), int(expression.q)]
    if isinstance(expression, sympy.Float):
        return ["Float", *map(int, expression._mpf_), int(expression._prec)]
    if name in CONSTANTS:
        return [name]
    if name in FUNCTIONS or name == _PAIR:
        return [name, *map(to_tree, expression.args)]
    raise ValueError(f"no tree holds a {name}")


def from_tree(tree: Any) -> Any:
    """Return the expression of a tree; raises ValueError for what is none."""
    import sympy

    if isinstance(tree, str) and tree in SYMBOLS:
        return sympy.Symbol(tree, real=True)
    if type(tree) is int:
        return sympy.Integer(tree)
    if not isinstance(tree, list) or not tree or not isinstance(tree[0], str):
        raise ValueError(f"no expression: {tree!r:.100}")
    name, arguments = tree[0], tree[1:]
    numbers = all(type(argument) is int for argument in arguments)
    if name == "Rational" and len(arguments) == 2 and numbers:
        return sympy.Rational(*arguments)
    if name == "Float" and len(arguments) == 5 and numbers:
        return sympy.Float(tuple(arguments[:4]), precision=arguments[4])
    if name in CONSTANTS and not arguments:
        return _constant(name)
    if name == _PAIR:
        return sympy.Tuple(*map(from_tree, arguments))
    if name in FUNCTIONS:
        return getattr(sympy, name)(*map(from_tree, arguments))
    raise ValueError(f"no expression: {tree!r:.100}")


def _constant(name: str) -> Any:
    import sympy

    truth = {"BooleanTrue": sympy.true, "BooleanFalse": sympy.false}
    return truth[name] if name in truth else getattr(sympy.S, name)
