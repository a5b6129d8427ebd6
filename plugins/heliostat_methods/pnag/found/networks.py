"""The networks of a front as one product: the supernet's weights, and what is each one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from heliostat import ConfigError, PartRef, registry, stored
from heliostat_methods.pnag.cost.budget import Budget, read_any_budget, write
from heliostat_methods.pnag.found.parameters import NetworkParameters
from heliostat_methods.pnag.spaces.layout import Blocks, BlockShape, NetworkLayout
from heliostat_methods.pnag.supernet.extraction import extract
from heliostat_methods.pnag.supernet.network import Supernet

KIND = "model"
Moments = tuple[NDArray[np.float32], NDArray[np.float32]]


@stored("pnag.found_network")
@dataclass(frozen=True, eq=False)
class FoundNetwork:
    """One network: its text, its blocks, its BatchNorm statistics, what it is worth and costs.

    `accuracy` on validation images, `test` on images that chose nothing. `costs` by quantity.
    """

    text: str
    blocks: Blocks
    statistics: Mapping[str, Moments]
    accuracy: float
    test: float | None
    costs: Mapping[str, float]


@stored("pnag.found_networks")
@dataclass(frozen=True, eq=False)
class FoundNetworks:
    """Networks of one supernet, by rising cost.

    `middles`: (channels_in, expand, channels inside) of its blocks. `quantity`: what the search
    kept small. `mean`, `deviation`: what pixels of `dataset` were standardised by, which whoever
    uses a network does as well. `labels`: what its classes are called.
    """

    layout: NetworkLayout
    middles: tuple[tuple[int, int, int], ...]
    layers: tuple[PartRef, ...]
    memory_format: Literal["channels_last", "contiguous"]
    weights: Mapping[str, NDArray[Any]]
    quantity: str
    networks: tuple[FoundNetwork, ...]
    dataset: str = ""
    mean: float = 0.0
    deviation: float = 1.0
    labels: tuple[str, ...] = ()

    def supernet(self) -> Supernet:
        """Return the supernet with its trained weights."""
        inside = {(channels, expand): middle for channels, expand, middle in self.middles}

        def middle(shape: BlockShape, expand: int) -> int:
            return inside[shape.channels_in, expand]

        known = registry()
        layers = {}
        for ref in self.layers:
            spec = known.part("layer", ref.name)
            layers[ref.name] = spec.build(spec.config.model_validate(dict(ref.params)))
        net = Supernet(
            self.layout, middle, torch.Generator().manual_seed(0), layers, self.memory_format
        )
        net.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in self.weights.items()})
        return net.eval()

    def module(self, network: FoundNetwork) -> torch.nn.Module:
        """Return a network as a plain module: images (batch, channels, h, w) to logits."""
        statistics = {
            name: (torch.from_numpy(np.array(mean)), torch.from_numpy(np.array(variance)))
            for name, (mean, variance) in network.statistics.items()
        }
        return extract(self.supernet(), network.blocks, statistics)

    def within(self, budget: Budget) -> FoundNetwork:
        """Return the most accurate network within a budget, or the cheapest if none is.

        Raises ConfigError for a quantity that these networks were not measured in.
        """
        costs = [self.cost(network, budget.quantity) for network in self.networks]
        fitting = [
            network for network, cost in zip(self.networks, costs, strict=True)
            if cost <= budget.value
        ]  # fmt: skip
        if not fitting:
            return self.networks[int(np.argmin(costs))]
        # of equally accurate ones the cheapest in what was asked, as `heliostat show` has it
        return max(fitting, key=lambda one: (one.accuracy, -self.cost(one, budget.quantity)))

    def cost(self, network: FoundNetwork, quantity: str) -> float:
        """Return what a network costs; ConfigError where that was not measured."""
        if quantity not in network.costs:
            known = ", ".join(network.costs)
            raise ConfigError(
                "budget", quantity, f"one of what the run measured: {known}",
                "latency needs a table: heliostat latency build" if quantity == "latency" else "",
            )  # fmt: skip
        return float(network.costs[quantity])


@dataclass(frozen=True, eq=False)
class NetworkModel:
    """A network of a past run as a model part: it begins with the weights that it had there."""

    found: FoundNetworks
    network: FoundNetwork

    def create(
        self, input_shape: tuple[int, ...], outputs: int, generator: torch.Generator
    ) -> torch.nn.Module:
        """Return the network: (batch, *input_shape) -> (batch, outputs).

        With another number of outputs its classifier is drawn anew from `generator`. Raises
        ConfigError for images of another shape.
        """
        from heliostat_methods.pnag.found.adapting import adapted

        return adapted(self.found.module(self.network), self.found.layout, input_shape, outputs,
                       generator)  # fmt: skip

    def widths(self, input_shape: tuple[int, ...], outputs: int) -> tuple[int, ...] | None:
        """Return None: not a dense ReLU network."""
        return None


def build_model(value: Any, parameters: NetworkParameters) -> NetworkModel:
    """Return the model part of a stored product; raises ConfigError where no network fits."""
    found: FoundNetworks = value
    if not parameters.budget:
        return NetworkModel(found, max(found.networks, key=lambda one: one.accuracy))
    quantity: Any = found.quantity
    budget = read_any_budget(parameters.budget, quantity)
    try:
        network = found.within(budget)
    except ConfigError as error:
        raise ConfigError("budget", parameters.budget, error.expected, error.hint) from None
    cost = found.cost(network, budget.quantity)
    if cost > budget.value:
        least = write(Budget(budget.quantity, cost))
        raise ConfigError("budget", parameters.budget, f"at least {least}, the cheapest network's")
    return NetworkModel(found, network)
