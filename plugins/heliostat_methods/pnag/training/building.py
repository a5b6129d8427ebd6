"""The network that holds all others, built from a problem in whatever process needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from heliostat import ConfigError, PartRef, stored
from heliostat.contract import Layer
from heliostat_methods.pnag.spaces.elastic_units import ElasticSpace
from heliostat_methods.pnag.spaces.layout import NetworkLayout, TrainableSpace
from heliostat_methods.pnag.supernet.choices import SubnetChoices
from heliostat_methods.pnag.supernet.network import Supernet
from heliostat_methods.pnag.training.problem import Problem

PartBuilder = Callable[[str, PartRef], Any]
"""`ctx.part` or `run.part`."""
Weights = Mapping[str, NDArray[Any]]


@stored("pnag.trained_supernet")
@dataclass(frozen=True, eq=False)
class TrainedSupernet:
    """The weights by name, and the mean loss of the largest subnet in each epoch, (epochs,)."""

    weights: Weights
    losses: NDArray[np.float64]


def space_of(problem: Problem, part: PartBuilder) -> TrainableSpace:
    """Return the problem's space."""
    space: TrainableSpace = part("space", problem.space)
    return space


def layers_of(refs: Iterable[PartRef], part: PartBuilder) -> dict[str, Layer]:
    """Return the layers that kernels may name."""
    return {ref.name: part("layer", ref) for ref in refs}


def refuse_missing_layers(layout: NetworkLayout, refs: Iterable[PartRef]) -> None:
    """Raise ConfigError where kernels name a layer that nobody gave, or two have one name."""
    given = [ref.name for ref in refs]
    for name in given:
        if given.count(name) > 1:
            raise ConfigError("layers", given, f"each name once, {name!r} stands there twice")
    for shape in (shape for unit in layout.units for shape in unit):
        for kernel in shape.kernels:
            if isinstance(kernel, str) and kernel not in given:
                expected = f"the layer {kernel!r} among them, which the space's kernels name"
                raise ConfigError("layers", given, expected)


def layout_of(problem: Problem, space: TrainableSpace) -> NetworkLayout:
    """Return the largest network for the problem's images."""
    return space.layout(problem.input_shape, problem.classes)


def checked_layout(problem: Problem, space: TrainableSpace) -> NetworkLayout:
    """Return the largest network; raises ConfigError, before anything is trained, where none is.

    For images that do not fit the space, and for layers that its kernels name and nobody gave.
    """
    layout = layout_of(problem, space)
    refuse_missing_layers(layout, problem.layers)
    return layout


def fresh_supernet(
    problem: Problem, space: TrainableSpace, part: PartBuilder, generator: torch.Generator
) -> Supernet:
    """Return the supernet with weights drawn from `generator`."""
    return Supernet(
        layout_of(problem, space), space.middle, generator, layers_of(problem.layers, part),
        problem.memory_format,
    )  # fmt: skip


def trained_supernet(
    problem: Problem, weights: Weights, space: TrainableSpace, part: PartBuilder
) -> Supernet:
    """Return the supernet with given weights."""
    net = fresh_supernet(problem, space, part, torch.Generator().manual_seed(0))
    net.load_state_dict({name: torch.from_numpy(np.array(w)) for name, w in weights.items()})
    return net.eval()


def choices_of(space: TrainableSpace, layout: NetworkLayout) -> SubnetChoices:
    """Return which subnets training draws from: those of the space."""
    depths = (
        space.elastic.depths if isinstance(space, ElasticSpace) else None
    )  # another space's units may have any depth
    return SubnetChoices(
        layout,
        tuple(depths or tuple(range(1, len(unit) + 1)) for unit in layout.units),
    )


def weights_of(net: Supernet) -> dict[str, NDArray[Any]]:
    """Return all weights by name."""
    return {name: value.detach().cpu().numpy().copy() for name, value in net.state_dict().items()}
