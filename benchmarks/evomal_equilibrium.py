"""Where training rests: the target probability on training data, theory beside measurement.

    python benchmarks/evomal_equilibrium.py [--seeds 5] [--steps 3000] [--json]

Digits, a dense network 64-64-10, SGD at 0.01 with Nesterov momentum 0.9, no weight decay, the rate
times 0.1 after 2/3 and again after 9/10 of the steps. Absolute cross-entropy pulls the target's
probability to 1/phi1 and label smoothing to 1 - xi + xi/C; cross-entropy goes to certainty.
Theory is what `equilibrium` reads off the formula; measured are the median and the mean over the
training rows, as mean over seeds and their range. The exit status is 1 if the median of a loss that
rests below certainty is further than 0.04 from theory.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import numpy as np

from heliostat.contract.part import PartRef
from heliostat.plugins.registry import registry
from heliostat_methods.evomal.analysis.curves import ace_from_smoothing
from heliostat_methods.evomal.analysis.equilibrium import equilibrium, implicit_smoothing
from heliostat_methods.evomal.comparison.meta_test import problem_data, trained
from heliostat_methods.evomal.learners.learner import learner
from heliostat_methods.evomal.learners.networks import forward
from heliostat_methods.evomal.learners.problem import ProblemData
from heliostat_methods.evomal.learners.training import TrainingConfig
from heliostat_methods.evomal.losses.expression import LossExpression, parse

TOLERANCE = 0.04
CLASSES = 10


def ace(phi1: float) -> LossExpression:
    """Return absolute cross-entropy over the primitives."""
    return parse(f"abs(log({phi1!r}*mul(y, f)))")


def smoothing(xi: float) -> LossExpression:
    """Return label smoothing over the primitives."""
    return parse(f"mul(-1, mul(add({1 - xi!r}*y, {xi / CLASSES!r}*1), log(f)))")


LOSSES = {
    "ACE(1, 1.25)": ace(1.25),
    "ACE(1, 1.1)": ace(1.1),
    "ACE(1, as smoothing 0.1)": ace(ace_from_smoothing(0.1, CLASSES)),
    "label smoothing 0.1": smoothing(0.1),
    "cross-entropy": parse("mul(-1, mul(y, log(f)))"),
}


def digits() -> ProblemData:
    """Return digits with the dense network 64-64-10."""
    ref = PartRef("mlp", {"hidden": [64]}, "model")
    model, data = registry().part("model", "mlp"), registry().part("dataset", "digits")
    recipe = model.build(model.config.model_validate(dict(ref.params)))
    return problem_data(data.build(data.config()), recipe, ref, 0).data


def target_probabilities(theta: np.ndarray[Any, Any], data: ProblemData) -> np.ndarray[Any, Any]:
    """Return the probability of the right class for every training row, (n,)."""
    x, y = data.train
    logits = forward(theta, (64, 64, 10), x).astype(np.float64)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    chosen: np.ndarray[Any, Any] = (p / p.sum(axis=1, keepdims=True))[np.arange(len(y)), y]
    return chosen


def measure(loss: LossExpression, data: ProblemData, steps: int, seeds: int) -> dict[str, Any]:
    """Return theory and measurement of one loss."""
    training = TrainingConfig(
        steps=steps,
        learning_rate=0.01,
        weight_decay=0.0,
        drops=((steps * 2 // 3, 0.1), (steps * 9 // 10, 0.1)),
    )
    runs = trained(loss, learner(data, data.valid), training, 0, range(seeds))
    p = [target_probabilities(theta, data) for theta in runs.theta]
    return {
        "theory": equilibrium(loss, CLASSES),
        "smoothing": implicit_smoothing(loss, CLASSES),
        "medians": [float(np.median(values)) for values in p],
        "means": [float(np.mean(values)) for values in p],
        "error_rates": [float(e) for e in runs.fitness("error_rate")],
    }


def main() -> None:
    """Print the table and leave with 1 if measurement contradicts theory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    data = digits()
    rows = {n: measure(loss, data, options.steps, options.seeds) for n, loss in LOSSES.items()}
    off = [
        name
        for name, row in rows.items()
        if row["theory"] < 1 and abs(np.mean(row["medians"]) - row["theory"]) > TOLERANCE
    ]
    if options.json:
        print(json.dumps({"losses": rows, "off": off}))
    else:
        print(
            f"{'loss':<26}{'theory':>8}{'median':>8}  {'range over seeds':<18}{'mean':>8}{'xi':>8}"
        )
        for name, row in rows.items():
            medians = row["medians"]
            spread = f"{min(medians):.3f} to {max(medians):.3f}"
            print(
                f"{name:<26}{row['theory']:>8.3f}{np.mean(medians):>8.3f}  {spread:<18}"
                f"{np.mean(row['means']):>8.3f}{row['smoothing']:>8.3f}"
            )
    sys.exit(1 if off else 0)


if __name__ == "__main__":
    main()
