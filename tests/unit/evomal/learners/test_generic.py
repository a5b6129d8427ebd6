"""Any torch model: equal to the closed form where both apply, and to differentiating it all."""

import hashlib
import itertools

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from heliostat_methods.evomal.learners import rejection, training, unrolled
from heliostat_methods.evomal.learners.generic import torch_training, torch_unrolled
from heliostat_methods.evomal.learners.generic.torch_problem import TorchProblem
from heliostat_methods.evomal.learners.networks import draw_batches
from heliostat_methods.evomal.learners.problem import LearningProblem
from heliostat_methods.evomal.losses.expression import parse
from heliostat_methods.evomal.population.program import LossProgram, initial_weights, stack_weights
from heliostat_methods.parts.models import LeNet5, Mlp
from heliostat_search.unrolled.drawing import draw_seeds

TREES = [
    "square(sub(y, f))",
    "mul(-1, mul(y, log(f)))",
    "add(square(sub(y, f)), tanh(max(y, f)))",
    "sqrt(add(square(sub(y, f)), 1))",
    "sign(sub(y, f))",
    "div(sub(f, y), tanh(sub(y, min(f, -1))))",
]


def streams(*name):
    digest = hashlib.sha256(repr(name).encode()).digest()
    return np.random.Generator(np.random.Philox(int.from_bytes(digest[:8], "big")))


def data_of(kind, rows=40, inputs=6, shape=None):
    rng = np.random.default_rng(7)
    inputs = inputs if shape is None else int(np.prod(shape))
    x, xv = rng.normal(size=(rows, inputs)), rng.normal(size=(19, inputs))
    classes = {"regression": 1, "binary": 1, "classes": 4}[kind]
    if kind == "regression":
        y, yv = np.sin(x[:, 0]) + x[:, 1], np.sin(xv[:, 0]) + xv[:, 1]
    else:
        y, yv = (np.clip(np.round(z[:, 0] + 1), 0, max(classes - 1, 1)) for z in (x, xv))
    task = "regression" if kind == "regression" else "classification"
    return (x, y, xv, yv), {"task": task, "classes": classes}


class Wrapped(nn.Module):
    """A network whose layers nobody can see."""

    def __init__(self, inside):
        super().__init__()
        self.inside = inside

    def forward(self, x):
        return self.inside(x)


class Opaque(Mlp):
    """The dense network as a black box: it takes automatic differentiation."""

    def create(self, input_shape, outputs, generator):
        return Wrapped(super().create(input_shape, outputs, generator))


def both_problems(kind, model=Mlp, dtype=np.float64, hidden=(8, 5)):
    arrays, what = data_of(kind)
    dense = LearningProblem.from_rows(*arrays, hidden=hidden, dtype=dtype, **what)
    return dense, TorchProblem.from_rows(*arrays, model=model(hidden), dtype=dtype, **what)


class Convolutions:
    """A small network with everything that keeps a state or draws: BatchNorm and dropout."""

    def __init__(self, dropout=0.3):
        self.dropout = dropout

    def create(self, input_shape, outputs, generator):
        module = nn.Sequential(
            nn.Conv2d(1, 3, 3),
            nn.BatchNorm2d(3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(self.dropout),
            nn.Linear(12, outputs),
        )
        for parameter in module.parameters():
            if parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter, generator=generator)
        return module

    def widths(self, input_shape, outputs):
        return None


def image_problem(model, shape, kind="classes", dtype=np.float64):
    arrays, what = data_of(kind, shape=shape)
    return TorchProblem.from_rows(*arrays, model=model, input_shape=shape, dtype=dtype, **what)


def program_of(texts, dtype=np.float64):
    expressions = [parse(t) for t in texts]
    weights = initial_weights(expressions, streams("phi"), dtype=dtype)
    return LossProgram.from_expressions(expressions), weights, expressions


def smooth_trees(kind, dtype=np.float64):
    """Return trees that magnify no rounding.

    A logarithm has a pole where a regression's outputs are; and the slope by a weight inside one is
    exactly 0, so that Adam, which divides by the slope's own size, makes steps of its rounding.
    """
    plain = kind != "regression" and dtype == np.float64
    return [tree for tree in TREES[:4] if plain or "log" not in tree]


