"""The search: a supernet trained or a table taken, searchers side by side, what they leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from heliostat import ConfigError, Run
from heliostat_methods.pnag.comparison.outcome import Answer, FrontNetwork, Outcome, Retrained
from heliostat_methods.pnag.comparison.shares import contestants, sentence
from heliostat_methods.pnag.config import PNAGConfig
from heliostat_methods.pnag.fronts.archive import archive
from heliostat_methods.pnag.fronts.regret import TrueFront, front_of, true_front
from heliostat_methods.pnag.searchers.by_name import recipe
from heliostat_methods.pnag.searches.answers import answers, chosen, said_by_generator, unanswered
from heliostat_methods.pnag.searches.everything import everything, together
from heliostat_methods.pnag.searches.leavings import (
    front_networks,
    rank_correlation,
    retrained_networks,
)
from heliostat_methods.pnag.searches.of_supernet import searches_of_supernet
from heliostat_methods.pnag.searches.of_table import searches_of_table
from heliostat_methods.pnag.searches.supernet import Trained, trained
from heliostat_methods.pnag.spaces.layout import TrainableSpace
from heliostat_methods.pnag.spaces.moves import all_architectures
from heliostat_methods.pnag.spaces.space import Archs, KnownSpace, SearchSpace
from heliostat_methods.pnag.tasks.searching import Searched
from heliostat_methods.pnag.tasks.teaching import Everything
from heliostat_methods.pnag.training.known import Table
from heliostat_methods.pnag.training.problem import Problem, posed
from heliostat_search.devices import refuse_missing_gpu

FOR_TRAINING = (
    "fractions", "loss", "layers", "supernet", "quantity", "latency", "exhaustive", "block",
    "retrain", "device",
)  # fmt: skip
"""Fields that say how networks are trained, evaluated and counted."""


def search(config: PNAGConfig, run: Run) -> dict[str, Any]:
    """Search the space of a configuration with every searcher, and keep the best networks."""
    for name, fields in config.settings.items():
        recipe(name, fields)
    for name in (config.searcher, *config.compare):
        recipe(name, config.settings.get(name, {}))
    space = run.part("space", config.space)
    if not isinstance(space, SearchSpace):
        raise ConfigError("space", config.space.name, "a space, with decisions")
    if config.evaluations > space.size:
        most = f"at most {space.size}, the networks of {space.name}"
        raise ConfigError("evaluations", config.evaluations, most)
    if isinstance(space, KnownSpace):
        return _known(config, space, run).plain()
    if not isinstance(space, TrainableSpace):
        raise ConfigError("space", config.space.name, "a space that is known or can be trained")
    return _trained(config, space, run).plain()


def _known(config: PNAGConfig, space: KnownSpace, run: Run) -> Outcome:
    """Compare searchers where results are looked up."""
    assert isinstance(space, SearchSpace)
    if config.dataset is not None:
        raise ConfigError("dataset", config.dataset.name, "none for a space that is known")
    listed = space.everything()
    archs = np.empty((0, len(space.decisions)), np.int16) if listed is None else listed
    table = Table(config.space, archs, *space.look_up(archs))
    found = searches_of_table(config, table, space.quantity == "latency", run)
    seen = together(config.space, [one for runs in found.values() for one in runs])
    front = true_front(space)
    # a latency is known once it was measured, multiply-adds before
    cost = None if space.quantity == "latency" else lambda archs: space.look_up(archs)[1]
    said = said_by_generator(config, together(config.space, found[config.searcher]), run)
    told = answers(space, front, *chosen(said, cost), space.look_up)
    outcome = _outcome(
        config, space, space.quantity, front, True, found, seen, _known_front(space, seen), told
    )  # fmt: skip
    return replace(outcome, remarks=[*outcome.remarks, *unanswered(said)])


def _known_front(space: KnownSpace, seen: Everything) -> list[FrontNetwork]:
    assert isinstance(space, SearchSpace)
    kept = archive(seen.accuracy, seen.cost)
    tested = getattr(space, "test_accuracy", None)
    tests: list[float | None] = [None] * len(kept)
    if tested is not None:
        tests = [float(value) for value in tested(seen.archs[kept])]
    return [
        FrontNetwork(
            space.write(seen.archs[place]), float(seen.accuracy[place]), test,
            {space.quantity: float(seen.cost[place])},
        )
        for place, test in zip(kept, tests, strict=True)
    ]  # fmt: skip


def _trained(config: PNAGConfig, space: TrainableSpace, run: Run) -> Outcome:
    """Train a supernet and compare searchers on its networks."""
    refuse_missing_gpu(config.device, run)
    problem = posed(config, run)
    listed = all_architectures(space) if config.exhaustive else None  # refused before a training
    net = trained(config, problem, space, run)

    def worth(archs: Archs) -> tuple[Any, Any]:
        return net.accuracies(archs, run, config.block), net.cost(archs)

    if listed is not None:
        run.phase(f"{problem.dataset}: evaluating all networks")
        seen = everything(config.space, listed, *worth(listed))
        table = Table(config.space, seen.archs, seen.accuracy, seen.cost)
        found = searches_of_table(config, table, False, run)
    else:
        found = searches_of_supernet(config, net, run)
        seen = together(config.space, [one for runs in found.values() for one in runs])
    front = front_of(seen.accuracy, seen.cost)
    said = said_by_generator(config, together(config.space, found[config.searcher]), run)
    budgets, archs = chosen(said, net.cost)
    told = answers(space, front, budgets, archs, worth)
    evaluated = _with_answers(config, seen, archs, told)
    networks = front_networks(config, net, evaluated, run)
    retrained = retrained_networks(config, net, seen, run)
    outcome = _outcome(
        config, space, config.quantity, front, config.exhaustive, found, evaluated, networks, told,
        net, retrained,
    )  # fmt: skip
    return replace(outcome, remarks=[*outcome.remarks, *unanswered(said)])


def _with_answers(
    config: PNAGConfig, seen: Everything, archs: Archs, told: Sequence[Answer]
) -> Everything:
    """Return all that was evaluated, what the generator said included."""
    return everything(
        config.space,
        np.concatenate([seen.archs, archs]),
        np.concatenate([seen.accuracy, [one.accuracy for one in told]]),
        np.concatenate([seen.cost, [one.cost for one in told]]),
    )


def _outcome(
    config: PNAGConfig, space: SearchSpace, quantity: str, front: TrueFront, known: bool,
    found: Mapping[str, Sequence[Searched]], evaluated: Everything, networks: list[FrontNetwork],
    told: list[Answer], net: Trained | None = None, retrained: Sequence[Retrained] = (),
) -> Outcome:  # fmt: skip
    beside = contestants(front, found, config.searcher)
    problem = None if net is None else net.problem
    return Outcome(
        space=space.name,
        size=str(space.size),
        dataset="" if problem is None else problem.dataset,
        images=[] if problem is None else _images(problem),
        remarks=_remarks(config, net),
        quantity=quantity,
        evaluations=config.evaluations,
        seeds=config.seeds,
        searcher=config.searcher,
        known=known,
        truth=_truth(front) if known else [],
        evaluated=len(evaluated.cost),
        front=networks,
        contestants=beside,
        answers=told,
        retrained=list(retrained),
        rank_correlation=rank_correlation(list(retrained)),
        losses=[] if net is None else [float(loss) for loss in net.weights.losses],
        latency_error=None if net is None or net.table is None else net.table.error,
        sentence=sentence(config.searcher, beside, config.evaluations, config.seeds),
    )


def _truth(front: TrueFront) -> list[list[float]]:
    return [[float(c), float(a)] for c, a in zip(front.cost, front.accuracy, strict=True)]


def _remarks(config: PNAGConfig, net: Trained | None) -> list[str]:
    """Return what the data had to bear, what is known of latencies, and what was not used."""
    if net is None:
        # nothing of a known space is trained or chosen by these
        names = [name for name in FOR_TRAINING if name in config.model_fields_set]
        told = [f"not used by a space that is known: {', '.join(names)}"] if names else []
    else:
        told = [*net.problem.remarks, *([] if net.table is None else net.table.remarks)]
    absent = [name for name in config.settings if name not in (config.searcher, *config.compare)]
    if absent:
        told.append(f"not used, since they do not take part: settings of {', '.join(absent)}")
    return told


def _images(problem: Problem) -> list[int]:
    return [len(part.labels) for part in (problem.train, problem.valid, problem.test)]
