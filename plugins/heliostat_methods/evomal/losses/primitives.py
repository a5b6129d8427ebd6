"""The building blocks of a loss expression: one table for torch, compiled code, SymPy and print.

A loss is a tree over the label ``y``, the model output ``f`` and the constants ``+1`` and ``-1``.
Everything that depends on *which* operation a node is (its arity, the code that the compiled kernel
dispatches on, its torch function, its SymPy form, how it prints, which signs it ignores) stands in
a row here and nowhere else. Rows are found by name; the printed form decides nothing.

The derivative conventions are those of the authors' code, with ``eps = 1e-7``:

=========  ==============================  ====================================================
name       value                           derivative
=========  ==============================  ====================================================
``div``    ``a / sqrt(1 + b^2)``           ``r`` and ``-a b r^3`` with ``r = 1 / sqrt(1 + b^2)``
``min``    the smaller (``max``: larger)   to the chosen side; a tie gives each side 1/2
``sign``   -1, 0 or 1                      0
``abs``    ``|a|``                         ``sign(a)``, so 0 at 0
``log``    ``log(max(|a|, eps))``          ``1 / a`` where ``|a| >= eps``, else 0
``sqrt``   ``sqrt(max(|a|, eps))``         ``sign(a) / (2 sqrt|a|)`` where ``|a| >= eps``, else 0
=========  ==============================  ====================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import IntEnum
from typing import Any, Literal

from heliostat_methods.evomal.losses.error import LossExpressionError as LossExpressionError
from heliostat_methods.evomal.losses.straight_line import StraightLine

EPSILON = 1e-7


class Opcode(IntEnum):
    """What the compiled kernel dispatches on; two-argument operations lie between ADD and MAX."""

    LABEL = 0
    OUTPUT = 1
    CONSTANT = 2
    ADD = 3
    SUB = 4
    MUL = 5
    DIV = 6
    MIN = 7
    MAX = 8
    SIGN = 9
    SQUARE = 10
    ABS = 11
    LOG = 12
    SQRT = 13
    TANH = 14
    LOG_SHIFTED = 15
    SQRT_SHIFTED = 16


SignRole = Literal["keeps", "passes", "drops"]
"""What negating an argument does: nothing simple, negates the value, or leaves the value alone."""


@dataclass(frozen=True)
class Primitive:
    """One row of the table.

    ``text`` and ``latex`` are templates over the printed arguments. ``binding`` is how tightly the
    printed form holds together (1 sum, 2 product, 3 power, 4 atom) and ``needs`` what each argument
    must reach to go without brackets. ``opcode`` is None for an operation of a user's own, which
    compiled kernels know by its ``code``; without either it can be used through torch only.
    """

    name: str
    arity: int
    opcode: Opcode | None
    torch: Callable[..., Any]
    sympy: Callable[..., Any]
    text: str
    latex: str
    binding: int = 4
    needs: tuple[int, ...] = ()
    latex_needs: tuple[int, ...] = ()
    commutes: bool = False
    signs: tuple[SignRole, ...] = ()
    constant: float | None = None
    code: StraightLine | None = None


class PrimitiveTable(Mapping[str, Primitive]):
    """An immutable set of primitives, found by name; a method is given the one it searches over.

    ``name`` says under which conventions a stored loss is to be read again.
    """

    def __init__(self, name: str, rows: Iterable[Primitive]) -> None:
        self.name = name
        self._rows = {row.name: row for row in rows}

    def __getitem__(self, name: str) -> Primitive:
        try:
            return self._rows[name]
        except KeyError:
            near = get_close_matches(str(name)[:32], self._rows, n=1, cutoff=0.0)
            hint = f"; nearest: {near[0]!r}" if near else ""
            message = f"unknown primitive {str(name)[:32]!r}{hint}; known: {', '.join(self._rows)}"
            raise LossExpressionError(message) from None

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __hash__(self) -> int:
        return hash((self.name, *self._rows))

    def subset(self, names: Iterable[str]) -> PrimitiveTable:
        """Return the table of the rows named; raises ``LossExpressionError`` for unknown names."""
        return PrimitiveTable(self.name, [self[name] for name in names])

    def extended(self, name: str, *rows: Primitive) -> PrimitiveTable:
        """Return a table called ``name`` with more rows; an existing row's name replaces it."""
        return PrimitiveTable(name, [*self.values(), *rows])

    @property
    def operators(self) -> tuple[str, ...]:
        """Names of the rows that take arguments, in table order."""
        return tuple(name for name, row in self.items() if row.arity)

    @property
    def terminals(self) -> tuple[str, ...]:
        """Names of the rows without arguments, in table order."""
        return tuple(name for name, row in self.items() if not row.arity)


def _torch(name: str) -> Callable[..., Any]:
    def apply(*arguments: Any) -> Any:
        import torch  # deferred: the population path never needs it

        return getattr(torch, name)(*arguments)

    return apply


def _sympy(name: str) -> Callable[..., Any]:
    def apply(*arguments: Any) -> Any:
        import sympy  # deferred for the same reason

        return getattr(sympy, name)(*arguments)

    return apply


def _torch_div(a: Any, b: Any) -> Any:
    return a / (1 + b * b).sqrt()