# --- against the closed form ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["regression", "binary", "classes"])
@pytest.mark.parametrize("model", [Mlp, Opaque])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 1e-5)])
def test_local_search_of_a_dense_network_equals_the_closed_form(kind, model, dtype, tolerance):
    dense, generic = both_problems(kind, model, dtype)
    program, weights, _ = program_of([*smooth_trees(kind, dtype), "sign(sub(y, f))"], dtype)
    config = unrolled.UnrolledConfig(meta_steps=20, learning_rate=0.1, batch_size=24)
    expected = unrolled.tune(program, weights, dense, config, streams)
    found = torch_unrolled.tune(program, weights, generic, config, streams)
    assert np.isnan(found.history[:, -1]).all()  # sign passes no gradient
    assert found.history == pytest.approx(expected.history, rel=100 * tolerance, nan_ok=True)
    assert found.weights == pytest.approx(expected.weights, abs=tolerance)


@pytest.mark.parametrize("kind", ["regression", "binary", "classes"])
@pytest.mark.parametrize("model", [Mlp, Opaque])
def test_training_of_a_dense_network_equals_the_closed_form(kind, model):
    dense, generic = both_problems(kind, model)
    program, weights, _ = program_of(smooth_trees(kind))
    config = training.TrainingConfig(steps=25, batch_size=16, drops=((20, 0.1),))
    expected = training.train(program, weights, dense, config, streams, [0, 10, 25])
    found = torch_training.train(program, weights, generic, config, streams, [0, 10, 25])
    assert found.metrics == pytest.approx(expected.metrics, rel=1e-9, nan_ok=True)
    assert found.curve == pytest.approx(expected.curve, rel=1e-9, nan_ok=True)
    assert found.theta == pytest.approx(expected.theta, abs=1e-10)
    assert found.state.velocity == pytest.approx(expected.state.velocity, abs=1e-10)


def test_fresh_predictions_equal_those_of_the_closed_form():
    dense, generic = both_problems("classes")
    expected = rejection.fresh_predictions(dense, 12, streams)
    found = torch_training.fresh_predictions(generic, 12, streams)
    assert found[0] == pytest.approx(expected[0], abs=1e-12)
    assert (found[1] == expected[1]).all()


def test_diverging_run_ends_with_infinity_and_says_so():
    _, generic = both_problems("regression", dtype=np.float32)
    program, weights, _ = program_of(["mul(-1, square(sub(y, f)))", TREES[0]], np.float32)
    config = training.TrainingConfig(steps=200, learning_rate=5.0, batch_size=16)
    found = torch_training.train(program, weights, generic, config, streams)
    assert found.diverged[0]
    assert np.isposinf(found.metrics[0, 0])


class Scale:
    """``f = theta x`` that starts at 0.3, as in the worked example."""

    def create(self, input_shape, outputs, generator):
        layer = nn.Linear(1, 1, bias=False, dtype=torch.float64)
        nn.init.constant_(layer.weight, 0.3)
        return layer

    def widths(self, input_shape, outputs):
        return None


@pytest.mark.parametrize(
    ("momentum", "decay", "objective", "slopes"),
    [
        (0.0, 0.0, 0.863297750080, [-2.1562409088, -1.7968674240, -0.6289035984]),
        (0.9, 5e-4, 0.130728909262, [-1.527212807208, -1.272677339340, -0.445437068769]),
    ],
)
def test_one_unrolled_step_gives_the_worked_example(momentum, decay, objective, slopes):
    # Two validation rows and three training rows: batches of all rows draw nothing.
    problem = TorchProblem.from_rows(
        np.array([[1.0], [2.0], [-1.0]]),
        np.array([2.0, 3.0, -1.0]),
        np.array([[1.5], [-0.5]]),
        np.array([2.5, -1.0]),
        task="regression",
        model=Scale(),
        dtype=np.float64,
    )
    program = LossProgram.from_expressions([parse("square(sub(y, f))")])
    tuning = unrolled.Tuning.start(program, np.array([[1.0, 1.1, 0.9, 1.2]]), np.float64)
    config = unrolled.UnrolledConfig(
        meta_steps=1, learning_rate=0.1, momentum=momentum, weight_decay=decay
    )
    history = torch_unrolled.meta_stepper(program, tuning, problem, config, streams)(0)
    assert history[0] == pytest.approx(objective, abs=1e-9)
    # Adam's first moment after one step is a tenth of the gradient.
    assert 10 * tuning.moments[0, 0, 1:] == pytest.approx(slopes, abs=1e-9)


# --- against differentiating everything ----------------------------------------------------------


