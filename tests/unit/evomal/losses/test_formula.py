"""Printed formulas: the same function to the digits shown, with one coefficient a product."""

import math
import re

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from heliostat_methods.evomal.losses.expression import LossExpression, parse
from heliostat_methods.evomal.losses.primitives import EPSILON, STANDARD

TERMINALS = st.sampled_from(["y", "f", "f", "+1", "-1"]).map(lambda name: (name,))


def branch(inner):
    unary = [n for n in STANDARD.operators if STANDARD[n].arity == 1]
    binary = [n for n in STANDARD.operators if STANDARD[n].arity == 2]
    return st.one_of(
        st.tuples(st.sampled_from(unary), inner).map(lambda t: (t[0], *t[1])),
        st.tuples(st.sampled_from(binary), inner, inner).map(lambda t: (t[0], *t[1], *t[2])),
    )


TREES = st.recursive(TERMINALS, branch, max_leaves=10).filter(lambda t: "y" in t and "f" in t)
WEIGHTS = st.lists(
    st.one_of(st.floats(0.5, 1.5), st.floats(-1.5, -0.5), st.sampled_from([0.0, 1.0, -1.0])),
    min_size=80,
    max_size=80,
)
EXPRESSIONS = st.tuples(TREES, WEIGHTS).map(
    lambda pair: LossExpression(pair[0], tuple(pair[1][: len(pair[0])]))
)


class Reader:
    """Evaluates a printed formula: a bar opens where a value is due and closes elsewhere."""

    def __init__(self, text, values):
        number = r"\d+\.?\d*(?:e[+-]?\d+)?"
        self.tokens = re.findall(rf"{number}|[a-z]+|\S", text)
        assert "".join(self.tokens) == text.replace(" ", "")
        self.values, self.at = values, 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected=None):
        token = self.peek()
        assert expected is None or token == expected, (token, expected)
        self.at += 1
        return token

    def sum(self):
        value = self.product()
        while self.peek() in ("+", "-"):
            value += self.product() if self.take() == "+" else -self.product()
        return value

    def product(self):
        if self.peek() == "-":
            self.take()
            return -self.product()
        value = self.power()
        while self.peek() in ("*", "/"):
            value = value * self.power() if self.take() == "*" else value / self.power()
        return value

    def power(self):
        value = self.atom()
        while self.peek() == "^":
            self.take()
            self.take("2")
            value *= value
        return value

    def inside(self, closing):
        value = self.sum()
        self.take(closing)
        return value

    def atom(self):
        token = self.take()
        if token == "(":
            return self.inside(")")
        if token == "|":
            return abs(self.inside("|"))
        if token in self.values:
            return self.values[token]
        if token in ("min", "max"):
            self.take("(")
            left = self.inside(",")
            return (min if token == "min" else max)(left, self.inside(")"))
        if token in ("tanh", "sign"):
            self.take("(")
            x = self.inside(")")
            return math.tanh(x) if token == "tanh" else float((x > 0) - (x < 0))
        if token in ("log", "sqrt") and self.peek() == "|":
            self.take()
            return getattr(math, token)(max(abs(self.inside("|")), EPSILON))
        if token == "sqrt":
            self.take("(")
            return math.sqrt(self.inside(")"))
        return float(token)


def read(text, y, f):
    reader = Reader(text, {"y": y, "f": f})
    value = reader.sum()
    assert reader.peek() == "", text
    return value


def tree_value(expression, y, f):
    from heliostat_methods.evomal.population import evaluation
    from heliostat_methods.evomal.population.program import LossProgram, stack_weights

    program = LossProgram.from_expressions([expression])
    weights = stack_weights([expression], np.float64)
    return float(evaluation.values(program, weights, np.array([f]), np.array([y]))[0, 0])


def nearby(expression, relative):
    rng = np.random.default_rng(3)
    noise = 1 + relative * rng.uniform(-1, 1, len(expression.weights))
    return expression.with_weights(np.array(expression.weights) * noise)


@given(EXPRESSIONS, st.floats(-2, 2), st.floats(-2, 2))
@settings(max_examples=300, deadline=None)
@example(parse("mul(div(-0.7*1, f), div(2*-1, mul(y, f)))"), 0.7, 0.3)
@example(parse("sub(0.0*y, tanh(-1.2*mul(-1*f, 1.5*sign(-2*y))))"), 0.7, 0.3)
def test_the_formula_is_the_tree(expression, y, f):
    value = tree_value(expression, y, f)
    moved = [tree_value(nearby(expression, r), y, f) for r in (1e-12, -1e-12)]
    # On an edge (a sign of nothing, a tie) the order of factors decides; not what is tested here.
    assume(math.isfinite(value) and max(abs(m - value) for m in moved) < 1e-10 * (1 + abs(value)))
    assert read(expression.formula(digits=17), y, f) == pytest.approx(value, rel=1e-9, abs=1e-9)


@given(EXPRESSIONS, st.floats(-2, 2), st.floats(-2, 2))
@settings(max_examples=100, deadline=None)
def test_shown_digits_bound_the_error(expression, y, f):
    value = tree_value(expression, y, f)
    moved = [tree_value(nearby(expression, r), y, f) for r in (1e-5, -1e-5, 1e-4, -1e-4)]
    assume(math.isfinite(value) and max(abs(m - value) for m in moved) < 1e-2 * (1 + abs(value)))
    shown = read(expression.formula(digits=7), y, f)
    assert shown == pytest.approx(value, rel=1e-2, abs=1e-2)


@given(EXPRESSIONS)
@settings(max_examples=100, deadline=None)
def test_no_two_numbers_are_multiplied(expression):
    number = r"(?<![\d.a-z])\d+\.?\d*(?:e[+-]?\d+)?"
    assert not re.search(rf"{number}\*-?{number}", expression.formula())
    assert "*1*" not in expression.formula() and "(1*" not in expression.formula()


def test_readable_tuned_losses():
    text = "abs(div(1.011*mul(1.008*y, 1.02*f), 0.99*mul(0.99*f, -1.02*tanh(-1.1*y))))"
    assert parse(text).formula() == "|1.039*y*f / sqrt(1 + (0.9997*f*tanh(1.1*y))^2)|"
    assert parse("square(mul(0.5*y, f))").to_latex() == r"0.25 \left(y \cdot f\right)^{2}"
    assert parse("add(2*div(-1, f), y)").formula() == "-2 / sqrt(1 + f^2) + y"
    assert parse("add(y, mul(add(1, 1.5*1), -0.4*f))").formula() == "y - f"
    assert parse("log(-0.5*mul(y, f))").formula() == "log|0.5*y*f|"
    assert parse("tanh(-3*mul(y, 0.99999*f))").formula() == "-tanh(3*y*f)"


def test_factors_out_of_range_stay_apart():
    expression = parse("mul(1e200*y, 1e200*mul(1e200*y, f))")
    assert expression.formula() == "1e+200*1e+200*y*1e+200*y*f"


def test_latex_and_text_show_the_same_numbers():
    expression = parse("div(0.5*sub(y, 1.25*f), square(-2*f))")
    assert expression.formula() == "0.5*(y - 1.25*f) / sqrt(1 + (4*f^2)^2)"
    assert expression.to_latex() == r"0.5 \frac{y - 1.25 f}{\sqrt{1 + \left(4 f^{2}\right)^{2}}}"
