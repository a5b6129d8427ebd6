"""Steps by Gram matrices: equal to double backward, alone among neighbours, taken where cheap."""

import hashlib
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits
from torch.nn import functional

from heliostat_methods.evomal.learners import gram, gram_cost, unrolled
from heliostat_methods.evomal.learners.generic import torch_unrolled
from heliostat_methods.evomal.learners.generic.torch_problem import TorchProblem
from heliostat_methods.evomal.learners.gram import GramStep
from heliostat_methods.evomal.learners.networks import parameter_count
from heliostat_methods.evomal.learners.problem import LearningProblem
from heliostat_methods.evomal.losses.expression import parse
from heliostat_methods.evomal.losses.ml3 import LossNetwork
from heliostat_methods.evomal.population.program import LossProgram, initial_weights
from heliostat_methods.parts.models import Mlp

TREES = [
    "square(sub(y, f))",
    "mul(-1, mul(y, log(f)))",
    "add(square(sub(y, f)), tanh(max(y, f)))",
    "sqrt(add(square(sub(y, f)), 1))",
    "div(sub(f, y), tanh(sub(y, min(f, -1))))",
]
SMOOTH = ["square(sub(y, f))", "sqrt(add(square(sub(y, f)), 1))", "tanh(square(sub(y, f)))"]
# No hidden layer, one, two, three, four; widths that fill no vector register among them.
WIDTHS = [(6, 1), (6, 37, 1), (10, 48, 33, 1), (7, 33, 20, 50, 1), (1, 5, 64, 7, 16, 1)]


def streams(*name):
    digest = hashlib.sha256(repr(name).encode()).digest()
    return np.random.Generator(np.random.Philox(int.from_bytes(digest[:8], "big")))


def outputs_of(theta, widths, x):
    """Evaluate the network on rows x (n, inputs); differentiable in theta."""
    at, layers = 0, list(pairwise(widths))
    for number, (k, j) in enumerate(layers):
        matrix, bias = theta[at : at + j * k].view(j, k), theta[at + j * k : at + j * (k + 1)]
        x = functional.linear(x, matrix, bias)
        x = x.relu() if number < len(layers) - 1 else x
        at += j * (k + 1)
    return x


def objective(outputs, labels, classify):
    if classify:
        return functional.binary_cross_entropy_with_logits(outputs, labels)
    return functional.mse_loss(outputs, labels)


# --- one step ------------------------------------------------------------------------------------


