"""Contestants trained through `run`: baselines as tasks, the method as a bilevel sub-search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from heliostat import Run, Shared
from heliostat.errors import TaskError
from heliostat_methods.fams.comparison.contestants import (
    FAMS,
    Contestant,
    fams_settings,
    fixed_of,
    resources,
)
from heliostat_methods.fams.config import FAMSConfig
from heliostat_methods.fams.gaussian.block import LossNotFinite
from heliostat_methods.fams.tasks import Fit, Judging, Score, fit, score
from heliostat_methods.fams.training.measures import Fitted
from heliostat_methods.fams.training.prepared import Prepared, Training, model, prepared, start
from heliostat_methods.fams.training.prior import Prior
from heliostat_methods.fams.training.problem import Part, Problem
from heliostat_methods.fams.training.two_levels import Summary, adapt, measures, move
from heliostat_search.strategies.bilevel import Levels, Schedule, State, solve

KIND = "subgroup_model"
"""The kind of the product that a run leaves to predict with."""


@dataclass(frozen=True)
class Posed:
    """A problem with its handle, and how a configuration wants it worked on."""

    config: FAMSConfig
    problem: Problem
    handle: Shared[Problem]

    def judging(self, part: Part, *, curves: bool = False) -> Judging:
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
    run.phase(f"{posed.problem.dataset}: training {one.label or one.name}")
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
        Fitted({}, f"its task failed: {outcome.failure.kind}") if outcome.failure is not None
        else outcome.unwrap()
        for outcome in outcomes
    ]  # fmt: skip


def _bilevel(
    posed: Posed, one: Contestant, seeds: Seeds, judging: Judging
) -> Callable[[Run], Fitted]:
    """Return the search that trains the method through the two levels and judges what it left."""

    def search(run: Run) -> Fitted:
        training = _training(posed, one, seeds, judging)
        ready = prepared(posed.problem, training)
        handle = run.share(training)
        try:
            found = _solved(posed, training, handle, ready, run)
        except TaskError as error:
            if error.kind != f"{LossNotFinite.__module__}.{LossNotFinite.__qualname__}":
                raise
            return Fitted({}, f"{error.where}: the loss is not finite; lower the learning rate")
        item = Score(posed.handle, judging, handle, run.share(found.prior))
        outcome = run.call(score, item, shared=[posed.handle, handle, item.prior])
        if judging.curves and not one.label:
            left = model(found.prior, ready.scaling, training, posed.problem.classes)
            run.save("model", left, kind=KIND)
        return replace(
            outcome.unwrap(),
            passes=_passes(training, len(ready.present), found),
            rounds=tuple(one.measures for one in found.history),
            lost=found.warning,
        )

    return search


def _passes(training: Training, groups: int, found: State[Prior]) -> float:
    """Return how many thousand rows went through networks that were drawn."""
    adapted = sum(
        min(training.block, groups - block * training.block)
        for done in found.history
        for block in set(done.blocks) - set(done.lost)
    )
    method = training.method
    return adapted * method.inner * method.batch * training.lower("cpu").draws / 1000


def _training(posed: Posed, one: Contestant, seeds: Seeds, judging: Judging) -> Training:
    config = posed.config
    return Training(
        posed.handle, fams_settings(config, one.parameters), config.hidden, seeds.split, seeds.own,
        config.block, judging.part, config.loss,
    )  # fmt: skip


def _solved(
    posed: Posed, training: Training, handle: Shared[Training], ready: Prepared, run: Run
) -> State[Prior]:
    config, method = posed.config, training.method
    blocks = -(-len(ready.present) // training.block)
    levels: Levels[Prior, Summary] = Levels(
        adapt, Summary.merge, move(training), measures(posed.problem.names),
        reported=("loss", "divergence"),
    )  # fmt: skip
    schedule = Schedule(
        method.rounds, blocks, min(method.blocks_per_round, blocks), config.checkpoint_every,
        config.on_lost,
    )  # fmt: skip
    return solve(
        run, levels, start(ready, training), schedule, data=[handle, posed.handle],
        resources=resources(config),
    )  # fmt: skip
