"""The search: a loss for every data set (or one for all), then what it is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from heliostat import ConfigError, PartRef, Resources, Run, Shared
from heliostat.errors import ResourceError
from heliostat_methods.evomal.comparison.compare import compare
from heliostat_methods.evomal.comparison.contestants import Contestant, loss_data
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.learners.labels import Labels
from heliostat_methods.evomal.learners.loading import load, load_problem
from heliostat_methods.evomal.learners.problem import ProblemData
from heliostat_methods.evomal.losses.expression import parse
from heliostat_methods.evomal.losses.primitives import table_named
from heliostat_methods.evomal.losses.standard import USUAL
from heliostat_methods.evomal.searches.baselines import FoundLosses, find_losses
from heliostat_methods.evomal.searches.settings import comparison_training, needs, settled
from heliostat_methods.evomal.tasks import (
    Problems,
    Surroundings,
    describe_loss,
    map_surroundings,
)

EVOLVED = ("none", "gp_lfl", "random", "local_search")
"""Baselines whose candidates are trees that pass through the filters."""
SAVINGS = ("reject", "cache", "skip_label_free", "equivalence", "racing")
"""Filters and short cuts of the genetic program's scoring."""


def search(config: EvoMALConfig, run: Run) -> dict[str, Any]:
    """Search a loss on every data set, then compare each with the standard and other losses."""
    _refuse_missing_gpu(config, run)
    if config.study is not None:
        from heliostat_methods.evomal.study.table import study  # a search alone needs none of it

        return study(config, config.study, run)
    loaded = [load(config, ref, config.model, run) for ref in config.datasets]
    problems = [one.data for one in loaded]
    names = [data.name for data in problems]
    if len(set(names)) < len(names):
        raise ConfigError("datasets", names, "data sets with different names")
    # All that can be refused is asked for before anything is computed.
    opponents = {data.name: _opponents(config, data.task, run) for data in problems}
    labels = {one.data.name: one.labels for one in loaded}
    targets = _targets(config, problems, run)
    for data in (*problems, *targets) if config.augment else ():
        if len(data.input_shape) != 3:
            raise ConfigError("augment", config.augment.model_dump() if config.augment else None,
                              "data sets of images", f"{data.name} has none")  # fmt: skip
    if config.together:
        kinds = sorted({data.task for data in problems})
        if len(kinds) > 1:
            raise ConfigError("together", True, "data sets of one kind of task", ", ".join(kinds))
        groups = [tuple(problems)]
    else:
        groups = [(data,) for data in problems]
    accounts = run.gather(
        *(_one_search(config, group, opponents, labels, targets) for group in groups)
    )
    flat = [account for group in accounts for account in group]
    compared = [
        row for a in flat for row in a.get("comparison", {}).get("losses", ())
        if row["role"] == "found_best_rate"
    ]  # fmt: skip
    return {
        "baseline": config.baseline,
        "problems": flat,
        "best_fitness": _mean([a["best"][0]["fitness"] for a in flat if a["best"]]),
        "test_metric": _mean([row["mean"] for row in compared if row["mean"] is not None]),
    }


def _refuse_missing_gpu(config: EvoMALConfig, run: Run) -> None:
    """Raise ConfigError before any work where `device` asks for a GPU that no worker has."""
    if config.device != "cuda":
        return
    try:
        run.require(needs(config) or Resources())
    except ResourceError as error:
        raise ConfigError("device", config.device, "'cpu' or 'auto' here", str(error)) from None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _one_search(
    config: EvoMALConfig,
    group: Problems,
    opponents: dict[str, list[Contestant]],
    labels: dict[str, Labels],
    targets: list[ProblemData],
) -> Callable[[Run], list[dict[str, Any]]]:
    def start(run: Run) -> list[dict[str, Any]]:
        problems = run.share(group)
        found = find_losses(config, group, problems, run)
        return [
            _account(config, group, problems, t, found, opponents[data.name], labels[data.name],
                     targets, run)
            for t, data in enumerate(group)
        ]  # fmt: skip

    return start


def _account(
    config: EvoMALConfig,
    group: Problems,
    problems: Shared[Problems],
    which: int,
    found: FoundLosses,
    opponents: list[Contestant],
    labels: Labels,
    targets: list[ProblemData],
    run: Run,
) -> dict[str, Any]:
    """Return what is known of the losses on one data set; keep the best one as a product."""
    standard, *references = opponents
    data, names = group[which], [one.name for one in group]
    account: dict[str, Any] = {
        "dataset": data.name,
        "task": data.task,
        "metric": data.metric,
        "model": data.model.name,
        "together": names if len(names) > 1 else [],
        "rows": {"train": len(data.train[1]), "valid": len(data.valid[1]),
                 "test": len(data.test[1])},
        "classes": data.classes,
        "labels": labels.plain(),
        "counts": found.counts,
        "steps": found.steps,
        "best": [loss.shown() for loss in found.best],
        "front": found.front(),
        "scored": found.scored,
        "standard": {"name": standard.label, "loss": standard.loss},
        "notes": _notes(config, data),
    }  # fmt: skip
    if not found.best:
        if references:
            account["comparison"] = compare(config, data, problems, which, opponents, run)
            account["behaviour"] = _behaviours(data, opponents, run)
        return account
    best = found.best[0]
    pair = [standard, Contestant("found", "found", best.loss)]
    account["comparison"] = compare(config, data, problems, which, [*pair, *references], run)
    product = {"task": data.task, "loss": best.loss, "fitness": best.fitness,
               "dataset": data.name, "formula": best.formula,
               "labels": labels.plain()}  # fmt: skip
    run.save(f"loss-{data.name}", product, kind="loss")
    account["transfer"] = [_transferred(config, target, pair, run) for target in targets]
    account["behaviour"] = _behaviours(data, [*pair, *references], run)
    account["landscape"] = _landscape(config, data, problems, which, pair, run)
    return account


