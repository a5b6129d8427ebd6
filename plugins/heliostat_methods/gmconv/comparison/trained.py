"""Variants trained through `run`, one task a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heliostat import Resources, Run, Shared
from heliostat_methods.gmconv.config import GMConvConfig
from heliostat_methods.gmconv.tasks import Settings, Training, train
from heliostat_methods.gmconv.training.measuring import Measured
from heliostat_methods.gmconv.training.variant import Variant
from heliostat_search.devices import device_resources
from heliostat_search.supervised.problem import Problem


@dataclass(frozen=True)
class Posed:
    """A problem with its handle, and how a configuration wants it worked on."""

    config: GMConvConfig
    problem: Problem
    handle: Shared[Problem]
    settings: Settings
    shared: Shared[Settings]

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps after which trainings are measured."""
        return self.settings.measured_at

    @property
    def paired(self) -> range:
        """The seeds of the comparison."""
        return range(self.config.seeds)

    @property
    def choosing(self) -> range:
        """The seeds that choose rates."""
        return range(self.config.seeds, self.config.seeds + self.config.rate_seeds)

    @property
    def resources(self) -> Resources | None:
        """What a training needs of a worker."""
        return device_resources(self.config.device)


def trainings(
    posed: Posed, asked: Sequence[tuple[Variant, float]], seeds: Sequence[int], detail: bool,
    run: Run,
) -> list[list[Measured]]:  # fmt: skip
    """Return what trainings of variants at factors of the rate came to, seed by seed."""
    items = [
        Training(
            posed.handle, posed.shared, variant, factor, seed, detail, detail and seed == seeds[0]
        )
        for variant, factor in asked
        for seed in seeds
    ]
    outcomes = run.map(train, items, shared=(posed.handle, posed.shared), resources=posed.resources)
    found = [outcome.unwrap() for outcome in outcomes]
    size = len(seeds)
    return [found[at : at + size] for at in range(0, len(found), size)]


def valid_curves(some: Sequence[Measured]) -> npt.NDArray[np.float64]:
    """Return the validation curves of trainings, (R, K)."""
    return np.stack([np.asarray(one.valid, np.float64) for one in some])
