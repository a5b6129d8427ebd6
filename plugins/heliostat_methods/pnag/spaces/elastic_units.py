"""Units of blocks whose depth, kernels and widths may be chosen: what elastic spaces share.

Cai et al. 2020, Once-for-All. Decisions stand in the order unit by unit: depth, then expand ratio
and kernel of each layer. A layer exists from the first depth on that reaches it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError, did_you_mean
from heliostat_methods.pnag.spaces.layout import Activation, Blocks, BlockShape, TrainableSpace
from heliostat_methods.pnag.spaces.moves import absent_marked, count, within
from heliostat_methods.pnag.spaces.space import Archs, Decision


@dataclass(frozen=True)
class ElasticUnits:
    """So many units, each with one of `depths` layers, each layer with a kernel and a width.

    A kernel may be the name of a layer part. Places: `exists`, `kernels` and `expands` of
    architectures come as (n, units, slots), slots being the largest depth.
    """

    units: int
    depths: tuple[int, ...]
    kernels: tuple[int | str, ...]
    expands: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.units < 1:
            raise ConfigError("units", self.units, "at least one unit")
        _check_rising("depths", self.depths)
        _check_rising("expands", self.expands)
        _check_kernels(self.kernels)

    @property
    def slots(self) -> int:
        """Layers of a unit at most."""
        return self.depths[-1]

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """All decisions in order."""
        return tuple(decision for unit in range(self.units) for decision in self._of_unit(unit))

    @cached_property
    def size(self) -> int:
        """How many architectures there are, exactly."""
        return count(self.decisions)

    @property
    def smallest(self) -> Archs:
        """The architecture (decisions,) with the first choice everywhere."""
        first = np.zeros((1, len(self.decisions)), dtype=np.int16)
        marked: Archs = absent_marked(self.decisions, first)[0]
        return marked

    @property
    def largest(self) -> Archs:
        """The architecture (decisions,) with the last choice everywhere."""
        last = [len(decision.choices) - 1 for decision in self.decisions]
        return np.array(last, dtype=np.int16)

    def canonical(self, choices: NDArray[Any]) -> Archs:
        """Return rows with -1 where nothing exists; rows that are no architecture as they are."""
        rows = np.asarray(choices)
        marked = absent_marked(self.decisions, rows)
        return np.where(self.valid(rows)[:, None], marked, rows).astype(np.int16)

    def valid(self, choices: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which rows are architectures, (n,)."""
        return within(self.decisions, np.asarray(choices))

    def grids(self, archs: Archs) -> tuple[NDArray[np.bool_], NDArray[Any], NDArray[Any]]:
        """Return which layers exist, places of their kernels and of their expand ratios.

        Raises ConfigError for rows that are no architecture.
        """
        units = np.asarray(archs).reshape(len(archs), self.units, 1 + 2 * self.slots)
        depth, kernels, expands = units[:, :, 0], units[:, :, 2::2], units[:, :, 1::2]
        known = (depth >= 0) & (depth < len(self.depths))
        exists = np.arange(self.slots) < np.array(self.depths)[np.where(known, depth, 0)][..., None]
        inside = (kernels >= 0) & (kernels < len(self.kernels))
        inside &= (expands >= 0) & (expands < len(self.expands))
        bad = np.flatnonzero(~np.all(known & np.all(inside | ~exists, axis=2), axis=1))
        if len(bad):
            row = np.asarray(archs)[bad[0]].tolist()
            raise ConfigError("architecture", row, "places among the choices of each layer")
        return exists, kernels, expands

    def sums(self, archs: Archs, table: NDArray[Any]) -> NDArray[Any]:
        """Return the sum over existing layers of table (units, slots, kernels, expands), (n,)."""
        exists, kernels, expands = self.grids(archs)
        unit, slot = np.ogrid[: self.units, : self.slots]
        each = table[unit, slot, np.where(exists, kernels, 0), np.where(exists, expands, 0)]
        summed: NDArray[Any] = np.where(exists, each, 0).sum(axis=(1, 2))
        return summed

    def encode(self, archs: Archs) -> NDArray[np.float32]:
        """Return one-hot kernels of all layers, then one-hot expand ratios; zero where none is."""
        exists, kernels, expands = self.grids(archs)
        parts = [
            (np.where(exists, places, -1)[..., None] == np.arange(len(choices))).reshape(
                len(archs), -1
            )
            for places, choices in ((kernels, self.kernels), (expands, self.expands))
        ]
        return np.concatenate(parts, axis=1).astype(np.float32)

    def blocks(self, arch: NDArray[Any]) -> Blocks:
        """Return kernel and expand ratio of the layers that an architecture (decisions,) has."""
        exists, kernels, expands = (grid[0] for grid in self.grids(np.asarray(arch)[None]))
        return tuple(
            tuple(
                (self.kernels[kernels[unit, slot]], self.expands[expands[unit, slot]])
                for slot in range(self.slots)
                if exists[unit, slot]
            )
            for unit in range(self.units)
        )

    def of_blocks(self, blocks: Blocks) -> Archs:
        """Return the architecture (decisions,) with these layers; ConfigError names what is not."""
        if len(blocks) != self.units:
            raise ConfigError("blocks", len(blocks), f"{self.units} units")
        row: list[int] = []
        for number, layers in enumerate(blocks, start=1):
            row.append(place_of(f"unit{number}.depth", len(layers), self.depths))
            for layer, (kernel, expand) in enumerate(layers, start=1):
                where = f"unit{number}.layer{layer}"
                row.append(place_of(f"{where}.expand", expand, self.expands))
                row.append(place_of(f"{where}.kernel", kernel, self.kernels))
            row.extend([-1, -1] * (self.slots - len(layers)))
        return np.array(row, dtype=np.int16)

    def shapes(
        self,
        entry: tuple[int, tuple[int, int]],
        widths: Sequence[int],
        strides: Sequence[int],
        activations: Sequence[Activation],
        squeeze_excite: Sequence[bool],
    ) -> tuple[tuple[BlockShape, ...], ...]:
        """Return the blocks of all units, from (channels, size) of what enters the first.

        A unit's first block has its stride; the others have stride 1.
        """
        units: list[tuple[BlockShape, ...]] = []
        channels, size = entry
        for unit, width in enumerate(widths):
            blocks: list[BlockShape] = []
            for slot in range(self.slots):
                blocks.append(
                    BlockShape(
                        channels_in=channels,
                        channels_out=width,
                        stride=1 if slot else strides[unit],
                        size=size,
                        activation=activations[unit],
                        squeeze_excite=squeeze_excite[unit],
                        kernels=self.kernels,
                        expands=self.expands,
                    )
                )
                channels, size = width, blocks[-1].size_out
            units.append(tuple(blocks))
        return tuple(units)

    def _of_unit(self, unit: int) -> list[Decision]:
        depth = unit * (1 + 2 * self.slots)
        decisions = [Decision(f"unit{unit + 1}.depth", "depth", self.depths)]
        for slot in range(self.slots):
            name = f"unit{unit + 1}.layer{slot + 1}"
            least = sum(choice <= slot for choice in self.depths)
            parent = depth if least else None
            decisions.append(Decision(f"{name}.expand", "expand", self.expands, parent, least))
            decisions.append(Decision(f"{name}.kernel", "kernel", self.kernels, parent, least))
        return decisions