def differentiated(problem, config, loss, batches_of=streams):
    """Tune ``loss`` by plain double-backward autograd; returns the objective after each step."""
    inner, steps = config.inner_steps, config.meta_steps
    train = draw_batches(
        batches_of("train"), len(problem.x_train), config.batch_size, steps * inner
    )
    valid = draw_batches(batches_of("valid"), len(problem.x_valid), config.batch_size, steps)
    seeds = iter(draw_seeds(batches_of("dropout"), steps * (inner + 1)))
    init, adam = batches_of("init"), torch.optim.Adam(loss.parameters(), config.meta_learning_rate)
    history = []
    for step in range(steps):
        module = problem.create(draw_seeds(init, 1)[0]).train()
        theta, speed = dict(module.named_parameters()), {}
        buffers = dict(module.named_buffers())

        def outputs_of(theta, x, module=module):
            nonlocal buffers
            buffers = {name: part.clone() for name, part in buffers.items()}
            torch.manual_seed(next(seeds))
            return functional_call(module, theta | buffers, (x,))

        for i in range(inner):
            rows = train[step * inner + i]
            value = loss(outputs_of(theta, problem.x_train[rows]), problem.y_train[rows])
            found = torch.autograd.grad(value, list(theta.values()), create_graph=True)
            moved = {}
            for (name, p), g in zip(theta.items(), found, strict=True):
                g = g + config.weight_decay * p
                speed[name] = config.momentum * speed[name] + g if name in speed else g
                d = g + config.momentum * speed[name] if config.nesterov else speed[name]
                moved[name] = p - config.learning_rate * d
            theta = moved
        outputs = outputs_of(theta, problem.x_valid[valid[step]])
        value = functional.cross_entropy(outputs, problem.y_valid[valid[step]])
        adam.zero_grad()
        value.backward(inputs=list(loss.parameters()))
        adam.step()
        history.append(float(value.detach()))
    return history


MODELS = [(LeNet5(), (1, 28, 28)), (Convolutions(), (1, 6, 6))]


@pytest.mark.parametrize(
    ("model", "shape", "inner", "nesterov"),
    [(*MODELS[0], 1, True), (*MODELS[0], 3, True)]
    + [(*MODELS[1], inner, nesterov) for inner in (1, 3) for nesterov in (True, False)],
)
def test_local_search_equals_differentiating_everything(model, shape, inner, nesterov):
    problem = image_problem(model, shape)
    program, weights, expressions = program_of(["mul(-1, mul(y, log(f)))", TREES[2]])
    config = unrolled.UnrolledConfig(
        meta_steps=2, learning_rate=0.05, batch_size=8, inner_steps=inner, nesterov=nesterov
    )
    found = torch_unrolled.tune(program, weights, problem, config, streams)
    for p, expression in enumerate(expressions):
        loss = expression.to_torch_module("classification", trainable=True).double()
        loss.phi.data = torch.tensor(weights[p, : expression.complexity])
        with torch.random.fork_rng():
            history = differentiated(problem, config, loss)
        assert found.history[:, p] == pytest.approx(history, rel=1e-9)
        tuned = found.weights[p, 1 : expression.complexity]
        assert tuned == pytest.approx(loss.phi.detach().numpy()[1:], abs=1e-8)


