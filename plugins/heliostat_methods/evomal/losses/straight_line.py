"""A formula of one or two arguments as straight-line code, with its first and second derivatives.

From a SymPy expression over ``a`` and ``b`` come the value, the derivatives by the arguments and
those of second order, as one list of instructions in which nothing is computed twice: first what
the value needs, then what is missing for the first derivatives, then for the second ones. The
interpreter of loss trees runs such a list on vectors of samples; torch runs the first part.

Conventions are those of the table of primitives: a sign has derivative 0, ``|a|`` has 0 at 0, a
tie of two arguments gives each 1/2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any

from heliostat_methods.evomal.losses.error import LossExpressionError

ARGUMENTS = ("a", "b")
HEAD = 3
"""Rows before the first instruction: where each part ends, and the registers of the results."""
CODED, CODED_PAIR = 1 << 10, 1 << 20
"""What the opcodes of coded operations of one and of two arguments begin with, in a program."""
_SMALL_POWER = 8


class Step(IntEnum):
    """What one instruction does with up to three registers."""

    FIRST = 0
    SECOND = 1
    NUMBER = 2
    ADD = 3
    SUB = 4
    MUL = 5
    DIV = 6
    MIN = 7
    MAX = 8
    LESS = 9
    UP_TO = 10
    CHOOSE = 11
    SIGN = 12
    ABS = 13
    EXP = 14
    LOG = 15
    SQRT = 16
    TANH = 17
    SIN = 18
    COS = 19
    ATAN = 20
    STEP = 21


Instruction = tuple[Step, int, int, int]


@dataclass(frozen=True)
class StraightLine:
    """Instructions in order; number k writes register k and reads earlier ones.

    ``numbers`` are the constants by register. ``ends``: how many instructions the value, the first
    and the second derivatives need. ``results``: the registers of the value, of the derivatives by
    each argument, and by aa, ab and bb (an operation of one argument repeats the first one).
    """

    arity: int
    steps: tuple[Instruction, ...]
    numbers: dict[int, float]
    ends: tuple[int, int, int]
    results: tuple[int, int, int, int, int, int]

    @property
    def rows(self) -> int:
        """How many rows of a program it takes, its head included."""
        return HEAD + len(self.steps)

    def value(self, arguments: Sequence[Any], functions: dict[Step, Callable[..., Any]]) -> Any:
        """Return the value, computed with given functions: of numpy, of torch, of text."""
        registers: list[Any] = []
        for k, (step, *sources) in enumerate(self.steps[: self.ends[0]]):
            if step in (Step.FIRST, Step.SECOND):
                registers.append(arguments[int(step)])
            elif step == Step.NUMBER:
                registers.append(functions[step](self.numbers[k], arguments[0]))
            else:
                registers.append(functions[step](*(registers[s] for s in sources[: _READS[step]])))
        return registers[self.results[0]]


_READS: dict[Step, int] = {
    **dict.fromkeys(Step, 1),
    **dict.fromkeys((Step.ADD, Step.SUB, Step.MUL, Step.DIV, Step.MIN, Step.MAX, Step.LESS,
                     Step.UP_TO), 2),
    Step.CHOOSE: 3,
}  # fmt: skip


def symbols(arity: int) -> list[Any]:
    """Return the real symbols that an operation's expression is written in."""
    import sympy

    return [sympy.Symbol(name, real=True) for name in ARGUMENTS[:arity]]


@lru_cache(maxsize=256)
def straight_line(expression: Any, arity: int) -> StraightLine:
    """Return the code of a SymPy expression over ``symbols(arity)``.

    Raises ``LossExpressionError`` naming a function that has no code, or a symbol too many.
    """
    import sympy

    free = {str(one) for one in expression.free_symbols} - set(ARGUMENTS[:arity])
    if free:
        expected = " and ".join(ARGUMENTS[:arity])
        raise LossExpressionError(f"symbol {sorted(free)[0]!r}: expected {expected} alone")
    names = symbols(arity)
    first = [sympy.diff(expression, one) for one in names]
    second = [sympy.diff(slope, one) for i, slope in enumerate(first) for one in names[i:]]
    writer = _Writer()
    value, ends = writer.write(expression), [len(writer.steps)]
    slopes = [writer.write(one) for one in first]
    ends.append(len(writer.steps))
    curves = [writer.write(one) for one in second]
    ends.append(len(writer.steps))
    slopes, curves = (slopes * 2)[:2], (curves * 3)[:3]
    results = (value, slopes[0], slopes[1], curves[0], curves[1], curves[2])
    return StraightLine(arity, tuple(writer.steps), writer.numbers, (ends[0], ends[1], ends[2]),
                        results)  # fmt: skip