@runtime_checkable
class ElasticSpace(TrainableSpace, Protocol):
    """A space of elastic units."""

    @property
    def elastic(self) -> ElasticUnits:
        """The units' choices."""
        ...


def place_of(field: str, value: int | str, choices: Sequence[int | str]) -> int:
    """Return a value's place among choices; ConfigError names the nearest."""
    if value in choices:
        return list(choices).index(value)
    raise ConfigError(
        field, value, f"one of {', '.join(map(str, choices))}", _nearest(value, choices)
    )


def _nearest(value: int | str, choices: Sequence[int | str]) -> str:
    numbers = [choice for choice in choices if isinstance(choice, int)]
    if isinstance(value, int) and numbers:
        return f"the nearest is {min(numbers, key=lambda choice: (abs(choice - value), choice))}"
    return did_you_mean(str(value), map(str, choices))


def _check_rising(field: str, values: tuple[int, ...]) -> None:
    rising = all(a < b for a, b in pairwise(values))
    if not values or values[0] < 1 or not rising:
        raise ConfigError(field, values, "rising whole numbers from 1 on, at least one")


def _check_kernels(kernels: tuple[int | str, ...]) -> None:
    numbers = tuple(kernel for kernel in kernels if isinstance(kernel, int))
    if numbers or not kernels:
        _check_rising("kernels", numbers)
    for kernel in kernels:
        if isinstance(kernel, int) and kernel % 2 == 0:
            raise ConfigError("kernels", kernels, "odd sizes, which have a middle", f"not {kernel}")
        if isinstance(kernel, str) and (not kernel or set(kernel) & set(",: ") or kernel.isdigit()):
            raise ConfigError(
                "kernels", kernels, "names of layer parts without comma, colon or space"
            )
    if len(set(kernels)) < len(kernels):
        raise ConfigError("kernels", kernels, "different kernels")
