"""Curves, start and end behaviour, equilibria, implicit rates, and how they are drawn."""

import json

import closed_form_losses
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from heliostat.plugins.registry import registry
from heliostat.report import Plot, Section, Table, render
from heliostat_methods.evomal.analysis import curves as analysis
from heliostat_methods.evomal.analysis.behaviour import BehaviourConfig, behaviour, references
from heliostat_methods.evomal.analysis.equilibrium import (
    equilibrium,
    implicit_smoothing,
    resting_output,
)
from heliostat_methods.evomal.learners.networks import draw_batches, xavier_uniform
from heliostat_methods.evomal.learners.problem import LearningProblem
from heliostat_methods.evomal.learners.training import TrainingConfig, run_training
from heliostat_methods.evomal.losses.expression import LossExpression, parse
from heliostat_methods.evomal.population.program import LossProgram, stack_weights
from heliostat_methods.evomal.report import plots

CROSS_ENTROPY = parse("mul(-1, mul(y, log(f)))")
QUICK = settings(max_examples=30, deadline=None)


def part(name, **parameters):
    spec = registry().part("loss", name)
    return spec.build(spec.config.model_validate(parameters))


def times(factor, text):
    """A loss times a factor: the root's own weight does not enter, so it gets a new root."""
    loss = parse(text)
    return LossExpression(("mul", "+1", *loss.nodes), (1.0, 1.0, factor, *loss.weights[1:]))


def trajectory(loss, rate, task, nesterov, dtype):
    """Parameters after 30 steps of SGD with momentum and without weight decay."""
    rng = np.random.default_rng(3)
    x, classes = rng.normal(size=(60, 5)), 1 if task == "regression" else 3
    y = x[:, 0] - x[:, 1] if task == "regression" else np.digitize(x[:, 0], [-0.5, 0.5])
    problem = LearningProblem.from_rows(
        x[:40], y[:40], x[40:], y[40:], task=task, classes=classes, hidden=(7,), dtype=dtype
    )
    config = TrainingConfig(
        steps=30, learning_rate=rate, nesterov=nesterov, weight_decay=0.0, batch_size=16
    )
    theta = xavier_uniform(problem.widths, np.random.default_rng(4), dtype)
    batches = draw_batches(np.random.default_rng(5), 40, 16, 30)
    program, weights = LossProgram.from_expressions([loss]), stack_weights([loss], dtype)
    return run_training(program, weights, problem, config, theta[None], batches[None]).theta[0]


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
    loss = closed_form_losses.label_smoothing(logits, np.zeros(p.size, int), xi)
    rest = analysis.ace_equilibrium(analysis.ace_from_smoothing(xi, classes))
    assert p[loss.argmin()] == pytest.approx(min(rest, p[-1]), abs=1e-4)


def test_sparse_smoothing_is_never_above_smoothing():
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(200, 6)) * 3, rng.integers(0, 6, 200)
    for xi in (0.05, 0.1, 0.3):
        sparse = closed_form_losses.sparse_label_smoothing(logits, targets, xi)
        assert (sparse <= closed_form_losses.label_smoothing(logits, targets, xi) + 1e-12).all()


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


REFERENCES = [
    # loss, classes, target probability at rest: 1/phi1; 1 - xi + xi/C; certainty; unlearning
    (parse("abs(log(1.25*mul(y, f)))"), 10, 0.8),
    (parse("abs(log(1.1*mul(y, f)))"), 10, 1 / 1.1),
    (parse("abs(log(0.9*mul(y, f)))"), 10, 1.0),
    (parse("abs(log(5*mul(y, f)))"), 3, 0.2),
    (parse("mul(-1, mul(add(0.9*y, 0.01*1), log(f)))"), 10, 0.91),
    (parse("mul(-1, mul(add(0.7*y, 0.1*1), log(f)))"), 3, 0.8),
    (CROSS_ENTROPY, 10, 1.0),
    (parse("square(sub(y, f))"), 4, 1.0),
    (parse("mul(y, log(f))"), 10, 0.0),
]


@pytest.mark.parametrize("loss, classes, expected", REFERENCES)
def test_equilibrium_is_where_theory_puts_it(loss, classes, expected):
    rest = equilibrium(loss, classes)
    assert rest == pytest.approx(expected, abs=1e-9)
    xi = implicit_smoothing(loss, classes)
    assert 1 - xi + xi / classes == pytest.approx(expected, abs=1e-9)