def drawn_step(widths, batch, samples, classify, seed):
    """Return theta0 with biases, both batches, validation labels, and a candidate's slopes."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=parameter_count(widths)) / np.sqrt(max(widths[:-1]))
    x, x_valid = rng.normal(size=(widths[0], batch)), rng.normal(size=(widths[0], samples))
    labels = rng.normal(size=(1, samples))
    slopes = rng.normal(size=(1, batch)) / batch
    return theta, x, x_valid, (labels > 0) * 1.0 if classify else labels, slopes


def differentiated_step(widths, keep, step, classify, theta, x, x_valid, labels, slopes):
    """Return the objective after the step and minus its gradient by the slopes over ``step``.

    The step is linear in the slopes, so the latter is J v by double backward.
    """
    start = torch.tensor(theta, requires_grad=True)
    c = torch.tensor(slopes, requires_grad=True)
    outputs = outputs_of(start, widths, torch.tensor(x.T)).T
    (gradient,) = torch.autograd.grad((outputs * c).sum(), start, create_graph=True)
    moved = keep * start.detach() - step * gradient
    value = objective(
        outputs_of(moved, widths, torch.tensor(x_valid.T)).T, torch.tensor(labels), classify
    )
    (by_slopes,) = torch.autograd.grad(value, c)
    return float(value.detach()), -by_slopes.numpy() / step


def taken(widths, keep, step, classify, dtype, theta, x, x_valid, labels, slopes):
    theta, x, x_valid, labels, slopes = (
        part.astype(dtype) for part in (theta, x, x_valid, labels, slopes)
    )
    batch, samples = x.shape[1], x_valid.shape[1]
    inner = GramStep(widths, batch, samples, dtype, keep=keep, step=step)
    inner.begin(theta, x, x_valid)
    return inner.after(slopes, labels, classify)


@pytest.mark.parametrize("classify", [False, True])
@pytest.mark.parametrize(("keep", "step"), [(1.0, 0.1), (1 - 0.19 * 0.05, 0.19)])
@pytest.mark.parametrize("widths", WIDTHS)
def test_a_step_equals_double_backward(widths, keep, step, classify):
    drawn = drawn_step(widths, 23, 19, classify, seed=len(widths))
    value, tangent = taken(widths, keep, step, classify, np.float64, *drawn)
    expected, away = differentiated_step(widths, keep, step, classify, *drawn)
    assert value == pytest.approx(expected, rel=1e-12)
    assert np.abs(tangent - away).max() <= 1e-9 * np.abs(away).max()


@pytest.mark.parametrize("widths", [(10, 300, 1), (10, 500, 301, 1), (10, 200, 200, 200, 1)])
def test_single_precision_is_right_to_a_millionth(widths):
    drawn = tuple(
        part.astype(np.float32).astype(float) for part in drawn_step(widths, 100, 89, False, 5)
    )
    keep, step = float(np.float32(0.9905)), float(np.float32(0.019))
    value, tangent = taken(widths, keep, step, False, np.float32, *drawn)
    expected, away = differentiated_step(widths, keep, step, False, *drawn)
    assert value == pytest.approx(expected, rel=1e-6)
    assert np.abs(tangent - away).max() <= 1e-6 * np.abs(away).max()


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=5),
    st.integers(1, 40),
    st.integers(1, 40),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_a_step_of_any_shape_equals_double_backward(widths, batch, samples, classify):
    widths = (*widths, 1)
    drawn = drawn_step(widths, batch, samples, classify, seed=1)
    value, tangent = taken(widths, 0.97, 0.3, classify, np.float64, *drawn)
    expected, away = differentiated_step(widths, 0.97, 0.3, classify, *drawn)
    assert value == pytest.approx(expected, rel=1e-9)
    assert np.abs(tangent - away).max() <= 1e-9 * max(np.abs(away).max(), 1e-12)


def test_candidates_of_one_step_do_not_see_each_other():
    widths = (10, 65, 30, 1)
    theta, x, x_valid, labels, slopes = drawn_step(widths, 23, 19, False, seed=2)
    others = [np.full_like(slopes, bad) for bad in (np.nan, np.inf, 1e30, 0.0)]
    inner = GramStep(widths, 23, 19, np.float64, keep=0.99, step=0.1)
    inner.begin(theta, x, x_valid)
    value, tangent = inner.after(slopes, labels, False)
    for other in others:
        inner.after(other, labels, False)
        again, same = inner.after(slopes, labels, False)
        assert (again, same.tobytes()) == (value, tangent.tobytes())


def test_several_outputs_are_refused():
    with pytest.raises(ValueError, match=r"widths: got \(4, 8, 3\); expected one output"):
        GramStep((4, 8, 3), 5, 5, np.float32, keep=1.0, step=0.1)


# --- local search of trees -----------------------------------------------------------------------


def rows_of(task, rows=40, valid_rows=19, inputs=6):
    rng = np.random.default_rng(7)
    x, xv = rng.normal(size=(rows, inputs)), rng.normal(size=(valid_rows, inputs))
    y, yv = (np.sin(z[:, 0]) + z[:, 1] for z in (x, xv))
    return (x, y, xv, yv) if task == "regression" else (x, y > 0, xv, yv > 0)


def problem_of(task, hidden, dtype):
    return LearningProblem.from_rows(*rows_of(task), task=task, hidden=hidden, dtype=dtype)


@pytest.fixture
def by_gram_matrices(monkeypatch):
    """Take the step by Gram matrices whatever it costs."""
    monkeypatch.setattr(unrolled, "gram_suits_trees", lambda *shape: True)
    monkeypatch.setattr(torch_unrolled, "gram_suits_one_loss", lambda *shape: True)


def meta_gradients(problem, config, texts):
    """Return weights, the objective after one meta step, and Adam's first moment times ten."""
    expressions = [parse(text) for text in texts]
    program = LossProgram.from_expressions(expressions)
    weights = initial_weights(expressions, streams("phi"), dtype=problem.dtype)
    tuning = unrolled.Tuning.start(program, weights, problem.dtype)
    losses = unrolled.meta_stepper(program, tuning, problem, config, streams)(0)
    return weights, losses, 10 * tuning.moments[0]


