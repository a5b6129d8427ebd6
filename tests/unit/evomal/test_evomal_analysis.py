"""Curves, start and end behaviour, and the equilibrium of absolute cross-entropy."""

import numpy as np
import pytest

from heliostat_methods.evomal import analysis, fixed_losses
from heliostat_methods.evomal.expression import parse

CROSS_ENTROPY = parse("mul(-1, mul(y, log(f)))")


def absolute_cross_entropy(phi1):
    return parse(f"abs(log({phi1!r}*mul(y, f)))")


def test_cross_entropy_starts_with_softmax_minus_label_and_ends_at_rest():
    assert analysis.null_epoch_gradient(CROSS_ENTROPY, 10) == pytest.approx((-0.9, 0.1))
    target, other = analysis.zero_error_gradient(CROSS_ENTROPY, 10, gap=1e-6)
    assert target == pytest.approx(-1e-6)
    assert other == pytest.approx(1e-6 / 9)


def test_absolute_cross_entropy_above_one_pushes_back_from_certainty():
    assert analysis.zero_error_gradient(absolute_cross_entropy(1.25), 10)[0] > 0
    assert analysis.zero_error_gradient(absolute_cross_entropy(1.0), 10)[0] < 0


@pytest.mark.parametrize("phi1", [1.05, 1.1, 1.25, 2.0])
def test_absolute_cross_entropy_rests_where_its_curve_is_lowest(phi1):
    p = np.linspace(0.3, 1.0, 70001)
    curve = analysis.loss_curve(absolute_cross_entropy(phi1), 1.0, p)
    rest = analysis.ace_equilibrium(phi1)
    assert p[curve.value.argmin()] == pytest.approx(rest, abs=2e-5)
    assert (
        np.sign(curve.slope[np.abs(p - rest) > 1e-3]) == np.sign(p - rest)[np.abs(p - rest) > 1e-3]
    ).all()


@pytest.mark.parametrize("xi", [0.0, 0.05, 0.1, 0.3])
def test_smoothing_and_absolute_cross_entropy_share_their_optimum(xi):
    classes = 10
    p = np.linspace(0.11, 0.9999, 20001)
    logits = np.zeros((p.size, classes))
    logits[:, 0] = np.log(p / ((1 - p) / (classes - 1)))
    loss = fixed_losses.label_smoothing(logits, np.zeros(p.size, int), xi)
    rest = analysis.ace_equilibrium(analysis.ace_from_smoothing(xi, classes))
    assert p[loss.argmin()] == pytest.approx(min(rest, p[-1]), abs=1e-4)


def test_sparse_smoothing_is_never_above_smoothing():
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(200, 6)) * 3, rng.integers(0, 6, 200)
    for xi in (0.05, 0.1, 0.3):
        sparse = fixed_losses.sparse_label_smoothing(logits, targets, xi)
        assert (sparse <= fixed_losses.label_smoothing(logits, targets, xi) + 1e-12).all()


def test_logit_gradient_equals_the_module():
    import torch

    logits = torch.tensor([[0.4, -1.0, 0.3]], dtype=torch.float64, requires_grad=True)
    expression = parse("add(square(sub(0.9*y, f)), tanh(f))")
    module = expression.to_torch_module("classification").double()
    module.phi = torch.tensor(expression.weights, dtype=torch.float64)
    (expected,) = torch.autograd.grad(module(logits, torch.tensor([2])), logits)
    p = logits.detach().softmax(1).numpy()[0]
    found = analysis.logit_gradient(expression, p / p.sum(), 2)
    assert found == pytest.approx(expected.numpy()[0], abs=1e-12)


def test_the_shape_of_a_curve_ignores_its_scale():
    one, two = (
        analysis.loss_curve(parse(t), 1.0).shape
        for t in ("mul(1, square(sub(y, f)))", "mul(1, 3*square(sub(y, f)))")
    )
    assert one == pytest.approx(two)
    assert np.ptp(one) == pytest.approx(1.0)
