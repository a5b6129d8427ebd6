"""A learning problem: data and model as they travel, and as they are laid out for the kernels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from heliostat import stored
from heliostat.contract import PartRef
from heliostat_methods.evomal.learners.kernels.objectives import METRICS, Metric
from heliostat_methods.evomal.learners.networks import check_widths, parameter_count
from heliostat_methods.evomal.losses.tree import Task
from heliostat_search.trainings.labels import label_rows
from heliostat_search.trainings.measures import OF_TASK, Measure

Array = npt.NDArray[Any]


class Streams(Protocol):
    """Gives the random stream of a name, always the same one for the same name."""

    def __call__(self, *name: int | str) -> np.random.Generator:
        """Return the stream called ``name``, at its beginning."""
        ...


def under(streams: Streams, *prefix: int | str) -> Streams:
    """Return the streams whose names begin with `prefix`."""

    def streams_below(*name: int | str) -> np.random.Generator:
        return streams(*prefix, *name)

    return streams_below


@stored("evomal.problem_data")
@dataclass(frozen=True)
class ProblemData:
    """Everything a worker needs to know of one problem; shared once by hash.

    Inputs are (rows, features), targets (rows,). ``hidden`` are the widths of a dense network
    that takes the closed form, None for any other model: that one is built from its part.
    ``chosen`` is the metric where it is not the usual one of the task.
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
    chosen: Measure | None = None

    @property
    def metric(self) -> Measure:
        """The outer objective, lower is better."""
        return self.chosen or OF_TASK[self.task][0]

    @property
    def rejection_metric(self) -> Metric:
        """What the rejection protocol asks of free predictions: the metric if a kernel has it."""
        for metric in METRICS:
            if metric == self.metric:
                return metric
        return "mse" if self.task == "regression" else "error_rate"


@dataclass(frozen=True)
class LearningProblem:
    """Data, network shape and kind of task; build it with ``from_rows``.

    Arrays hold samples in the last axis: ``x_train`` (d, n), ``y_train`` (C, n), the same for
    validation. Labels of a classification are one-hot columns (for C = 1: one row of 0 and 1).
    ``measures`` are taken of the outputs on validation data beside the kernels' metrics.
    """

    task: Task
    widths: tuple[int, ...]
    x_train: Array
    y_train: Array
    x_valid: Array
    y_valid: Array
    measures: tuple[Measure, ...] = ()

    @classmethod
    def from_rows(
        cls,
        x_train: Array,
        y_train: Array,
        x_valid: Array,
        y_valid: Array,
        *,
        task: Task,
        hidden: Sequence[int] = (),
        classes: int = 1,
        dtype: npt.DTypeLike = np.float32,
        measures: tuple[Measure, ...] = (),
    ) -> "LearningProblem":
        """Build from rows: x (n, d); y (n,) or (n, 1) values, or (n,) class indices.

        ``hidden`` are the widths between inputs and outputs (none: a linear model), ``classes`` is
        C (1 for regression; 1 for a classification means a sigmoid and labels 0 and 1). Raises
        ``ValueError`` naming the argument for shapes that do not fit, an empty split, values that
        are not finite, and labels outside 0..C-1.
        """
        if task not in ("regression", "classification"):
            raise ValueError(f"task: got {task!r}; expected 'regression' or 'classification'")
        if task == "regression" and classes != 1:
            raise ValueError(f"classes: got {classes}; a regression has one output")
        parts = []
        for name, x, y in (("train", x_train, y_train), ("valid", x_valid, y_valid)):
            x, y = np.asarray(x), np.asarray(y)
            if x.ndim != 2 or x.shape[0] == 0:
                raise ValueError(f"x_{name}: shape {x.shape}; expected (rows >= 1, inputs)")
            if y.shape not in ((x.shape[0],), (x.shape[0], 1)):
                raise ValueError(f"y_{name}: shape {y.shape}; expected ({x.shape[0]},)")
            y = y.reshape(-1)
            for label, values in ((f"x_{name}", x), (f"y_{name}", y)):
                if not np.isfinite(values).all():
                    raise ValueError(f"{label}: expected finite numbers, found NaN or infinity")
            parts.append((np.ascontiguousarray(x.T, dtype), label_rows(y, task, classes, dtype)))
        (xt, yt), (xv, yv) = parts
        if xt.shape[0] != xv.shape[0]:
            raise ValueError(f"x_valid: {xv.shape[0]} inputs; x_train has {xt.shape[0]}")
        widths = check_widths((xt.shape[0], *hidden, classes))
        return cls(task, widths, xt, yt, xv, yv, measures)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Precision of all computation on this problem."""
        return self.x_train.dtype

    @property
    def classes(self) -> int:
        """Number of outputs C."""
        return self.widths[-1]

    @property
    def parameters(self) -> int:
        """Length of the network's parameter vector."""
        return parameter_count(self.widths)


def columns(source: Array, rows: npt.NDArray[np.int32], out: Array) -> None:
    """Gather samples (columns of ``source``) into ``out``."""
    # Without "clip" numpy checks bounds through a second buffer; the rows are known to be valid.
    np.take(source, rows, axis=1, out=out, mode="clip")
