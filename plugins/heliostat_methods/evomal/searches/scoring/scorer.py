"""Scoring a generation: what the archive knows, what shares a score, and what is trained.

Candidates that are equal as formulas are scored once. Everything beyond that is opt-in, because it
can change which loss wins, and is counted: ``gradient_cache``, ``equivalence`` and ``racing`` here,
label-free losses and early rejection among the phases of a block (``learners.phases``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from heliostat import Run
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_methods.evomal.losses.primitives import PrimitiveTable
from heliostat_methods.evomal.losses.tables import table_named
from heliostat_methods.evomal.population.equivalence import Probe
from heliostat_methods.evomal.searches.scoring.archive import Candidate, State
from heliostat_methods.evomal.searches.scoring.blocks import Blocks, Scored, Starts
from heliostat_methods.evomal.searches.scoring.equivalence import TunedGradients
from heliostat_methods.evomal.searches.scoring.gradient_cache import (
    ParametricGradients,
    PlainGradients,
)
from heliostat_methods.evomal.searches.scoring.racing import Racing
from heliostat_methods.evomal.searches.scoring.sharing import Sharing, twins
from heliostat_methods.evomal.searches.strategy import Posed
from heliostat_methods.evomal.tasks import Tree


class Scorer:
    """Scores the trees of one search."""

    def __init__(self, config: EvoMALConfig, posed: Posed, run: Run) -> None:
        self.table: PrimitiveTable = table_named(config.table_name)
        self._blocks = Blocks(config, posed, run)
        first = posed.group[0]
        probe = Probe.drawn(first.task, run.rng("probe"), classes=first.classes)
        before: dict[str, Sharing] = {
            "gradient": PlainGradients(probe),
            "parametric": ParametricGradients(probe, lambda: run.rng("parametric")),
        }
        self._before = before.get(config.cache)
        self._after = TunedGradients(probe) if config.equivalence else None
        self._racing = Racing(config.racing, config.base_steps)

    def keys(self, trees: Sequence[Tree]) -> list[str]:
        """Return the archive's key of each tree: its canonical form in prefix order."""
        return [self._canonical(tree).to_prefix() for tree in trees]

    def score(
        self, state: State, trees: Sequence[Tree], generation: int,
        given: Sequence[LossExpression] = (),
    ) -> State:  # fmt: skip
        """Return the state whose archive knows all these trees; the islands are left as they are.

        `given` are losses whose weights are where local search starts, instead of ones with noise;
        of losses with one structure the first.

        A generation without a single score is an error, not a result; a single task that failed
        leaves its candidates ranked worst.
        """
        state = replace(state, archive=dict(state.archive), gradients=dict(state.gradients),
                        steps=list(state.steps))  # fmt: skip
        fresh: dict[str, Tree] = {}
        for tree in trees:
            expression = self._canonical(tree)
            key = expression.to_prefix()
            if key not in state.archive:
                fresh.setdefault(key, expression.nodes)
        state.reused += len(trees) - len(fresh)
        starts = _starts(given)
        alike: dict[str, str] = {}
        if self._before is not None:
            # Equal before tuning means at weights of one, which is not where given ones start.
            losses = {key: self._loss(tree) for key, tree in fresh.items() if key not in starts}
            alike = twins(self._before, losses, state.gradients)
        state.evaluated += len(fresh) - len(alike)
        asked = {key: tree for key, tree in fresh.items() if key not in alike}
        if self._after is None and not self._racing.rungs:
            found = self._blocks.scored(state, asked, starts, generation)
        else:
            found = self._in_phases(state, asked, alike, generation, starts)
        for key, tree in fresh.items():
            if key not in alike:
                state.archive[key] = _candidate(tree, found[key], generation)
        for key, like in alike.items():
            while like in alike:  # one found equal before tuning to one found equal after it
                like = alike[like]
            twin = state.archive[like]
            state.archive[key] = Candidate(
                fresh[key], (), twin.fitness, "equal_gradient", generation, like, twin.rung
            )
        return state

    def _canonical(self, tree: Tree) -> LossExpression:
        return self._loss(tree).canonical()

    def _loss(self, tree: Tree, weights: Sequence[float] = ()) -> LossExpression:
        return LossExpression(tree, tuple(weights), self.table)

    def _in_phases(
        self, state: State, fresh: dict[str, Tree], alike: dict[str, str], generation: int,
        starts: Starts,
    ) -> dict[str, Scored | None]:  # fmt: skip
        """Tune all, let equal ones share, then train rung by rung; adds to `alike`."""
        found = self._blocks.tuned(state, fresh, starts, generation)
        running = _accepted(found)
        if self._after is not None:
            losses = {
                key: self._loss(fresh[key], one.weights[: len(fresh[key])])
                for key, one in running.items()
            }
            alike.update(twins(self._after, losses, state.gradients))
            running = {key: one for key, one in running.items() if key not in alike}
        for until in self._racing.stages:
            trained = self._blocks.trained(state, fresh, running, until, generation)
            found.update(trained)
            left = _accepted(trained)
            ahead = self._racing.ahead({key: one.fitness for key, one in left.items()}, until)
            for key in [key for key in left if key not in ahead]:
                found[key] = replace(left[key], status="raced", rung=until)
            running = {key: left[key] for key in ahead}
            if not running:
                break
        return found


def _accepted(found: dict[str, Scored | None]) -> dict[str, Scored]:
    return {key: one for key, one in found.items() if one is not None and one.status == "accepted"}


def _candidate(tree: Tree, one: Scored | None, generation: int) -> Candidate:
    if one is None:
        return Candidate(tree, (), math.inf, "failed", generation)
    weights = one.weights[: len(tree)]
    return Candidate(tree, weights, one.fitness, one.status, generation, rung=one.rung)


def _starts(given: Sequence[LossExpression]) -> dict[str, tuple[float, ...]]:
    """Return the weights of losses that have any besides ones, by the archive's key."""
    starts: dict[str, tuple[float, ...]] = {}
    for loss in given:
        weights = loss.canonical().weights
        if any(weight != 1.0 for weight in weights):
            starts.setdefault(loss.key, weights)
    return starts
