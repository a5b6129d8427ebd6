"""TaylorGLO: CMA-ES over the eight numbers of a polynomial, started from 0."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from heliostat import Run
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.losses.taylorglo import PARAMETERS, Variant, taylor_glo_expression
from heliostat_methods.evomal.searches.found import SHOWN, FoundLoss, FoundLosses, added
from heliostat_methods.evomal.searches.scoring.blocks import answered, cut
from heliostat_methods.evomal.searches.settings import as_given
from heliostat_methods.evomal.searches.strategy import Posed
from heliostat_methods.evomal.tasks import Block, score_block
from heliostat_search.strategies.cmaes import CMAES, CMAESState

Kept = tuple[float, list[float], int]
"""Fitness, theta and generation of a loss that may be shown."""


@dataclass(frozen=True)
class TaylorGLO:
    """Fitness is partial training alone, without the rejection protocol."""

    config: EvoMALConfig
    variant: Variant

    def find(self, posed: Posed, run: Run) -> FoundLosses:
        """Search the polynomial; every generation ends in a checkpoint."""
        config, settings = self.config, run.share(as_given(self.config))
        strategy = CMAES(PARAMETERS, config.population)
        start: tuple[CMAESState, list[Kept], list[int]]
        start = (strategy.start([0.0] * PARAMETERS, config.spread), [], [0, 0, 0])
        generation, (state, kept, steps) = run.restore((0, start), load=_load)
        failed = 0
        while generation <= config.generations:
            samples = strategy.ask(state, run.rng("covariance", generation))
            losses = [taylor_glo_expression(theta, self.variant) for theta in samples]
            parts = cut(losses, config.block)
            items = [
                Block(posed.problems, settings, tuple(one.nodes for one in part),
                      tuple(tuple(one.weights) for one in part))
                for part in parts
            ]  # fmt: skip
            fitness: list[float] = []
            outcomes = answered(run, score_block, items, config, posed, generation)
            for part, outcome in zip(parts, outcomes, strict=True):
                if outcome.value is None:
                    fitness += [math.inf] * len(part)
                    failed += len(part)
                    continue
                fitness += [float(f) for f in outcome.value.fitness]
                steps = added(steps, outcome.value.steps)
            state = strategy.tell(state, samples, fitness)
            kept = kept + [
                (f, [float(x) for x in theta], generation)
                for f, theta in zip(fitness, samples, strict=True) if math.isfinite(f)
            ]  # fmt: skip
            kept = sorted(kept, key=lambda row: row[0])[:SHOWN]
            generation += 1
            run.checkpoint(generation, (state, kept, steps))
            run.report(
                generation, of=config.generations + 1, count=generation * config.population,
                best=kept[0][0] if kept else math.inf, spread=float(state.step_size),
            )  # fmt: skip
        best = [FoundLoss.tree(taylor_glo_expression(t, self.variant), f, g) for f, t, g in kept]
        counts = {"structures_scored": generation * config.population, "failed": failed}
        return FoundLosses.best_of(best, counts, steps)


def _load(plain: Any) -> Any:
    state, kept, steps = plain
    return state, [tuple(row) for row in kept], list(steps)