def _behaviours(data: ProblemData, contestants: list[Contestant], run: Run) -> list[list[Any]]:
    """Return how each loss behaves, by label, for the plots of the analysis."""
    return [
        [one.label, run.call(describe_loss, (one.loss, data.task, data.classes)).unwrap()]
        for one in contestants
    ]


def _notes(config: EvoMALConfig, data: ProblemData) -> list[str]:
    """Return what a user should know of the settings; nothing of it stops a run."""
    notes = _unused(config)
    rows = len(data.train[1])
    rejects = config.baseline in EVOLVED and config.reject != "off"
    if rejects and config.filter_samples > rows:
        notes.append(
            f"filter_samples = {config.filter_samples}, but {data.name} has {rows} training rows: "
            "the rejection protocol used all of them"
        )
    notes += _initial_notes(config)
    return notes


def _initial_notes(config: EvoMALConfig) -> list[str]:
    """Return a note on losses of `initial` that do not start as they were given."""
    if config.baseline not in EVOLVED:
        return []
    losses = [parse(text, table_named(config.primitives)) for text in config.initial]
    weighted = [one.formula() for one in losses if any(w != 1.0 for w in one.weights)]
    tunes = config.local_search and config.baseline in ("none", "random")
    if weighted and not tunes:
        return [f"initial: weights are left out, since this search keeps them 1: {weighted[0]}"]
    if weighted and len({one.key for one in losses}) < len(losses):
        return ["initial: of losses with one structure only the first is scored"]
    return []


def _unused(config: EvoMALConfig) -> list[str]:
    """Return a note on opt-in settings that the chosen baseline has no use for, if there are any.

    They stay allowed, so that one configuration serves all baselines.
    """
    ignored: tuple[str, ...] = ()
    if config.baseline == "random":
        ignored = ("elite", "islands")
    elif config.baseline == "local_search":
        ignored = ("local_search",)
    elif config.baseline == "fixed":
        ignored = (*SAVINGS, "elite", "islands", "local_search")
    elif config.baseline not in EVOLVED:
        ignored = (*SAVINGS, "elite", "islands", "local_search", "initial")
    usual = EvoMALConfig.model_construct()
    changed = [name for name in ignored if getattr(config, name) != getattr(usual, name)]
    if not config.initial and config.baseline == "fixed":
        changed += [name for name in ("transfer", "landscape_seeds") if getattr(config, name)]
    if not changed:
        return []
    return [f"baseline = {config.baseline!r} has no use for {', '.join(changed)}"]


def _transferred(
    config: EvoMALConfig, target: ProblemData, pair: list[Contestant], run: Run
) -> dict[str, Any]:
    """Meta-test the found loss on other data and models; only the number of classes changes."""
    comparison = compare(config, target, run.share((target,)), 0, pair, run)
    return {"dataset": target.name, "model": target.model.name, "metric": target.metric,
            "comparison": comparison}  # fmt: skip


def _targets(config: EvoMALConfig, problems: list[ProblemData], run: Run) -> list[ProblemData]:
    """Return the problems that the losses are tried on afterwards."""
    targets = []
    for i, target in enumerate(config.transfer):
        other = load_problem(config, target.dataset, target.model or config.model, run)
        for data in problems:
            if other.task != data.task:
                raise ConfigError(
                    f"transfer[{i}].dataset", other.name, f"a data set for {data.task}",
                    f"{other.name} is for {other.task}",
                )  # fmt: skip
        targets.append(other)
    return targets


def _opponents(config: EvoMALConfig, task: str, run: Run) -> list[Contestant]:
    """Return the standard loss and the further ones that a found loss meets."""
    usual = loss_data(config.loss or PartRef(USUAL[task], {}, "loss"), task, run)
    references = _references(config, task, run)
    return [
        Contestant("standard", usual["name"], usual["loss"]),
        *(Contestant("reference", one["name"], one["loss"]) for one in references),
    ]


def _landscape(
    config: EvoMALConfig,
    data: ProblemData,
    problems: Shared[Problems],
    which: int,
    contestants: list[Contestant],
    run: Run,
) -> list[list[Any]]:
    """Return the surroundings of trained networks for each loss, where that was asked for."""
    if not config.landscape_seeds:
        return []
    config = settled(config, (data,))
    training = comparison_training(config)
    seeds = tuple(range(config.landscape_seeds))
    items = [Surroundings(problems, which, one.loss, training, seeds) for one in contestants]
    outcomes = run.map(map_surroundings, items, shared=problems, resources=needs(config))
    return [[one.label, o.unwrap()] for one, o in zip(contestants, outcomes, strict=True)]


def _references(config: EvoMALConfig, task: str, run: Run) -> list[dict[str, Any]]:
    """Return the further losses of the comparison; usual ones if `fixed` names none."""
    if config.references or config.baseline != "fixed" or config.initial:
        return [loss_data(ref, task, run) for ref in config.references]
    if task == "regression":
        trees = {"absolute error": "abs(sub(y, f))",
                 "pseudo-Huber": "sqrt(add(1, square(sub(y, f))))"}  # fmt: skip
        return [{"name": name, "loss": parse(tree).to_dict()} for name, tree in trees.items()]
    names = ("label_smoothing", "sparse_label_smoothing", "focal", "ace", "polyloss")
    return [loss_data(PartRef(name, {}, "loss"), task, run) for name in names]
