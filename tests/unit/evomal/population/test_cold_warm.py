"""Freshly compiled kernels and kernels loaded from the cache give the same bits.

A flag that lets the compiler choose (`contract`, `reassoc`, `nsz`, any fastmath) makes the bits
depend on which functions happen to be inlined together. With several copies of a function, one
inlined into each caller, a process that compiles could be bound to another copy than one that
loads. So there is one copy of each kernel, compiled alone and reached by symbol, and what such a
kernel calls itself (an elementary function) is always part of it: see `compilation`.
"""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import hashlib
import numpy as np
from heliostat_methods.evomal.losses.expression import parse
from heliostat_methods.evomal.learners.problem import LearningProblem
from heliostat_methods.evomal.population.program import LossProgram, initial_weights
from heliostat_methods.evomal.learners.rejection import (
    RejectionConfig, fresh_predictions, improvements,
)
from heliostat_methods.evomal.learners.training import TrainingConfig, train
from heliostat_methods.evomal.learners.unrolled import UnrolledConfig, tune

TREES = ["square(sub(y, f))", "div(sub(y, f), tanh(f))", "log(add(mul(y, f), abs(sub(f, -1))))",
         "max(sqrt(sub(y, f)), min(f, mul(y, y)))", "mul(-1, mul(y, log(f)))"]
rng = np.random.default_rng(5)
x = rng.standard_normal((150, 6))
streams = lambda *name: np.random.default_rng([len(str(n)) for n in name])
total = hashlib.sha256()
for task, classes, y in (("regression", 1, x[:, 0] - x[:, 1] ** 2),
                         ("classification", 3, np.digitize(x[:, 0], [-0.5, 0.5]))):
    problem = LearningProblem.from_rows(
        x[:100], y[:100], x[100:], y[100:], task=task, classes=classes, hidden=(9, 5))
    expressions = [parse(t).canonical() for t in TREES]
    program = LossProgram.from_expressions(expressions)
    weights = initial_weights(expressions, np.random.default_rng(1))
    phi = tune(program, weights, problem, UnrolledConfig(meta_steps=30, batch_size=64), streams)
    total.update(phi.weights.tobytes())
    outputs, labels = fresh_predictions(problem, 50, streams)
    gain = improvements(program, weights, outputs, labels, classify=task != "regression",
                        metric="mse" if task == "regression" else "error_rate",
                        config=RejectionConfig(50, 60))
    total.update(gain.tobytes())
    runs = train(program, weights, problem, TrainingConfig(steps=60, batch_size=64), streams)
    total.update(runs.theta.tobytes())
    total.update(runs.metrics.tobytes())
print(total.hexdigest())
"""


def digest_with_cache_in(folder: Path) -> str:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


def test_cold_and_warm_kernels_give_the_same_bits(tmp_path: Path) -> None:
    cold = digest_with_cache_in(tmp_path)
    assert any(tmp_path.rglob("*.nbc"))
    assert digest_with_cache_in(tmp_path) == cold
