"""A learning problem: the data of one split and the model that is trained on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from heliostat import ConfigError, PartRef, Run, stored
from heliostat.contract import Dataset, Model
from heliostat_search.splits import Split, split
from heliostat_search.trainings.labels import label_rows
from heliostat_search.trainings.measures import CHOICES, OF_TASK, Measure, Task
from heliostat_search.unrolled.drawing import drawing_from
from heliostat_search.unrolled.functional_module import module_numbers

Array = npt.NDArray[Any]
SEEN_BEFORE = (
    "The model is a network that was trained before, on rows of {dataset}: every training begins "
    "with the same numbers, so intervals do not cover another beginning; and where that run split "
    "its rows in another way (its seed, its fractions), test rows here may be rows that it was "
    "trained on, and errors too low."
)
"""Said of a model whose numbers were trained on a split of its own."""


@stored("search.problem")
@dataclass(frozen=True)
class Problem:
    """Everything a worker needs to know; shared once by hash.

    Inputs are (rows, features), targets (rows,). ``hidden`` are the widths of a dense rectifier
    network, which is trained stacked; None for any other model.
    """

    name: str
    task: Task
    classes: int
    input_shape: tuple[int, ...]
    model: PartRef
    hidden: tuple[int, ...] | None
    train: tuple[Array, Array]
    valid: tuple[Array, Array]
    test: tuple[Array, Array]
    metric: Measure

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What is measured of each training, the usual one first."""
        return OF_TASK[self.task]

    @property
    def widths(self) -> tuple[int, ...] | None:
        """Widths of all layers of a dense network."""
        if self.hidden is None:
            return None
        return (int(np.prod(self.input_shape)), *self.hidden, self.classes)


@dataclass(frozen=True)
class Loaded:
    """A problem, and what its report says of the data."""

    problem: Problem
    remarks: tuple[str, ...]


def posed(
    run: Run,
    dataset: PartRef,
    model: PartRef,
    fractions: tuple[float, float, float],
    metric: str = "auto",
) -> Loaded:
    """Return the problem of a data set and a model, split by the run's stream of its name.

    ``metric`` is what configurations call one, or "auto" for the task's usual one. Raises
    ConfigError naming the field for a model or a metric that does not fit.
    """
    data: Dataset = run.part("dataset", dataset)
    recipe: Model = run.part("model", model)
    parts = split(data, run.rng("split", data.name), fractions)
    chosen = _metric(metric, data)
    known: str | None = getattr(recipe, "remark", None)
    remarks = parts.remarks if known is None else (*parts.remarks, known)
    return Loaded(divided(data, parts, recipe, model, chosen), remarks)


def divided(
    dataset: Dataset, parts: Split, recipe: Model, model: PartRef, metric: Measure | None = None
) -> Problem:
    """Return the problem of a data set that was split."""
    shape = tuple(getattr(dataset, "image_shape", None) or parts.input_shape)
    widths = recipe.widths(parts.input_shape, parts.classes)
    _check_model(recipe, shape, parts.classes, model)
    train, valid, test = (
        (np.asarray(p.inputs, np.float32).reshape(len(p.inputs), -1), np.asarray(p.targets))
        for p in (parts.train, parts.valid, parts.test)
    )
    task: Task = "regression" if parts.task == "regression" else "classification"
    return Problem(
        dataset.name, task, parts.classes, shape, model,
        None if widths is None else tuple(widths[1:-1]), train, valid, test,
        metric or OF_TASK[task][0],
    )  # fmt: skip


def _metric(name: str, dataset: Dataset) -> Measure | None:
    if name == "auto":
        return None
    task: Task = "regression" if dataset.task == "regression" else "classification"
    if name not in CHOICES[task]:
        expected = f"one for {task}: {', '.join(CHOICES[task])}"
        raise ConfigError("metric", name, expected, f"{dataset.name} is for {task}")
    return CHOICES[task][name]


def _check_model(recipe: Model, shape: tuple[int, ...], classes: int, model: PartRef) -> None:
    """Build the model once, so that one that does not fit the data is refused before any work."""
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


@dataclass(frozen=True)
class Part:
    """Rows on a device: inputs (n, ...), labels (n, C), targets (n,) as losses take them."""

    x: Tensor
    labels: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Data:
    """The three parts of a problem as tensors."""

    train: Part
    valid: Part
    test: Part

    @classmethod
    def of(cls, problem: Problem, device: str = "cpu") -> Data:
        """Return a problem's rows on a device, inputs as its model takes them."""
        shape = problem.input_shape if problem.hidden is None else (-1,)

        def part(rows: tuple[Array, Array]) -> Part:
            x, y = rows
            labels = label_rows(y, problem.task, problem.classes, np.float32).T
            kind = np.float32 if problem.task == "regression" else np.int64
            return Part(
                torch.from_numpy(np.array(x, np.float32)).reshape(len(x), *shape).to(device),
                torch.from_numpy(np.array(labels, order="C")).to(device),
                torch.from_numpy(np.array(y, kind)).to(device),
            )

        return cls(part(problem.train), part(problem.valid), part(problem.test))


def create(problem: Problem, recipe: Model, seed: int) -> nn.Module:
    """Return a fresh model on the CPU; all that it draws begins at ``seed``."""
    generator = torch.Generator().manual_seed(seed)
    # A recipe that draws from torch's global generator all the same repeats itself, too.
    with drawing_from(seed):
        return recipe.create(problem.input_shape, problem.classes, generator)


def fresh(problem: Problem, recipe: Model, rng: np.random.Generator) -> Array:
    """Return a fresh model's numbers: parameters, then buffers."""
    return module_numbers(create(problem, recipe, int(rng.integers(1 << 62))))
