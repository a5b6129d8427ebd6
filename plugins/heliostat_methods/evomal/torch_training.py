"""Training with a loss that is not a tree: the same models, batches and steps through autograd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from heliostat.parts import PartRef
from heliostat.plugins import registry
from heliostat_methods.evomal.networks import draw_batches, layer_views, xavier_uniform
from heliostat_methods.evomal.problem import LearningProblem, Streams
from heliostat_methods.evomal.training import TrainingConfig, evaluate

Array = np.ndarray[Any, Any]


def train_part(
    ref: PartRef,
    problem: LearningProblem,
    config: TrainingConfig,
    replicas: Sequence[Streams],
    curve_steps: Sequence[int],
    metric: int,
) -> tuple[Array, Array]:
    """Return the metric of each replica, (R,), and at the curve's steps, (R, K).

    +inf where the loss or a parameter stopped being finite.
    """
    spec = registry().part("loss", ref.name)
    loss = spec.build(spec.config.model_validate(dict(ref.params)))
    finals, curves = [], []
    for streams in replicas:
        theta = xavier_uniform(problem.widths, streams("init"), problem.dtype)
        rows = problem.x_train.shape[1]
        batches = draw_batches(streams("batch"), rows, config.batch_size, config.steps)
        seen = _train(loss, problem, config, theta, batches, {*curve_steps, config.steps})
        curves.append([seen[step][metric] for step in curve_steps])
        finals.append(seen[config.steps][metric])
    return np.array(finals), np.array(curves).reshape(len(replicas), len(curve_steps))


def _train(
    loss: Any,
    problem: LearningProblem,
    config: TrainingConfig,
    theta: Array,
    batches: Array,
    wanted: set[int],
) -> dict[int, Array]:
    layers = layer_views(theta, problem.widths)
    # tensors over the same memory, so that `theta` always holds the newest parameters
    parameters = [torch.from_numpy(view).requires_grad_() for pair in layers for view in pair]
    optimizer = torch.optim.SGD(
        parameters,
        lr=config.learning_rate,
        momentum=config.momentum,
        nesterov=config.nesterov and config.momentum > 0,
        weight_decay=config.weight_decay,
    )
    x = torch.from_numpy(problem.x_train.T.copy())
    y = torch.from_numpy(_targets(problem))
    rates = config.rates()
    seen: dict[int, Array] = {}
    alive = True
    for step in range(config.steps + 1):
        if step in wanted:
            measured = evaluate(theta[None], problem)[0]
            seen[step] = measured if alive else np.where(np.isnan(measured), np.nan, np.inf)
        if step == config.steps:
            return seen
        if not alive:
            continue
        chosen = torch.from_numpy(batches[step].astype(np.int64))
        outputs = x[chosen]
        for i in range(0, len(parameters), 2):
            outputs = outputs @ parameters[i].T + parameters[i + 1]
            outputs = torch.relu(outputs) if i + 2 < len(parameters) else outputs
        value = loss(outputs, y[chosen])
        alive = bool(torch.isfinite(value))
        if alive:
            optimizer.param_groups[0]["lr"] = float(rates[step])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    return seen


def _targets(problem: LearningProblem) -> Array:
    if problem.task == "regression":
        return np.array(problem.y_train[0])
    if problem.classes == 1:
        return np.array(problem.y_train[0], np.int64)
    return np.asarray(problem.y_train.argmax(axis=0))
