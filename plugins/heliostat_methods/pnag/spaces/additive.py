"""Ground truth at real scale: the full OFA-MobileNetV3 space with an additive score.

An architecture's accuracy is the sum of what its layers add, over the largest such sum; its cost
are its multiply-adds. Of 2.18e19 architectures the Pareto front is known exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.pnag.spaces.counting import block_cost, madds_of
from heliostat_methods.pnag.spaces.elastic_units import ElasticUnits
from heliostat_methods.pnag.spaces.exact_front import (
    AdditiveFront,
    LayerValue,
    exact_additive_front,
    value_table,
)
from heliostat_methods.pnag.spaces.layout import Blocks, BlockShape, NetworkLayout
from heliostat_methods.pnag.spaces.mobilenet import UNITS, OFAMobileNetV3Space
from heliostat_methods.pnag.spaces.space import Archs, Decision

KERNEL_SCORES = {3: 7, 5: 11, 7: 13}
EXPAND_SCORES = {3: 5, 4: 6, 6: 8}
LARGEST_DRAWN = 100


@dataclass(frozen=True)
class AdditiveSpace:
    """A known space; follows `KnownSpace` and `ElasticSpace`.

    `seed`: None for the score (1 + unit) (4 - layer) a(kernel) b(expand), which rises with every
    choice; a number for whole scores of 1 to 100 drawn for each layer, kernel and expand ratio.
    """

    width: float = 1.2
    resolution: int = 224
    seed: int | None = None
    inside: OFAMobileNetV3Space = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inside", OFAMobileNetV3Space(self.width, self.resolution))

    @property
    def name(self) -> str:
        """The name that reports show."""
        drawn = "" if self.seed is None else f", seed={self.seed}"
        return f"additive(width={self.width:g}{drawn})"

    @property
    def quantity(self) -> str:
        """What the cost is: multiply-adds."""
        return "madds"

    @property
    def elastic(self) -> ElasticUnits:
        """The units' choices."""
        return UNITS

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """The 45 decisions."""
        return UNITS.decisions

    @property
    def size(self) -> int:
        """How many architectures there are, exactly."""
        return UNITS.size

    def canonical(self, choices: NDArray[Any]) -> Archs:
        """Return rows with -1 where no layer is."""
        return UNITS.canonical(choices)

    def valid(self, choices: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which rows are architectures, (n,)."""
        return UNITS.valid(choices)

    def write(self, arch: NDArray[Any]) -> str:
        """Return the text `depths:kernels:expands` of an architecture (45,)."""
        return self.inside.write(arch)

    def read(self, text: str) -> Archs:
        """Return the architecture (45,) of a text; ConfigError says what is wrong."""
        return self.inside.read(text)

    def encode(self, archs: Archs) -> NDArray[np.float32]:
        """Return one-hot kernels of 20 slots, then one-hot expand ratios, (n, 120)."""
        return UNITS.encode(archs)

    def layout(self, input_shape: tuple[int, int, int], classes: int) -> NetworkLayout:
        """Return the largest network; ConfigError for images below 32 pixels."""
        return self.inside.layout(input_shape, classes)

    def blocks(self, arch: NDArray[Any]) -> Blocks:
        """Return kernel and expand ratio of the blocks that an architecture (45,) has."""
        return UNITS.blocks(arch)

    def middle(self, shape: BlockShape, expand: int) -> int:
        """Return the channels inside a block."""
        return self.inside.middle(shape, expand)

    def look_up(self, archs: Archs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return accuracy in (0, 1] and multiply-adds, (n,) each."""
        madds = madds_of(self, archs, self._image, self.inside.classes)
        return self._accuracy(UNITS.sums(archs, self._scores)), madds.astype(np.float64)

    def everything(self) -> None:
        """Return None: there are too many."""
        return

    def front(self) -> AdditiveFront:
        """Return the exact front: multiply-adds, accuracies, and an architecture for each."""
        exact = self._exact
        return replace(exact, scores=self._accuracy(exact.scores))

    def score(self, unit: int, slot: int, kernel: int | str, expand: int) -> int:
        """Return what a layer adds to the score."""
        places = UNITS.kernels.index(kernel), UNITS.expands.index(expand)
        return int(self._scores[unit, slot, places[0], places[1]])

    @cached_property
    def _scores(self) -> NDArray[np.int64]:
        if self.seed is None:
            return value_table(UNITS, rising_score, "score")
        shape = (UNITS.units, UNITS.slots, len(UNITS.kernels), len(UNITS.expands))
        return np.random.default_rng(self.seed).integers(1, LARGEST_DRAWN + 1, size=shape)

    @cached_property
    def _exact(self) -> AdditiveFront:
        cost, fixed = block_cost(self, self._image, self.inside.classes)
        score: LayerValue = self.score
        return exact_additive_front(self, score, cost, fixed)

    @property
    def _image(self) -> tuple[int, int, int]:
        return 3, self.resolution, self.resolution

    def _accuracy(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        accuracy: NDArray[np.float64] = scores / float(self._exact.scores[-1])
        return accuracy


def rising_score(unit: int, slot: int, kernel: int | str, expand: int) -> int:
    """Return (1 + unit) (4 - layer) a(kernel) b(expand), which rises with kernel and expand."""
    return (1 + unit) * (4 - slot) * KERNEL_SCORES[int(kernel)] * EXPAND_SCORES[expand]
