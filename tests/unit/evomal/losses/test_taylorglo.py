"""TaylorGLO's polynomial: numbers by hand, and the tree against the formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.evomal import (
    taylor_glo,
    taylor_glo_expression,
    taylor_glo_gradient,
)
from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_methods.evomal.losses.primitives import SHIFTED, LossExpressionError
from heliostat_methods.evomal.population import evaluation
from heliostat_methods.evomal.population.program import LossProgram, stack_weights

VARIANTS = ("corrected", "as_released")
THETA = (0, 0, 1, 0.5, 0.25, -0.5, 0.1, 0.2)
Y, F = np.array([1, 0, -0.5]), np.array([0.5, 0.25, 1])
ORACLE = {
    "corrected": (
        [-0.3802083333, -0.2662760417, -1.5416666667],
        [-0.93125, -1.1328125, -1.85],
    ),
    "as_released": ([1.0916666667, 0, -0.2302083333], [-0.35, 0, 0.1625]),
}
THETAS = st.lists(st.floats(-3, 3), min_size=8, max_size=8)
POINTS = st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3)), min_size=1, max_size=5)
QUICK = settings(max_examples=60, deadline=None)


def compiled(theta, y, f, variant):
    expression = taylor_glo_expression(theta, variant)
    program, weights = program_of(expression)
    return (
        evaluation.values(program, weights, f, y)[0],
        evaluation.gradients(program, weights, f, y)[0],
    )


def program_of(*expressions):
    return LossProgram.from_expressions(expressions), stack_weights(expressions, np.float64)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_formula_and_the_tree_give_the_specified_numbers(variant):
    value, slope = ORACLE[variant]
    assert taylor_glo(THETA, Y, F, variant) == pytest.approx(value, abs=1e-9)
    assert taylor_glo_gradient(THETA, Y, F, variant) == pytest.approx(slope, abs=1e-9)
    found = compiled(THETA, Y, F, variant)
    assert found[0] == pytest.approx(value, abs=1e-9)
    assert found[1] == pytest.approx(slope, abs=1e-9)


@given(st.sampled_from(VARIANTS), THETAS, POINTS)
@QUICK
def test_the_tree_is_the_polynomial_through_the_compiled_path(variant, theta, points):
    y, f = np.array(points).T.copy()
    value, slope = compiled(theta, y, f, variant)
    # The terms of these polynomials reach a few hundred, of which rounding takes 1e-13.
    assert value == pytest.approx(taylor_glo(theta, y, f, variant), rel=1e-9, abs=1e-9)
    assert slope == pytest.approx(taylor_glo_gradient(theta, y, f, variant), rel=1e-9, abs=1e-9)


@given(st.sampled_from(VARIANTS), THETAS)
@QUICK
def test_the_gradient_is_the_derivative_of_the_value(variant, theta):
    sides = [taylor_glo(theta, Y, F + h, variant) for h in (-1e-5, 1e-5)]
    # The third derivative is at most 3 in size, so central differences err by 1e-10.
    slope = (sides[1] - sides[0]) / 2e-5
    assert slope == pytest.approx(taylor_glo_gradient(theta, Y, F, variant), abs=1e-7)


def test_the_squared_error_is_among_them_up_to_a_term_without_f():
    theta = (0, 0, 0, -2, 0, 2, 0, 0)
    y, f = np.random.default_rng(0).standard_normal((2, 50))
    value, slope = compiled(theta, y, f, "corrected")
    assert value == pytest.approx((y - f) ** 2 - y**2, abs=1e-12)
    assert slope == pytest.approx(2 * (f - y), abs=1e-12)


@given(THETAS)
@QUICK
def test_released_code_has_three_parameters_that_no_gradient_reaches(theta):
    expression = taylor_glo_expression(theta, "as_released")
    changed = taylor_glo_expression([*theta[:2], 5.0, -6.0, 7.0, *theta[5:]], "as_released")
    program, weights = program_of(expression, changed)
    y, f = np.random.default_rng(1).standard_normal((2, 20))
    slopes = evaluation.gradients(program, weights, f, y)
    assert np.array_equal(slopes[0], slopes[1])
    differing = [i for i, pair in enumerate(weights.T) if pair[0] != pair[1]]
    assert 1 <= len(differing) <= 3
    mixed = evaluation.mixed_derivatives(program, weights, f, y, np.ones(20))
    assert np.all(mixed[:, differing] == 0)
    assert not program.live[:, differing].any()


@given(THETAS)
@QUICK
def test_in_the_corrected_loss_every_parameter_moves_the_gradient(theta):
    y, f = np.random.default_rng(2).standard_normal((2, 20))
    theta = np.array(theta) + np.where(np.array(theta) < 0, -0.1, 0.1)  # no factor is 0
    before = compiled(theta, y, f, "corrected")[1]
    for i in range(8):
        after = compiled(theta + 0.5 * np.eye(8)[i], y, f, "corrected")[1]
        assert not np.allclose(before, after, atol=1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_all_losses_of_a_variant_are_one_tree(variant):
    rng = np.random.default_rng(3)
    first, *others = (taylor_glo_expression(rng.normal(size=8), variant) for _ in range(5))
    assert {other.nodes for other in others} == {first.nodes}
    assert taylor_glo_expression(np.zeros(8), variant).nodes == first.nodes
    shifted = taylor_glo_expression(THETA, variant, SHIFTED)
    assert shifted.table is SHIFTED
    assert shifted.nodes == first.nodes


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_is_stored_and_trains_through_torch_as_any_loss(variant):
    import torch

    expression = taylor_glo_expression(THETA, variant)
    assert LossExpression.from_dict(expression.to_dict()) == expression
    outputs = torch.tensor(F, requires_grad=True)
    loss = expression.to_torch_module("regression").double()(outputs, torch.tensor(Y))
    loss.backward()
    assert loss.item() == pytest.approx(np.mean(ORACLE[variant][0]), abs=1e-7)
    assert outputs.grad.numpy() == pytest.approx(np.array(ORACLE[variant][1]) / 3, abs=1e-7)


@pytest.mark.parametrize("variant", VARIANTS)
def test_symbols_expand_to_the_polynomial(variant):
    import sympy

    y, f = sympy.symbols("y f", real=True)
    t = (1.5, -0.5, 0.25, 2, -3, 0.75, 1.25, -2)  # exact in binary, so that the terms are
    a, b, last, sign = (f - t[1], y - t[0], f - t[1], -1)
    if variant == "as_released":
        a, b, last, sign = (y - t[1], f - t[0], y - t[0], 1)
    polynomial = t[2] * a + t[3] * a**2 / 2 + t[4] * a**3 / 6
    polynomial += t[5] * b * a + t[6] * b * a**2 / 2 + t[7] * b**2 * last / 2
    difference = sympy.Poly(taylor_glo_expression(t, variant).to_sympy() - sign * polynomial, y, f)
    assert all(abs(c) < 1e-12 for c in difference.coeffs())


def test_the_formula_is_read_as_a_polynomial():
    assert (
        taylor_glo_expression((0.5, -2, 1, 0.5, 3, -0.5, 4, 0)).formula()
        == "(f + 2)*(-1 + 0.5*(y - 0.5) + (f + 2)*(-0.25 - 2*(y - 0.5) - 0.5*(f + 2)))"
    )
    assert taylor_glo_expression((0, 0, 0, -2, 0, 2, 0, 0)).formula() == "f*(-2*y + f)"


@pytest.mark.parametrize(
    ("theta", "variant", "message"),
    [
        ((1.0,) * 7, "corrected", "theta: got 7 numbers; expected 8"),
        ((1.0,) * 7 + (float("nan"),), "corrected", r"theta\[7\]: got nan; expected a finite"),
        ((1.0,) * 8, "as_relased", "variant: got 'as_relased'.*nearest: 'as_released'"),
    ],
)
def test_a_value_that_does_not_fit_is_named(theta, variant, message):
    for make in (
        lambda: taylor_glo_expression(theta, variant),
        lambda: taylor_glo(theta, Y, F, variant),
        lambda: taylor_glo_gradient(theta, Y, F, variant),
    ):
        with pytest.raises(LossExpressionError, match=message):
            make()
