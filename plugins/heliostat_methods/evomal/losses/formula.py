"""Loss expressions as formulas to be read, in plain text and in LaTeX.

A tuned tree carries a weight on every edge; written out as it stands it hides the function behind
factors. Here every part is a number times something without a number: the factors of products and
quotients are multiplied into one, signs move out of odd functions and vanish in even ones, parts
without ``y`` and ``f`` become numbers. Nothing else is rewritten, and all of it holds exactly, so
the formula is the same function up to the digits shown. A logarithm and a root keep their factor
inside, because they clamp their argument.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from heliostat_methods.evomal.losses.primitives import EPSILON, Opcode, Primitive
from heliostat_methods.evomal.losses.tree import LossTree

_ATOM, _PRODUCT, _SUM = 4, 2, 1  # how tightly text holds together, as in the table of primitives
_HOLE = "\0"  # stands for a numerator that is not known yet

NUMERIC: dict[Opcode, Callable[..., float]] = {
    Opcode.ADD: lambda a, b: a + b,
    Opcode.SUB: lambda a, b: a - b,
    Opcode.MUL: lambda a, b: a * b,
    Opcode.DIV: lambda a, b: a / math.sqrt(1 + b * b),
    Opcode.MIN: min,
    Opcode.MAX: max,
    Opcode.SIGN: lambda a: float((a > 0) - (a < 0)),
    Opcode.SQUARE: lambda a: a * a,
    Opcode.ABS: abs,
    Opcode.LOG: lambda a: math.log(max(abs(a), EPSILON)),
    Opcode.SQRT: lambda a: math.sqrt(max(abs(a), EPSILON)),
    Opcode.TANH: math.tanh,
    Opcode.LOG_SHIFTED: lambda a: math.log(abs(a) + EPSILON),
    Opcode.SQRT_SHIFTED: lambda a: math.sqrt(abs(a) + EPSILON),
}
"""The value of each operation on numbers."""


@dataclass(frozen=True)
class _Term:
    """``factor`` times ``body``; without a body it is the number itself.

    ``fraction`` is the body with a hole for its numerator, where that is 1: it takes the factor.
    """

    factor: float
    body: str = ""
    binding: int = _ATOM
    fraction: str = ""


def _signless(term: _Term) -> _Term:
    return replace(term, factor=abs(term.factor))


def formula_text(expression: LossTree, digits: int) -> str:
    """Return a readable infix formula; ``div`` is written out as its quotient."""
    return _Writer(expression, digits, latex=False).text()


def latex_text(expression: LossTree, digits: int) -> str:
    """Return the infix formula in LaTeX."""
    return _Writer(expression, digits, latex=True).text()


class _Writer:
    def __init__(self, expression: LossTree, digits: int, *, latex: bool) -> None:
        self.expression, self.digits, self.latex = expression, digits, latex
        self.arguments = expression.children()

    def text(self) -> str:
        row, below = self.row(0), self.arguments[0]
        if row.opcode == Opcode.ABS:  # the outermost bars keep their factor inside
            inner = self.weighted(below[0])
            if inner.body:
                return self.filled(row, [_signless(inner)])[0]
        return self.shown(self.term(0))[0]

    def row(self, i: int) -> Primitive:
        return self.expression.table[self.expression.nodes[i]]

    def weighted(self, i: int) -> _Term:
        return self.scaled(self.expression.weights[i], self.term(i))

    def scaled(self, factor: float, term: _Term) -> _Term:
        product = factor * term.factor
        if product == 0.0 and 0.0 in (factor, term.factor):
            return _Term(0.0)
        if not math.isfinite(product) or product == 0.0:  # out of a double's range: keep both
            text, binding = self.shown(term)
            return _Term(factor, text, binding)
        return replace(term, factor=product)

    def term(self, i: int) -> _Term:
        row = self.row(i)
        if row.constant is not None:
            return _Term(row.constant)
        if not row.arity:
            return _Term(1.0, row.latex if self.latex else row.text, row.binding)
        parts = [self.weighted(k) for k in self.arguments[i]]
        if row.opcode in NUMERIC and not any(part.body for part in parts):
            value = NUMERIC[row.opcode](*(part.factor for part in parts))
            if math.isfinite(value):
                return _Term(value)
        if row.opcode in (Opcode.ADD, Opcode.SUB):
            return self.sum(row, *parts)
        if row.opcode == Opcode.MUL:
            return self.product(row, *parts)
        if row.opcode == Opcode.DIV:
            return self.quotient(row, *parts)
        factor = 1.0
        for k, role in enumerate(row.signs):
            if role == "drops":
                parts[k] = _signless(parts[k])
            elif role == "passes" and parts[k].factor < 0:
                parts[k], factor = _signless(parts[k]), -factor
        size = parts[0].factor
        outside = {Opcode.SIGN: 1.0, Opcode.ABS: size, Opcode.SQUARE: size * size}
        pulled = outside.get(row.opcode, 0.0) if row.opcode is not None else 0.0
        if parts[0].body and pulled > 0.0 and math.isfinite(pulled):
            factor, parts[0] = factor * pulled, replace(parts[0], factor=1.0)
        return _Term(factor, *self.filled(row, parts))

    def sum(self, row: Primitive, a: _Term, b: _Term) -> _Term:
        second = b if row.opcode == Opcode.ADD else replace(b, factor=-b.factor)
        for one, other in ((a, second), (second, a)):
            if not one.body and one.factor == 0.0:
                return other
        minus = second.factor < 0
        name = "sub" if minus else "add"
        if name not in self.expression.table:
            return _Term(1.0, *self.filled(row, [a, b]))
        row, shown = self.expression.table[name], _signless(second) if minus else second
        return _Term(1.0, *self.filled(row, [a, shown]))

    def product(self, row: Primitive, a: _Term, b: _Term) -> _Term:
        if not a.body or not b.body:
            return self.scaled(*((a.factor, b) if not a.body else (b.factor, a)))
        for one, other in ((a, b), (b, a)):
            if one.fraction:  # the other factor becomes its numerator
                texts = [
                    one.fraction.replace(_HOLE, self.bracketed(text, other.binding, _PRODUCT))
                    for text in (other.body, other.fraction)
                ]
                fraction = texts[1] if other.fraction else ""
                return self.scaled(a.factor, _Term(b.factor, texts[0], one.binding, fraction))
        plain = [_Term(1.0, part.body, part.binding) for part in (a, b)]
        return self.scaled(a.factor, _Term(b.factor, *self.filled(row, plain)))

    def quotient(self, row: Primitive, a: _Term, b: _Term) -> _Term:
        if not b.body:
            return self.scaled(1.0 / math.hypot(1.0, b.factor), a)
        below = self.shown(_signless(b))
        if a.body:
            body, binding = self.placed(row, [(a.body, a.binding), below])
            fraction = a.fraction and self.placed(row, [(a.fraction, a.binding), below])[0]
            return _Term(a.factor, body, binding, fraction)
        if a.factor == 0.0:
            return _Term(0.0)
        text, binding = self.placed(row, [(_HOLE, _ATOM), below])
        return _Term(a.factor, text.replace(_HOLE, "1"), binding, text)

    def shown(self, term: _Term) -> tuple[str, int]:
        """Return the text of factor and body, and how tightly it holds together."""
        number = self.number(term.factor)
        binding = _SUM if number.startswith("-") else _PRODUCT
        if not term.body:
            return number, _SUM if binding == _SUM else _ATOM
        if number == "1":
            return term.body, term.binding
        if term.fraction:
            return term.fraction.replace(_HOLE, number), binding
        body = self.bracketed(term.body, term.binding, _PRODUCT)
        if number == "-1":
            return f"-{body}", binding
        return f"{number}{' ' if self.latex else '*'}{body}", binding

    def filled(self, row: Primitive, parts: list[_Term]) -> tuple[str, int]:
        return self.placed(row, [self.shown(part) for part in parts])

    def placed(self, row: Primitive, parts: list[tuple[str, int]]) -> tuple[str, int]:
        template, needs = (row.latex, row.latex_needs) if self.latex else (row.text, row.needs)
        texts = [self.bracketed(*part, needed) for part, needed in zip(parts, needs, strict=True)]
        return template.format(*texts), row.binding

    def bracketed(self, text: str, binding: int, needed: int) -> str:
        left, right = (r"\left(", r"\right)") if self.latex else ("(", ")")
        return text if binding >= needed else f"{left}{text}{right}"

    def number(self, value: float) -> str:
        text = f"{value:.{self.digits}g}"
        if self.latex and "e" in text:
            mantissa, exponent = text.split("e")
            return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"
        return text
