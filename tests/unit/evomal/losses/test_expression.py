"""Loss expressions: reading, printing, storing, canonical form, SymPy and torch."""

import json
import math
import pickle

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.evomal.losses.expression import LossExpression, parse
from heliostat_methods.evomal.losses.primitives import SHIFTED, STANDARD, LossExpressionError
from heliostat_methods.evomal.population import evaluation
from heliostat_methods.evomal.population.program import LossProgram, initial_weights, stack_weights

TERMINALS = st.sampled_from(["y", "f", "f", "+1", "-1"]).map(lambda name: (name,))


def branch(inner):
    unary = [n for n in STANDARD.operators if STANDARD[n].arity == 1]
    binary = [n for n in STANDARD.operators if STANDARD[n].arity == 2]
    return st.one_of(
        st.tuples(st.sampled_from(unary), inner).map(lambda t: (t[0], *t[1])),
        st.tuples(st.sampled_from(binary), inner, inner).map(lambda t: (t[0], *t[1], *t[2])),
    )


TREES = st.recursive(TERMINALS, branch, max_leaves=8).filter(lambda t: "y" in t and "f" in t)
EXPRESSIONS = st.tuples(TREES, st.lists(st.floats(0.5, 1.5), min_size=64, max_size=64)).map(
    lambda pair: LossExpression(pair[0], tuple(pair[1][: len(pair[0])]))
)
QUICK = settings(max_examples=60, deadline=None)


@given(EXPRESSIONS)
@QUICK
def test_text_and_json_round_trips_are_exact(expression):
    assert parse(expression.to_prefix()) == expression
    assert LossExpression.from_dict(json.loads(json.dumps(expression.to_dict()))) == expression
    assert pickle.loads(pickle.dumps(expression)) == expression


@given(EXPRESSIONS, st.floats(-2, 2), st.floats(-2, 2))
@QUICK
def test_value_and_gradient_equal_the_sympy_form(expression, y, f):
    import sympy

    form = expression.to_sympy()
    symbols = [sympy.Symbol(n, real=True) for n in ("y", "f")]
    program, weights = (
        LossProgram.from_expressions([expression]),
        stack_weights([expression], np.float64),
    )
    with mpmath.workdps(40):
        value = sympy.lambdify(symbols, form, "mpmath")
        expected = value(mpmath.mpf(y), mpmath.mpf(f))
        sides = [value(mpmath.mpf(y), mpmath.mpf(f) + h) for h in (-1e-12, 1e-12)]
        slopes = [float((b - a) / 1e-12) for a, b in ((sides[0], expected), (expected, sides[1]))]
    found = evaluation.values(program, weights, np.array([f]), np.array([y]))[0, 0]
    # At a kink the one-sided slopes differ, at a jump they explode; rounding may choose a side.
    if abs(slopes[0]) < 1e9 and abs(slopes[0] - slopes[1]) <= 1e-6 * (1 + abs(slopes[0])):
        assert found == pytest.approx(float(expected), rel=1e-7, abs=1e-9)
        slope = evaluation.gradients(program, weights, np.array([f]), np.array([y]))[0, 0]
        assert slope == pytest.approx(slopes[0], rel=1e-4, abs=1e-6)


@given(EXPRESSIONS)
@QUICK
def test_canonical_form_is_the_same_function_and_settles(expression):
    canonical = expression.canonical()
    assert canonical.canonical() == canonical
    assert canonical.key == expression.key
    y, f = np.linspace(-1.3, 1.7, 7), np.linspace(1.1, -1.9, 7)
    both = [expression, canonical]
    values = evaluation.values(
        LossProgram.from_expressions(both), stack_weights(both, np.float64), f, y
    )
    assert values[0] == pytest.approx(values[1], rel=1e-6, abs=1e-7)


EQUAL = [
    ("add(y, f)", "add(f, y)"),
    ("square(sub(y, f))", "square(sub(f, y))"),
    ("log(mul(sub(f, y), tanh(sub(1, f))))", "log(mul(tanh(sub(f, 1)), sub(y, f)))"),
    ("div(y, sub(f, 1))", "div(y, sub(1, f))"),
    ("abs(mul(-1, sub(y, f)))", "abs(mul(sub(f, y), 1))"),
    ("min(max(y, f), square(f))", "min(square(f), max(f, y))"),
]
DIFFERENT = [
    ("sub(y, f)", "sub(f, y)"),
    ("tanh(sub(y, f))", "tanh(sub(f, y))"),
    ("add(sub(f, f), y)", "add(mul(f, f), y)"),
    ("mul(1, square(sub(y, f)))", "square(sub(y, f))"),
    ("div(sub(y, f), 1)", "div(sub(f, y), 1)"),
]


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_equal_keys_mean_one_program_and_the_same_bits(left, right):
    a, b = parse(left), parse(right)
    assert a.key == b.key
    programs = [LossProgram.from_expressions([e.canonical()]) for e in (a, b)]
    rng = np.random.default_rng
    weights = [initial_weights([e.canonical()], rng(5)) for e in (a, b)]
    y, f = rng(1).normal(size=(2, 33)).astype(np.float32)
    results = [
        (evaluation.values(p, w, f, y).tobytes(), evaluation.gradients(p, w, f, y).tobytes())
        for p, w in zip(programs, weights, strict=True)
    ]
    assert results[0] == results[1]


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_identities_that_tuning_breaks_are_not_taken(left, right):
    assert parse(left).key != parse(right).key


