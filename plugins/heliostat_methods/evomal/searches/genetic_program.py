"""The genetic program over loss trees: one population, or islands that exchange their best."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from heliostat import Run, Shared
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.losses.expression import parse
from heliostat_methods.evomal.searches.scoring import (
    KINDS,
    Candidate,
    Scorer,
    State,
    ranked,
    standings,
)
from heliostat_methods.evomal.tasks import Problems
from heliostat_search.evolution import (
    DoubleTournament,
    Individual,
    Tree,
    Variation,
    elite,
    half_and_half,
    offspring,
    primitive_set,
    with_terminals,
)
from heliostat_search.islands import Ring

JOINTS = ("add", "sub", "mul", "div")
"""What joins y and f where a tree lacks one of them (argument correction)."""


def evolve(
    config: EvoMALConfig, group: Problems, problems: Shared[Problems], run: Run, *,
    blind: bool = False,
) -> State:  # fmt: skip
    """Run the genetic program; every generation ends in a checkpoint.

    `blind` draws every generation afresh instead of from parents: random search.
    """
    scorer = Scorer(config, group, problems, run)
    table = scorer.table
    arities = {name: table[name].arity for name in table.operators}
    pset = primitive_set("evomal", arities, list(table.terminals))
    selection = DoubleTournament(config.tournament, config.parsimony)
    variation = Variation(
        config.crossover, config.mutation, config.max_height, config.mutation_heights
    )
    ring = Ring(config.migrate_every, config.migrants)
    heights, size = (config.init_min, config.init_max), config.population // config.islands

    initial = [parse(text, table) for text in config.initial]

    def corrected(trees: Sequence[Tree], rng: np.random.Generator) -> list[Tree]:
        return [
            with_terminals(pset, tree, ("y", "f"), JOINTS, rng, config.max_height) for tree in trees
        ]

    def bred(island: int, generation: int, parents: list[Individual]) -> list[Tree]:
        name = ("variation", generation) + ((island,) if config.islands > 1 else ())
        rng = run.rng(*name)
        if generation == 0 or blind:
            starts = initial[island :: config.islands] if generation == 0 else ()
            given = [loss.nodes for loss in starts][:size]
            drawn = half_and_half(pset, size - len(given), heights, rng)
            return [*given, *corrected(drawn, rng)]
        kept = [one.tree for one in elite(parents, config.elite)]
        drawn = offspring(pset, parents, size - len(kept), rng, selection, variation)
        return [*kept, *corrected(drawn, rng)]

    generation, state = run.restore((0, State()), load=State.load)
    while generation <= config.generations:
        before = [[Individual(t, f) for t, f in island] for island in state.islands]
        if config.islands > 1:
            before = [list(island) for island in ring.after(generation - 1, before)]
        each = [bred(i, generation, before[i] if generation else []) for i in range(config.islands)]
        trees = [tree for island in each for tree in island]
        given = initial if generation == 0 and config.local_search else ()
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
    return state


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
