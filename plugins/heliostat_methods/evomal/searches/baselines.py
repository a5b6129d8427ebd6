"""Ways to find a loss, all under one interface: EvoMAL's own and what it is compared with.

| `baseline` | search | candidates |
|---|---|---|
| none | genetic program, weights tuned by local search: EvoMAL | population x (generations + 1) |
| gp_lfl | the same without local search | the same |
| random | fresh trees in every generation, weights tuned | the same |
| local_search | gp_lfl, then local search on its best trees only | the same, and 3 |
| taylorglo | CMA-ES over the 8 numbers of a third-order polynomial | the same |
| ml3 | no search: a small network as loss, tuned by local search | network_restarts |
| fixed | no search: the losses of `initial` as they are | as given |

The budget is the number of candidates; `steps` say what each kind of step was spent, so that a
cheaper baseline is seen to be cheaper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from heliostat import Run, Shared
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.losses.expression import LossExpression, parse
from heliostat_methods.evomal.losses.primitives import PrimitiveTable, table_named
from heliostat_methods.evomal.losses.taylorglo import PARAMETERS, Variant, taylor_glo_expression
from heliostat_methods.evomal.searches.genetic_program import evolve
from heliostat_methods.evomal.searches.scoring import (
    KINDS,
    Candidate,
    State,
    answered,
    ranked,
)
from heliostat_methods.evomal.searches.settings import (
    needs,
    score_settings,
    settled,
    training_config,
    tuning_config,
)
from heliostat_methods.evomal.tasks import (
    Block,
    NetworkSearch,
    Problems,
    TunedNetwork,
    score_block,
    tune_network,
)
from heliostat_search.cmaes import CMAES, CMAESState
from heliostat_search.pareto import front

SHOWN = 3
"""Best losses that a result lists for each data set."""
STEPS = ("local_search", "rejection", "training")


@dataclass(frozen=True)
class FoundLoss:
    """A scored loss as data, with what a table shows of it."""

    loss: dict[str, Any]
    formula: str
    latex: str
    prefix: str
    fitness: float
    complexity: int
    generation: int

    @classmethod
    def tree(cls, expression: LossExpression, fitness: float, generation: int) -> FoundLoss:
        """Return the record of an expression."""
        return cls(expression.to_dict(), expression.formula(), expression.to_latex(),
                   expression.to_prefix(), fitness, expression.complexity, generation)  # fmt: skip

    def shown(self) -> dict[str, Any]:
        """Return the record as plain data."""
        return {
            "formula": self.formula,
            "latex": self.latex,
            "prefix": self.prefix,
            "fitness": self.fitness,
            "complexity": self.complexity,
            "generation": self.generation,
            "loss": self.loss,
        }


@dataclass(frozen=True)
class FoundLosses:
    """The best losses, what became of all candidates, and (complexity, fitness) of the accepted."""

    best: list[FoundLoss]
    counts: dict[str, int]
    steps: dict[str, int]
    scored: list[list[float]] = field(default_factory=list)

    def front(self) -> list[list[float]]:
        """Return (complexity, fitness) of the candidates that no other beats in both."""
        points = [(float(size), fitness) for size, fitness in self.scored]
        return [list(points[i]) for i in front(points)] if points else []


def find_losses(
    config: EvoMALConfig, group: Problems, problems: Shared[Problems], run: Run
) -> FoundLosses:
    """Search by the configured way; `group` are the data sets that the loss is for."""
    config = settled(config, group)
    kind = config.baseline
    if kind.startswith("taylorglo"):
        return _taylorglo(config, problems, run)
    if kind == "ml3":
        return _networks(config, problems, run)
    if kind == "fixed":
        return _fixed(config, problems, run)
    plain = config.model_copy(update={"local_search": False})
    evolved = plain if kind in ("gp_lfl", "local_search") else config
    state = evolve(evolved, group, problems, run, blind=kind == "random")
    table = table_named(config.primitives)
    found = _of_state(state, table)
    return _tuned(config, found, problems, run) if kind == "local_search" else found


def _of_state(state: State, table: PrimitiveTable) -> FoundLosses:
    order = ranked(state)
    statuses = [candidate.status for candidate in state.archive.values()]
    counts = {
        "structures_scored": state.evaluated,
        "found_in_cache": state.reused,
        **{kind: statuses.count(kind) for kind in KINDS},
    }
    best = [_record(candidate, table) for candidate in order[:SHOWN]]
    scored = [[float(len(c.nodes)), c.fitness] for c in order]
    return FoundLosses(best, counts, _steps(state.steps), scored)


def _record(candidate: Candidate, table: PrimitiveTable) -> FoundLoss:
    expression = LossExpression(candidate.nodes, candidate.weights, table)
    return FoundLoss.tree(expression, candidate.fitness, candidate.generation)


def _steps(steps: Sequence[int]) -> dict[str, int]:
    return dict(zip(STEPS, steps, strict=True))


def _tuned(
    config: EvoMALConfig, found: FoundLosses, problems: Shared[Problems], run: Run
) -> FoundLosses:
    """Tune the best trees of a search without local search; an untuned one may stay the best."""
    trees = tuple(tuple(loss.loss["nodes"]) for loss in found.best)
    if not trees:
        return found
    settings = score_settings(config.model_copy(update={"local_search": True}))
    block = Block(problems, settings, trees)
    scores = run.call(score_block, block, shared=problems, resources=needs(config)).unwrap()
    table = table_named(config.primitives)
    tuned = [
        FoundLoss.tree(
            LossExpression(tree, tuple(map(float, scores.weights[i, : len(tree)])), table),
            float(scores.fitness[i]), found.best[i].generation,
        )
        for i, tree in enumerate(trees) if scores.status[i] == "accepted"
    ]  # fmt: skip
    best = sorted([*tuned, *found.best], key=lambda loss: loss.fitness)[:SHOWN]
    counts = {**found.counts, "structures_scored": found.counts["structures_scored"] + len(trees)}
    spent = [a + b for a, b in zip(found.steps.values(), scores.steps, strict=True)]
    return replace(found, best=best, counts=counts, steps=_steps(spent))


def _given(config: EvoMALConfig) -> EvoMALConfig:
    return config.model_copy(
        update={"local_search": False, "reject": "off", "skip_label_free": False}
    )


def _taylorglo(config: EvoMALConfig, problems: Shared[Problems], run: Run) -> FoundLosses:
    """CMA-ES from 0; fitness is partial training alone, without the rejection protocol."""
    released = config.baseline == "taylorglo_as_released"
    variant: Variant = "as_released" if released else "corrected"
    settings = score_settings(_given(config))
    strategy = CMAES(PARAMETERS, config.population)
    start: tuple[CMAESState, list[tuple[float, list[float], int]], list[int]]
    start = (strategy.start([0.0] * PARAMETERS, config.spread), [], [0, 0, 0])
    generation, (state, kept, steps) = run.restore((0, start), load=_load)
    failed = 0
    while generation <= config.generations:
        samples = strategy.ask(state, run.rng("covariance", generation))
        losses = [taylor_glo_expression(theta, variant) for theta in samples]
        cut = [losses[i : i + config.block] for i in range(0, len(losses), config.block)]
        items = [
            Block(problems, settings, tuple(one.nodes for one in part),
                  tuple(tuple(one.weights) for one in part))
            for part in cut
        ]  # fmt: skip
        fitness: list[float] = []
        outcomes = answered(run, score_block, items, problems, config, generation)
        for part, outcome in zip(cut, outcomes, strict=True):
            if outcome.value is None:
                fitness += [math.inf] * len(part)
                failed += len(part)
                continue
            fitness += [float(f) for f in outcome.value.fitness]
            steps = [a + b for a, b in zip(steps, outcome.value.steps, strict=True)]
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
    best = [FoundLoss.tree(taylor_glo_expression(t, variant), f, g) for f, t, g in kept]
    scored = [[float(loss.complexity), loss.fitness] for loss in best]
    counts = {"structures_scored": generation * config.population, "failed": failed}
    return FoundLosses(best, counts, _steps(steps), scored)


def _load(plain: Any) -> Any:
    state, kept, steps = plain
    return state, [tuple(row) for row in kept], list(steps)


def _networks(config: EvoMALConfig, problems: Shared[Problems], run: Run) -> FoundLosses:
    """ML3: tune loss networks from several starts and keep the best on validation data."""
    items = [
        NetworkSearch(problems, config.network_hidden, restart, tuning_config(config),
                      training_config(config, config.base_steps))
        for restart in range(config.network_restarts)
    ]  # fmt: skip
    best: list[FoundLoss] = []
    steps, outcomes = [0, 0, 0], []
    tuning = run.stream(tune_network, items, shared=problems, resources=needs(config))
    for restart, outcome in enumerate(tuning):
        outcomes.append(outcome)
        network: TunedNetwork | None = outcome.value
        if network is not None:
            steps = [a + b for a, b in zip(steps, network.steps, strict=True)]
        if network is not None and math.isfinite(network.fitness):
            best.append(_network_record(network, restart))
        run.report(restart + 1, of=len(items), count=restart + 1,
                   best=min((b.fitness for b in best), default=math.inf))  # fmt: skip
    failed = sum(not outcome.ok for outcome in outcomes)
    if failed == len(outcomes):
        outcomes[0].unwrap()
    best.sort(key=lambda loss: loss.fitness)
    tuned = len(outcomes) - failed
    counts = {"structures_scored": tuned, "accepted": len(best), "diverged": tuned - len(best),
              "failed": failed}  # fmt: skip
    scored = [[float(loss.complexity), loss.fitness] for loss in best]
    return FoundLosses(best[:SHOWN], counts, _steps(steps), scored)


def _network_record(network: TunedNetwork, restart: int) -> FoundLoss:
    from heliostat_methods.evomal.losses.ml3 import LossNetwork

    loss = LossNetwork.from_dict(network.loss)
    name = f"network 2-{'-'.join(map(str, loss.hidden))}-1 of (f, y)"
    return FoundLoss(network.loss, name, rf"\text{{{name}}}", name, network.fitness,
                     sum(p.numel() for p in loss.parameters()), restart)  # fmt: skip


def _fixed(config: EvoMALConfig, problems: Shared[Problems], run: Run) -> FoundLosses:
    """Score the losses of `initial` as they are."""
    table = table_named(config.primitives)
    losses = [parse(text, table) for text in config.initial]
    if not losses:
        return FoundLosses([], {"structures_scored": 0}, _steps([0, 0, 0]))
    block = Block(problems, score_settings(_given(config)), tuple(one.nodes for one in losses),
                  tuple(tuple(one.weights) for one in losses))  # fmt: skip
    scores = run.call(score_block, block, shared=problems, resources=needs(config)).unwrap()
    found = [
        FoundLoss.tree(loss, float(f), 0)
        for loss, f in zip(losses, scores.fitness, strict=True) if math.isfinite(f)
    ]  # fmt: skip
    found.sort(key=lambda loss: loss.fitness)
    scored = [[float(loss.complexity), loss.fitness] for loss in found]
    statuses = list(scores.status)
    counts = {"structures_scored": len(losses)}
    counts |= {kind: statuses.count(kind) for kind in KINDS if kind in statuses}
    return FoundLosses(found[:SHOWN], counts, _steps(scores.steps), scored)