def _sympy_clamped(a: Any) -> Any:
    return _sympy("Max")(_sympy("Abs")(a), EPSILON)


def _row(name: str, opcode: Opcode, torch: Any, sympy: Any, text: str, **more: Any) -> Primitive:
    arity = 2 if Opcode.ADD <= opcode <= Opcode.MAX else 1
    defaults: dict[str, Any] = {
        "latex": text,
        "needs": (1,) * arity,
        "latex_needs": more.get("needs", (1,) * arity),
        "signs": ("keeps",) * arity,
    }
    return Primitive(name, arity, opcode, torch, sympy, text, **(defaults | more))


def _terminal(name: str, opcode: Opcode, constant: float | None = None) -> Primitive:
    def absent(*_: Any) -> Any:
        raise TypeError(f"terminal {name!r} takes no arguments")

    text = name.removeprefix("+")
    binding = 1 if text.startswith("-") else 4
    return Primitive(
        name, 0, opcode, absent, absent, text, text, binding=binding, constant=constant
    )


STANDARD = PrimitiveTable(
    "standard",
    [
        _row("add", Opcode.ADD, _torch("add"), lambda a, b: a + b, "{0} + {1}",
             binding=1, needs=(1, 2), commutes=True),
        _row("sub", Opcode.SUB, _torch("sub"), lambda a, b: a - b, "{0} - {1}",
             binding=1, needs=(1, 2)),
        _row("mul", Opcode.MUL, _torch("mul"), lambda a, b: a * b, "{0}*{1}",
             latex=r"{0} \cdot {1}", binding=2, needs=(2, 2), commutes=True,
             signs=("passes", "passes")),
        _row("div", Opcode.DIV, _torch_div, lambda a, b: a / _sympy("sqrt")(1 + b * b),
             "{0} / sqrt(1 + {1}^2)", latex=r"\frac{{{0}}}{{\sqrt{{1 + {1}^{{2}}}}}}",
             binding=2, needs=(2, 4), latex_needs=(1, 4), signs=("passes", "drops")),
        _row("min", Opcode.MIN, _torch("minimum"), _sympy("Min"), "min({0}, {1})",
             latex=r"\min\left({0}, {1}\right)", commutes=True),
        _row("max", Opcode.MAX, _torch("maximum"), _sympy("Max"), "max({0}, {1})",
             latex=r"\max\left({0}, {1}\right)", commutes=True),
        _row("sign", Opcode.SIGN, _torch("sign"), _sympy("sign"), "sign({0})",
             latex=r"\operatorname{{sign}}\left({0}\right)", signs=("passes",)),
        _row("square", Opcode.SQUARE, _torch("square"), lambda a: a**2, "{0}^2",
             latex="{0}^{{2}}", binding=3, needs=(4,), signs=("drops",)),
        _row("abs", Opcode.ABS, _torch("abs"), _sympy("Abs"), "|{0}|",
             latex=r"\left|{0}\right|", signs=("drops",)),
        _row("log", Opcode.LOG, lambda a: a.abs().clamp(min=EPSILON).log(),
             lambda a: _sympy("log")(_sympy_clamped(a)), "log|{0}|",
             latex=r"\log\left|{0}\right|", signs=("drops",)),
        _row("sqrt", Opcode.SQRT, lambda a: a.abs().clamp(min=EPSILON).sqrt(),
             lambda a: _sympy("sqrt")(_sympy_clamped(a)), "sqrt|{0}|",
             latex=r"\sqrt{{\left|{0}\right|}}", signs=("drops",)),
        _row("tanh", Opcode.TANH, _torch("tanh"), _sympy("tanh"), "tanh({0})",
             latex=r"\tanh\left({0}\right)", signs=("passes",)),
        _terminal("y", Opcode.LABEL),
        _terminal("f", Opcode.OUTPUT),
        _terminal("+1", Opcode.CONSTANT, 1.0),
        _terminal("-1", Opcode.CONSTANT, -1.0),
    ],
)  # fmt: skip
"""The search space of the released code (logarithm and square root clamp at ``EPSILON``)."""

SHIFTED = STANDARD.extended(
    "shifted",
    replace(
        STANDARD["log"],
        opcode=Opcode.LOG_SHIFTED,
        torch=lambda a: (a.abs() + EPSILON).log(),
        sympy=lambda a: _sympy("log")(_sympy("Abs")(a) + EPSILON),
    ),
    replace(
        STANDARD["sqrt"],
        opcode=Opcode.SQRT_SHIFTED,
        torch=lambda a: (a.abs() + EPSILON).sqrt(),
        sympy=lambda a: _sympy("sqrt")(_sympy("Abs")(a) + EPSILON),
    ),
)
"""The same names with ``log(|a| + EPSILON)`` and ``sqrt(|a| + EPSILON)``, a common variant."""

TABLES = {table.name: table for table in (STANDARD, SHIFTED)}
"""The tables that stored losses may name."""


def set_named(name: str) -> PrimitiveTable:
    """Return the set of that name; raises ``LossExpressionError`` naming those that exist."""
    if name not in TABLES:
        raise LossExpressionError(f"primitives: got {name!r}; expected one of {', '.join(TABLES)}")
    return TABLES[name]