SGD = [
    {"momentum": 0.0, "nesterov": False, "weight_decay": 0.0},
    {"momentum": 0.9, "nesterov": False, "weight_decay": 0.02},
    {"momentum": 0.9, "nesterov": True, "weight_decay": 0.02},
]


@pytest.mark.parametrize("sgd", SGD)
@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize(
    ("hidden", "dtype", "bound"),
    [((), np.float64, 1e-9), ((33,), np.float64, 1e-9), ((48, 20, 31), np.float64, 1e-9),
     ((300, 200), np.float32, 1e-6)],
)  # fmt: skip
def test_meta_gradients_equal_double_backward(by_gram_matrices, hidden, dtype, bound, task, sgd):
    problem = problem_of(task, hidden, dtype)
    config = unrolled.UnrolledConfig(meta_steps=1, learning_rate=0.1, **sgd)
    # Poles magnify the last digits of an output, so single precision is asked of smooth trees.
    texts = TREES if dtype == np.float64 else SMOOTH
    weights, losses, slopes = meta_gradients(problem, config, texts)
    # Batches of all rows draw nothing, and the network is the stream's first.
    theta = torch.tensor(
        unrolled.xavier_uniform(problem.widths, streams("init"), np.float64), requires_grad=True
    )
    x, x_valid = (torch.tensor(z.T.astype(float)) for z in (problem.x_train, problem.x_valid))
    y, y_valid = (torch.tensor(z.T.astype(float)) for z in (problem.y_train, problem.y_valid))
    for p, text in enumerate(texts):
        expression = parse(text)
        loss = expression.to_torch_module(task, trainable=True)
        loss.phi.data = torch.tensor(weights[p, : expression.complexity].astype(float))
        value = loss(outputs_of(theta, problem.widths, x), y)
        (gradient,) = torch.autograd.grad(value, theta, create_graph=True)
        direction = gradient + config.weight_decay * theta.detach()
        speed = direction + config.momentum * direction if config.nesterov else direction
        moved = theta.detach() - config.learning_rate * speed
        after = objective(
            outputs_of(moved, problem.widths, x_valid), y_valid, task == "classification"
        )
        (expected,) = torch.autograd.grad(after, loss.phi)
        found = slopes[p, 1 : expression.complexity]
        scale = float(expected[1:].abs().max())
        assert losses[p] == pytest.approx(float(after.detach()), rel=bound)
        assert np.abs(found - expected[1:].numpy()).max() <= bound * scale


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_both_ways_to_step_tune_alike(task, monkeypatch):
    problem, runs = problem_of(task, (40, 30), np.float64), []
    config = unrolled.UnrolledConfig(meta_steps=4, learning_rate=0.1, batch_size=24)
    expressions = [parse(text) for text in SMOOTH]
    program = LossProgram.from_expressions(expressions)
    weights = initial_weights(expressions, streams("phi"), dtype=np.float64)
    for chosen in (True, False):
        monkeypatch.setattr(unrolled, "gram_suits_trees", lambda *shape, chosen=chosen: chosen)
        runs.append(unrolled.tune(program, weights, problem, config, streams))
    assert runs[0].history == pytest.approx(runs[1].history, rel=1e-9)
    # No slope of these is 0: Adam would magnify its last digits.
    assert runs[0].weights == pytest.approx(runs[1].weights, abs=1e-7)


