"""Generations of trees: proposed by one strategy, scored, and handed on to the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from heliostat import Run
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.losses.expression import LossExpression, parse
from heliostat_methods.evomal.losses.primitives import PrimitiveTable
from heliostat_methods.evomal.losses.tables import table_named
from heliostat_methods.evomal.searches.found import (
    LOOKED_AT,
    SHOWN,
    FoundLoss,
    FoundLosses,
    by_phase,
)
from heliostat_methods.evomal.searches.scoring.archive import (
    KINDS,
    Candidate,
    State,
    ranked,
    standings,
)
from heliostat_methods.evomal.searches.scoring.scorer import Scorer
from heliostat_methods.evomal.searches.strategy import Posed
from heliostat_search.strategies.evolution import Individual, Tree


class Proposer(Protocol):
    """What proposes the trees of a generation."""

    def ask(self, generation: int, islands: Sequence[Sequence[Individual]]) -> list[list[Tree]]:
        """Return the trees of a generation, island by island.

        `islands` are those of the generation before, with what selection minimises.
        """
        ...


class Proposing(Protocol):
    """Makes a proposer for one search."""

    def __call__(self, config: EvoMALConfig, table: PrimitiveTable, run: Run) -> Proposer:
        """Return the proposer."""
        ...


@dataclass(frozen=True)
class TreeSearch:
    """Scores what `proposing` proposes; the best of all generations are found."""

    config: EvoMALConfig
    proposing: Proposing

    def find(self, posed: Posed, run: Run) -> FoundLosses:
        """Search by generations of trees."""
        return _found(self.evolve(posed, run), table_named(self.config.table_name))

    def evolve(self, posed: Posed, run: Run) -> State:
        """Return the state after the last generation; every generation ends in a checkpoint."""
        config, scorer = self.config, Scorer(self.config, posed, run)
        proposer = self.proposing(config, scorer.table, run)
        initial = [parse(text, scorer.table) for text in config.initial]
        generation, state = run.restore((0, State()), load=State.load)
        kept = math.inf
        while generation <= config.generations:
            before = [[Individual(t, f) for t, f in island] for island in state.islands]
            each = proposer.ask(generation, before)
            given = initial if generation == 0 and config.local_search else ()
            trees = [tree for island in each for tree in island]
            state = scorer.score(state, trees, generation, given)
            keys, places = [scorer.keys(island) for island in each], standings(state.archive)
            state.islands = [
                [(tree, places[key]) for tree, key in zip(island, names, strict=True)]
                for island, names in zip(each, keys, strict=True)
            ]
            generation += 1
            run.checkpoint(generation, state.plain())
            population = [state.archive[key] for names in keys for key in names]
            _report(state, population, generation, config, run)
            kept = _keep_best(state, scorer.table, posed, kept, run)
        return state


def _keep_best(state: State, table: PrimitiveTable, posed: Posed, kept: float, run: Run) -> float:
    """Leave the best loss so far as the product that the end of the run writes over.

    Returns its fitness; one that is no better than `kept` is not written again.
    """
    best = next(iter(ranked(state)), None)
    if best is None or not best.fitness < kept:
        return kept
    loss = LossExpression(best.nodes, best.weights, table)
    for name, data in zip(posed.products, posed.group, strict=False):
        value = {
            "task": data.task,
            "loss": loss.to_dict(),
            "fitness": best.fitness,
            "dataset": data.name,
            "formula": loss.formula(),
        }
        run.save(name, value, kind="loss")
    return best.fitness


def _found(state: State, table: PrimitiveTable) -> FoundLosses:
    order = ranked(state)
    statuses = [candidate.status for candidate in state.archive.values()]
    counts = {
        "structures_scored": state.evaluated,
        "found_in_cache": state.reused,
        **{kind: statuses.count(kind) for kind in KINDS},
    }
    shorter = [
        FoundLoss.tree(LossExpression(c.nodes, c.weights, table), c.fitness, c.generation)
        for c in order[:LOOKED_AT]
    ]
    best = shorter[:SHOWN]
    scored = [(float(len(c.nodes)), c.fitness) for c in order]
    return FoundLosses(best, counts, by_phase(state.steps), scored, shorter)


def _report(
    state: State, population: list[Candidate], generation: int, config: EvoMALConfig, run: Run
) -> None:
    # A metric on the way is no fitness, so what racing stopped is in no median.
    fitness = [one.fitness for one in population if math.isfinite(one.fitness) and one.rung is None]
    best = ranked(state)
    statuses = [candidate.status for candidate in state.archive.values()]
    run.report(
        generation,
        of=config.generations + 1,
        count=state.evaluated,
        best=best[0].fitness if best else math.inf,
        median=float(np.median(fitness)) if fitness else math.inf,
        not_accepted=float(len(population) - len(fitness)),
        from_cache=float(state.reused),
        **{kind: float(statuses.count(kind)) for kind in KINDS if kind in statuses},
    )
