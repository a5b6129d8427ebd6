"""The account of one data set: what was found, what it is worth, and how it behaves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from heliostat import Run
from heliostat_methods.evomal.comparison.compare import compare
from heliostat_methods.evomal.comparison.contestants import Contestant
from heliostat_methods.evomal.comparison.outcome import Account, Comparison, Labelled, Transfer
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.learners.labels import Labels
from heliostat_methods.evomal.learners.loading import Loaded
from heliostat_methods.evomal.learners.problem import ProblemData
from heliostat_methods.evomal.searches.found import FoundLoss, FoundLosses
from heliostat_methods.evomal.searches.notes import notes_on
from heliostat_methods.evomal.searches.settings import comparison_training, needs
from heliostat_methods.evomal.searches.strategy import Posed
from heliostat_methods.evomal.tasks import (
    LossTrainingSettings,
    Surroundings,
    describe_loss,
    map_surroundings,
)


def account_of(
    config: EvoMALConfig,
    posed: Posed,
    which: int,
    found: FoundLosses,
    opponents: list[Contestant],
    loaded: Loaded,
    targets: list[Loaded],
    run: Run,
) -> Account:
    """Return what is known of the losses on one data set; keep the best one as a product."""
    standard, *references = opponents
    data, names = posed.group[which], [one.name for one in posed.group]
    account = Account(
        dataset=data.name,
        task=data.task,
        metric=data.metric,
        model=data.model.name,
        together=tuple(names) if len(names) > 1 else (),
        rows={"train": len(data.train[1]), "valid": len(data.valid[1]),
              "test": len(data.test[1])},
        classes=data.classes,
        labels=loaded.labels.plain(),
        counts=found.counts,
        steps=found.steps,
        best=tuple(found.best),
        front=tuple(found.front()),
        scored=tuple(found.scored),
        standard={"name": standard.label, "loss": standard.loss},
        notes=tuple(notes_on(config, data)),
    )  # fmt: skip
    if not found.best:
        if not references:
            return account
        return replace(
            account,
            comparison=compare(config, posed, which, loaded, opponents, run),
            behaviour=_behaviours(data, opponents, run),
        )
    best = found.readable or found.best[0]
    short = found.short or best
    pair = [standard, Contestant("found", "found", best.loss)]
    if short.loss != best.loss:
        pair.insert(1, Contestant("short", "short", short.loss))
    all_ = [*pair, *references]
    comparison = compare(config, posed, which, loaded, all_, run)
    role = pair[1].role
    kept = product(short, data, loaded.labels, training_facts(config, comparison, role))
    if role == "short":
        kept["best"] = {"loss": best.loss, "fitness": best.fitness, "formula": best.formula,
                        "training": training_facts(config, comparison, "found")}  # fmt: skip
    run.save(f"loss-{data.name}", kept, kind="loss")
    return replace(
        account,
        comparison=comparison,
        readable=found.readable,
        short=found.short,
        training=kept["training"],
        transfer=tuple(_transferred(config, target, pair, run) for target in targets),
        behaviour=_behaviours(data, all_, run),
        landscape=_landscape(config, posed, which, pair, run),
    )


def training_facts(config: EvoMALConfig, comparison: Comparison, role: str) -> dict[str, Any]:
    """Return how models were trained with a loss at its best, on the first split."""
    row = comparison.best_of(role)
    kept = sorted(row.kept[: comparison.seeds])
    steps = kept[(len(kept) - 1) // 2] if kept else comparison.steps
    return {
        "optimiser": "SGD",
        "learning_rate": row.learning_rate,
        "momentum": config.momentum,
        "nesterov": config.nesterov,
        "weight_decay": config.weight_decay,
        "batch_size": config.batch_size,
        "steps": steps,
    }


def product(
    loss: FoundLoss, data: ProblemData, labels: Labels, training: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return what a run keeps of a found loss, for other runs and for `heliostat losses`."""
    kept = {
        "task": data.task,
        "loss": loss.loss,
        "fitness": loss.fitness,
        "dataset": data.name,
        "formula": loss.formula,
        "labels": labels.plain(),
    }
    return kept if training is None else {**kept, "training": training}


def _behaviours(data: ProblemData, contestants: list[Contestant], run: Run) -> tuple[Labelled, ...]:
    """Return how each loss behaves, by label, for the plots of the analysis."""
    run.phase(f"{data.name}: analysing")
    return tuple(
        (one.label, run.call(describe_loss, (one.loss, data.task, data.classes)).unwrap())
        for one in contestants
    )


def _transferred(
    config: EvoMALConfig, target: Loaded, pair: list[Contestant], run: Run
) -> Transfer:
    """Meta-test the found loss on other data and models; only the number of classes changes."""
    data = target.data
    comparison = compare(config, Posed((data,), run.share((data,))), 0, target, pair, run)
    return Transfer(data.name, data.model.name, data.metric, comparison)


def _landscape(
    config: EvoMALConfig, posed: Posed, which: int, contestants: list[Contestant], run: Run
) -> tuple[Labelled, ...]:
    """Return the surroundings of trained networks for each loss, where that was asked for."""
    if not config.landscape_seeds:
        return ()
    losses = tuple(one.loss for one in contestants)
    training = comparison_training(config, posed.group[which])
    settings = run.share(LossTrainingSettings(losses, training))
    seeds = tuple(range(config.landscape_seeds))
    items = [
        Surroundings(posed.problems, settings, which, loss, seeds) for loss in range(len(losses))
    ]
    outcomes = run.map(
        map_surroundings, items, shared=(posed.problems, settings),
        resources=needs(config, posed.group),
    )  # fmt: skip
    return tuple((one.label, o.unwrap()) for one, o in zip(contestants, outcomes, strict=True))
