"""SymPy expressions as plain lists: exact, and read without evaluating text."""

import json

import pytest
import sympy

from heliostat_methods.evomal import parse
from heliostat_methods.evomal.losses.sympy_tree import from_tree, to_tree

y, f = (sympy.Symbol(name, real=True) for name in "yf")

LOSSES = [
    "square(sub(y, 0.98*f))",
    "mul(-1, mul(1.02*y, log(0.9*f)))",
    "div(sign(f), max(tanh(0.3*y), min(abs(f), sqrt(y))))",
    "add(1.5*log(square(f)), 1e-300*y)",
]


@pytest.mark.parametrize("text", LOSSES)
def test_an_expression_comes_back_equal_from_json(text):
    expression = parse(text).to_sympy()
    assert from_tree(json.loads(json.dumps(to_tree(expression)))) == expression


@pytest.mark.parametrize(
    "expression",
    [
        sympy.Piecewise((y, y > f), (f / 3, sympy.And(f >= 0, sympy.Ne(y, 2))), (0, True)),
        sympy.Heaviside(y) + sympy.E * sympy.pi,
        sympy.Float("0.1", 30) * y,
        sympy.Integer(10) ** 40 + f,
        sympy.nan,
        sympy.oo,
        sympy.Max(sympy.Float(1e-5), sympy.Abs(f)),
    ],
)
def test_what_simplification_may_give_comes_back_equal(expression):
    back = from_tree(json.loads(json.dumps(to_tree(expression))))
    assert back == expression or (back is sympy.nan and expression is sympy.nan)
    assert [a._prec for a in back.atoms(sympy.Float)] == [
        a._prec for a in expression.atoms(sympy.Float)
    ]


@pytest.mark.parametrize("expression", [sympy.Symbol("z"), sympy.gamma(y), sympy.Symbol("y")])
def test_what_no_loss_holds_has_no_tree(expression):
    with pytest.raises(ValueError, match="no tree holds"):
        to_tree(expression)


@pytest.mark.parametrize(
    "tree",
    [
        "z",
        "__import__('os')",
        ["sympify", "y"],
        ["lambdify", ["y"], "y"],
        ["Float", "1", 2],
        ["Rational", 1],
        [],
        None,
        1.5,
        True,
        {"Add": ["y", "f"]},
        [["Add"], "y"],
    ],
)
def test_a_tree_of_anything_else_is_refused(tree):
    with pytest.raises(ValueError, match="no expression"):
        from_tree(tree)


def test_simplification_keeps_floats_exactly():
    expression = parse("add(0.1*y, sub(f, f))")
    assert expression.simplified(60.0) == expression.to_sympy() == sympy.Float(0.1) * y
