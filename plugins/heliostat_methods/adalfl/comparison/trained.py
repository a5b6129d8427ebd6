"""Contestants trained through `run`: losses begun, and trainings in stacks of seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from heliostat import Resources, Run, Shared
from heliostat_methods.adalfl.comparison.contestants import Contestant
from heliostat_methods.adalfl.config import AdaLFLConfig
from heliostat_methods.adalfl.losses.beginning import Beginning
from heliostat_methods.adalfl.tasks import Begin, Begun, Settings, Training, begin, train
from heliostat_methods.adalfl.training.measuring import Measured
from heliostat_search.devices import device_resources
from heliostat_search.supervised.problem import Problem

Seeds = tuple[int, ...]


@dataclass(frozen=True)
class Posed:
    """A problem with its handle and settings, and the losses that were begun, by block of seeds."""

    config: AdaLFLConfig
    problem: Problem
    handle: Shared[Problem]
    settings: Settings
    shared: Shared[Settings]
    begun: dict[tuple[Beginning, Seeds], tuple[Begun, Shared[Begun]]] = field(default_factory=dict)

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps after which trainings are measured."""
        return self.settings.measured_at

    def blocks(self, first: int, count: int) -> list[Seeds]:
        """Return seeds ``first``, ... in blocks of a stack."""
        seeds, size = range(first, first + count), self.config.stack
        return [tuple(seeds[at : at + size]) for at in range(0, count, size)]

    @property
    def paired(self) -> list[Seeds]:
        """The blocks of seeds of the comparison."""
        return self.blocks(0, self.config.seeds)

    @property
    def choosing(self) -> list[Seeds]:
        """The blocks of seeds that choose rates."""
        return self.blocks(self.config.seeds, self.config.rate_seeds)

    @property
    def resources(self) -> Resources | None:
        """What a training needs of a worker."""
        return device_resources(self.config.device)


def begin_losses(posed: Posed, some: Sequence[Contestant], run: Run) -> None:
    """Begin the losses of all contestants and seeds, each way once."""
    config = posed.config
    blocks = posed.paired + (posed.choosing if len(config.rate_factors) > 1 else [])
    wanted = [
        (beginning, block)
        for beginning in dict.fromkeys(one.beginning for one in some if one.beginning is not None)
        for block in blocks
    ]
    if not wanted:
        return
    run.phase(f"{posed.problem.name}: beginning losses")
    items = [
        Begin(
            posed.handle, posed.shared, beginning, block, config.on_unusable,
            config.regression_steps,
        )
        for beginning, block in wanted
    ]  # fmt: skip
    outcomes = run.map(begin, items, shared=(posed.handle, posed.shared), resources=posed.resources)
    for key, outcome in zip(wanted, outcomes, strict=True):
        made = outcome.unwrap()
        posed.begun[key] = (made, run.share(made))


def trainings(
    posed: Posed, asked: Sequence[tuple[Contestant, float]], blocks: Sequence[Seeds],
    detail: bool, run: Run,
) -> list[list[Measured]]:  # fmt: skip
    """Return what trainings of contestants at factors came to, block by block.

    Factors of one contestant share a task as far as the stack holds them; models that are not
    stacked train one after another anyway, and have tasks of their own.
    """
    items, shared, places = [], [posed.handle, posed.shared], []
    for one, factors in _by_contestant(asked):
        for number, block in enumerate(blocks):
            begun = None
            if one.beginning is not None:
                begun = posed.begun[one.beginning, block][1]
                shared.append(begun)
            size = max(1, posed.config.stack // len(block)) if posed.problem.widths else 1
            for at in range(0, len(factors), size):
                part = tuple(factors[at : at + size])
                places.append((one, part, number))
                items.append(
                    Training(
                        posed.handle, posed.shared, one.adapts, one.meta_rate, one.beginning,
                        begun, one.frozen, part, block, detail,
                    )
                )  # fmt: skip
    found: dict[tuple[str, float, int], Measured] = {}
    outcomes = run.map(train, items, shared=shared, resources=posed.resources)
    for (one, part, number), outcome in zip(places, outcomes, strict=True):
        made, runs = outcome.unwrap(), len(blocks[number])
        for at, factor in enumerate(part):
            found[one.name, factor, number] = made.of_factor(at, runs)
    return [
        [found[one.name, factor, number] for number in range(len(blocks))] for one, factor in asked
    ]


def _by_contestant(
    asked: Sequence[tuple[Contestant, float]],
) -> list[tuple[Contestant, list[float]]]:
    """Return the factors asked of each contestant, both in the order of asking."""
    factors: dict[str, list[float]] = {}
    contestants = {one.name: one for one, _ in asked}
    for one, factor in asked:
        factors.setdefault(one.name, []).append(factor)
    return [(contestants[name], some) for name, some in factors.items()]


def valid_curves(some: Sequence[Measured]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the validation curves of all blocks, (R, K)."""
    return np.concatenate([np.asarray(one.valid, np.float64) for one in some])
