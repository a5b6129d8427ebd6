"""The surface that a training ended on: slices along random directions, and how flat it is.

Directions are filter-normalised (Li et al. 2018, "Visualizing the Loss Landscape of Neural Nets"):
Gaussian, then every filter's part is scaled to the length of that filter's own parameters, so that
networks whose layers differ in scale can be compared. In a dense network a filter is a row of the
matrix with its bias [R: the paper leaves biases where they are; see ``module_filters``].

An *objective* maps a stack of parameter vectors (K, P) to K numbers; ``dense_objective`` and
``module_objective`` make one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from heliostat_methods.evomal.analysis.curves import entrywise
from heliostat_methods.evomal.learners.kernels.objectives import Metric, metric_code
from heliostat_methods.evomal.learners.networks import (
    check_widths,
    forward,
    layer_views,
    parameter_count,
)
from heliostat_methods.evomal.learners.problem import LearningProblem
from heliostat_methods.evomal.learners.training import evaluate
from heliostat_methods.evomal.losses.expression import LossExpression

Array = npt.NDArray[Any]
Objective = Callable[[Array], Array]
Part = Literal["train", "valid"]
_STACK = 64  # networks evaluated at a time


@dataclass(frozen=True)
class LandscapeConfig:
    """How far and how finely to look. Lengths are in units of each filter's own length [R].

    ``radius`` and ``points`` of a slice; ``flatness_radius`` and ``flatness_directions`` of the
    flatness; ``grid`` points a side of the plane.
    """

    radius: float = 1.0
    points: int = 41
    flatness_radius: float = 0.25
    flatness_directions: int = 20
    grid: int = 17

    def __post_init__(self) -> None:
        for name in ("radius", "flatness_radius"):
            if not 0 < getattr(self, name) < np.inf:
                raise ValueError(f"{name}: got {getattr(self, name)}; expected more than 0")
        for name, least in (("points", 3), ("grid", 3), ("flatness_directions", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}: got {getattr(self, name)}; expected at least {least}")


def dense_filters(widths: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Return the filter's number of every parameter of a dense network, (P,)."""
    widths = check_widths(widths)
    filters, first = np.empty(parameter_count(widths), np.int64), 0
    for matrix, bias in layer_views(filters, widths):
        numbers = np.arange(first, first + bias.size)
        matrix[:], bias[:] = numbers[:, None], numbers
        first += bias.size
    return filters


