"""Any torch model: the protocol for a block of candidates against one candidate at a time.

LeNet-5 on 5,000 digits of MNIST takes the generic path (its layers are known and run compiled, see
``layered``), MLP 1000-1000 on Diabetes the closed form of dense networks. The reference runs the
published protocol as its code does, and once more with the overheads left out (see
``evomal_generic_reference``). One process, one thread; the three take turns and each gets the least
of several rounds. Times of the full protocol, 250 meta steps, the filter (100 steps for MNIST,
1,000 for regression) and 500 training steps, are extrapolated from fewer steps. The exit status is
1 if phi differs by more than 1e-5; over so few steps it may agree to the last bit, because Adam
divides a slope by its own size.

Run: ``python benchmarks/evomal_generic.py [--json]`` (about two minutes).
"""

import argparse
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import evomal_generic_reference as reference
import numpy as np
import torch
from sklearn.datasets import load_diabetes
from threadpoolctl import threadpool_limits

from heliostat_methods.evomal.learners import rejection, training, unrolled
from heliostat_methods.evomal.learners.generic import torch_training, torch_unrolled
from heliostat_methods.evomal.learners.generic.torch_problem import TorchProblem
from heliostat_methods.evomal.learners.networks import draw_batches
from heliostat_methods.evomal.learners.problem import LearningProblem
from heliostat_methods.evomal.losses.expression import LossExpression, parse
from heliostat_methods.evomal.population.program import LossProgram, initial_weights
from heliostat_methods.parts.datasets import mnist5k
from heliostat_methods.parts.models import LeNet5, Mlp

META_STEPS, TRAINING_STEPS, BATCH, SAMPLES, ROUNDS = 250, 500, 128, 100, 4
TOLERANCE = 1e-5
# Trees without poles and without weights of slope 0 (such as one just below a logarithm), so that
# single precision can agree; the cost depends on the network.
TREES = ["square(sub(y, f))", "sqrt(add(square(sub(y, f)), 1))", "tanh(square(sub(y, f)))"]


def streams(*name: int | str) -> np.random.Generator:
    """Return the stream of a name."""
    digest = hashlib.sha256(repr(name).encode()).digest()
    return np.random.Generator(np.random.Philox(int.from_bytes(digest[:8], "big")))


@dataclass(frozen=True)
class Case:
    """One model on one data set: how our side runs it, and the settings of the protocol."""

    name: str
    problem: TorchProblem
    ours: Any
    tune: Callable[..., Any]
    train: Callable[..., Any]
    fresh: Callable[..., Any]
    settings: reference.Settings
    filter_steps: int
    meta_steps: int
    training_steps: int
    repeat: int

    @property
    def expressions(self) -> list[LossExpression]:
        """Return the candidates, each several times with weights of its own."""
        return [parse(t) for t in TREES] * self.repeat


def lenet() -> Case:
    """Return LeNet-5 on MNIST, with the published settings for it: no momentum, no decay."""
    data = mnist5k()
    order = streams("split").permutation(len(data.targets))
    train, valid = order[:3000], order[3000:4000]
    x = (data.inputs - 0.1307) / 0.3081
    problem = TorchProblem.from_rows(
        x[train], data.targets[train], x[valid], data.targets[valid],
        task="classification", model=LeNet5(), input_shape=(1, 28, 28), classes=10,
    )  # fmt: skip
    return Case(
        "LeNet-5, MNIST", problem, problem, torch_unrolled.tune, torch_training.train,
        torch_training.fresh_predictions, reference.Settings(momentum=0.0, weight_decay=0.0),
        100, 10, 20, 3,
    )  # fmt: skip


def wide() -> Case:
    """Return MLP 1000-1000 on Diabetes."""
    x, y = load_diabetes(return_X_y=True)
    order = streams("split").permutation(len(y))
    train, valid = order[:265], order[265:353]
    x, y = (x - x[train].mean(0)) / x[train].std(0), (y - y[train].mean()) / y[train].std()
    rows = x[train], y[train], x[valid], y[valid]
    hidden = (1000, 1000)
    return Case(
        "MLP 1000-1000, Diabetes",
        TorchProblem.from_rows(*rows, task="regression", model=Mlp(hidden)),
        LearningProblem.from_rows(*rows, task="regression", hidden=hidden),
        unrolled.tune, training.train, rejection.fresh_predictions, reference.Settings(),
        1000, 10, 20, 3,
    )  # fmt: skip


def module_of(problem: TorchProblem, numbers: np.ndarray) -> torch.nn.Module:
    """Return a module that holds the given parameters."""
    module = problem.create(0)
    torch.nn.utils.vector_to_parameters(torch.from_numpy(numbers.copy()), module.parameters())
    return module