class Learned(nn.Module):
    """A small network as a loss."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.first = nn.Parameter(torch.randn(2, 6, generator=generator, dtype=torch.float64))
        self.last = nn.Parameter(torch.randn(6, 1, generator=generator, dtype=torch.float64))

    def forward(self, outputs, targets):
        labels = functional.one_hot(targets, outputs.shape[1]).to(outputs)
        pairs = torch.stack([outputs.softmax(1), labels], 2)
        hidden = torch.tanh(pairs @ self.first)
        return functional.softplus(hidden @ self.last).sum((1, 2)).mean()


@pytest.mark.parametrize("inner", [1, 3])
def test_tuning_a_loss_network_equals_differentiating_everything(inner):
    problem = image_problem(Convolutions(), (1, 6, 6))
    config = unrolled.UnrolledConfig(
        meta_steps=4, learning_rate=0.05, batch_size=12, inner_steps=inner
    )
    mine, theirs = Learned(), Learned()
    history = torch_unrolled.tune_module(mine, problem, config, streams)
    with torch.random.fork_rng():
        expected = differentiated(problem, config, theirs)
    assert history == pytest.approx(expected, rel=1e-9)
    for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
        assert a.detach().numpy() == pytest.approx(b.detach().numpy(), abs=1e-8)


@pytest.mark.parametrize("inner", [1, 3])
def test_loss_network_that_diverges_is_nan_from_there_on(inner):
    problem = image_problem(Convolutions(), (1, 6, 6))
    config = unrolled.UnrolledConfig(meta_steps=3, batch_size=12, inner_steps=inner)
    loss = Learned()
    loss.first.data[0, 0] = np.nan
    history = torch_unrolled.tune_module(loss, problem, config, streams)
    assert np.isnan(history[1:]).all()
    assert all(torch.isnan(p).all() for p in loss.parameters())


def test_training_equals_a_plain_loop_with_batchnorm_and_dropout():
    problem, steps = image_problem(Convolutions(), (1, 6, 6)), 12
    program, weights, (expression,) = program_of([TREES[1]])
    config = training.TrainingConfig(steps=steps, batch_size=12, learning_rate=0.05)
    found = torch_training.train(program, weights, problem, config, streams)
    loss = expression.to_torch_module("classification").double()
    loss.phi = torch.tensor(weights[0, : expression.complexity])
    module = problem.create(draw_seeds(streams("init"), 1)[0]).train()
    optimizer = torch.optim.SGD(
        module.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    batches = draw_batches(streams("batch"), len(problem.x_train), 12, steps)
    with torch.random.fork_rng():
        for rows, seed in zip(batches, draw_seeds(streams("dropout"), steps), strict=True):
            torch.manual_seed(seed)
            optimizer.zero_grad()
            loss(module(problem.x_train[rows]), problem.y_train[rows]).backward()
            optimizer.step()
    parts = (*module.parameters(), *module.buffers())
    flat = torch.cat([part.detach().reshape(-1).double() for part in parts])
    assert found.theta[0] == pytest.approx(flat.numpy(), abs=1e-10)
    outputs = module.eval()(problem.x_valid).detach()
    wrong = float((outputs.argmax(1) != problem.y_valid).double().mean())
    entropy = float(functional.cross_entropy(outputs, problem.y_valid))
    assert found.metrics[0, 1:] == pytest.approx([wrong, entropy], rel=1e-9)


def test_training_with_a_loss_module_equals_training_with_its_tree():
    problem = image_problem(Convolutions(), (1, 6, 6))
    replicas = [lambda *name, seed=seed: streams(seed, *name) for seed in range(2)]
    expression = parse(TREES[1])
    program, weights = LossProgram.from_expressions([expression]), stack_weights([expression])
    config = training.TrainingConfig(steps=9, batch_size=12)
    loss = expression.to_torch_module("classification").double()
    by_module = torch_training.train_module(loss, problem, config, replicas, [3, 9])
    by_tree = torch_training.train_replicas(program, weights, problem, config, replicas, [3, 9])
    assert by_module.theta == pytest.approx(by_tree.theta, abs=1e-10)
    assert by_module.curve == pytest.approx(by_tree.curve, rel=1e-9, nan_ok=True)
    assert (by_tree.curve[:, 1, 1:] == by_tree.metrics[:, 1:]).all()
    one = torch_training.train(program, weights, problem, config, replicas[1])
    assert (one.theta[0] == by_tree.theta[1]).all()


# --- the same bits whatever runs beside ----------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "shape", "inner"), [(*MODELS[0], 1), (*MODELS[1], 1), (*MODELS[1], 2)]
)
def test_candidate_depends_on_nothing_but_itself(model, shape, inner):
    problem = image_problem(model, shape, dtype=np.float32)
    program, weights, expressions = program_of(TREES[:4], np.float32)
    tuning = unrolled.UnrolledConfig(meta_steps=2, batch_size=12, inner_steps=inner)
    plan = training.TrainingConfig(steps=3, batch_size=12)
    all_tuned = torch_unrolled.tune(program, weights, problem, tuning, streams)
    all_runs = torch_training.train(program, weights, problem, plan, streams)
    for p, expression in enumerate(expressions):
        one = LossProgram.from_expressions([expression])
        alone = torch_unrolled.tune(one, weights[p : p + 1], problem, tuning, streams)
        assert (alone.weights[0] == all_tuned.weights[p, : one.capacity]).all()
        assert (alone.history[:, 0] == all_tuned.history[:, p]).all()
        run = torch_training.train(one, weights[p : p + 1], problem, plan, streams)
        assert (run.theta[0] == all_runs.theta[p]).all()


@pytest.mark.parametrize(("model", "shape"), MODELS)
def test_training_in_two_parts_equals_one_in_a_piece(model, shape):
    problem = image_problem(model, shape, dtype=np.float32)
    program, weights, _ = program_of(TREES[:2], np.float32)
    config = training.TrainingConfig(steps=6, batch_size=12)
    whole = torch_training.train(program, weights, problem, config, streams)
    first = torch_training.train(program, weights, problem, config, streams, until=2)
    state = first.state.select(slice(1, 2))
    one, w, _ = program_of(TREES[1:2], np.float32)
    rest = torch_training.train(one, w, problem, config, streams, state=state)
    assert first.state.step == 2
    assert (rest.theta[0] == whole.theta[1]).all()
    assert np.array_equal(rest.metrics[0], whole.metrics[1], equal_nan=True)


class Careless(Convolutions):
    """A recipe that ignores its generator and draws from torch's global one."""

    def create(self, input_shape, outputs, generator):
        return nn.Sequential(nn.Flatten(), nn.Linear(36, outputs), nn.Dropout(0.5))