REFUSED = {
    "": "expected a name or a number",
    "sqare(sub(y, f))": "nearest: 'square'",
    "square(y, f)": "square takes 1 argument(s), got 2",
    "sub(y": "expected ',' or ')'",
    "sub(y, f) f": "unexpected 'f' after the expression",
    "square(f)": "lacks 'y'",
    "square(y)": "lacks 'f'",
    "sub(y, 2)": "only +1 and -1",
    "sub(y, f); import os": "after the expression",
    "__import__('os')": "unknown primitive",
    "abs(" * 500 + "f" + ")" * 500: "too large",
    "add(y, f)" * 10000: "at most",
    "1e999*sub(1e999*y, f)": "finite",
}


@pytest.mark.parametrize("text", REFUSED)
def test_bad_text_is_refused_with_a_reason(text):
    with pytest.raises(LossExpressionError) as caught:
        parse(text)
    assert REFUSED[text] in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        [],
        {"weights": [1]},
        {"nodes": "yf"},
        {"nodes": ["sub", "y", "f"], "weights": [1, 1]},
        {"nodes": ["sub", "y", "f"], "weights": [1, 1, True]},
        {"nodes": ["sub", "y", "f"], "weights": [1, 1, math.nan]},
        {"nodes": ["sub", "y"]},
        {"nodes": ["sub", "y", "f", "f"]},
        {"nodes": ["sub", "y", "f"], "primitives": "mine"},
        {"nodes": ["sub", "y", "f"], "code": "x"},
    ],
)
def test_bad_stored_losses_are_refused(data):
    with pytest.raises(LossExpressionError):
        LossExpression.from_dict(data)


def test_readable_forms():
    expression = parse("square(sub(y, 0.98*f))")
    assert expression.formula() == "(y - 0.98*f)^2"
    assert expression.to_latex() == r"\left(y - 0.98 f\right)^{2}"
    assert parse("mul(-1, mul(y, log(f)))").formula() == "-y*log|f|"
    assert parse("sub(y, sub(f, -0.5*f))").formula() == "y - (f + 0.5*f)"
    assert (expression.complexity, expression.height) == (4, 2)


def test_simplification_and_its_time_limit():
    import sympy

    expression = parse("add(square(sub(y, f)), sub(f, f))")
    y, f = (sympy.Symbol(n, real=True) for n in "yf")
    assert sympy.expand(expression.simplified(60.0) - (y - f) ** 2) == 0
    assert expression.simplified(0.01) == expression.to_sympy()


def test_the_shifted_table_changes_values_and_is_remembered():
    nodes = ("add", "log", "f", "y")
    for table, expected in ((STANDARD, math.log(1e-7)), (SHIFTED, math.log(1e-8 + 1e-7))):
        expression = LossExpression(nodes, table=table)
        program = LossProgram.from_expressions([expression])
        value = evaluation.values(program, np.ones((1, 4)), np.array([1e-8]), np.zeros(1))
        assert value[0, 0] == pytest.approx(expected)
        assert LossExpression.from_dict(expression.to_dict()).table is table


@given(EXPRESSIONS)
@settings(max_examples=25, deadline=None)
def test_torch_module_equals_the_kernel(expression):
    import torch

    program, weights = (
        LossProgram.from_expressions([expression]),
        stack_weights([expression], np.float64),
    )
    f, y = np.array([0.3, -1.2, 2.0]), np.array([0.5, 1.0, -0.25])
    outputs = torch.tensor(f, requires_grad=True)
    module = expression.to_torch_module("regression").double()
    module.phi = torch.tensor(expression.weights, dtype=torch.float64)
    loss = module(outputs, torch.tensor(y))
    assert float(loss.detach()) == pytest.approx(evaluation.values(program, weights, f, y).mean())
    slope = np.zeros(3)
    if loss.requires_grad:
        (grad,) = torch.autograd.grad(loss, outputs, allow_unused=True)
        slope = slope if grad is None else grad.numpy()
    found = evaluation.gradients(program, weights, f, y)[0] / 3
    assert found == pytest.approx(slope, rel=1e-9, abs=1e-12)


def test_classification_module_takes_indices_and_one_hot_rows():
    import torch

    module = parse("mul(-1, mul(y, log(f)))").to_torch_module("classification")
    logits = torch.tensor([[2, -1, 0.5], [0, 1.0, 0]])
    targets = torch.tensor([0, 2])
    expected = torch.nn.functional.cross_entropy(logits, targets)
    one_hot = torch.nn.functional.one_hot(targets, 3)
    assert float(module(logits, targets)) == pytest.approx(float(expected))
    assert float(module(logits, one_hot)) == pytest.approx(float(expected))
    with pytest.raises(ValueError, match="targets"):
        module(logits, one_hot[:, :2])


def test_first_weights_do_not_depend_on_the_longest_expression():
    short, long = parse("sub(y, f)"), parse("add(square(sub(y, f)), abs(f))")
    rng = np.random.default_rng
    alone = initial_weights([short], rng(0))
    together = initial_weights([short, long], rng(0))
    assert (alone[0] == together[0, :3]).all()


def test_the_module_keeps_double_precision_and_follows_the_outputs():
    import torch

    loss = parse("square(sub(y, 0.1234567890123456*f))")
    module = loss.to_torch_module("regression")
    assert module.phi.dtype == torch.float64
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        outputs = torch.tensor([[0.7], [1.1]], dtype=dtype, requires_grad=True)
        value = module(outputs, torch.tensor([1.0, 2.0]))
        assert value.dtype == dtype
        value.backward()
        assert outputs.grad is not None and outputs.grad.dtype == dtype
    exact = module(torch.tensor([[0.7]], dtype=torch.float64), torch.tensor([1.0]))
    assert exact.item() == (1.0 - 0.1234567890123456 * 0.7) ** 2
    trainable = loss.to_torch_module("regression", trainable=True)
    trainable(torch.tensor([[0.7]]), torch.tensor([1.0])).backward()
    assert trainable.phi.grad is not None and trainable.phi.grad.dtype == torch.float64
