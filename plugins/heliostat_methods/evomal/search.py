"""The search: a genetic program over loss trees, side by side for each data set."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from heliostat import ConfigError, PartRef, Run, Shared
from heliostat_methods.evomal.comparison import compare
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.expression import LossExpression, parse
from heliostat_methods.evomal.primitives import PrimitiveTable, table_named
from heliostat_methods.evomal.rejection import RejectionConfig
from heliostat_methods.evomal.tasks import Block, ProblemData, ScoreSettings, score_block
from heliostat_methods.evomal.training import TrainingConfig
from heliostat_methods.evomal.unrolled import UnrolledConfig
from heliostat_search.evolution import (
    DoubleTournament,
    Individual,
    Tree,
    Variation,
    half_and_half,
    offspring,
    primitive_set,
    with_terminals,
)
from heliostat_search.pareto import front
from heliostat_search.splits import split

JOINTS = ("add", "sub", "mul", "div")
"""What joins y and f where a tree lacks one of them (spec 2.4: argument correction)."""
SHOWN = 3
"""Best losses that a result lists for each data set."""


@dataclass(frozen=True)
class Candidate:
    """One scored structure of the archive."""

    nodes: Tree
    weights: tuple[float, ...]
    fitness: float
    status: str
    generation: int


@dataclass
class State:
    """Everything a generation hands to the next: the population and the archive of all scores."""

    population: list[tuple[Tree, float]] = field(default_factory=list)
    archive: dict[str, Candidate] = field(default_factory=dict)
    evaluated: int = 0
    reused: int = 0

    def plain(self) -> dict[str, Any]:
        """Return the state as encodable values."""
        return {
            "population": self.population,
            "archive": self.archive,
            "evaluated": self.evaluated,
            "reused": self.reused,
        }

    @classmethod
    def load(cls, plain: dict[str, Any]) -> State:
        """Return the state that `plain` wrote."""
        return cls(list(plain["population"]), dict(plain["archive"]), plain["evaluated"],
                   plain["reused"])  # fmt: skip


def search(config: EvoMALConfig, run: Run) -> dict[str, Any]:
    """Evolve a loss on every data set, then compare each best one with its standard loss."""
    problems = [_problem(config, ref, run) for ref in config.datasets]
    names = [data.name for data, _ in problems]
    if len(set(names)) < len(names):
        raise ConfigError("datasets", names, "data sets with different names")
    searches = [_one_problem(config, data, loss) for data, loss in problems]
    accounts = run.gather(*searches)
    compared = [a["comparison"]["losses"][-1] for a in accounts if "comparison" in a]
    return {
        "problems": accounts,
        "best_fitness": _mean([a["best"][0]["fitness"] for a in accounts if a["best"]]),
        "test_metric": _mean([row["mean"] for row in compared if "mean" in row]),
    }


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _one_problem(
    config: EvoMALConfig, data: ProblemData, standard: dict[str, Any]
) -> Callable[[Run], dict[str, Any]]:
    def start(run: Run) -> dict[str, Any]:
        problem = run.share(data)
        state = evolve(config, problem, run)
        found = ranked(state)
        account: dict[str, Any] = {
            "dataset": data.name,
            "task": data.task,
            "metric": data.metric,
            "rows": {"train": len(data.train[1]), "valid": len(data.valid[1]),
                     "test": len(data.test[1])},
            "hidden": list(data.hidden),
            "classes": data.classes,
            "counts": _counts(state),
            "best": [_shown(c, config) for c in found[:SHOWN]],
            "front": _front(found),
            "scored": [[len(c.nodes), c.fitness] for c in found],
            "standard": standard,
        }  # fmt: skip
        if found:
            best = _expression(found[0], table_named(config.primitives))
            account["comparison"] = compare(config, data, problem, best, standard, run)
            product = {"task": data.task, "loss": best.to_dict(), "fitness": found[0].fitness}
            run.save(f"loss-{data.name}", product, kind="loss")
        return account

    return start


def evolve(config: EvoMALConfig, problem: Shared[ProblemData], run: Run) -> State:
    """Run the genetic program; every generation ends in a checkpoint."""
    table = table_named(config.primitives)
    settings = score_settings(config)
    arities = {name: table[name].arity for name in table.operators}
    pset = primitive_set("evomal", arities, list(table.terminals))
    selection = DoubleTournament(config.tournament, config.parsimony)
    variation = Variation(
        config.crossover, config.mutation, config.max_height, config.mutation_heights
    )

    def corrected(trees: Sequence[Tree], rng: np.random.Generator) -> list[Tree]:
        return [
            with_terminals(pset, tree, ("y", "f"), JOINTS, rng, config.max_height) for tree in trees
        ]

    generation, state = run.restore((0, State()), load=State.load)
    while generation <= config.generations:
        rng = run.rng("variation", generation)
        if generation == 0:
            given = [parse(text, table).nodes for text in config.initial]
            heights = (config.init_min, config.init_max)
            drawn = half_and_half(pset, config.population - len(given), heights, rng)
            trees = [*given, *corrected(drawn, rng)]
        else:
            parents = [Individual(tree, fitness) for tree, fitness in state.population]
            drawn = offspring(pset, parents, config.population, rng, selection, variation)
            trees = corrected(drawn, rng)
        state = _scored(state, trees, generation, config, settings, table, problem, run)
        generation += 1
        run.checkpoint(generation, state.plain())
        _report(state, generation, config, run)
    return state


def score_settings(config: EvoMALConfig) -> ScoreSettings:
    """Return what the scoring tasks need of the configuration."""
    sgd: dict[str, Any] = {
        "learning_rate": config.learning_rate,
        "momentum": config.momentum,
        "nesterov": config.nesterov,
        "weight_decay": config.weight_decay,
        "batch_size": config.batch_size,
    }
    return ScoreSettings(
        primitives=config.primitives,
        local_search=config.local_search,
        weight_noise=config.weight_noise,
        tuning=UnrolledConfig(
            meta_steps=config.meta_steps, meta_learning_rate=config.meta_learning_rate, **sgd
        ),
        rejection=RejectionConfig(config.filter_samples, config.filter_steps, config.learning_rate),
        training=TrainingConfig(steps=config.base_steps, **sgd),
    )


def ranked(state: State) -> list[Candidate]:
    """Return the accepted candidates, fittest first; ties go to the smaller, then the alphabet."""
    accepted = [c for c in state.archive.values() if math.isfinite(c.fitness)]
    return sorted(accepted, key=lambda c: (c.fitness, len(c.nodes), c.nodes))


def _scored(
    state: State,
    trees: Sequence[Tree],
    generation: int,
    config: EvoMALConfig,
    settings: ScoreSettings,
    table: PrimitiveTable,
    problem: Shared[ProblemData],
    run: Run,
) -> State:
    """Score what the archive does not know; trees equal up to order and sign count once."""
    canonical = [LossExpression(tree, table=table).canonical() for tree in trees]
    keys = [expression.to_prefix() for expression in canonical]
    fresh: dict[str, Tree] = {}
    for key, expression in zip(keys, canonical, strict=True):
        if key not in state.archive:
            fresh.setdefault(key, expression.nodes)
    names = list(fresh)
    blocks = [names[i : i + config.block] for i in range(0, len(names), config.block)]
    items = [Block(problem, settings, tuple(fresh[key] for key in block)) for block in blocks]
    archive = dict(state.archive)
    outcomes = run.map(score_block, items, shared=problem)
    if outcomes and not any(outcome.ok for outcome in outcomes):
        outcomes[0].unwrap()  # a generation without a single score is an error, not a result
    for block, outcome in zip(blocks, outcomes, strict=True):
        scores = outcome.value
        for i, key in enumerate(block):
            if scores is None:  # the task failed: its candidates rank worst, the run goes on
                archive[key] = Candidate(fresh[key], (), math.inf, "failed", generation)
                continue
            weights = tuple(float(w) for w in scores.weights[i, : len(fresh[key])])
            fitness = float(scores.fitness[i])
            archive[key] = Candidate(fresh[key], weights, fitness, scores.status[i], generation)
    population = [(tree, archive[key].fitness) for tree, key in zip(trees, keys, strict=True)]
    return State(
        population,
        archive,
        state.evaluated + len(names),
        state.reused + len(trees) - len(names),
    )


def _report(state: State, generation: int, config: EvoMALConfig, run: Run) -> None:
    fitness = [f for _, f in state.population if math.isfinite(f)]
    best = ranked(state)
    run.report(
        generation,
        of=config.generations + 1,
        count=state.evaluated,
        best=best[0].fitness if best else math.inf,
        median=float(np.median(fitness)) if fitness else math.inf,
        **{"not_accepted": float(len(state.population) - len(fitness))},
    )


def _counts(state: State) -> dict[str, int]:
    statuses = [candidate.status for candidate in state.archive.values()]
    kinds = ("accepted", "rejected", "untrainable", "diverged", "failed")
    return {
        "structures_scored": state.evaluated,
        "found_in_cache": state.reused,
        **{kind: statuses.count(kind) for kind in kinds},
    }


def _expression(candidate: Candidate, table: PrimitiveTable) -> LossExpression:
    return LossExpression(candidate.nodes, candidate.weights, table)


def _shown(candidate: Candidate, config: EvoMALConfig) -> dict[str, Any]:
    expression = _expression(candidate, table_named(config.primitives))
    return {
        "formula": expression.formula(),
        "latex": expression.to_latex(),
        "prefix": expression.to_prefix(),
        "fitness": candidate.fitness,
        "complexity": expression.complexity,
        "generation": candidate.generation,
        "loss": expression.to_dict(),
    }


def _front(found: Sequence[Candidate]) -> list[list[float]]:
    """Return (complexity, fitness) of the candidates that no other beats in both."""
    points = [(float(len(c.nodes)), c.fitness) for c in found]
    return [list(points[i]) for i in front(points)] if points else []


def _problem(config: EvoMALConfig, ref: PartRef, run: Run) -> tuple[ProblemData, dict[str, Any]]:
    dataset = run.part("dataset", ref)
    parts = split(dataset, run.rng("split", dataset.name), config.fractions)
    model = run.part("model", config.model)
    widths = model.widths(parts.input_shape, parts.classes)
    if widths is None:
        raise ConfigError("model", config.model.name, "a dense model: linear or mlp")
    arrays = [
        (np.asarray(p.inputs, np.float32).reshape(len(p.inputs), -1), np.asarray(p.targets))
        for p in (parts.train, parts.valid, parts.test)
    ]
    data = ProblemData(dataset.name, dataset.task, parts.classes, tuple(widths[1:-1]), *arrays)
    return data, _standard(config, data, run)


def _standard(config: EvoMALConfig, data: ProblemData, run: Run) -> dict[str, Any]:
    """Return the loss to compare with: its name, and its tree or its part."""
    usual = "mse" if data.task == "regression" else "cross_entropy"
    ref = config.loss or PartRef(usual, {}, "loss")
    if ref.name == usual and not ref.params:
        tree = "square(sub(y, f))" if usual == "mse" else "mul(-1, mul(y, log(f)))"
        return {"name": usual, "loss": parse(tree).to_dict()}
    part = run.part("loss", ref)
    if data.task not in part.tasks:
        raise ConfigError("loss", ref.name, f"a loss for {data.task} ({data.name})")
    expression = getattr(part, "expression", None)
    if isinstance(expression, LossExpression):
        return {"name": ref.name, "loss": expression.to_dict()}
    return {"name": ref.name, "loss": {"part": ref}}