class Peer:
    """One side of the reference, with the draws that our side makes."""

    def __init__(self, kind: type[reference.Faithful], case: Case) -> None:
        problem = case.problem
        self.run = kind(
            problem.task,
            (problem.x_train, problem.y_train),
            (problem.x_valid, problem.y_valid),
            case.settings,
        )
        self.case, init = case, streams("init")
        models = [module_of(problem, problem.fresh(init)) for _ in range(case.meta_steps)]
        self.models: list[Callable[[], torch.nn.Module]] = [lambda m=m: m for m in models]
        rows, valid = len(problem.x_train), len(problem.x_valid)
        self.train, self.valid, self.batches = (
            draw_batches(streams(name), of, BATCH, steps).tolist()
            for name, of, steps in (
                ("train", rows, case.meta_steps),
                ("valid", valid, case.meta_steps),
                ("batch", rows, case.training_steps),
            )
        )
        outputs, _ = case.fresh(case.ours, SAMPLES, streams)
        self.predictions = torch.from_numpy(outputs.T.copy())
        chosen = np.sort(streams("samples").choice(rows, SAMPLES, replace=False))
        self.targets = problem.y_train[chosen]

    def measure(self, expression: LossExpression, first: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return seconds of the four stages, with phi and the score."""
        problem, case = self.case.problem, self.case
        first = torch.from_numpy(first[: expression.complexity].copy())
        loss = reference.TreeLoss(expression, first, problem.task)
        model = module_of(problem, problem.fresh(streams("init")))
        marks = [time.perf_counter()]
        phi = self.run.tune(loss, self.models, self.train, self.valid).numpy()[1:]
        marks.append(time.perf_counter())
        self.run.filter(loss, self.predictions, self.targets, case.filter_steps)
        marks.append(time.perf_counter())
        self.run.score(model)
        marks.append(time.perf_counter())
        score = self.run.fit(loss, model, self.batches)
        marks.append(time.perf_counter())
        return np.diff(marks), (phi, score)


def ours(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return our seconds per candidate in the four stages, with all phi and scores."""
    expressions, s = case.expressions, case.settings
    program = LossProgram.from_expressions(expressions)
    weights = initial_weights(expressions, streams("phi"))
    classify = case.problem.task == "classification"
    metric: Any = "error_rate" if classify else "mse"
    sgd: dict[str, Any] = {
        "learning_rate": s.learning_rate, "momentum": s.momentum, "nesterov": s.momentum > 0,
        "weight_decay": s.weight_decay, "batch_size": BATCH,
    }  # fmt: skip
    tuning = unrolled.UnrolledConfig(meta_steps=case.meta_steps, **sgd)
    plan = training.TrainingConfig(steps=case.training_steps, **sgd)
    gate = rejection.RejectionConfig(SAMPLES, case.filter_steps)
    marks = [time.perf_counter()]
    phi = case.tune(program, weights, case.ours, tuning, streams).weights
    marks.append(time.perf_counter())
    predictions, labels = case.fresh(case.ours, SAMPLES, streams)
    rejection.improvements(
        program, phi, predictions, labels, classify=classify, metric=metric, config=gate
    )
    marks.append(time.perf_counter())
    case.train(program, phi, case.ours, plan, streams, until=0)
    marks.append(time.perf_counter())
    runs = case.train(program, phi, case.ours, plan, streams)
    marks.append(time.perf_counter())
    return np.diff(marks) / len(expressions), phi, runs.fitness(metric)


def per_step(seconds: np.ndarray, case: Case) -> np.ndarray:
    """Return seconds per meta step, filter step and training step, and per score.

    The training's time holds one score, which is measured before it alone and taken out.
    """
    meta, gate, score, fit = seconds
    return np.array(
        [
            meta / case.meta_steps,
            gate / case.filter_steps,
            (fit - score) / case.training_steps,
            score,
        ]
    )


def compare(case: Case, results: dict[str, Any]) -> bool:
    """Print both sides of a case; return whether they agree."""
    expressions = case.expressions
    weights = initial_weights(expressions, streams("phi"))
    peers = {"faithful": Peer(reference.Faithful, case), "lean": Peer(reference.Lean, case)}
    sample = range(len(TREES))
    ours(case)  # load the compiled code
    mine, far, apart = np.full(4, np.inf), 0.0, 0.0
    theirs = {name: np.full((len(sample), 4), np.inf) for name in peers}
    for _ in range(ROUNDS):
        seconds, phi, scores = ours(case)
        mine = np.minimum(mine, seconds)
        for p in sample:
            for name, peer in peers.items():
                spent, (tuned, score) = peer.measure(expressions[p], weights[p])
                theirs[name][p] = np.minimum(theirs[name][p], spent)
                reached = phi[p, 1 : expressions[p].complexity]
                far = max(far, float(np.abs(reached - tuned).max()))
                apart = max(apart, float(abs(scores[p] - score)))
    steps = np.array([META_STEPS, case.filter_steps, TRAINING_STEPS, 1])
    mine = per_step(mine, case)
    total = float(mine @ steps)
    print(
        f"{case.name}, P = {len(expressions)}, batch {BATCH}; {META_STEPS} meta, "
        f"{case.filter_steps} filter, {TRAINING_STEPS} training steps, extrapolated from "
        f"{case.meta_steps}, {case.filter_steps}, {case.training_steps}"
    )
    print(f"  ours      {_line(mine, total)}")
    for name, each in theirs.items():
        mean = per_step(each.mean(0), case)
        whole = float(mean @ steps)
        print(f"  {name:9} {_line(mean, whole)}: {whole / total:.1f}x")
        results[f"{case.name} ({name})"] = {
            "ours": total, "peer": whole, "ratio": whole / total,
            "parts": (mean / mine).tolist(), "unit": "s/candidate, extrapolated",
        }  # fmt: skip
    print(f"  agreement: phi within {far:.1e} (bound {TOLERANCE:.0e}), score within {apart:.1e}")
    return far <= TOLERANCE


def _line(seconds: np.ndarray, total: float) -> str:
    meta, gate, fit, _ = 1e3 * seconds
    return (
        f"{meta:7.2f} ms a meta step, {gate:6.3f} ms a filter step, {fit:6.2f} ms a training step, "
        f"{total:6.2f} s a candidate"
    )


def main() -> None:
    """Run both cases and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, Any] = {}
    with threadpool_limits(1):
        agreed = [compare(case, results) for case in (lenet(), wide())]
    if arguments.json:
        print(json.dumps(results))
    if not all(agreed):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
