"""Numbers computed once in double precision by torch autograd, for the package to reproduce."""

import closed_form_losses
import numpy as np
import pytest

from heliostat_methods.evomal.learners import rejection, unrolled
from heliostat_methods.evomal.learners.problem import LearningProblem
from heliostat_methods.evomal.losses.expression import LossExpression, parse
from heliostat_methods.evomal.population import evaluation
from heliostat_methods.evomal.population.program import LossProgram, stack_weights

Y, F, T = np.array([1.0, -2.0, 0.5]), np.array([0.5, 1.0, -1.0]), np.array([1.0, 2.0, -1.0])
LOGITS = np.array([[2, -1, 0.5], [0, 0, 0], [-1, 3, 1], [4, 0, -2.0]])
TARGETS = np.array([0, 1, 2, 0])


def program_of(*expressions):
    return LossProgram.from_expressions(expressions), stack_weights(expressions, np.float64)


TREES = [
    (
        "square(1.1*sub(0.9*y, 1.2*f))",
        [0.1089, 10.89, 3.294225],
        [-0.8712, 8.712, -4.7916],
        [0, 38.808, 10.164, 27.951],
    ),
    (
        "div(1.2*sub(0.8*y, 1.1*f), 0.9*tanh(1.05*f))",
        [0.2752605127, -2.6497900463, 1.4721055813],
        [-1.2840463451, -0.6213805961, -0.8250088169],
        None,
    ),
]


@pytest.mark.parametrize(("text", "value", "slope", "mixed"), TREES)
def test_value_gradient_and_mixed_derivative_match_autograd(text, value, slope, mixed):
    program, weights = program_of(parse(text))
    # Ten printed digits, so half a unit of the last one is the tolerance.
    assert evaluation.values(program, weights, F, Y)[0] == pytest.approx(value, abs=6e-11)
    assert evaluation.gradients(program, weights, F, Y)[0] == pytest.approx(slope, abs=6e-11)
    found = evaluation.mixed_derivatives(program, weights, F, Y, T)[0]
    expected = mixed or [0, -1.4181656002, 0.3023152879, -1.7669554097, 1.2265821859]
    assert found[: len(expected)] == pytest.approx(expected, abs=6e-11)


@pytest.mark.parametrize(("text", "value", "slope", "mixed"), TREES)
def test_single_precision_follows_to_1e_5(text, value, slope, mixed):
    program, weights = program_of(parse(text))
    f = F.astype(np.float32)
    assert evaluation.values(program, weights, f, Y)[0] == pytest.approx(value, rel=1e-5)
    assert evaluation.gradients(program, weights, f, Y)[0] == pytest.approx(slope, rel=1e-5)


POINTS = np.array([-2, -1e-8, 0, 1e-8, 0.5, 3])
UNARY = {
    "log": (
        [0.6931471806, *[-16.11809565] * 3, -0.6931471806, 1.098612289],
        [-0.5, 0, 0, 0, 2, 0.3333333333],
    ),
    "sqrt": (
        [1.414213562, *[3.16227766e-4] * 3, 0.7071067812, 1.732050808],
        [-0.3535533906, 0, 0, 0, 0.7071067812, 0.2886751346],
    ),
}


@pytest.mark.parametrize("name", UNARY)
def test_clamped_primitives_at_and_around_zero(name):
    value, slope = UNARY[name]
    # y = 0 adds nothing but makes the tree a loss.
    program, weights = program_of(parse(f"add({name}(f), y)"))
    zero = np.zeros_like(POINTS)
    assert evaluation.values(program, weights, POINTS, zero)[0] == pytest.approx(value, rel=1e-8)
    assert evaluation.gradients(program, weights, POINTS, zero)[0] == pytest.approx(slope, rel=1e-8)


def test_analytic_quotient():
    program, weights = program_of(parse("div(y, f)"))
    x = np.array([-2, 0.5, 3])
    found = evaluation.values(program, weights, x, np.ones(3))[0]
    assert found == pytest.approx([0.4472135955, 0.894427191, 0.316227766], rel=1e-8)


@pytest.mark.parametrize("name", ["min", "max"])
def test_a_tie_gives_each_side_one_half(name):
    program, weights = program_of(parse(f"{name}(f, y)"), parse(f"{name}(y, f)"))
    f, y = np.array([1.0, 2.0]), np.array([1.0, 1.0])
    chosen = 0.0 if name == "min" else 1.0
    assert evaluation.gradients(program, weights, f, y).tolist() == [[0.5, chosen]] * 2


ONE_STEP = [
    (0.0, False, 0.0, 0.863297750080, [-2.1562409088, -1.7968674240, -0.6289035984]),
    (0.9, True, 5e-4, 0.130728909262, [-1.527212807208, -1.272677339340, -0.445437068769]),
]


