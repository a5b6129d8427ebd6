"""A tree with fewer nodes for the same loss: what the weights of tuning hide is taken out.

Parts without ``y`` and ``f`` become numbers; the factors of products, quotients and even or odd
functions become one; equal terms are added up and equal factors become a square; signs and bars
that cannot matter go. All of it holds exactly up to rounding. A logarithm and a root keep their
factor inside, because they clamp their argument. Terms of the root without ``f`` are dropped: they
change the loss's value and no gradient.

The reduced tree trains a model like the whole one, but tunes otherwise (it has fewer weights), so
it is for use and not for a search.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_methods.evomal.losses.formula import NUMERIC
from heliostat_methods.evomal.losses.primitives import LossExpressionError, Opcode


@dataclass(frozen=True)
class _Term:
    """``factor`` times a tree, whose root carries no weight; without nodes the number itself."""

    factor: float
    nodes: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()

    @property
    def number(self) -> bool:
        return not self.nodes

    def times(self, factor: float) -> _Term:
        return _Term(self.factor * factor, self.nodes, self.weights)

    def same(self, other: _Term) -> bool:
        return (self.nodes, self.weights) == (other.nodes, other.weights)


def reduced(expression: LossExpression) -> LossExpression:
    """Return an equal loss of as few nodes as the rules of the module give, or the loss itself."""
    try:
        made = _Reduction(expression).whole()
    except (LossExpressionError, OverflowError, KeyError):
        # the label or the output has gone, a square is out of range, the table lacks an operation
        return expression
    return made if made.complexity <= expression.complexity else expression


def rounded(expression: LossExpression, digits: int) -> LossExpression:
    """Return the loss with weights of some significant digits, reduced again."""
    weights = (float(f"{w:.{digits}g}") for w in expression.weights)
    return reduced(expression.with_weights(weights))


class _Reduction:
    def __init__(self, expression: LossExpression) -> None:
        self.expression, self.table = expression, expression.table
        self.arguments = expression.children()
        self.names = {row.opcode: name for name, row in self.table.items() if row.opcode}

    def whole(self) -> LossExpression:
        term = self.moving(self.term(0))
        if term.number:
            raise LossExpressionError("the loss is a number")
        nodes, weights = self.carried(term)
        return LossExpression(nodes, weights, self.table)

    def term(self, i: int) -> _Term:
        """Return node i without the weight above it."""
        row = self.table[self.expression.nodes[i]]
        if row.constant is not None:
            return _Term(row.constant)
        if not row.arity:
            return _Term(1.0, (row.name,), (1.0,))
        parts = [self.term(k).times(self.expression.weights[k]) for k in self.arguments[i]]
        opcode = row.opcode
        if opcode in NUMERIC and all(part.number for part in parts):
            value = NUMERIC[opcode](*(part.factor for part in parts))
            if math.isfinite(value):
                return _Term(value)
        if opcode in (Opcode.ADD, Opcode.SUB):
            return self.sum(parts[0], parts[1] if opcode == Opcode.ADD else parts[1].times(-1.0))
        if opcode == Opcode.MUL:
            return self.product(*parts)
        if opcode == Opcode.DIV:
            return self.quotient(*parts)
        if len(parts) == 1 and opcode is not None:
            return self.function(opcode, parts[0])
        if opcode in (Opcode.MIN, Opcode.MAX) and parts[0] == parts[1]:
            return parts[0]
        return self.joined(row.name, *parts)

    def sum(self, a: _Term, b: _Term) -> _Term:
        for one, other in ((a, b), (b, a)):
            if one.number and one.factor == 0.0:
                return other
        if a.same(b):
            total = a.factor + b.factor
            return _Term(total, a.nodes, a.weights) if total else _Term(0.0)
        common = abs(a.factor) if abs(a.factor) == abs(b.factor) else 1.0
        if a.factor < 0 and b.factor < 0:
            common = -common
        if common != 1.0 and not (a.number or b.number):
            return self.sum(a.times(1 / common), b.times(1 / common)).times(common)
        if b.factor < 0 and Opcode.SUB in self.names:
            return self.joined(self.names[Opcode.SUB], a, b.times(-1.0))
        if a.factor < 0 and Opcode.SUB in self.names:
            return self.joined(self.names[Opcode.SUB], b, a.times(-1.0))
        return self.joined(self.names[Opcode.ADD], a, b)

    def product(self, a: _Term, b: _Term) -> _Term:
        if a.number or b.number:
            number, other = (a, b) if a.number else (b, a)
            return other.times(number.factor) if number.factor else _Term(0.0)
        factors = [*self.factors(a), *self.factors(b)]
        kept: list[_Term] = []
        for one in factors:
            twin = next((k for k, other in enumerate(kept) if one.same(other)), None)
            if twin is None or Opcode.SQUARE not in self.names:
                kept.append(one)
            else:
                kept[twin] = self.joined(self.names[Opcode.SQUARE], one)
        made = kept[-1]
        for one in reversed(kept[:-1]):
            made = self.joined(self.names[Opcode.MUL], one, made)
        return made.times(a.factor * b.factor)

    def factors(self, term: _Term) -> list[_Term]:
        """Return the factors of a product without their numbers, which stand before it."""
        if self.table[term.nodes[0]].opcode != Opcode.MUL:
            return [_Term(1.0, term.nodes, term.weights)]
        return [part for half in self.children(term) for part in self.factors(half)]

    def children(self, term: _Term) -> list[_Term]:
        """Return the arguments of a term's root."""
        found, at = [], 1
        for _ in range(self.table[term.nodes[0]].arity):
            end, due = at, 1
            while due:
                due += self.table[term.nodes[end]].arity - 1
                end += 1
            constant = self.table[term.nodes[at]].constant
            if constant is not None:
                found.append(_Term(term.weights[at] * constant))
            else:
                found.append(_Term(term.weights[at], term.nodes[at:end],
                                   (1.0, *term.weights[at + 1 : end])))  # fmt: skip
            at = end
        return found

    def quotient(self, a: _Term, b: _Term) -> _Term:
        if b.number:
            return a.times(1.0 / math.hypot(1.0, b.factor))
        if a.number and not a.factor:
            return a
        below = self.signless(b)
        above = a.times(1.0 / a.factor) if a.factor else a
        return self.joined(self.names[Opcode.DIV], above, below).times(a.factor or 1.0)

    def function(self, opcode: Opcode, a: _Term) -> _Term:
        """Return a function of one argument that is no number."""
        name, inner = self.names[opcode], self.table[a.nodes[0]].opcode if a.nodes else None
        if opcode == Opcode.SIGN:
            sign = math.copysign(1.0, a.factor) if a.factor else 0.0
            if inner == Opcode.SIGN:
                return _Term(sign, a.nodes, a.weights)
            return self.joined(name, _Term(1.0, a.nodes, a.weights)).times(sign)
        if opcode == Opcode.TANH:
            sign = math.copysign(1.0, a.factor)
            return self.joined(name, a.times(sign)).times(sign)
        a = self.signless(a)
        if opcode in (Opcode.SQUARE, Opcode.ABS):
            size = a.factor**2 if opcode == Opcode.SQUARE else a.factor
            if not size:
                return _Term(0.0)
            plain = _Term(1.0, a.nodes, a.weights)
            if opcode == Opcode.ABS and inner in (Opcode.SQUARE, Opcode.SQRT):
                return plain.times(size)
            return self.joined(name, plain).times(size)
        return self.joined(name, a)

    def signless(self, term: _Term) -> _Term:
        """Return a term whose sign does not matter: positive, and without bars around all of it."""
        while term.nodes and self.table[term.nodes[0]].opcode == Opcode.ABS:
            (inside,) = self.children(term)
            term = inside.times(abs(term.factor))
        return _Term(abs(term.factor), term.nodes, term.weights)

    def joined(self, name: str, *parts: _Term) -> _Term:
        nodes: tuple[str, ...] = (name,)
        weights: tuple[float, ...] = (1.0,)
        for part in parts:
            nodes += part.nodes or (self.one,)
            weights += (part.factor, *part.weights[1:])
        return _Term(1.0, nodes, weights)

    @property
    def one(self) -> str:
        """The name of the constant 1."""
        for name in self.table.terminals:
            if self.table[name].constant == 1.0:
                return name
        raise LossExpressionError("the table has no constant 1")

    def moving(self, term: _Term) -> _Term:
        """Return the terms of a sum that depend on the output, the only ones with a gradient."""
        output = self.names[Opcode.OUTPUT]
        label = next(n for n, row in self.table.items() if row.opcode == Opcode.LABEL)
        while term.nodes and self.table[term.nodes[0]].opcode in (Opcode.ADD, Opcode.SUB):
            sign = -1.0 if self.table[term.nodes[0]].opcode == Opcode.SUB else 1.0
            a, b = self.children(term)
            kept = [one for one in (a, b.times(sign)) if output in one.nodes]
            if len(kept) != 1 or label not in kept[0].nodes:
                break
            term = kept[0].times(term.factor)
        return term

    def carried(self, term: _Term) -> tuple[tuple[str, ...], tuple[float, ...]]:
        """Return nodes and weights of a whole loss; the root has no edge for its factor."""
        factor, weights = term.factor, list(term.weights)
        opcode = self.table[term.nodes[0]].opcode
        if factor == 1.0:
            return term.nodes, term.weights
        if opcode in (Opcode.ADD, Opcode.SUB):
            second = 1 + len(self.children(term)[0].nodes or (self.one,))
            weights[1] *= factor
            weights[second] *= factor
        elif opcode in (Opcode.MUL, Opcode.DIV) or (opcode == Opcode.ABS and factor > 0):
            weights[1] *= factor
        elif opcode == Opcode.SQUARE and factor > 0:
            weights[1] *= math.sqrt(factor)
        else:
            whole = self.joined(self.names[Opcode.MUL], _Term(factor),
                                _Term(1.0, term.nodes, term.weights))  # fmt: skip
            return whole.nodes, whole.weights
        return term.nodes, tuple(weights)
