"""The protocol on real data: Diabetes, 88 training and 89 validation rows, MLP 10-32-32-1.

The published run (fitness 0.879 within 0.002 for the tuned squared error) used a split and a first
network whose random streams are not available; other splits of these sizes give 0.80 to 1.48. What
can be held to is the tolerance: the order of single-precision sums moves the fitness by less than
0.002, so a run in double precision must agree that well.
"""

import hashlib

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from heliostat_methods.evomal.learners import rejection, training, unrolled
from heliostat_methods.evomal.learners.problem import LearningProblem
from heliostat_methods.evomal.losses.expression import parse
from heliostat_methods.evomal.population.program import LossProgram, initial_weights


def streams(*name):
    digest = hashlib.sha256(repr(name).encode()).digest()
    return np.random.Generator(np.random.Philox(int.from_bytes(digest[:8], "big")))


def full_protocol(dtype):
    x, y = load_diabetes(return_X_y=True)
    order = streams("split").permutation(442)
    train, valid = order[:88], order[88:177]
    x = (x - x[train].mean(0)) / x[train].std(0)
    y = (y - y[train].mean()) / y[train].std()
    problem = LearningProblem.from_rows(
        x[train], y[train], x[valid], y[valid], task="regression", hidden=(32, 32), dtype=dtype
    )
    expressions = [parse("square(sub(y, f))")]
    program = LossProgram.from_expressions(expressions)
    weights = initial_weights(expressions, streams("phi"), dtype=dtype)
    tuned = unrolled.tune(program, weights, problem, unrolled.UnrolledConfig(), streams)
    gate = rejection.RejectionConfig()
    passed = rejection.accept(program, tuned.weights, problem, "mse", gate, streams)
    plan = training.TrainingConfig()
    fitness = training.train(program, tuned.weights, problem, plan, streams).fitness("mse")
    return tuned, passed[0], fitness[0]


def test_the_squared_error_after_local_search():
    tuned, passed, fitness = full_protocol(np.float32)
    exact, exact_passed, exact_fitness = full_protocol(np.float64)
    assert passed and exact_passed
    assert tuned.weights[0, 1:] == pytest.approx(exact.weights[0, 1:], abs=1e-5)
    assert fitness == pytest.approx(exact_fitness, abs=0.002)
    # Tuning raises every weight (a larger step towards the label) and lowers its own objective.
    assert (exact.weights[0, 1:] > 1.1).all()
    assert exact.history[-20:].mean() < exact.history[:20].mean()
