"""Parts tried on small examples: built and called twice with equal generators, as methods do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from heliostat.contract.part import PartSpec, check_part_object
from heliostat_kit.exam.calls import calls
from heliostat_kit.exam.random_states import changed_since, random_states
from heliostat_kit.verdict import Broken, NotJudged

if TYPE_CHECKING:
    import torch

BATCH, CLASSES, POINTS, DIMENSIONS = 5, 3, 8, 2
SHAPES: tuple[tuple[int, ...], ...] = ((6,), (1, 28, 28), (3, 32, 32), (4, 6))
"""Shapes of one input that a model or layer is tried on until it takes one."""
SEED = 7


def try_part(spec: PartSpec, limit: float) -> None:
    """Build a part with its defaults and use it twice; raises Broken or NotJudged.

    `limit`: seconds that both may take.
    """
    try:
        parameters = spec.config()
    except ValidationError:
        raise NotJudged("a parameter has no default") from None
    use = _USES[spec.kind]

    def once() -> list[Any]:
        part = spec.build(parameters)
        check_part_object(spec.kind, spec.name, part)
        return use(part)

    with calls("it", limit):
        first = once()  # imports may draw
        before = random_states()
        second = once()
        changed = changed_since(before)
        if changed:
            raise Broken(f"it changes the state of {' and '.join(changed)}")
        if not _equal(first, second):
            raise Broken(_DIFFERENT[spec.kind])


def _dataset(part: Any) -> list[Any]:
    rows, targets = len(part.inputs), len(part.targets)
    if str(part.inputs.dtype) != "float32":
        raise Broken(f"inputs are {part.inputs.dtype}, expected float32")
    if rows != targets:
        raise Broken(f"{rows} rows of inputs and {targets} targets")
    if part.task not in ("regression", "classification"):
        raise Broken(f'task is {part.task!r}, expected "regression" or "classification"')
    kind = "int64" if part.task == "classification" else "float32"
    if str(part.targets.dtype) != kind:
        raise Broken(f"targets are {part.targets.dtype}, expected {kind} for {part.task}")
    return [part.inputs.tobytes(), part.targets.tobytes()]


def _model(part: Any) -> list[Any]:
    def make(shape: tuple[int, ...], generator: torch.Generator) -> torch.nn.Module:
        widths = part.widths(shape, CLASSES)
        if widths is not None and not isinstance(widths, tuple | list):
            raise Broken(f"widths gives a {type(widths).__name__}, expected a tuple or None")
        made: torch.nn.Module = part.create(shape, CLASSES, generator)
        return made

    network, outputs = _network(make)
    if tuple(outputs.shape) != (BATCH, CLASSES):
        raise Broken(
            f"its network gives {tuple(outputs.shape)} for a batch of {BATCH} and {CLASSES} "
            f"outputs, expected {(BATCH, CLASSES)}"
        )
    return _weights(network)


def _layer(part: Any) -> list[Any]:
    return _weights(_network(part.create)[0])


def _loss(part: Any) -> list[Any]:
    tasks = part.tasks
    known = ("regression", "classification")
    if isinstance(tasks, str) or not tasks or any(task not in known for task in tasks):
        raise Broken(f'tasks is {tasks!r}, expected a tuple of "regression", "classification"')
    found = []
    for task in tasks:
        value = part(*_batch(task))
        shape = getattr(value, "shape", None)
        if shape is None or tuple(shape) != ():
            what = f"a {type(value).__name__}" if shape is None else f"shape {tuple(shape)}"
            raise Broken(f"its call gives {what} for {task}, expected a scalar tensor")
        found.append(value.detach())
    return found


def _metric(part: Any) -> list[Any]:
    if part.direction not in ("min", "max"):
        raise Broken(f'direction is {part.direction!r}, expected "min" or "max"')
    try:
        value = part(*_batch("classification"))
    except Exception:  # it need not take both tasks
        value = part(*_batch("regression"))
    try:
        return [float(value)]
    except (TypeError, ValueError) as error:
        raise Broken(f"its call gives a {type(value).__name__}, expected a number") from error


def _sampler(part: Any) -> list[Any]:
    import numpy as np

    generator = np.random.Generator(np.random.Philox(SEED))
    points = part.points(POINTS, DIMENSIONS, generator)
    shape = getattr(points, "shape", None)
    if shape != (POINTS, DIMENSIONS):
        raise Broken(
            f"points({POINTS}, {DIMENSIONS}, generator) has shape {shape}, "
            f"expected {(POINTS, DIMENSIONS)}"
        )
    low, high = float(points.min()), float(points.max())
    if not (low >= 0 and high < 1):
        raise Broken(f"points lie between {low:.4g} and {high:.4g}, expected [0, 1)")
    return [np.asarray(points).tobytes()]


def _network(
    make: Callable[[tuple[int, ...], torch.Generator], torch.nn.Module],
) -> tuple[torch.nn.Module, torch.Tensor]:
    """Return what is made for the first example shape that it takes, and what it then gives."""
    import torch

    refused = ""
    for shape in SHAPES:
        generator = torch.Generator().manual_seed(SEED)
        inputs = torch.linspace(-1, 1, BATCH * _size(shape)).reshape(BATCH, *shape)
        try:
            network = make(shape, generator).eval()
            with torch.no_grad():
                return network, network(inputs)
        except Exception as error:  # it need not take every shape
            refused = refused or f"{type(error).__name__}: {error}"[:200]
    shapes = ", ".join(map(str, SHAPES))
    raise NotJudged(f"it takes inputs of none of the shapes {shapes}; the first said {refused}")


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def _batch(task: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return outputs and targets as a loss or metric gets them."""
    import torch

    if task == "regression":
        outputs = torch.linspace(-1, 1, BATCH).reshape(BATCH, 1).requires_grad_()
        return outputs, torch.linspace(1, -0.5, BATCH)
    outputs = torch.linspace(-1, 1, BATCH * CLASSES).reshape(BATCH, CLASSES).requires_grad_()
    return outputs, torch.arange(BATCH) % CLASSES


def _weights(network: torch.nn.Module) -> list[Any]:
    return [tensor.detach() for tensor in network.state_dict().values()]


def _equal(first: list[Any], second: list[Any]) -> bool:
    import torch

    if len(first) != len(second):
        return False
    for a, b in zip(first, second, strict=True):
        tensors = isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor)
        if not (torch.equal(a.nan_to_num(), b.nan_to_num()) if tensors else a == b or a != a):
            return False
    return True


_USES: Mapping[str, Callable[[Any], list[Any]]] = {
    "dataset": _dataset,
    "model": _model,
    "layer": _layer,
    "loss": _loss,
    "metric": _metric,
    "sampler": _sampler,
}
_DIFFERENT: Mapping[str, str] = {
    "dataset": "built again, its inputs or targets are others",
    "model": "made again with an equal generator, the network has other weights",
    "layer": "made again with an equal generator, the layer has other weights",
    "loss": "called again with equal outputs and targets, it gives another loss",
    "metric": "called again with equal outputs and targets, it gives another number",
    "sampler": "called again with an equal generator, it gives other points",
}
