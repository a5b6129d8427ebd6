"""The surroundings of any trained torch model, as ``landscape`` draws those of dense ones.

A filter is a first-axis slice of a parameter of two or more axes; parameters of one axis (biases,
normalisation) and buffers stay where they are, as Li et al. do. Networks are in evaluation mode.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from heliostat_methods.evomal.analysis.landscape import (
    LandscapeConfig,
    Objective,
    surroundings,
    tensor_filters,
)
from heliostat_methods.evomal.learners.generic.layered import network_of
from heliostat_methods.evomal.learners.generic.torch_problem import TorchProblem
from heliostat_methods.evomal.learners.kernels.objectives import metric_code
from heliostat_methods.evomal.learners.output_slopes import metric_means
from heliostat_search.unrolled.functional_module import split_numbers

Array = npt.NDArray[Any]
COARSE = LandscapeConfig(points=21, grid=9, flatness_directions=10)
"""Every point is a pass over the data, and passes of such models take time."""
MOST_ROWS = 1000
"""Rows of each part that the objective is measured on, the first ones."""


def torch_filters(problem: TorchProblem) -> npt.NDArray[np.int64]:
    """Return the filter's number of every number of a network, parameters and then buffers."""
    trained, rest = split_numbers(problem.create(0))
    still = [np.full(part.numel(), -1) for part in rest.values()]
    return np.concatenate([tensor_filters(trained.values()), *still])


def torch_objective(problem: TorchProblem, part: str) -> Objective:
    """Return cross-entropy or squared error of a network's numbers on "train" or "test" rows."""
    network = network_of(problem)
    on_train = part == "train"
    x = (problem.x_train if on_train else problem.x_valid)[:MOST_ROWS]
    labels = problem.labels((problem.y_train if on_train else problem.y_valid)[:MOST_ROWS])
    code = metric_code("cross_entropy" if problem.classify else "mse")

    def measured(stack: Array) -> Array:
        found = []
        for numbers in stack:
            network.load(np.ascontiguousarray(numbers, problem.dtype))
            found.append(metric_means(network.evaluate(x), labels, problem.classify)[code])
        return np.array(found)

    return measured


def torch_landscape(
    theta: Array,
    problem: TorchProblem,
    streams: Callable[..., np.random.Generator],
    config: LandscapeConfig = COARSE,
) -> dict[str, Any]:
    """Return the surroundings of R trained networks, (R, numbers), as ``landscape`` does."""
    objectives = {part: torch_objective(problem, part) for part in ("train", "test")}
    return surroundings(theta, torch_filters(problem), objectives, streams, config)
