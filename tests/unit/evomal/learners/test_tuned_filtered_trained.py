"""Local search, filter and training: against autograd, and identical whatever runs beside."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.evomal.learners import rejection, training, unrolled
from heliostat_methods.evomal.learners.networks import (
    draw_batches,
    layer_views,
    parameter_count,
    xavier_uniform,
)
from heliostat_methods.evomal.learners.problem import LearningProblem
from heliostat_methods.evomal.losses.expression import parse
from heliostat_methods.evomal.population.program import LossProgram, initial_weights, stack_weights

TREES = [
    "square(sub(y, f))",
    "mul(-1, mul(y, log(f)))",
    "abs(log(add(mul(y, f), div(y, f))))",
    "add(square(sub(y, f)), tanh(max(y, f)))",
    "sqrt(add(square(sub(y, f)), 1))",
    "sign(sub(y, f))",
    "div(sub(f, y), tanh(sub(y, min(f, -1))))",
]


def streams(*name):
    digest = hashlib.sha256(repr(name).encode()).digest()
    return np.random.Generator(np.random.Philox(int.from_bytes(digest[:8], "big")))


def problem_of(kind, hidden=(8, 5), dtype=np.float64, rows=40, inputs=6):
    rng = np.random.default_rng(7)
    x, xv = rng.normal(size=(rows, inputs)), rng.normal(size=(19, inputs))
    classes = {"regression": 1, "binary": 1, "classes": 4}[kind]
    task = "regression" if kind == "regression" else "classification"
    if kind == "regression":
        y, yv = np.sin(x[:, 0]) + x[:, 1], np.sin(xv[:, 0]) + xv[:, 1]
    else:
        y, yv = (np.clip(np.round(z[:, 0] + 1), 0, max(classes - 1, 1)) for z in (x, xv))
    return LearningProblem.from_rows(
        x, y, xv, yv, task=task, hidden=hidden, classes=classes, dtype=dtype
    )


def torch_network(theta, widths):
    import torch

    flat = torch.tensor(theta)
    layers = []
    for matrix, bias in layer_views(flat.numpy(), widths):
        layers += [torch.tensor(matrix), torch.tensor(bias)]
    return [p.requires_grad_() for p in layers]


def apply(parameters, x):
    import torch

    for i in range(0, len(parameters), 2):
        x = torch.nn.functional.linear(x, parameters[i], parameters[i + 1])
        x = torch.relu(x) if i < len(parameters) - 2 else x
    return x


def targets(problem, part, rows=None):
    import torch

    y = getattr(problem, f"y_{part}")
    y = y if rows is None else y[:, rows]
    if problem.classes > 1:
        return torch.tensor(y.argmax(0))
    return torch.tensor(np.ascontiguousarray(y.T))


def objective(problem, outputs, labels):
    from torch.nn import functional

    if problem.task == "regression":
        return functional.mse_loss(outputs, labels)
    if problem.classes == 1:
        return functional.binary_cross_entropy_with_logits(outputs, labels)
    return functional.cross_entropy(outputs, labels)


@pytest.mark.parametrize("kind", ["regression", "binary", "classes"])
@pytest.mark.parametrize("hidden", [(), (8, 5), (120, 60)])  # the last one takes the factored form
def test_meta_gradient_equals_double_backward(kind, hidden):
    import torch

    problem = problem_of(kind, hidden)
    steps = 3
    config = unrolled.UnrolledConfig(meta_steps=steps, learning_rate=0.1, batch_size=24)
    expressions = [parse(t) for t in TREES]
    program = LossProgram.from_expressions(expressions)
    weights = initial_weights(expressions, streams("phi"), dtype=np.float64)
    tuned = unrolled.tune(program, weights, problem, config, streams)
    init = streams("init")
    inits = [xavier_uniform(problem.widths, init, np.float64) for _ in range(steps)]
    train = draw_batches(streams("train"), 40, 24, steps)
    for p, expression in enumerate(expressions):
        module = expression.to_torch_module(problem.task, trainable=True).double()
        module.phi.data = torch.tensor(weights[p, : expression.complexity])
        adam = torch.optim.Adam([module.phi], lr=config.meta_learning_rate)
        for step in range(steps):
            parameters = torch_network(inits[step], problem.widths)
            x = torch.tensor(problem.x_train[:, train[step]].T)
            loss = module(apply(parameters, x), targets(problem, "train", train[step]))
            if not loss.requires_grad:
                break
            grads = torch.autograd.grad(loss, parameters, create_graph=True, allow_unused=True)
            moved = [
                q - config.first_step * ((0 if g is None else g) + config.weight_decay * q)
                for q, g in zip(parameters, grads, strict=True)
            ]
            outputs = apply(moved, torch.tensor(problem.x_valid.T))
            value = objective(problem, outputs, targets(problem, "valid"))
            module.phi.grad = None
            if program.trainable[p]:
                value.backward(inputs=[module.phi])
                adam.step()
                assert tuned.history[step, p] == pytest.approx(float(value.detach()), rel=1e-9)
        found = tuned.weights[p, 1 : expression.complexity]
        # Adam divides by the gradient's own size, so where the gradient is nearly 0 it magnifies
        # the last digits: 1e-7 against steps of 1e-3.
        assert found == pytest.approx(module.phi.detach().numpy()[1:], abs=1e-7)


@pytest.mark.parametrize(
    ("kind", "text"),
    [("regression", "square(sub(y, f))"), ("classes", "mul(-1, mul(y, log(f)))")],
)
def test_standard_losses_train_as_torch_does(kind, text):
    import torch

    problem = problem_of(kind)
    config = training.TrainingConfig(steps=60, batch_size=16, drops=((40, 0.1),))
    expression = parse(text)
    program, weights = LossProgram.from_expressions([expression]), stack_weights([expression])
    result = training.train(program, weights, problem, config, streams, curve_steps=(0, 30, 60))
    theta = xavier_uniform(problem.widths, streams("init"), np.float64)
    parameters = torch_network(theta, problem.widths)
    optimiser = torch.optim.SGD(parameters, lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
    for step, rows in enumerate(draw_batches(streams("batch"), 40, 16, 60)):
        for group in optimiser.param_groups:
            group["lr"] = config.rates()[step]
        outputs = apply(parameters, torch.tensor(problem.x_train[:, rows].T))
        optimiser.zero_grad()
        objective(problem, outputs, targets(problem, "train", rows)).backward()
        optimiser.step()
    with torch.no_grad():
        outputs = apply(parameters, torch.tensor(problem.x_valid.T))
        labels = targets(problem, "valid")
        expected = float(objective(problem, outputs, labels))
        if kind == "classes":
            wrong = float((outputs.argmax(1) != labels).double().mean())
            assert result.fitness("error_rate")[0] == pytest.approx(wrong)
    metric = "mse" if kind == "regression" else "cross_entropy"
    assert result.fitness(metric)[0] == pytest.approx(expected, rel=1e-9)
    assert result.curve.shape == (1, 3, 3)
    assert (result.curve[:, -1] == result.metrics)[~np.isnan(result.metrics)].all()


def protocol(expressions, problem, meta_steps=6, steps=12):
    program = LossProgram.from_expressions(expressions)
    weights = initial_weights(expressions, streams("phi"))
    config = unrolled.UnrolledConfig(meta_steps=meta_steps, batch_size=24)
    tuned = unrolled.tune(program, weights, problem, config, streams)
    metric = "mse" if problem.task == "regression" else "error_rate"
    gate = rejection.RejectionConfig(steps=20, samples=21)
    passed = rejection.accept(program, tuned.weights, problem, metric, gate, streams)
    plan = training.TrainingConfig(steps=steps, batch_size=24)
    runs = training.train(program, tuned.weights, problem, plan, streams)
    return [
        (
            tuned.weights[p, 1 : e.complexity].tobytes(),
            tuned.history[:, p].tobytes(),
            bool(passed[p]),
            runs.metrics[p].tobytes(),
            runs.theta[p].tobytes(),
        )
        for p, e in enumerate(expressions)
    ]


@pytest.mark.parametrize("kind", ["regression", "classes"])
@pytest.mark.parametrize("hidden", [(32, 32), (120, 60)])
def test_neighbours_position_and_count_change_no_bit(kind, hidden):
    problem = problem_of(kind, hidden, np.float32)
    expressions = [parse(t) for t in TREES]
    together = protocol(expressions, problem)
    backwards = protocol(expressions[::-1], problem)[::-1]
    alone = [protocol([e], problem)[0] for e in expressions]
    assert together == backwards == alone


@pytest.mark.parametrize("kind", ["regression", "classes"])
def test_data_that_may_not_be_written_give_the_same_bits(kind):
    problem = problem_of(kind, dtype=np.float32)
    expressions = [parse(t) for t in TREES]
    free = protocol(expressions, problem)
    for name in ("x_train", "y_train", "x_valid", "y_valid"):
        getattr(problem, name).flags.writeable = False
    assert protocol(expressions, problem) == free


THREADS = """
import sys
sys.path[:0] = {path!r}
from importlib import util
spec = util.spec_from_file_location("cases", {file!r})
cases = util.module_from_spec(spec)
spec.loader.exec_module(cases)
problem = cases.problem_of("classes", (120, 60), cases.np.float32)
print(cases.hashlib.sha256(repr(cases.protocol(
    [cases.parse(t) for t in cases.TREES], problem)).encode()).hexdigest())
