"""Data sets and models by name, as a search and a comparison take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from heliostat import ConfigError, PartRef, Run, registry
from heliostat.contract import Dataset, Model
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.learners.labels import Labels
from heliostat_methods.evomal.learners.problem import ProblemData, Streams
from heliostat_methods.evomal.losses.tree import Task
from heliostat_search.splits import Split, split
from heliostat_search.trainings.measures import CHOICES, Measure


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
    chosen, recipe = metric_for(config.metric, dataset), run.part("model", model)
    streams = split_streams(run.rng, dataset, config.splits)
    return divided(dataset, recipe, model, streams, config.fractions, chosen, closed_form)


def split_streams(streams: Streams, dataset: Dataset, count: int) -> list[np.random.Generator]:
    """Return what divides a data set, once for each of its splits; the first is the search's."""
    return [streams("split", dataset.name, *((k,) if k else ())) for k in range(count)]


def metric_for(name: str, dataset: Dataset, field: str = "metric") -> Measure | None:
    """Return the measure that a configuration names, None ("auto") for the usual one of the task.

    Raises ConfigError naming the field for one of the other kind of task.
    """
    if name == "auto":
        return None
    task: Task = "regression" if dataset.task == "regression" else "classification"
    if name not in CHOICES[task]:
        expected = f"one for {task}: {', '.join(CHOICES[task])}"
        raise ConfigError(field, name, expected, f"{dataset.name} is for {task}")
    return CHOICES[task][name]


def load_problem(config: EvoMALConfig, ref: PartRef, model: PartRef, run: Run) -> ProblemData:
    """Return the problem of `load` alone."""
    return load(config, ref, model, run).data


def divided(
    dataset: Dataset,
    recipe: Model,
    model: PartRef,
    rngs: Sequence[np.random.Generator],
    fractions: tuple[float, float, float],
    metric: Measure | None = None,
    closed_form: bool = True,
) -> Loaded:
    """Return a data set split by each of `rngs`; `model` names what builds `recipe` again.

    Without `closed_form` a dense model is trained through autograd as well.
    """
    parts = [split(dataset, rng, fractions) for rng in rngs]
    data, *others = (_problem(dataset, one, recipe, model, closed_form, metric) for one in parts)
    return Loaded(data, Labels.of(dataset, parts[0]), tuple(others))


def _problem(
    dataset: Dataset, parts: Split, recipe: Model, model: PartRef, closed_form: bool,
    metric: Measure | None,
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
