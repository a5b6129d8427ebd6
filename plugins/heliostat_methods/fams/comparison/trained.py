"""Contestants trained through `run`: baselines as tasks, the method as a bilevel sub-search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from heliostat import Run, Shared
from heliostat_methods.fams.comparison.contestants import (
    FAMS,
    Contestant,
    fams_settings,
    fixed_of,
    resources,
)
from heliostat_methods.fams.config import FAMSConfig
from heliostat_methods.fams.tasks import Fit, Judging, Score, fit, score
from heliostat_methods.fams.training.measures import Fitted
from heliostat_methods.fams.training.problem import Problem
from heliostat_methods.fams.training.two_levels import (
    Model,
    Prior,
    Summary,
    Training,
    adapt,
    measures,
    move,
    prepared,
    start,
)
from heliostat_search.strategies.bilevel import Levels, Schedule, State, solve

KIND = "subgroup_model"
"""The kind of the product that a run leaves to predict with."""


@dataclass(frozen=True)
class Posed:
    """A problem with its handle, and how a configuration wants it worked on."""

    config: FAMSConfig
    problem: Problem
    handle: Shared[Problem]

    def judging(self, part: Any, *, curves: bool = False) -> Judging:
        """Return how scores of a part are judged; only tests on test rows are worth their time."""
        permutations = self.config.permutations if part == "test" else 1
        return Judging(self.config.n_bins, permutations, part, curves)


@dataclass(frozen=True)
class Seeds:
    """One repetition: the seed of the split, which contestants share, and that of all else."""

    split: int
    own: int


def trained(
    posed: Posed, one: Contestant, seeds: Sequence[Seeds], judgings: Sequence[Judging], run: Run
) -> list[Fitted]:
    """Return what a contestant comes to, for each repetition."""
    if one.name == FAMS:
        pairs = zip(seeds, judgings, strict=True)
        return run.gather(*(_bilevel(posed, one, s, judging) for s, judging in pairs))
    parameters = {**fixed_of(posed.config, one.name), **one.parameters}
    items = [
        Fit(posed.handle, judging, one.name, parameters, s.split, s.own, posed.config.loss)
        for s, judging in zip(seeds, judgings, strict=True)
    ]
    outcomes = run.map(fit, items, shared=posed.handle, resources=resources(posed.config))
    return [
        Fitted({}, outcome.failure.kind) if outcome.failure is not None else outcome.unwrap()
        for outcome in outcomes
    ]


def _bilevel(
    posed: Posed, one: Contestant, seeds: Seeds, judging: Judging
) -> Callable[[Run], Fitted]:
    """Return the search that trains the method through the two levels and judges what it left."""

    def search(run: Run) -> Fitted:
        training = _training(posed, one, seeds, judging)
        ready = prepared(posed.problem, training)
        handle = run.share(training)
        found = _solved(posed, training, handle, len(ready.present), start(ready, training), run)
        item = Score(posed.handle, judging, handle, run.share(found.prior))
        outcome = run.call(score, item, shared=[posed.handle, handle, item.prior])
        if judging.curves and not one.label:
            run.save("model", Model.of(found.prior, ready.scaling, training), kind=KIND)
        rounds = tuple(one.measures for one in found.history)
        return replace(outcome.unwrap(), rounds=rounds)

    return search


def _training(posed: Posed, one: Contestant, seeds: Seeds, judging: Judging) -> Training:
    config = posed.config
    return Training(
        posed.handle, fams_settings(config, one.parameters), config.hidden, seeds.split, seeds.own,
        config.block, with_validation=judging.part == "test", loss=config.loss,
    )  # fmt: skip


def _solved(
    posed: Posed,
    training: Training,
    handle: Shared[Training],
    groups: int,
    prior: Prior,
    run: Run,
) -> State[Prior]:
    config = posed.config
    blocks = -(-groups // training.block)
    levels: Levels[Prior, Summary] = Levels(
        adapt, Summary.merge, move(training), measures(posed.problem.names),
        reported=("loss", "divergence"),
    )  # fmt: skip
    schedule = Schedule(
        training.method.rounds,
        blocks,
        min(training.method.blocks_per_round, blocks),
        config.checkpoint_every,
        config.on_lost,
    )
    return solve(
        run, levels, prior, schedule, data=[handle, posed.handle], resources=resources(config)
    )