@pytest.mark.parametrize(("momentum", "nesterov", "decay", "objective", "slope"), ONE_STEP)
def test_one_unrolled_step_of_a_scalar_model(
    monkeypatch, momentum, nesterov, decay, objective, slope
):
    # f = theta x from theta = 0.3: a linear model whose bias has no effect is had by a symmetric
    # trick only, so the bias is part of the reference below and theta0 is injected.
    monkeypatch.setattr(
        unrolled, "xavier_uniform", lambda *_: np.array([0.3, 0.0], dtype=np.float64)
    )
    x, y = np.array([[1.0], [2.0], [-1.0]]), np.array([2.0, 3.0, -1.0])
    xv, yv = np.array([[1.5], [-0.5]]), np.array([2.5, -1.0])
    problem = LearningProblem.from_rows(x, y, xv, yv, task="regression", dtype=np.float64)
    config = unrolled.UnrolledConfig(
        meta_steps=1,
        learning_rate=0.1,
        momentum=momentum,
        nesterov=nesterov,
        weight_decay=decay,
    )
    expression = parse("square(1.1*sub(0.9*y, 1.2*f))")
    program, weights = program_of(expression)
    tuned = unrolled.tune(program, weights, problem, config, lambda *_: np.random.default_rng(0))
    value, gradient = reference_step(expression, x, y, xv, yv, config, bias=True)
    assert tuned.history[0, 0] == pytest.approx(value, rel=1e-12)
    moved = tuned.weights[0, 1:] - weights[0, 1:]
    assert moved == pytest.approx(-1e-3 * np.sign(gradient), rel=1e-6)  # Adam's first step
    # The published numbers are for the model without bias; they check the reference.
    value, gradient = reference_step(expression, x, y, xv, yv, config, bias=False)
    assert value == pytest.approx(objective, abs=1e-11)
    assert gradient == pytest.approx(slope, abs=1e-9)


def reference_step(expression, x, y, xv, yv, config, bias):
    import torch

    def tensor(a):
        return torch.tensor(a, dtype=torch.float64)

    module = expression.to_torch_module("regression", trainable=True).double()
    module.phi.data = tensor(expression.weights)
    theta = tensor([0.3, 0.0]).requires_grad_()
    factor = tensor([1.0, 1.0 if bias else 0.0])

    def model(theta, x):
        return tensor(x)[:, 0] * theta[0] + theta[1] * factor[1]

    loss = module(model(theta, x), tensor(y))
    (g,) = torch.autograd.grad(loss, theta, create_graph=True)
    moved = theta - config.first_step * (g + config.weight_decay * theta)
    value = ((model(moved, xv) - tensor(yv)) ** 2).mean()
    (gradient,) = torch.autograd.grad(value, module.phi)
    return float(value.detach()), gradient[1:].numpy()


REJECTION = [
    ("square(sub(y, f))", 100, 1.0138799614, True),
    ("square(sub(y, f))", 1000, 1.3281250, True),
    ("abs(sub(f, y))", 100, 1.0781222877, True),
    ("mul(-1, square(sub(f, y)))", 100, -3.4528291680, False),
    ("add(f, y)", 100, -2.374999865, False),
]


@pytest.mark.parametrize(("text", "steps", "gain", "accepted"), REJECTION)
def test_rejection_protocol(text, steps, gain, accepted):
    program, weights = program_of(parse(text))
    labels = np.array([[1, -0.5, 0.25, 2.0]])
    found = rejection.improvements(
        program,
        weights,
        np.zeros_like(labels),
        labels,
        classify=False,
        metric="mse",
        config=rejection.RejectionConfig(steps=steps),
    )
    assert found[0] == pytest.approx(gain, abs=1e-6)
    assert (found[0] > 0) == accepted


SMOOTHING = [
    (
        0.1,
        [0.3913112967, 1.0986122887, 2.1429316285, 0.3539144723],
        [0.3740935568, 1.0986122887, 2.0545981120, 0.3249957502],
    ),
    (
        0.3,
        [0.6913112967, 1.0986122887, 2.1429316285, 1.0205811389],
        [0.6396580772, 1.0986122887, 1.8779310790, 0.9338249729],
    ),
]


@pytest.mark.parametrize(("xi", "smooth", "sparse"), SMOOTHING)
def test_label_smoothing_and_its_sparse_form(xi, smooth, sparse):
    assert closed_form_losses.label_smoothing(LOGITS, TARGETS, xi) == pytest.approx(
        smooth, abs=1e-9
    )
    found = closed_form_losses.sparse_label_smoothing(LOGITS, TARGETS, xi)
    assert found == pytest.approx(sparse, abs=1e-9)


def test_no_smoothing_is_cross_entropy():
    torch = pytest.importorskip("torch")
    expected = torch.nn.functional.cross_entropy(
        torch.tensor(LOGITS), torch.tensor(TARGETS), reduction="none"
    ).numpy()
    for loss in (closed_form_losses.label_smoothing, closed_form_losses.sparse_label_smoothing):
        assert loss(LOGITS, TARGETS, 0.0) == pytest.approx(expected, abs=1e-12)


def test_absolute_cross_entropy():
    found = closed_form_losses.absolute_cross_entropy(LOGITS, TARGETS)
    assert found == pytest.approx([46.293013156, 47.150314148, 48.194633488, 46.072282999])
    found = closed_form_losses.absolute_cross_entropy(LOGITS, TARGETS, 1, 1.5)
    assert found == pytest.approx([45.404925455, 45.933918824, 46.978238163, 45.625655613])


def slopes_of_the_absolute_cross_entropy(phi1):
    """By the first sample's logits; central differences of a step that costs 1e-10 of accuracy."""
    h = 1e-5 * np.eye(3)
    sample, target = np.asarray(LOGITS, np.float64)[:1], np.asarray(TARGETS)[:1]

    def value(logits):
        return closed_form_losses.absolute_cross_entropy(logits, target, 1, phi1)[0]

    return np.array([(value(sample + step) - value(sample - step)) / 2e-5 for step in h])


def test_the_scale_inside_the_absolute_value_turns_its_slope_round():
    low = slopes_of_the_absolute_cross_entropy(1.1)
    high = slopes_of_the_absolute_cross_entropy(1.5)
    assert low == pytest.approx([-0.214402965, 0.039112573, 0.175290392], abs=1e-8)
    assert high == pytest.approx(-low, abs=1e-8)


def test_weights_of_one_are_the_plain_tree():
    plain = parse("div(sub(y, f), tanh(f))")
    assert plain == LossExpression(plain.nodes, (1.0,) * 6)