def test_torch_global_generator_is_neither_read_nor_left_changed():
    program, weights, _ = program_of(TREES[:2], np.float32)
    config = unrolled.UnrolledConfig(meta_steps=2, batch_size=12)
    plan = training.TrainingConfig(steps=2, batch_size=12)
    results = []
    with torch.random.fork_rng():
        for seed in (1, 2):
            torch.manual_seed(seed)
            before = torch.get_rng_state()
            problem = image_problem(Careless(), (1, 6, 6), dtype=np.float32)
            tuned = torch_unrolled.tune(program, weights, problem, config, streams)
            runs = torch_training.train(program, weights, problem, plan, streams)
            predictions, _ = torch_training.fresh_predictions(problem, 10, streams)
            results.append((tuned.weights, runs.theta, predictions))
            assert (torch.get_rng_state() == before).all()
    assert all((a == b).all() for a, b in zip(*results, strict=True))


def test_candidate_that_diverges_is_lost_and_harms_no_other():
    _, generic = both_problems("regression", dtype=np.float32)
    program, weights, _ = program_of([TREES[0], TREES[3]], np.float32)
    config = unrolled.UnrolledConfig(meta_steps=4, batch_size=12)
    broken = weights.copy()
    broken[0, 1] = np.inf
    found = torch_unrolled.tune(program, broken, generic, config, streams)
    whole = torch_unrolled.tune(program, weights, generic, config, streams)
    assert np.isnan(found.history[:, 0]).all()
    assert (found.weights[1] == whole.weights[1]).all()


# --- what cannot be meant ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "ranking"}, "task: got 'ranking'"),
        ({"classes": 3}, "labels: range"),
        ({"input_shape": (1, 5, 5)}, r"x_train: shape \(40, 36\); expected \(rows >= 1, 1, 5, 5\)"),
        ({"model": Mlp((3,)), "classes": 5, "input_shape": (7,)}, "x_train: shape"),
    ],
)
def test_problem_that_cannot_be_names_the_argument(change, message):
    arrays, what = data_of("classes", shape=(1, 6, 6))
    settings = {"model": Convolutions(), "input_shape": (1, 6, 6), **what} | change
    with pytest.raises(ValueError, match=message):
        TorchProblem.from_rows(*arrays, **settings)


def test_problem_refuses_values_that_are_not_finite():
    (x, y, xv, yv), what = data_of("classes", shape=(1, 6, 6))
    x[3, 2] = np.nan
    with pytest.raises(ValueError, match="x_train: expected finite numbers"):
        TorchProblem.from_rows(x, y, xv, yv, model=Mlp((3,)), **what)


class Misleading:
    """Says one width and builds another."""

    def create(self, input_shape, outputs, generator):
        return Mlp((3,)).create(input_shape, outputs, generator)

    def widths(self, input_shape, outputs):
        return (*input_shape, 7, outputs)


def test_problem_refuses_a_model_of_other_outputs_or_widths():
    arrays, what = data_of("classes")

    class Wide(Convolutions):
        def create(self, input_shape, outputs, generator):
            return Mlp((3,)).create(input_shape, outputs + 1, generator)

    with pytest.raises(ValueError, match=r"model: outputs \(2, 5\) for 2 samples"):
        TorchProblem.from_rows(*arrays, model=Wide(), **what)
    with pytest.raises(ValueError, match=r"model: parameters .* widths .* promise"):
        TorchProblem.from_rows(*arrays, model=Misleading(), **what)


def test_dense_closed_form_refuses_more_than_one_inner_step():
    dense, _ = both_problems("classes")
    program, weights, _ = program_of(TREES[:1])
    with pytest.raises(ValueError, match="inner_steps: got 2"):
        unrolled.tune(
            program, weights, dense, unrolled.UnrolledConfig(meta_steps=1, inner_steps=2), streams
        )


def test_longer_lists_of_seeds_begin_with_shorter_ones():
    for short, long in itertools.pairwise([3, 7, 20]):
        assert draw_seeds(streams("s"), long)[:short] == draw_seeds(streams("s"), short)
