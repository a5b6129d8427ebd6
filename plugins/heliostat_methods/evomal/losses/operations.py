"""Operations of a user's own: a name, an arity and a SymPy expression; all else follows.

    >>> import sympy
    >>> softplus = Operation("softplus", 1, lambda a: sympy.log(1 + sympy.exp(a)))
    >>> row = primitive(softplus)
    >>> row.text, row.latex
    ('softplus({0})', '\\\\log{{\\\\left(e^{{{0}}} + 1 \\\\right)}}')

A plugin offers one as a part of kind ``primitive``, a configuration names it beside a set:
``primitives = ["standard", "exp", "huber"]``. A loss that uses it carries the expression with it,
so it is read, trained and exported where the plugin is not installed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heliostat_methods.evomal.losses.primitives import (
    LossExpressionError,
    Primitive,
    PrimitiveTable,
    SignRole,
    set_named,
)
from heliostat_methods.evomal.losses.straight_line import Step, straight_line, symbols
from heliostat_methods.evomal.losses.sympy_tree import from_tree, to_tree

_HOLES = ("QQA", "QQB")


@dataclass(frozen=True)
class Operation:
    """An operation of one or two arguments; ``expression(a)`` or ``(a, b)`` gives SymPy.

    Arguments are real. Raises ``LossExpressionError`` for a name that is no word, another arity,
    and an expression that cannot be computed.
    """

    name: str
    arity: int
    expression: Callable[..., Any]

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and self.name.isidentifier() and len(self.name) <= 32):
            raise LossExpressionError(f"name: got {self.name!r}; expected a word of 32 letters")
        if self.arity not in (1, 2):
            raise LossExpressionError(f"{self.name}: arity {self.arity!r}; expected 1 or 2")
        self.formula()

    def formula(self) -> Any:
        """Return the expression over the symbols ``a`` and ``b``."""
        import sympy

        names = symbols(self.arity)
        try:
            made = sympy.sympify(self.expression(*names), strict=True)
        except Exception as error:  # whatever the code of a plugin raises
            raise LossExpressionError(
                f"{self.name}: expected a SymPy expression: {type(error).__name__}: {error}"
            ) from None
        absent = [str(one) for one in names if one not in getattr(made, "free_symbols", names)]
        if absent:
            raise LossExpressionError(
                f"{self.name}: {made} does not depend on {' and '.join(absent)}"
            )
        try:
            straight_line(made, self.arity)
            to_tree(made)
        except (LossExpressionError, ValueError) as error:
            raise LossExpressionError(f"{self.name}: {error}") from None
        return made

    def plain(self) -> dict[str, Any]:
        """Return the operation as plain data for JSON."""
        return {"name": self.name, "arity": self.arity, "expression": to_tree(self.formula())}


def primitive(operation: Operation) -> Primitive:
    """Return the row of an operation in a table of primitives."""
    made, arity = operation.formula(), operation.arity
    code = straight_line(made, arity)

    def torch_value(*arguments: Any) -> Any:
        return code.value(arguments, _torch_functions())

    def sympy_value(*arguments: Any) -> Any:
        pairs = dict(zip(symbols(arity), arguments, strict=True))
        return made.subs(pairs, simultaneous=True)

    holes = ", ".join(f"{{{k}}}" for k in range(arity))
    return Primitive(
        operation.name, arity, None, torch_value, sympy_value, f"{operation.name}({holes})",
        _latex(operation.name, made, arity), needs=(1,) * arity, latex_needs=(4,) * arity,
        commutes=arity == 2 and _swapped(made) == made, signs=_signs(made, arity), code=code,
    )  # fmt: skip


def extended(base: str, operations: Sequence[Operation]) -> PrimitiveTable:
    """Return a set of primitives with more operations; its name says all of it, as JSON.

    Raises ``LossExpressionError`` for an unknown set and a name that is taken.
    """
    table = set_named(base)
    if not operations:
        return table
    for i, one in enumerate(operations):
        if one.name in table or one.name in [other.name for other in operations[:i]]:
            raise LossExpressionError(f"operation {one.name!r} is there already")
    named = {"base": base, "operations": [one.plain() for one in operations]}
    text = json.dumps(named, sort_keys=True, separators=(",", ":"))
    return table.extended(text, *map(primitive, operations))


def read_table(data: Mapping[str, Any]) -> PrimitiveTable:
    """Return the table of what ``extended`` named; raises ``LossExpressionError`` for no such."""
    if set(data) != {"base", "operations"} or not isinstance(data["operations"], list):
        raise LossExpressionError("primitives: expected base and a list of operations")
    return extended(str(data["base"]), [_read(one) for one in data["operations"]])


def _read(data: Any) -> Operation:
    if not isinstance(data, Mapping) or set(data) != {"name", "arity", "expression"}:
        raise LossExpressionError("operations: expected name, arity and expression")
    try:
        made = from_tree(data["expression"])
    except (ValueError, TypeError) as error:
        raise LossExpressionError(f"operation {data['name']!r:.40}: {error}") from None
    return Operation(data["name"], data["arity"], lambda *arguments: made)


def _latex(name: str, made: Any, arity: int) -> str:
    """Return a template; a formula in pieces goes by its name."""
    import sympy

    if made.has(sympy.Piecewise, sympy.Heaviside):
        inside = ", ".join(f"{{{k}}}" for k in range(arity))
        return rf"\operatorname{{{{{name}}}}}\left({inside}\right)"
    holes = dict(zip(symbols(arity), _HOLES, strict=False))
    text = sympy.latex(made, symbol_names=holes).replace("{", "{{").replace("}", "}}")
    for k, hole in enumerate(_HOLES[:arity]):
        text = text.replace(hole, f"{{{k}}}")
    whole = made.is_Add or made.is_Mul or made.is_Pow
    return rf"\left({text}\right)" if whole else text


def _swapped(made: Any) -> Any:
    a, b = symbols(2)
    return made.subs({a: b, b: a}, simultaneous=True)


def _signs(made: Any, arity: int) -> tuple[SignRole, ...]:
    """Return what negating each argument does, where SymPy sees it at once."""
    found: list[SignRole] = []
    for one in symbols(arity):
        negated = made.subs(one, -one)
        found.append("drops" if negated == made else "passes" if negated == -made else "keeps")
    return tuple(found)


def _torch_functions() -> dict[Step, Callable[..., Any]]:
    import torch

    return {
        Step.NUMBER: lambda value, like: torch.full_like(like, value),
        Step.ADD: torch.add, Step.SUB: torch.sub, Step.MUL: torch.mul, Step.DIV: torch.div,
        Step.MIN: torch.minimum, Step.MAX: torch.maximum,
        Step.LESS: lambda a, b: (a < b).to(a), Step.UP_TO: lambda a, b: (a <= b).to(a),
        Step.CHOOSE: lambda c, a, b: torch.where(c > 0.5, a, b),
        Step.SIGN: torch.sign, Step.ABS: torch.abs, Step.EXP: torch.exp, Step.LOG: torch.log,
        Step.SQRT: torch.sqrt, Step.TANH: torch.tanh, Step.SIN: torch.sin, Step.COS: torch.cos,
        Step.ATAN: torch.atan,
        Step.STEP: lambda a: torch.heaviside(a, torch.full_like(a, 0.5)),
    }  # fmt: skip


SOURCE: dict[Step, str] = {
    Step.ADD: "({0} + {1})", Step.SUB: "({0} - {1})", Step.MUL: "({0} * {1})",
    Step.DIV: "({0} / {1})", Step.MIN: "torch.minimum({0}, {1})",
    Step.MAX: "torch.maximum({0}, {1})", Step.LESS: "({0} < {1}).to(f)",
    Step.UP_TO: "({0} <= {1}).to(f)", Step.CHOOSE: "torch.where({0} > 0.5, {1}, {2})",
    Step.SIGN: "torch.sign({0})", Step.ABS: "torch.abs({0})", Step.EXP: "torch.exp({0})",
    Step.LOG: "torch.log({0})", Step.SQRT: "torch.sqrt({0})", Step.TANH: "torch.tanh({0})",
    Step.SIN: "torch.sin({0})", Step.COS: "torch.cos({0})", Step.ATAN: "torch.atan({0})",
    Step.STEP: "torch.heaviside({0}, torch.full_like({0}, 0.5))",
}  # fmt: skip
"""Each step as PyTorch source."""


def source(row: Primitive, arguments: Sequence[str]) -> str:
    """Return an operation's value as PyTorch source over texts of its arguments."""
    if row.code is None:
        raise LossExpressionError(f"primitive {row.name!r} cannot be written as source")
    functions: dict[Step, Callable[..., Any]] = {
        step: template.format for step, template in SOURCE.items()
    }
    functions[Step.NUMBER] = lambda value, like: f"torch.full_like(f, {value!r})"
    return str(row.code.value(arguments, functions))