def test_a_loss_without_pull_has_no_equilibrium():
    assert equilibrium(parse("add(y, f)"), 5) is None
    assert implicit_smoothing(parse("add(y, f)"), 5) is None
    assert resting_output(parse("add(y, square(sign(f)))"), 1.0) is None


@given(st.floats(1.001, 8.0), st.integers(2, 20))
@QUICK
def test_absolute_cross_entropy_rests_at_the_inverse_of_phi1(phi1, classes):
    loss = absolute_cross_entropy(phi1)
    start = -np.log(classes - 1.0)
    # Within 1e-9 of the start there is nothing to descend.
    assume(abs(-np.log(phi1 - 1.0) - start) > 1e-6)
    assert equilibrium(loss, classes) == pytest.approx(1 / phi1, rel=1e-9)


@given(st.floats(0.001, 0.95), st.integers(2, 30))
@QUICK
def test_the_smoothing_read_off_a_loss_is_the_one_put_in(xi, classes):
    loss = parse(f"mul(-1, mul(add({1 - xi!r}*y, {xi / classes!r}*1), log(f)))")
    assert implicit_smoothing(loss, classes) == pytest.approx(xi, rel=1e-6)
    same = absolute_cross_entropy(analysis.ace_from_smoothing(xi, classes))
    assert equilibrium(same, classes) == pytest.approx(equilibrium(loss, classes), abs=1e-7)


@pytest.mark.parametrize(
    "name, parameters, classes, expected",
    [
        ("cross_entropy", {}, 10, 1.0),
        ("focal", {"gamma": 3.0}, 10, 1.0),
        ("polyloss", {}, 10, 1.0),
        ("label_smoothing", {"xi": 0.2}, 4, 0.85),
        ("sparse_label_smoothing", {"xi": 0.2}, 4, 0.85),
        ("ace", {"phi1": 1.25}, 10, 0.8),
    ],
)
def test_parts_rest_where_theory_puts_them(name, parameters, classes, expected):
    assert equilibrium(part(name, **parameters), classes) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("name, text", [("cross_entropy", "mul(-1, mul(y, log(f)))"),
                                        ("ace", "abs(log(1.1*mul(y, f)))")])  # fmt: skip
def test_a_part_and_its_tree_push_alike(name, text, classes):
    p = np.random.default_rng(classes).dirichlet(np.ones(classes), size=20)
    torch_loss = part(name, **({"phi1": 1.1} if name == "ace" else {}))
    for target in (0, classes - 1):
        expected = analysis.logit_gradients(parse(text), p, target)
        assert analysis.logit_gradients(torch_loss, p, target) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("text", ["add(square(sub(0.9*y, f)), tanh(f))", "mul(-1, mul(y, log(f)))"])
def test_the_slope_of_a_sample_is_its_derivative_by_the_logit(text):
    loss, classes, h = parse(text), 4, 1e-5
    z = np.linspace(-3, 3, 13)
    p, above, below = (1 / (1 + np.exp(-(z + shift))) for shift in (0.0, h, -h))
    values = [analysis.sample_curve(loss, classes, q).value for q in (above, below)]
    expected = (values[0] - values[1]) / (2 * h)
    assert analysis.sample_curve(loss, classes, p).slope == pytest.approx(expected, abs=1e-7)


def test_a_sample_of_a_part_and_of_its_tree_cost_the_same():
    tree = analysis.sample_curve(CROSS_ENTROPY, 5)
    module = analysis.sample_curve(part("cross_entropy"), 5)
    assert tree.value == pytest.approx(module.value, abs=1e-9)
    assert tree.slope == pytest.approx(module.slope, abs=1e-9)


@pytest.mark.parametrize(
    "text, label, expected",
    [
        ("square(sub(y, 0.98*f))", 1.0, 1 / 0.98),
        ("square(sub(y, f))", -2.0, -2.0),
        ("square(sub(y, f))", 0.0, 0.0),
        ("abs(sub(1.5*y, f))", 2.0, 3.0),
        ("sub(f, y)", 1.0, None),
    ],
)
def test_regression_rests_at_the_label_times_its_weight(text, label, expected):
    rest = resting_output(parse(text), label)
    assert rest == (None if expected is None else pytest.approx(expected, abs=1e-9))