def bits(problem, expressions, weights):
    program = LossProgram.from_expressions(expressions)
    config = unrolled.UnrolledConfig(meta_steps=3, batch_size=24)
    tuned = unrolled.tune(program, weights, problem, config, streams)
    return [
        (tuned.weights[p, : e.complexity].tobytes(), tuned.history[:, p].tobytes())
        for p, e in enumerate(expressions)
    ]


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("hidden", [(120, 61), (300, 257)])
def test_neighbours_position_and_count_change_no_bit(by_gram_matrices, task, hidden):
    problem = problem_of(task, hidden, np.float32)
    expressions = [parse(text) for text in TREES]
    weights = initial_weights(expressions, streams("phi"))
    together = bits(problem, expressions, weights)
    backwards = bits(problem, expressions[::-1], weights[::-1])[::-1]
    alone = [bits(problem, [e], weights[p : p + 1])[0] for p, e in enumerate(expressions)]
    assert together == backwards == alone


@pytest.mark.parametrize("bad", [np.nan, 1e30])
def test_a_diverged_candidate_is_nan_and_stays_alone(by_gram_matrices, bad):
    problem = problem_of("regression", (120, 60), np.float32)
    expressions = [parse(text) for text in TREES]
    weights = initial_weights(expressions, streams("phi"))
    before = bits(problem, expressions, weights)
    weights[2, 1] = bad
    program = LossProgram.from_expressions(expressions)
    config = unrolled.UnrolledConfig(meta_steps=3, batch_size=24)
    tuned = unrolled.tune(program, weights, problem, config, streams)
    assert np.isnan(tuned.weights[2]).any()
    assert np.isnan(tuned.history[1:, 2]).all()
    after = bits(problem, expressions, weights)
    assert [after[p] == before[p] for p in range(len(TREES))] == [True, True, False, True, True]


def test_a_candidate_without_gradient_keeps_its_weights(by_gram_matrices):
    problem = problem_of("regression", (30, 20), np.float32)
    config = unrolled.UnrolledConfig(meta_steps=1)
    _, losses, slopes = meta_gradients(problem, config, ["sign(sub(y, f))", TREES[0]])
    assert np.isnan(losses[0]) and np.isfinite(losses[1])
    assert not slopes[0].any() and slopes[1].any()


def test_threads_of_the_library_change_no_bit(by_gram_matrices):
    problem = problem_of("regression", (400, 300), np.float32)
    expressions = [parse(text) for text in TREES]
    weights = initial_weights(expressions, streams("phi"))
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(bits(problem, expressions, weights))
    assert found[0] == found[1]


