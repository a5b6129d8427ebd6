"""Data sets, models and losses by name, as a search and a comparison take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from heliostat import ConfigError, PartRef, Run
from heliostat.contract import Dataset, Model
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.expression import LossExpression, Task, parse
from heliostat_methods.evomal.labels import Labels
from heliostat_methods.evomal.problem import ProblemData
from heliostat_methods.evomal.saved_losses import STANDARD_TREES
from heliostat_search.splits import Split, split

USUAL = {"regression": "mse", "classification": "cross_entropy"}
"""The standard loss of each kind of task."""


@dataclass(frozen=True)
class Loaded:
    """A problem, and what its labels stand for, which no worker needs to know."""

    data: ProblemData
    labels: Labels


def load(config: EvoMALConfig, ref: PartRef, model: PartRef, run: Run) -> Loaded:
    """Return a data set, split and scaled, with the model that is trained on it, and its labels.

    Raises ConfigError for a model that does not fit the data.
    """
    dataset = run.part("dataset", ref)
    closed_form = config.inner_steps == 1 and config.gradients == "auto"
    rng = run.rng("split", dataset.name)
    parts = split(dataset, rng, config.fractions)
    data = _problem(dataset, parts, run.part("model", model), model, closed_form)
    return Loaded(data, Labels.of(dataset, parts))


def load_problem(config: EvoMALConfig, ref: PartRef, model: PartRef, run: Run) -> ProblemData:
    """Return the problem of `load` alone."""
    return load(config, ref, model, run).data


def split_problem(
    dataset: Dataset,
    recipe: Model,
    model: PartRef,
    rng: np.random.Generator,
    fractions: tuple[float, float, float],
    *,
    closed_form: bool = True,
) -> ProblemData:
    """Return a data set split by `rng`; `model` is the name under which `recipe` is built again.

    Without `closed_form` a dense model is trained through autograd as well.
    """
    return _problem(dataset, split(dataset, rng, fractions), recipe, model, closed_form)


def _problem(
    dataset: Dataset, parts: Split, recipe: Model, model: PartRef, closed_form: bool
) -> ProblemData:
    shape = tuple(getattr(dataset, "image_shape", None) or parts.input_shape)
    widths = recipe.widths(parts.input_shape, parts.classes) if closed_form else None
    if widths is None:
        _check_model(recipe, shape, parts.classes, model)
    train, valid, test = (
        (np.asarray(p.inputs, np.float32).reshape(len(p.inputs), -1), np.asarray(p.targets))
        for p in (parts.train, parts.valid, parts.test)
    )
    task: Task = "regression" if parts.task == "regression" else "classification"
    hidden = None if widths is None else tuple(widths[1:-1])
    return ProblemData(dataset.name, task, parts.classes, shape, model, hidden, train, valid, test)


def _check_model(recipe: Any, shape: tuple[int, ...], classes: int, model: PartRef) -> None:
    """Build the model once, so that one that does not fit the data is refused before any work."""
    import torch

    try:
        network = recipe.create(shape, classes, torch.Generator().manual_seed(0))
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            outputs = network(torch.zeros(2, *shape))
    except (RuntimeError, ValueError) as error:
        raise ConfigError(
            "model", model.name, f"a model for samples of shape {shape}", str(error)
        ) from None
    if tuple(outputs.shape) != (2, classes):
        raise ConfigError(
            "model", model.name, f"outputs of shape (batch, {classes})", str(tuple(outputs.shape))
        )


def loss_data(ref: PartRef, task: str, run: Run) -> dict[str, Any]:
    """Return a named loss as data: its name, and its tree, its network or its part."""
    if ref.name in STANDARD_TREES and not ref.params:
        if USUAL[task] != ref.name:
            raise ConfigError("loss", ref.name, f"a loss for {task}, such as {USUAL[task]}")
        return {"name": ref.name, "loss": parse(STANDARD_TREES[ref.name]).to_dict()}
    part = run.part("loss", ref)
    if task not in part.tasks:
        raise ConfigError("loss", ref.name, f"a loss for {task}, such as {USUAL[task]}")
    expression = getattr(part, "expression", None)
    if isinstance(expression, LossExpression):
        return {"name": ref.name, "loss": expression.to_dict()}
    if hasattr(part, "to_dict"):
        return {"name": ref.name, "loss": part.to_dict()}
    label = ref.name + "".join(f" {k}={v}" for k, v in sorted(ref.params.items()))
    return {"name": label, "loss": {"part": ref}}
