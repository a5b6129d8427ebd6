"""What is measured of a network on the way and at the end: errors, widths, receptive fields."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from heliostat import stored
from heliostat_methods.gmconv.converting.sigma_report import sigma_report
from heliostat_methods.gmconv.receptive_field.effective import effective_receptive_field
from heliostat_search.supervised.module_training import ModuleTraining
from heliostat_search.supervised.problem import Data, Part, Problem
from heliostat_search.trainings.measures import Measure, measured

Array = npt.NDArray[Any]


@stored("gmconv.receptive_field")
@dataclass(frozen=True)
class ReceptiveField:
    """How far a layer's centre sees at the end: the map (h, w), its radius and area fraction."""

    layer: str
    map: Array
    radius: float
    area: float
    fit: float


@stored("gmconv.measured")
@dataclass(frozen=True)
class Measured:
    """What a training came to; K measurements, M measures, L layers under a mask.

    ``valid`` (K,) is the metric on validation rows, ``test`` (K, M) all measures on test rows,
    infinite where outputs are not finite. ``sigmas`` (K, L): the mean width of each of ``layers``,
    NaN of a disc.
    ``fields`` and ``network`` (its numbers by name) are empty where they were not asked for.
    """

    valid: Array
    test: Array
    layers: tuple[str, ...]
    sigmas: Array
    fields: tuple[ReceptiveField, ...] = ()
    network: Mapping[str, Array] | None = None


class Measuring:
    """Looks at a training when it is time to."""

    def __init__(
        self, problem: Problem, data: Data, measured_at: tuple[int, ...], detail: bool
    ) -> None:
        self._problem, self._data = problem, data
        self._at, self._detail = measured_at, detail
        self._valid: list[float] = []
        self._test: list[Array] = []
        self._layers: tuple[str, ...] = ()
        self._sigmas: list[list[float]] = []

    def look(self, training: ModuleTraining) -> None:
        """Measure the network where it is time to."""
        if training.taken not in self._at:
            return
        metric = (self._problem.metric,)
        self._valid.append(float(self._of(training, self._data.valid, metric)[0]))
        if self._detail:
            self._test.append(self._of(training, self._data.test, self._problem.measures))
            rows = sigma_report(training.module)
            self._layers = tuple(row.layer for row in rows)
            self._sigmas.append([math.nan if row.sigma is None else row.sigma for row in rows])

    def _of(self, training: ModuleTraining, part: Part, names: tuple[Measure, ...]) -> Array:
        return measured(names, training.outputs(part), part.labels.T.cpu().numpy())

    def so_far(self) -> Measured:
        """Return what was measured up to now."""
        measures = len(self._problem.measures)
        return Measured(
            np.array(self._valid),
            np.stack(self._test) if self._test else np.empty((0, measures)),
            self._layers,
            np.array(self._sigmas).reshape(len(self._sigmas), len(self._layers)),
        )

    def load(self, kept: Measured) -> None:
        """Go on from what was measured before."""
        self._valid, self._test = list(map(float, kept.valid)), list(kept.test)
        self._layers = kept.layers
        self._sigmas = [list(map(float, row)) for row in kept.sigmas]

    def ended(self, training: ModuleTraining, inputs: int, keeps: bool) -> Measured:
        """Return everything, with receptive fields over ``inputs`` test rows, and the network."""
        found = self.so_far()
        if self._detail and inputs:
            found = replace(found, fields=self._fields(training.module, inputs))
        if keeps:
            found = replace(found, network=training.state().module)
        return found

    def _fields(self, module: nn.Module, inputs: int) -> tuple[ReceptiveField, ...]:
        x = self._data.test.x[:inputs]
        names = [
            name
            for name, layer in module.named_modules()
            if isinstance(layer, nn.Conv2d) and max(layer.kernel_size) > 1
        ]
        fields = []
        for name in names:
            try:
                seen = effective_receptive_field(module, name, x)
            except ValueError:  # a training that ended in numbers without a derivative
                return ()
            fields.append(ReceptiveField(
                name, seen.map.cpu().numpy().astype(np.float32), seen.radius, seen.area_fraction,
                seen.gaussian_r2,
            ))  # fmt: skip
        return tuple(fields)