def test_the_usual_losses_hide_no_rate():
    assert analysis.implicit_learning_rate(CROSS_ENTROPY, 7) == pytest.approx(1.0)
    assert analysis.implicit_regression_rate(parse("square(sub(y, f))")) == pytest.approx(1.0)
    assert analysis.implicit_regression_rate(part("mse")) == pytest.approx(1.0)
    smooth = part("label_smoothing", xi=0.3)
    assert analysis.implicit_learning_rate(smooth, 10) == pytest.approx(0.7)


@given(
    st.floats(0.01, 100.0), st.sampled_from(["square(sub(y, 0.9*f))", "abs(log(1.2*mul(y, f)))"])
)
@QUICK
def test_a_factor_is_a_rate_and_moves_no_equilibrium(factor, text):
    loss, scaled = parse(text), times(factor, text)
    assert analysis.implicit_learning_rate(scaled, 6) == pytest.approx(
        factor * analysis.implicit_learning_rate(loss, 6), rel=1e-9
    )
    assert equilibrium(scaled, 6) == pytest.approx(equilibrium(loss, 6), abs=1e-9)


@given(st.floats(0.05, 20.0), st.sampled_from(["regression", "classification"]), st.booleans())
@settings(max_examples=12, deadline=None)
def test_a_factor_on_the_loss_trains_as_a_factor_on_the_rate(factor, task, nesterov):
    loss, rate = "square(sub(y, 0.9*f))", 0.001
    one = trajectory(times(factor, loss), rate, task, nesterov, np.float64)
    other = trajectory(parse(loss), rate * factor, task, nesterov, np.float64)
    assert one == pytest.approx(other, rel=1e-9, abs=1e-11)


def test_a_power_of_two_on_the_loss_trains_to_the_same_bits_as_on_the_rate():
    loss = "square(sub(y, 0.9*f))"
    one = trajectory(times(4.0, loss), 0.0078125, "regression", True, np.float32)
    other = trajectory(parse(loss), 0.03125, "regression", True, np.float32)
    assert (one == other).all()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: equilibrium(CROSS_ENTROPY, 1), "classes: got 1; expected at least 2"),
        (lambda: analysis.logit_gradients(CROSS_ENTROPY, np.ones((2, 3))), "p: expected rows"),
        (lambda: analysis.logit_gradient(CROSS_ENTROPY, np.array([0.5, 0.5]), 2), "target: got 2"),
        (lambda: BehaviourConfig(points=1), "points: got 1"),
        (lambda: BehaviourConfig(gap=0.0), "gap: got 0.0"),
    ],
)
def test_bad_input_names_the_field(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_an_account_is_plain_data_and_is_drawn(task):
    losses = [("found", parse("add(square(sub(y, 0.9*f)), abs(f))")), *references(task, 4)]
    accounts = json.loads(json.dumps([(n, behaviour(loss, task, 4)) for n, loss in losses]))
    contents = plots.analysis_contents(accounts)
    page = render("losses", [Section("analysis", contents)])
    drawn = [c for c in contents if isinstance(c, Plot)]
    assert len(drawn) == {"classification": 4, "regression": 1}[task]
    assert all(p.x_label and p.y_label and p.note for p in drawn)
    assert all([s.label for s in p.series] == [n for n, _ in losses] for p in drawn)
    assert page.count("<svg") == 2 * len(drawn)  # for a page and for a phone
    assert all(c.caption for c in contents if isinstance(c, Table))


def test_a_part_has_no_entrywise_curve_and_is_drawn_beside_trees():
    accounts = [("part", behaviour(part("focal"), "classification", 4)),
                ("tree", behaviour(CROSS_ENTROPY, "classification", 4))]  # fmt: skip
    labels = [[s.label for s in p.series] for p in plots.loss_curves(accounts)]
    assert labels == [["tree"], ["tree"], ["part", "tree"]]


def test_curves_of_a_loss_and_its_multiple_are_drawn_alike():
    text = "square(sub(y, 0.9*f))"
    pair = [("one", parse(text)), ("five", times(5.0, text))]
    for task in ("classification", "regression"):
        accounts = [(name, behaviour(loss, task, 4)) for name, loss in pair]
        for plot in plots.loss_curves(accounts):
            one, five = (series.y for series in plot.series)
            assert one == pytest.approx(five, abs=1e-9)
            assert min(one) == 0
        raw = plots.loss_curves(accounts, scaled=False)[0]
        assert raw.series[1].y == pytest.approx([5 * v for v in raw.series[0].y])