class _Writer:
    """Writes instructions, each once."""

    def __init__(self) -> None:
        self.steps: list[Instruction] = []
        self.numbers: dict[int, float] = {}
        self._known: dict[Any, int] = {}

    def step(self, kind: Step, *sources: int, number: float = 0.0) -> int:
        key = (kind, sources, repr(number))
        if key not in self._known:
            self._known[key] = len(self.steps)
            if kind == Step.NUMBER:
                self.numbers[len(self.steps)] = number
            padded = (*sources, 0, 0, 0)
            self.steps.append((kind, padded[0], padded[1], padded[2]))
        return self._known[key]

    def number(self, value: float) -> int:
        return self.step(Step.NUMBER, number=float(value))

    def write(self, expression: Any) -> int:
        """Return the register of an expression, written if it is not known yet."""
        name = type(expression).__name__
        if expression.is_Symbol:
            return self.step(Step(ARGUMENTS.index(expression.name)))
        if expression.is_number:
            try:
                value = complex(expression)
            except (OverflowError, TypeError):
                value = complex(math.inf)
            if value.imag or not math.isfinite(value.real):
                text = str(expression)
                shown = text if len(text) <= 40 else f"{text[:37]}..."
                raise LossExpressionError(f"{shown}: expected real numbers of double precision")
            return self.number(value.real)
        if name in ("Add", "Mul", "Min", "Max"):
            return self.chain(name, expression.args)
        if name == "Pow":
            return self.power(*expression.args)
        if name in _FUNCTIONS:
            return self.step(_FUNCTIONS[name], *map(self.write, expression.args[:1]))
        if name == "DiracDelta":  # where a step is; it has no width
            return self.number(0.0)
        if name == "Piecewise":
            return self.pieces(expression.args)
        if name == "tan":
            return self.step(Step.DIV, *(self.step(kind, self.write(expression.args[0]))
                                         for kind in (Step.SIN, Step.COS)))  # fmt: skip
        if name in ("sinh", "cosh", "coth", "sech", "csch"):
            import sympy

            return self.write(expression.rewrite(sympy.exp))
        known = ", ".join(sorted((*_FUNCTIONS, "Piecewise", "Pow", "tan", "sinh", "cosh")))
        raise LossExpressionError(f"function {name} has no code; known: {known}")

    def chain(self, name: str, parts: Sequence[Any]) -> int:
        kind = {"Add": Step.ADD, "Mul": Step.MUL, "Min": Step.MIN, "Max": Step.MAX}[name]
        above = [part for part in parts if not (name == "Mul" and _below(part))]
        registers = [self.write(part) for part in above]
        whole = registers[0] if registers else self.number(1.0)
        for one in registers[1:]:
            whole = self.step(kind, whole, one)
        for part in parts:
            if name == "Mul" and _below(part):
                whole = self.step(Step.DIV, whole, self.write(1 / part))
        return whole

    def power(self, base: Any, exponent: Any) -> int:
        import sympy

        if exponent.is_negative:
            return self.step(Step.DIV, self.number(1.0), self.write(sympy.Pow(base, -exponent)))
        if exponent.is_Integer and exponent <= _SMALL_POWER:
            x = self.write(base)
            whole = x
            for _ in range(int(exponent) - 1):
                whole = self.step(Step.MUL, whole, x)
            return whole
        if exponent == sympy.Rational(1, 2):
            return self.step(Step.SQRT, self.write(base))
        if exponent.is_Rational and exponent.q == 2:
            whole = self.write(sympy.Pow(base, exponent - sympy.Rational(1, 2)))
            return self.step(Step.MUL, whole, self.step(Step.SQRT, self.write(base)))
        if base == sympy.E:
            return self.step(Step.EXP, self.write(exponent))
        log = self.step(Step.LOG, self.write(base))
        return self.step(Step.EXP, self.step(Step.MUL, self.write(exponent), log))

    def pieces(self, pairs: Sequence[Any]) -> int:
        import sympy

        *first, last = pairs
        if last[1] is not sympy.true:
            raise LossExpressionError("Piecewise: expected (expression, True) as its last piece")
        whole = self.write(last[0])
        for piece, condition in reversed(first):
            whole = self.step(Step.CHOOSE, self.condition(condition), self.write(piece), whole)
        return whole

    def condition(self, condition: Any) -> int:
        """Return the register of 1 where a condition holds and of 0 elsewhere."""
        name = type(condition).__name__
        if name in ("And", "Or"):
            parts = [self.condition(part) for part in condition.args]
            whole = parts[0]
            for one in parts[1:]:
                whole = self.step(Step.MUL if name == "And" else Step.MAX, whole, one)
            return whole
        if name == "Not":
            return self.step(Step.SUB, self.number(1.0), self.condition(condition.args[0]))
        kinds = {"StrictLessThan": Step.LESS, "LessThan": Step.UP_TO,
                 "StrictGreaterThan": Step.LESS, "GreaterThan": Step.UP_TO}  # fmt: skip
        if name not in kinds:
            raise LossExpressionError(f"condition {condition}: expected <, <=, > or >=")
        left, right = map(self.write, condition.args)
        sides = (right, left) if "Greater" in name else (left, right)
        return self.step(kinds[name], *sides)


_FUNCTIONS = {"exp": Step.EXP, "log": Step.LOG, "tanh": Step.TANH, "sin": Step.SIN,
              "cos": Step.COS, "atan": Step.ATAN, "Abs": Step.ABS, "sign": Step.SIGN,
              "Heaviside": Step.STEP}  # fmt: skip


def _below(part: Any) -> bool:
    return type(part).__name__ == "Pow" and bool(part.exp.is_negative)
