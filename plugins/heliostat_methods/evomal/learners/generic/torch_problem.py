"""A learning problem for any torch model: data as tensors, the model's recipe, fresh networks.

What the generic path computes for a dense ReLU network agrees with the closed form of
``LearningProblem``: such a model starts from the very numbers of ``networks.xavier_uniform``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from heliostat.contract import Model
from heliostat_methods.evomal.learners.networks import layer_views, parameter_count, xavier_uniform
from heliostat_methods.evomal.losses.tree import Task
from heliostat_search.trainings.labels import label_rows
from heliostat_search.trainings.measures import Measure
from heliostat_search.unrolled.drawing import draw_seeds, drawing_from
from heliostat_search.unrolled.functional_module import module_numbers

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class TorchProblem:
    """Data, model and kind of task; build it with ``from_rows``.

    ``x_train`` (n, *input_shape), ``y_train`` (n,), numbers of a regression in the precision of x
    or int64 class numbers; the same for validation. Inputs lie on ``device``, where a network runs
    (`torch_network`); labels, losses and all that is drawn stay on the CPU. ``measures`` are taken
    of the outputs on validation data beside the kernels' metrics.
    """

    task: Task
    classes: int
    input_shape: tuple[int, ...]
    model: Model
    x_train: Tensor
    y_train: Tensor
    x_valid: Tensor
    y_valid: Tensor
    device: str = "cpu"
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
        model: Model,
        input_shape: Sequence[int] | None = None,
        classes: int = 1,
        dtype: npt.DTypeLike = np.float32,
        device: str = "cpu",
        measures: tuple[Measure, ...] = (),
    ) -> TorchProblem:
        """Build from rows: x (n, ...), y (n,) or (n, 1) values, or (n,) class numbers.

        ``input_shape`` is the shape of one sample as the model takes it, without one that of x;
        ``device`` is where networks run, by torch's name;
        ``classes`` is C (1 for regression; 1 for a classification means a sigmoid and labels 0 and
        1). Raises ``ValueError`` naming the argument for shapes that do not fit, an empty split,
        values that are not finite, labels outside 0..C-1, and a model of other outputs.
        """
        if task not in ("regression", "classification"):
            raise ValueError(f"task: got {task!r}; expected 'regression' or 'classification'")
        if task == "regression" and classes != 1:
            raise ValueError(f"classes: got {classes}; a regression has one output")
        shape = tuple(np.shape(x_train)[1:] if input_shape is None else map(int, input_shape))
        parts = []
        for name, x, y in (("train", x_train, y_train), ("valid", x_valid, y_valid)):
            x, y = np.asarray(x), np.asarray(y)
            if x.ndim < 2 or x.shape[0] == 0 or math.prod(x.shape[1:]) != math.prod(shape):
                raise ValueError(
                    f"x_{name}: shape {x.shape}; expected (rows >= 1, {', '.join(map(str, shape))})"
                )
            if y.shape not in ((x.shape[0],), (x.shape[0], 1)):
                raise ValueError(f"y_{name}: shape {y.shape}; expected ({x.shape[0]},)")
            y = y.reshape(-1)
            for label, values in ((f"x_{name}", x), (f"y_{name}", y)):
                if not np.isfinite(values).all():
                    raise ValueError(f"{label}: expected finite numbers, found NaN or infinity")
            label_rows(y, task, classes, dtype)  # refuses labels out of range
            kind = dtype if task == "regression" else np.int64
            rows = np.array(x, dtype, order="C").reshape(-1, *shape)
            parts += [torch.from_numpy(rows).to(device), torch.from_numpy(np.array(y, kind))]
        xt, yt, xv, yv = parts
        problem = cls(task, classes, shape, model, xt, yt, xv, yv, device, measures)
        problem._check_model()
        return problem

    @property
    def dtype(self) -> np.dtype[Any]:
        """Precision of all computation on this problem."""
        return np.dtype(str(self.x_train.dtype).removeprefix("torch."))

    @property
    def classify(self) -> bool:
        """Whether the task is a classification."""
        return self.task == "classification"

    def labels(self, targets: Tensor) -> Array:
        """Return targets (n,) as the kernels take them, (C, n)."""
        return label_rows(targets.numpy(), self.task, self.classes, self.dtype)

    def create(self, seed: int) -> nn.Module:
        """Return a network as the recipe makes it, on the CPU, in the problem's precision."""
        generator = torch.Generator().manual_seed(seed)
        # A recipe that draws from torch's global generator all the same repeats itself, too.
        with drawing_from(seed):
            module = self.model.create(self.input_shape, self.classes, generator)
        return module.to(self.x_train.dtype)

    def fresh(self, rng: np.random.Generator) -> Array:
        """Return a fresh network's numbers, (parameters + buffers,): parameters, then buffers.

        A dense ReLU network gets those of ``xavier_uniform``; another model is made by its recipe
        from a seed drawn from ``rng``.
        """
        widths = self.model.widths(self.input_shape, self.classes)
        if widths is not None:
            return xavier_uniform(widths, rng, self.dtype)
        return module_numbers(self.create(draw_seeds(rng, 1)[0]))

    def _check_model(self) -> None:
        module = self.create(0).eval()
        with torch.no_grad():
            outputs = module(self.x_train[:2].cpu())
        count = len(self.x_train[:2])
        if outputs.numel() != count * self.classes or len(outputs) != count:
            raise ValueError(
                f"model: outputs {tuple(outputs.shape)} for {count} samples; expected "
                f"({count}, {self.classes})"
            )
        widths = self.model.widths(self.input_shape, self.classes)
        if widths is None:
            return
        dense = layer_views(np.empty(parameter_count(widths)), widths)
        expected = [part.shape for pair in dense for part in pair]
        found = [tuple(part.shape) for part in (*module.parameters(), *module.buffers())]
        if found != expected:
            raise ValueError(
                f"model: parameters {found}; its widths {tuple(widths)} promise {expected}"
            )