def filter_normalised(
    theta: Array, filters: npt.NDArray[np.int64], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return a random direction, (P,), whose every filter is as long as that of ``theta``.

    ``filters`` (P,) numbers each parameter's filter; -1 leaves a parameter where it is.
    """
    theta = np.asarray(theta, np.float64)
    if theta.ndim != 1 or filters.shape != theta.shape:
        raise ValueError(f"filters: shape {filters.shape}; expected one a parameter, {theta.shape}")
    direction = rng.standard_normal(theta.size)
    moved = filters >= 0
    direction[~moved] = 0.0
    groups = filters[moved]
    own = np.sqrt(np.bincount(groups, theta[moved] ** 2))
    drawn = np.sqrt(np.bincount(groups, direction[moved] ** 2))
    direction[moved] *= (own / np.where(drawn > 0, drawn, 1.0))[groups]
    return direction


def line(objective: Objective, theta: Array, direction: Array, steps: Array) -> Array:
    """Return the objective at ``theta + a direction`` for each a of ``steps``, (K,)."""
    steps = np.asarray(steps, np.float64)
    stack = np.asarray(theta, np.float64) + steps[:, None] * direction
    return np.asarray(objective(stack), np.float64)


def plane(objective: Objective, theta: Array, first: Array, second: Array, steps: Array) -> Array:
    """Return the objective at ``theta + a first + b second``, (K, K): rows are b, columns a."""
    rows = [line(objective, theta + b * second, first, steps) for b in np.asarray(steps)]
    return np.stack(rows)


def flatness(
    objective: Objective,
    theta: Array,
    filters: npt.NDArray[np.int64],
    rng: np.random.Generator,
    radius: float = 0.25,
    directions: int = 20,
) -> float:
    """Return the mean increase of the objective at a radius; smaller is flatter [R].

    ``F(r) = 1/D sum_d [L(theta + r d) + L(theta - r d)]/2 - L(theta)`` over D filter-normalised
    directions. Both ends of each direction are taken, so that a slope does not count as curvature.
    """
    total = 0.0
    for _ in range(directions):
        direction = filter_normalised(theta, filters, rng)
        total += float(line(objective, theta, direction, np.array([-radius, radius])).mean())
    return total / directions - float(line(objective, theta, 0.0 * theta, np.zeros(1))[0])


def dense_objective(
    problem: LearningProblem, part: Part = "valid", measure: Metric | LossExpression | None = None
) -> Objective:
    """Return the objective of a dense problem on its training or measured part.

    ``measure``: a metric, or a loss (what training descended, as the mean over samples); without
    one cross-entropy for a classification and squared error for a regression.
    """
    if part not in ("train", "valid"):
        raise ValueError(f"part: got {part!r}; expected 'train' or 'valid'")
    if part == "train":
        problem = replace(problem, x_valid=problem.x_train, y_valid=problem.y_train)
    if isinstance(measure, LossExpression):
        loss = measure
        return lambda stack: np.array([_mean_loss(loss, theta, problem) for theta in stack])
    code = metric_code(measure or ("mse" if problem.task == "regression" else "cross_entropy"))

    def measured(stack: Array) -> Array:
        parts = [
            evaluate(np.array(stack[i : i + _STACK], problem.dtype, order="C"), problem)[:, code]
            for i in range(0, len(stack), _STACK)
        ]
        return np.concatenate(parts)

    return measured


def landscape(
    theta: Array,
    problem: LearningProblem,
    streams: Callable[..., np.random.Generator],
    config: LandscapeConfig | None = None,
    measure: Metric | LossExpression | None = None,
) -> dict[str, Any]:
    """Return the surroundings of R trained networks ``theta`` (R, P) as plain data.

    ``line``: {steps, train, test}, values (R, K); ``plane``: {steps, train, test}, values (K, K)
    around the first network; ``flatness``: {radius, directions, train, test}, values (R,). "test"
    is what the problem measures on. Uses the streams ``("direction", r)``, ``("plane",)`` and
    ``("flatness", r)``: one loss's directions do not depend on another's.
    """
    objectives = {
        "train": dense_objective(problem, "train", measure),
        "test": dense_objective(problem, "valid", measure),
    }
    return surroundings(theta, dense_filters(problem.widths), objectives, streams, config)


def surroundings(
    theta: Array,
    filters: npt.NDArray[np.int64],
    objectives: Mapping[str, Objective],
    streams: Callable[..., np.random.Generator],
    config: LandscapeConfig | None = None,
) -> dict[str, Any]:
    """Return what `landscape` does for any model: ``theta`` (R, P), ``filters`` (P,).

    ``objectives`` are those of "train" and "test".
    """
    config = config or LandscapeConfig()
    steps = np.linspace(-config.radius, config.radius, config.points)
    grid = np.linspace(-config.radius, config.radius, config.grid)
    account: dict[str, Any] = {
        "config": asdict(config),
        "line": {"steps": steps.tolist()},
        "plane": {"steps": grid.tolist()},
        "flatness": {
            "radius": config.flatness_radius,
            "directions": config.flatness_directions,
        },
    }
    for name, objective in objectives.items():
        lines, flat = [], []
        for r, vector in enumerate(theta):
            direction = filter_normalised(vector, filters, streams("direction", r))
            lines.append(line(objective, vector, direction, steps).tolist())
            flat.append(
                flatness(
                    objective,
                    vector,
                    filters,
                    streams("flatness", r),
                    config.flatness_radius,
                    config.flatness_directions,
                )
            )
        rng = streams("plane")
        first, second = (filter_normalised(theta[0], filters, rng) for _ in range(2))
        account["line"][name] = lines
        account["plane"][name] = plane(objective, theta[0], first, second, grid).tolist()
        account["flatness"][name] = flat
    return account


def module_filters(module: Any, biases: bool = False) -> npt.NDArray[np.int64]:
    """Return the filter's number of every parameter of a torch module, in the module's order.

    A filter is a first-axis slice of a parameter of two or more axes. Parameters of one axis
    (biases, normalisation) stay where they are, as Li et al. do; with ``biases`` each such vector
    is one filter.
    """
    return tensor_filters(module.parameters(), biases)


def tensor_filters(parameters: Iterable[Any], biases: bool = False) -> npt.NDArray[np.int64]:
    """Return what ``module_filters`` does, of parameters in any order."""
    numbers, first = [], 0
    for parameter in parameters:
        if parameter.ndim >= 2:
            rows = parameter.shape[0]
            numbers.append(np.repeat(np.arange(first, first + rows), parameter.numel() // rows))
            first += rows
        else:
            numbers.append(np.full(parameter.numel(), first if biases else -1))
            first += biases
    return np.concatenate(numbers).astype(np.int64)


def module_vector(module: Any) -> npt.NDArray[np.float64]:
    """Return the parameters of a torch module as one vector, in the module's order."""
    return np.concatenate(
        [p.detach().cpu().numpy().astype(np.float64).ravel() for p in module.parameters()]
    )


def module_objective(module: Any, loss: Callable[[Any, Any], Any], x: Any, y: Any) -> Objective:
    """Return the objective ``loss(module(x), y)`` of a torch module; the module is not changed.

    Evaluated with ``torch.func.functional_call`` in the mode (train or eval) that the module is in.
    """
    import torch  # deferred: dense networks need only the compiled kernels

    def measured(stack: Array) -> Array:
        found = []
        for vector in stack:
            given, at = {}, 0
            for name, p in module.named_parameters():
                part = torch.from_numpy(vector[at : at + p.numel()].copy()).to(p)
                given[name], at = part.reshape(p.shape), at + p.numel()
            with torch.no_grad():
                found.append(float(loss(torch.func.functional_call(module, given, (x,)), y)))
        return np.array(found)

    return measured


def _mean_loss(loss: LossExpression, theta: Array, problem: LearningProblem) -> float:
    outputs = forward(theta, problem.widths, problem.x_valid.T.astype(np.float64))
    if problem.task == "classification":
        if problem.classes == 1:
            outputs = 1.0 / (1.0 + np.exp(-outputs))
        else:
            outputs = np.exp(outputs - outputs.max(axis=1, keepdims=True))
            outputs /= outputs.sum(axis=1, keepdims=True)
    labels = problem.y_valid.T.astype(np.float64)
    values = entrywise(loss, labels.ravel(), outputs.ravel())[0]
    return float(values.sum() / len(labels))