"""


def test_requested_threads_change_no_bit():
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    digests = set()
    for threads in ("1", "4"):
        environment = os.environ | dict.fromkeys(names, threads)
        code = THREADS.format(path=sys.path, file=__file__)
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        digests.add(done.stdout.strip())
    assert len(digests) == 1


def test_a_replica_equals_a_training_of_its_own():
    problem = problem_of("classes", dtype=np.float32)
    expression = parse(TREES[1])
    program, weights = LossProgram.from_expressions([expression]), stack_weights([expression])
    config = training.TrainingConfig(steps=15, batch_size=16)
    seeds = [lambda *name, s=s: streams(s, *name) for s in range(3)]
    stacked = training.train_replicas(program, weights, problem, config, seeds)
    for r, seed in enumerate(seeds):
        alone = training.train(program, weights, problem, config, seed)
        assert alone.theta[0].tobytes() == stacked.theta[r].tobytes()
        assert alone.metrics[0].tobytes() == stacked.metrics[r].tobytes()


def test_a_diverging_candidate_is_infinite_and_harms_nobody():
    problem = problem_of("regression", dtype=np.float32)
    wild, tame = parse("mul(-1, square(square(square(sub(y, f)))))"), parse("square(sub(y, f))")
    config = training.TrainingConfig(steps=80, learning_rate=0.1)
    for order in ([wild, tame], [tame, wild]):
        program = LossProgram.from_expressions(order)
        runs = training.train(program, stack_weights(order), problem, config, streams)
        bad = order.index(wild)
        assert runs.fitness("mse")[bad] == np.inf
        assert runs.diverged.tolist() == [p == bad for p in range(2)]
        assert np.isfinite(runs.fitness("mse")[1 - bad])


@given(st.floats(0.25, 4.0))
@settings(max_examples=10, deadline=None)
def test_scaling_the_loss_is_scaling_the_rate(scale):
    problem = problem_of("regression")
    expression = parse(f"mul(1, {scale!r}*square(sub(y, f)))")
    program = LossProgram.from_expressions([expression])
    plain = stack_weights([parse("mul(1, square(sub(y, f)))")], np.float64)
    options = {"steps": 20, "batch_size": 16, "weight_decay": 0.0}
    one = training.train(
        program,
        stack_weights([expression], np.float64),
        problem,
        training.TrainingConfig(learning_rate=0.01, **options),
        streams,
    )
    other = training.train(
        program,
        plain,
        problem,
        training.TrainingConfig(learning_rate=0.01 * scale, **options),
        streams,
    )
    assert one.theta == pytest.approx(other.theta, rel=1e-7, abs=1e-9)


@given(st.permutations(range(24)))
@settings(max_examples=10, deadline=None)
def test_the_order_of_rows_in_a_batch_does_not_matter(order):
    problem = problem_of("classes")
    expression = parse(TREES[2])
    program, weights = LossProgram.from_expressions([expression]), stack_weights([expression])
    theta = xavier_uniform(problem.widths, streams("init"), np.float64)[None]
    config = training.TrainingConfig(steps=5)
    rows = draw_batches(streams("batch"), 40, 24, 5)
    results = [
        training.run_training(program, weights, problem, config, theta, b[None]).theta
        for b in (rows, rows[:, list(order)])
    ]
    assert results[0] == pytest.approx(results[1], rel=1e-9, abs=1e-12)


@given(st.permutations(range(4)), st.sampled_from(TREES))
@settings(max_examples=15, deadline=None)
def test_exchanging_classes_exchanges_gradients(order, text):
    import torch

    order = list(order)
    module = parse(text).to_torch_module("classification").double()
    logits = torch.tensor(np.random.default_rng(3).normal(size=(5, 4)), requires_grad=True)
    labels = torch.nn.functional.one_hot(torch.tensor([0, 1, 2, 3, 1]), 4)
    grads = []
    for z, y in ((logits, labels), (logits[:, order], labels[:, order])):
        loss = module(z, y)
        grads.append(torch.autograd.grad(loss, logits)[0] if loss.requires_grad else logits * 0)
    assert torch.allclose(grads[0], grads[1], atol=1e-12)


BAD_DATA = [
    ({"y_train": np.array([0.0, 1, 2, 3, 5])}, "0..3"),
    ({"x_train": np.full((5, 2), np.nan)}, "x_train"),
    ({"x_valid": np.zeros((0, 2)), "y_valid": np.zeros(0)}, "x_valid"),
    ({"y_valid": np.zeros(3)}, "y_valid"),
    ({"classes": 1}, "0..1"),
    ({"task": "ranking"}, "task"),
    ({"hidden": (0,)}, "widths"),
]


@pytest.mark.parametrize(("change", "named"), BAD_DATA)
def test_bad_data_is_refused_by_name(change, named):
    rows = {
        "x_train": np.ones((5, 2)),
        "y_train": np.array([0.0, 1, 2, 3, 3]),
        "x_valid": np.ones((5, 2)),
        "y_valid": np.array([0.0, 1, 2, 3, 3]),
        "task": "classification",
        "classes": 4,
    }
    with pytest.raises(ValueError, match=named.replace(".", r"\.")):
        LearningProblem.from_rows(**(rows | change))


def test_fresh_parameters_are_bounded_and_batches_hold_no_row_twice():
    widths = (10, 32, 1)
    theta = xavier_uniform(widths, streams("init"))
    assert theta.shape == (parameter_count(widths),)
    (first, bias), _ = layer_views(theta, widths)
    assert 0.9 * (6 / 42) ** 0.5 < np.abs(first).max() <= (6 / 42) ** 0.5
    assert not bias.any()
    batches = draw_batches(streams("batch"), 30, 12, 50)
    assert all(len(set(b)) == 12 for b in batches.tolist())
    assert draw_batches(streams("batch"), 30, 64, 2).tolist() == [list(range(30))] * 2
