"""Latencies of blocks by what they are, and the latency of a network as their sum.

The time of a network is taken for the sum of its blocks' times and of the part that all networks
share (stem, first block, head). How well that holds is measured: see `latency_agreement`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.cost.latency_probe import Timing
from heliostat_methods.pnag.spaces.layout import Blocks, BlockShape, NetworkLayout, TrainableSpace
from heliostat_methods.pnag.spaces.space import Archs


@dataclass(frozen=True)
class Setting:
    """How networks are called: images at a time, threads, type of numbers."""

    batch: int = 1
    threads: int = 1
    dtype: str = "float32"


@dataclass(frozen=True)
class BlockKey:
    """What decides a block's latency; `resolution`: (height, width) of its input."""

    unit: int
    channels_in: int
    channels_out: int
    resolution: tuple[int, int]
    stride: int
    kernel: int | str
    expand: int
    squeeze_excite: bool
    activation: str
    batch: int
    threads: int
    dtype: str

    def write(self) -> str:
        """Return the key as a reader sees it."""
        height, width = self.resolution
        gate = "with" if self.squeeze_excite else "no"
        return (
            f"unit {self.unit}, {self.channels_in} to {self.channels_out} channels at "
            f"{height} x {width}, stride {self.stride}, kernel {self.kernel}, expand "
            f"{self.expand}, {gate} squeeze-and-excite, {self.activation}, batch {self.batch}, "
            f"{self.threads} thread{'s' * (self.threads != 1)}, {self.dtype}"
        )


def block_key(
    unit: int, shape: BlockShape, kernel: int | str, expand: int, setting: Setting
) -> BlockKey:
    """Return the key of a block."""
    return BlockKey(
        unit,
        shape.channels_in,
        shape.channels_out,
        shape.size,
        shape.stride,
        kernel,
        expand,
        shape.squeeze_excite,
        shape.activation,
        setting.batch,
        setting.threads,
        setting.dtype,
    )


def keys_of(layout: NetworkLayout, setting: Setting) -> dict[BlockKey, BlockShape]:
    """Return every block that a network of a layout may have, each once, in order."""
    return {
        block_key(number, shape, kernel, expand, setting): shape
        for number, unit in enumerate(layout.units)
        for shape in unit
        for kernel in shape.kernels
        for expand in shape.expands
    }


@dataclass(frozen=True)
class LatencyTable:
    """Kind "latency_table": seconds of the blocks of a layout, and of what all networks share.

    `noisy` says why the times may be off, "" if nothing does. `error`: mean of |sum of blocks /
    measured - 1| over networks that were timed whole, None where none was. `layers`: the layer
    parts that kernels may name, as a configuration writes them.
    """

    layout: NetworkLayout
    setting: Setting
    entries: Mapping[BlockKey, Timing]
    fixed: Timing
    noisy: str = ""
    error: float | None = None
    layers: tuple[Any, ...] = ()

    @property
    def remarks(self) -> list[str]:
        """Return what whoever chooses by these latencies has to know."""
        told = [] if self.error is None else [
            f"latencies are sums of measured blocks: over networks that were timed whole they are "
            f"off by {100 * self.error:.1f} % on average"
        ]  # fmt: skip
        return told + ([f"the latency table is noisy: {self.noisy}"] if self.noisy else [])

    def block(self, unit: int, layer: int, kernel: int | str, expand: int) -> float:
        """Return the seconds of a block; raises DataError naming one that was not measured."""
        key = block_key(unit, self.layout.units[unit][layer], kernel, expand, self.setting)
        if key not in self.entries:
            raise DataError(f"the latency table has no block of {key.write()}; measure it")
        return self.entries[key].median

    def latency(self, blocks: Blocks) -> float:
        """Return the seconds of a network; raises DataError naming a block not measured."""
        each = (
            self.block(unit, layer, kernel, expand)
            for unit, row in enumerate(blocks)
            for layer, (kernel, expand) in enumerate(row)
        )
        return sum(each, self.fixed.median)

    def latencies(self, space: TrainableSpace, archs: Archs) -> NDArray[np.float64]:
        """Return the seconds of architectures of a space, (n,)."""
        return np.array([self.latency(space.blocks(arch)) for arch in archs], np.float64)

    def of_layout(self, layout: NetworkLayout, layers: Sequence[Any] = ()) -> LatencyTable:
        """Return the table for networks of a layout, all of whose blocks were measured.

        ``layers`` are the layer parts that its kernels may name, as a configuration writes them.
        Raises ConfigError where the shared part or such a layer is another, DataError naming a
        missing block.
        """
        for layer in layers:
            if layer not in self.layers:
                expected = f"layers that were timed, {list(self.layers)!r}"
                raise ConfigError("layers", layer, expected, "parameters count, too")
        ours, theirs = (asdict(replace(one, units=())) for one in (self.layout, layout))
        for field, value in theirs.items():
            if ours[field] != value:
                expected = f"{ours[field]!r}, which the latency table was measured for"
                raise ConfigError(field, value, expected)
        missing = [key for key in keys_of(layout, self.setting) if key not in self.entries]
        if missing:
            raise DataError(
                f"the latency table has no block of {missing[0].write()}"
                + (f", and {len(missing) - 1} more are missing" if len(missing) > 1 else "")
            )
        return replace(self, layout=layout)

    def plain(self) -> dict[str, Any]:
        """Return the table as plain data, which `read_table` reads back."""
        return {
            "layout": asdict(self.layout),
            "setting": asdict(self.setting),
            "entries": [[asdict(key), asdict(time)] for key, time in self.entries.items()],
            "fixed": asdict(self.fixed),
            "noisy": self.noisy,
            "layers": list(self.layers),
        }


def read_table(plain: Mapping[str, Any]) -> LatencyTable:
    """Return the table of plain data, as `LatencyTable.plain` wrote it."""
    return LatencyTable(
        layout=read_layout(plain["layout"]),
        setting=Setting(**plain["setting"]),
        entries={
            BlockKey(**{**key, "resolution": tuple(key["resolution"])}): Timing(**time)
            for key, time in plain["entries"]
        },
        fixed=Timing(**plain["fixed"]),
        noisy=plain["noisy"],
        layers=tuple(plain.get("layers", ())),
    )


def read_layout(plain: Mapping[str, Any]) -> NetworkLayout:
    """Return the layout of plain data, as `dataclasses.asdict` wrote it."""
    first, units = plain["first"], plain["units"]
    changed = {
        "input_shape": tuple(plain["input_shape"]),
        "first": None if first is None else _shape(first),
        "units": tuple(tuple(_shape(shape) for shape in unit) for unit in units),
    }
    return NetworkLayout(**{**plain, **changed})


def _shape(plain: Mapping[str, Any]) -> BlockShape:
    lists = {name: tuple(plain[name]) for name in ("size", "kernels", "expands")}
    return BlockShape(**{**plain, **lists})