def blas_threads():
    """Return the number of threads of the library that numpy brings."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return {pool["num_threads"] for pool in pools if "numpy" in pool["filepath"]}


def test_a_step_holds_the_library_to_one_thread_and_gives_them_back(monkeypatch):
    inside, slopes_of = [], gram.objective_slopes

    def watched(*arguments):
        inside.append(blas_threads())
        return slopes_of(*arguments)

    monkeypatch.setattr(gram, "objective_slopes", watched)
    with threadpool_limits(2):
        taken((6, 9, 1), 1.0, 0.1, False, np.float64, *drawn_step((6, 9, 1), 5, 4, False, 1))
        assert inside == [{1}]
        assert blas_threads() == {2}


# --- a single torch loss -------------------------------------------------------------------------


def tuned_network(task, hidden, config, dtype=np.float64):
    rows = rows_of(task)
    rows = tuple(part.astype(dtype) for part in rows)
    problem = TorchProblem.from_rows(*rows, task=task, model=Mlp(hidden), dtype=dtype)
    loss = LossNetwork.drawn(task, np.random.default_rng(3), (9, 8)).to(problem.x_train.dtype)
    return torch_unrolled.tune_module(loss, problem, config, streams), list(loss.parameters())


@pytest.mark.parametrize("sgd", SGD)
@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("hidden", [(), (33,), (48, 20, 31)])
def test_a_loss_network_is_tuned_as_by_its_gradients(monkeypatch, hidden, task, sgd):
    config, runs = unrolled.UnrolledConfig(meta_steps=3, batch_size=24, **sgd), []
    for chosen in (True, False):
        name = "gram_suits_one_loss"
        monkeypatch.setattr(torch_unrolled, name, lambda *shape, chosen=chosen: chosen)
        runs.append(tuned_network(task, hidden, config))
    (history, found), (expected, formed) = runs
    assert history == pytest.approx(expected, rel=1e-9)
    for a, b in zip(found, formed, strict=True):
        assert a.detach().numpy() == pytest.approx(b.detach().numpy(), abs=1e-8)


def test_only_dense_networks_with_one_output_on_the_cpu_step_by_gram_matrices(by_gram_matrices):
    class Unknown:
        def create(self, input_shape, outputs, generator):
            return Mlp((8,)).create(input_shape, outputs, generator)

        def widths(self, input_shape, outputs):
            return None

    config = unrolled.UnrolledConfig()
    for model, expected in ((Mlp((8,)), True), (Unknown(), False)):
        problem = TorchProblem.from_rows(*rows_of("regression"), task="regression", model=model)
        inner = torch_unrolled._inner_step(problem, config)
        assert isinstance(inner, torch_unrolled._GramInnerStep) is expected


# --- which way is taken --------------------------------------------------------------------------

# Widths, batch, validation batch; whether a population and a single loss step by Gram matrices.
CHOICES = [
    ((10, 8, 1), 128, 88, False, False),  # the preset smoke
    ((10, 32, 32, 1), 128, 88, False, False),  # demo
    ((13, 32, 32, 1), 128, 101, False, False),
    ((10, 64, 64, 1), 100, 89, False, False),
    ((10, 128, 128, 1), 100, 89, False, False),
    ((10, 256, 256, 1), 100, 89, True, True),
    ((10, 1000, 1000, 1), 128, 88, True, True),  # paper
    ((10, 1000, 1000, 1), 24, 19, True, True),
    ((10, 512, 512, 512, 1), 100, 89, True, True),
    ((10, 1000, 1000, 2), 100, 89, False, False),  # two outputs share no slopes
    ((10, 256, 256, 1), 500, 500, False, False),  # B V > 256^2: a gradient is the smaller matrix
    ((10, 1), 100, 89, False, False),
    ((10_000, 1), 128, 128, True, True),
]


@pytest.mark.parametrize(("widths", "batch", "samples", "trees", "one"), CHOICES)
def test_the_choice_follows_from_widths_batch_and_outputs(
    monkeypatch, widths, batch, samples, trees, one
):
    monkeypatch.setattr(gram_cost, "usable_features", lambda: frozenset({"avx2", "fma"}))
    assert gram_cost.gram_suits_trees(widths, batch, samples) is trees
    assert gram_cost.gram_suits_one_loss(widths, batch, samples) is one


def test_loops_with_wider_registers_step_populations_of_wide_networks_too(monkeypatch):
    shape = (10, 1000, 1000, 1), 100, 89
    monkeypatch.setattr(gram_cost, "usable_features", lambda: frozenset({"avx2", "avx512f"}))
    assert not gram_cost.gram_suits_trees(*shape)
    assert gram_cost.gram_suits_one_loss(*shape)


def test_multiply_adds_of_the_published_wide_network():
    # 2 V 1000^2 of products with W; 6 of 1000 B V, as the tables in ``gram`` count them.
    spent = gram_cost.gram_seconds((10, 1000, 1000, 1), 100, 89)
    count = 2 * 89 * 1000**2 + 6 * 1000 * 100 * 89
    assert spent == pytest.approx(50e-6 + 2 * 40e-6 + count / 40e9, rel=1e-12)
