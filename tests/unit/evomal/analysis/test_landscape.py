"""Directions, slices and flatness: exact on quadratics, and equal to the models' own objectives."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.plugins.registry import registry
from heliostat.report import HeatMap, Plot, Section, render
from heliostat.values.streams import stream
from heliostat_methods.evomal.analysis import landscape as ls
from heliostat_methods.evomal.analysis.landscape_torch import torch_filters, torch_objective
from heliostat_methods.evomal.learners.generic.torch_problem import TorchProblem
from heliostat_methods.evomal.learners.networks import forward, layer_views, xavier_uniform
from heliostat_methods.evomal.learners.problem import LearningProblem
from heliostat_methods.evomal.losses.expression import parse
from heliostat_methods.evomal.report import plots

WIDTHS = (5, 4, 3)
CONFIG = ls.LandscapeConfig(points=5, grid=3, flatness_directions=2)


def rng(seed=0):
    return np.random.default_rng(seed)


def streams(*name):
    return stream(0, *name)


@pytest.fixture(scope="module")
def problem():
    x = rng(1).normal(size=(50, 5))
    y = np.digitize(x[:, 0], [-0.4, 0.4])
    return LearningProblem.from_rows(
        x[:35], y[:35], x[35:], y[35:], task="classification", classes=3, hidden=(4,)
    )


def theta_of(seed=2):
    return xavier_uniform(WIDTHS, rng(seed)) + rng(seed + 1).normal(size=39).astype(np.float32) / 9


def module_of(theta):
    model = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.ReLU(), torch.nn.Linear(4, 3))
    with torch.no_grad():
        for layer, pair in zip(model[::2], layer_views(theta, WIDTHS), strict=True):
            for parameter, values in zip((layer.weight, layer.bias), pair, strict=True):
                parameter.copy_(torch.tensor(values))
    return model


def test_a_filter_is_a_row_with_its_bias():
    assert ls.dense_filters((3, 2, 1)).tolist() == [0, 0, 0, 1, 1, 1, 0, 1, 2, 2, 2]


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_every_filter_of_a_direction_is_as_long_as_the_networks_own(seed):
    theta, filters = theta_of(seed), ls.dense_filters(WIDTHS)
    direction = ls.filter_normalised(theta, filters, rng(seed))
    for number in range(filters.max() + 1):
        own, drawn = (np.linalg.norm(v[filters == number]) for v in (theta, direction))
        assert drawn == pytest.approx(own, rel=1e-6)


def test_a_direction_scales_with_the_network_and_leaves_what_is_masked():
    theta, filters = theta_of().astype(np.float64), ls.dense_filters(WIDTHS)
    one, three = (ls.filter_normalised(k * theta, filters, rng(5)) for k in (1.0, 3.0))
    assert three == pytest.approx(3 * one)
    masked = np.where(filters == 0, -1, filters)
    assert (ls.filter_normalised(theta, masked, rng(5))[filters == 0] == 0).all()
    theta[filters == 1] = 0
    assert (ls.filter_normalised(theta, filters, rng(5))[filters == 1] == 0).all()


@given(st.floats(0.01, 3.0), st.floats(0.1, 5.0), st.integers(1, 5))
@settings(max_examples=20, deadline=None)
def test_flatness_of_a_quadratic_is_half_its_curvature_times_the_distance_squared(
    radius, curvature, directions
):
    theta = rng(8).normal(size=12)

    def bowl(stack):
        return 0.5 * curvature * ((stack - theta) ** 2).sum(axis=1)

    found = ls.flatness(bowl, theta, np.zeros(12, int), rng(), radius, directions)
    assert found == pytest.approx(0.5 * curvature * radius**2 * (theta**2).sum())


def test_a_slope_is_not_taken_for_curvature():
    theta, slope = rng(8).normal(size=12), rng(9).normal(size=12)
    found = ls.flatness(lambda stack: stack @ slope, theta, np.zeros(12, int), rng(), 0.5, 3)
    assert found == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("part", ["train", "valid"])
def test_the_objective_is_the_cross_entropy_of_the_network(problem, part):
    theta = theta_of()
    x, y = (getattr(problem, f"{name}_{part}").T for name in ("x", "y"))
    expected = torch.nn.functional.cross_entropy(
        torch.tensor(forward(theta, WIDTHS, x)), torch.tensor(y)
    )
    measured = ls.dense_objective(problem, part)(np.stack([theta, theta]))
    assert measured == pytest.approx([float(expected)] * 2, rel=1e-5)


def test_a_loss_as_objective_equals_its_module(problem):
    theta, loss = theta_of(), parse("add(square(sub(0.9*y, f)), tanh(f))")
    logits = torch.tensor(forward(theta, WIDTHS, problem.x_valid.T))
    expected = loss.to_torch_module("classification")(logits, torch.tensor(problem.y_valid.T))
    measured = ls.dense_objective(problem, "valid", loss)(theta[None])
    assert measured == pytest.approx([float(expected)], rel=1e-5)


def test_a_plane_holds_the_line_through_its_middle(problem):
    objective, theta = ls.dense_objective(problem), theta_of()
    filters, steps = ls.dense_filters(WIDTHS), np.array([-0.5, 0.0, 0.5])
    first, second = (ls.filter_normalised(theta, filters, rng(k)) for k in (1, 2))
    surface = ls.plane(objective, theta, first, second, steps)
    assert (surface[1] == ls.line(objective, theta, first, steps)).all()
    assert surface[:, 1] == pytest.approx(ls.line(objective, theta, second, steps))
    assert surface[1, 1] == objective(theta[None])[0]


def test_a_torch_module_has_the_landscape_of_the_same_dense_network(problem):
    theta = theta_of()
    model = module_of(theta)
    before = [p.clone() for p in model.parameters()]
    vector = ls.module_vector(model)
    objective = ls.module_objective(
        model,
        torch.nn.functional.cross_entropy,
        torch.tensor(problem.x_valid.T),
        torch.tensor(problem.y_valid.T),
    )
    assert vector == pytest.approx(theta)
    direction = ls.filter_normalised(vector, ls.module_filters(model), rng(4))
    steps = np.linspace(-1, 1, 5)
    dense = ls.line(ls.dense_objective(problem), theta, direction, steps)
    assert ls.line(objective, vector, direction, steps) == pytest.approx(dense, rel=1e-5)
    assert all((a == b).all() for a, b in zip(before, model.parameters(), strict=True))


def test_a_network_through_torch_has_the_objective_of_the_dense_one(problem):
    recipe = registry().part("model", "mlp")
    generic = TorchProblem.from_rows(
        problem.x_train.T, problem.y_train.argmax(0), problem.x_valid.T, problem.y_valid.argmax(0),
        task="classification", classes=3, model=recipe.build(recipe.config(hidden=(4,))),
    )  # fmt: skip
    theta, filters = theta_of(), torch_filters(generic)
    for part, same in (("train", "train"), ("test", "valid")):
        found = torch_objective(generic, part)(np.stack([theta, 2 * theta]))
        dense = ls.dense_objective(problem, same)(np.stack([theta, 2 * theta]))
        assert found == pytest.approx(dense, rel=1e-5)
    assert filters.shape == theta.shape
    assert sorted(set(filters.tolist())) == [-1, *range(7)]  # 4 + 3 rows, biases stay


def test_biases_of_a_module_move_only_when_asked():
    model = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 2), torch.nn.BatchNorm2d(3))
    filters = ls.module_filters(model)
    assert filters.tolist() == [0] * 8 + [1] * 8 + [2] * 8 + [-1] * 9
    assert ls.module_filters(model, biases=True)[24:].tolist() == [3] * 3 + [4] * 3 + [5] * 3


def test_an_account_is_plain_is_drawn_and_comes_out_the_same_twice(problem):
    theta = np.stack([theta_of(2), theta_of(6)])
    account = ls.landscape(theta, problem, streams, CONFIG)
    assert json.loads(json.dumps(account)) == account
    assert ls.landscape(theta, problem, streams, CONFIG) == account
    alone = ls.landscape(theta[:1], problem, streams, CONFIG)
    assert alone["line"]["train"] == account["line"]["train"][:1]
    assert alone["flatness"]["test"] == account["flatness"]["test"][:1]
    middle = ls.dense_objective(problem, "train")(theta)
    assert [values[2] for values in account["line"]["train"]] == pytest.approx(middle.tolist())
    contents = plots.landscape_contents([("found", account), ("standard", account)])
    page = render("landscape", [Section("around", contents)])
    drawn = [c for c in contents if isinstance(c, Plot | HeatMap)]
    assert 2 * len(drawn) == page.count("<svg") == 12  # for a page and for a phone
    assert all(p.x_label and p.y_label and p.note for p in drawn)
    assert contents[-1].rows[0][1] == pytest.approx(np.mean(account["flatness"]["train"]))
    assert contents[-1].rows[0][2] < contents[-1].rows[0][1] < contents[-1].rows[0][3]


def test_a_diverged_network_leaves_a_gap_and_no_number(problem):
    account = ls.landscape(np.full((1, 39), np.nan, np.float32), problem, streams, CONFIG)
    contents = plots.landscape_contents([("broken", account)])
    assert "not finite" in render("landscape", [Section("around", contents)])
    assert contents[-1].rows == [["broken", None, None, None, None, None, None]]


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda p: ls.LandscapeConfig(radius=0.0), "radius: got 0.0"),
        (lambda p: ls.LandscapeConfig(points=2), "points: got 2"),
        (lambda p: ls.LandscapeConfig(flatness_directions=0), "flatness_directions: got 0"),
        (lambda p: ls.dense_objective(p, "test"), "part: got 'test'"),
        (lambda p: ls.dense_objective(p, "valid", "accuracy"), "metric: got 'accuracy'"),
        (lambda p: ls.filter_normalised(theta_of(), np.zeros(3, int), rng()), "filters: shape"),
    ],
)
def test_bad_input_names_the_field(problem, call, message):
    with pytest.raises(ValueError, match=message):
        call(problem)
