"""What is timed, as data that travel: the space itself stays where the search is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from heliostat import PartRef, stored
from heliostat_methods.pnag.cost.latency_table import Setting, read_layout
from heliostat_methods.pnag.spaces.layout import Blocks, BlockShape, NetworkLayout, TrainableSpace
from heliostat_methods.pnag.spaces.space import Archs


@stored("latency.plan")
@dataclass(frozen=True)
class Plan:
    """The blocks of a layout, what all its networks share, and whole networks, to be timed.

    `layout`: as plain data. `middles`: channels inside, of every block of the layout in order, for
    each of its expand ratios. `seed`: of weights and images. `layers`: what kernels may name.
    """

    layout: Mapping[str, Any]
    middles: tuple[tuple[int, ...], ...]
    networks: tuple[Blocks, ...]
    batch: int
    threads: int
    dtype: str
    seed: int
    layers: tuple[PartRef, ...] = ()

    @property
    def setting(self) -> Setting:
        """How networks are called."""
        return Setting(self.batch, self.threads, self.dtype)

    def read_layout(self) -> NetworkLayout:
        """Return the layout."""
        return read_layout(self.layout)

    def middle(self, shape: BlockShape, expand: int) -> int:
        """Return the channels inside a block of the layout, as its space says."""
        shapes = list(_shapes(self.read_layout()))
        return self.middles[shapes.index(shape)][shape.expands.index(expand)]


def planned(
    space: TrainableSpace, layout: NetworkLayout, archs: Archs, setting: Setting, seed: int,
    layers: tuple[PartRef, ...] = (),
) -> Plan:  # fmt: skip
    """Return the plan for a space's layout and some of its architectures."""
    return Plan(
        layout=asdict(layout),
        middles=tuple(
            tuple(space.middle(shape, expand) for expand in shape.expands)
            for shape in _shapes(layout)
        ),
        networks=tuple(space.blocks(arch) for arch in archs),
        seed=seed,
        layers=layers,
        **asdict(setting),
    )


def _shapes(layout: NetworkLayout) -> Iterator[BlockShape]:
    if layout.first is not None:
        yield layout.first
    for unit in layout.units:
        yield from unit
