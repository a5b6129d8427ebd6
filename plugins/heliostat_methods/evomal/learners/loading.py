"""Data sets and models by name, as a search and a comparison take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from heliostat import ConfigError, PartRef, Run, registry
from heliostat.contract import Dataset, Model
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.learners.labels import Labels
from heliostat_methods.evomal.learners.measures import CHOICES, Measure
from heliostat_methods.evomal.learners.problem import ProblemData
from heliostat_methods.evomal.losses.tree import Task
from heliostat_search.splits import Split, split


class Parts(Protocol):
    """What builds parts: a task's ``ctx.part``, a search's ``run.part``."""

    def __call__(self, kind: str, ref: PartRef) -> Any:
        """Build a part by kind and name."""
        ...


def installed_part(kind: str, ref: PartRef) -> Any:
    """Build an installed part outside of any run; raises ConfigError for parameters it lacks."""
    return registry().build_part(kind, ref)


@dataclass(frozen=True)
class Loaded:
    """A problem, and what its labels stand for, which no worker needs to know.

    `splits` are the same rows split otherwise, for a comparison over several splits.
    """

    data: ProblemData
    labels: Labels
    splits: tuple[ProblemData, ...] = ()


def load(config: EvoMALConfig, ref: PartRef, model: PartRef, run: Run) -> Loaded:
    """Return a data set, split and scaled, with the model that is trained on it, and its labels.

    Raises ConfigError for a model that does not fit the data.
    """
    dataset = run.part("dataset", ref)
    closed_form = config.inner_steps == 1 and config.gradients == "auto"
    closed_form &= config.device != "cuda"  # the closed form knows the CPU alone
    chosen, recipe = _metric(config, dataset), run.part("model", model)

    def divided(*name: int) -> tuple[ProblemData, Split]:
        parts = split(dataset, run.rng("split", dataset.name, *name), config.fractions)
        return _problem(dataset, parts, recipe, model, closed_form, chosen), parts

    data, parts = divided()
    others = tuple(divided(k)[0] for k in range(1, config.splits))
    return Loaded(data, Labels.of(dataset, parts), others)


def _metric(config: EvoMALConfig, dataset: Dataset) -> Measure | None:
    """Return the metric that was asked for, None for the usual one of the task."""
    if config.metric == "auto":
        return None
    task: Task = "regression" if dataset.task == "regression" else "classification"
    if config.metric not in CHOICES[task]:
        expected = f"one for {task}: {', '.join(CHOICES[task])}"
        raise ConfigError("metric", config.metric, expected, f"{dataset.name} is for {task}")
    return CHOICES[task][config.metric]


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
    dataset: Dataset, parts: Split, recipe: Model, model: PartRef, closed_form: bool,
    metric: Measure | None = None,
) -> ProblemData:  # fmt: skip
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
    return ProblemData(
        dataset.name, task, parts.classes, shape, model, hidden, train, valid, test, metric
    )


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
