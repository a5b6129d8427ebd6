"""Networks trained through `run`: dense ones, then what variants make of them, one task a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heliostat import Resources, Run, Shared
from heliostat_methods.lutnn.config import LutNNConfig
from heliostat_methods.lutnn.tasks import (
    Numbers,
    Settings,
    Training,
    Tuned,
    Tuning,
    train,
    tune,
)
from heliostat_methods.lutnn.training.variant import Variant
from heliostat_search.devices import device_resources
from heliostat_search.supervised.problem import Problem
from heliostat_search.trainings.choosing import Choice, choose


@dataclass(frozen=True)
class Posed:
    """A problem with its handle, and how a configuration wants it worked on."""

    config: LutNNConfig
    problem: Problem
    handle: Shared[Problem]
    settings: Settings
    shared: Shared[Settings]

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

    def steps(self, variant: Variant) -> tuple[int, ...]:
        """The steps of fine-tuning after which a variant is measured."""
        return self.settings.tuning_at if variant.trained else (0,)


@dataclass(frozen=True)
class DenseNetworks:
    """The rate chosen for dense trainings, and the networks by seed."""

    choice: Choice
    by_seed: Mapping[int, Shared[Numbers]]


def dense_networks(posed: Posed, run: Run) -> DenseNetworks:
    """Choose the dense network's rate on validation rows, and train it under every seed."""
    config, settings = posed.config, posed.settings

    def trainings(pairs: Sequence[tuple[float, int]], keeps: bool) -> list[Training]:
        return [Training(posed.handle, posed.shared, f, seed, keeps) for f, seed in pairs]

    def valid(asked: Sequence[tuple[int, float]]) -> list[npt.NDArray[np.float64]]:
        pairs = [(factor, seed) for _, factor in asked for seed in posed.choosing]
        found = _all(posed, run, trainings(pairs, False))
        size = len(posed.choosing)
        return [np.stack(found[at : at + size]) for at in range(0, len(found), size)]

    run.phase(f"{posed.problem.name}: dense networks")
    (choice,) = choose(1, settings.measured_at, config.rate_factors, config.rate_growths, valid)
    seeds = [*posed.paired, *posed.choosing]
    items = trainings([(choice.at_end.factor, seed) for seed in seeds], True)
    outcomes = run.map(train, items, shared=(posed.handle, posed.shared), resources=posed.resources)
    numbers = [outcome.unwrap().numbers for outcome in outcomes]
    return DenseNetworks(
        choice,
        {s: run.share(one) for s, one in zip(seeds, numbers, strict=True) if one is not None},
    )


def _all(posed: Posed, run: Run, items: Sequence[Training]) -> list[npt.NDArray[np.float64]]:
    outcomes = run.map(train, items, shared=(posed.handle, posed.shared), resources=posed.resources)
    return [np.asarray(outcome.unwrap().valid, np.float64) for outcome in outcomes]


def tunings(
    posed: Posed, dense: DenseNetworks, asked: Sequence[tuple[Variant, float]],
    seeds: Sequence[int], detail: bool, run: Run,
) -> list[list[Tuned]]:  # fmt: skip
    """Return what variants fine-tuned at factors of the rate came to, seed by seed."""
    items = [
        Tuning(
            posed.handle, posed.shared, dense.by_seed[seed], variant, factor, seed, detail,
            detail and seed == seeds[0],
        )
        for variant, factor in asked
        for seed in seeds
    ]  # fmt: skip
    handles = (posed.handle, posed.shared, *(dense.by_seed[seed] for seed in seeds))
    outcomes = run.map(tune, items, shared=handles, resources=posed.resources)
    found = [outcome.unwrap() for outcome in outcomes]
    size = len(seeds)
    return [found[at : at + size] for at in range(0, len(found), size)]


def valid_curves(some: Sequence[Tuned]) -> npt.NDArray[np.float64]:
    """Return the validation curves of fine-tunings, (R, K)."""
    return np.stack([np.asarray(one.valid, np.float64) for one in some])
