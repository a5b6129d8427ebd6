"""The search: a loss for every data set (or one for all), then what it is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from heliostat import ConfigError, PartRef, Run, Shared
from heliostat_methods.evomal.baselines import FoundLosses, find_losses
from heliostat_methods.evomal.comparison import Contestant, compare
from heliostat_methods.evomal.config import EvoMALConfig
from heliostat_methods.evomal.expression import LossExpression, parse
from heliostat_methods.evomal.problem import ProblemData
from heliostat_methods.evomal.scoring import training_config
from heliostat_methods.evomal.tasks import (
    Problems,
    Surroundings,
    describe_loss,
    map_surroundings,
)
from heliostat_search.splits import split

USUAL = {"regression": "mse", "classification": "cross_entropy"}
"""The standard loss of each kind of task."""
TREES = {"mse": "square(sub(y, f))", "cross_entropy": "mul(-1, mul(y, log(f)))"}
"""Standard losses that are trees, and so take the compiled path."""


def search(config: EvoMALConfig, run: Run) -> dict[str, Any]:
    """Search a loss on every data set, then compare each with the standard and other losses."""
    if config.study is not None:
        from heliostat_methods.evomal.study import study

        return study(config, config.study, run)
    problems = [load_problem(config, ref, config.model, run) for ref in config.datasets]
    names = [data.name for data in problems]
    if len(set(names)) < len(names):
        raise ConfigError("datasets", names, "data sets with different names")
    # All that can be refused is asked for before anything is computed.
    opponents = {data.name: _opponents(config, data.task, run) for data in problems}
    targets = _targets(config, problems, run)
    if config.together:
        kinds = sorted({data.task for data in problems})
        if len(kinds) > 1:
            raise ConfigError("together", True, "data sets of one kind of task", ", ".join(kinds))
        groups = [tuple(problems)]
    else:
        groups = [(data,) for data in problems]
    accounts = run.gather(*(_one_search(config, group, opponents, targets) for group in groups))
    flat = [account for group in accounts for account in group]
    compared = [
        row for a in flat for row in a.get("comparison", {}).get("losses", ())
        if row["role"] == "found_best_rate"
    ]  # fmt: skip
    return {
        "baseline": config.baseline,
        "problems": flat,
        "best_fitness": _mean([a["best"][0]["fitness"] for a in flat if a["best"]]),
        "test_metric": _mean([row["mean"] for row in compared if "mean" in row]),
    }


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _one_search(
    config: EvoMALConfig,
    group: Problems,
    opponents: dict[str, list[Contestant]],
    targets: list[ProblemData],
) -> Callable[[Run], list[dict[str, Any]]]:
    def start(run: Run) -> list[dict[str, Any]]:
        problems = run.share(group)
        found = find_losses(config, group, problems, run)
        return [
            _account(config, problems, t, data, found, opponents[data.name], targets, run)
            for t, data in enumerate(group)
        ]

    return start


def _account(
    config: EvoMALConfig,
    problems: Shared[Problems],
    which: int,
    data: ProblemData,
    found: FoundLosses,
    opponents: list[Contestant],
    targets: list[ProblemData],
    run: Run,
) -> dict[str, Any]:
    """Return what is known of the losses on one data set; keep the best one as a product."""
    standard, *references = opponents
    account: dict[str, Any] = {
        "dataset": data.name,
        "task": data.task,
        "metric": data.metric,
        "model": data.model.name,
        "rows": {"train": len(data.train[1]), "valid": len(data.valid[1]),
                 "test": len(data.test[1])},
        "classes": data.classes,
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
        return account
    best = found.best[0]
    pair = [standard, Contestant("found", "found", best.loss)]
    account["comparison"] = compare(config, data, problems, which, [*pair, *references], run)
    product = {"task": data.task, "loss": best.loss, "fitness": best.fitness,
               "dataset": data.name, "formula": best.formula}  # fmt: skip
    run.save(f"loss-{data.name}", product, kind="loss")
    account["transfer"] = [_transferred(config, target, pair, run) for target in targets]
    account["behaviour"] = [
        [one.label, run.call(describe_loss, (one.loss, data.task, data.classes)).unwrap()]
        for one in pair
    ]
    account["landscape"] = _landscape(config, data, problems, which, pair, run)
    return account


def _notes(config: EvoMALConfig, data: ProblemData) -> list[str]:
    """Return what a user should know of the settings; nothing of it stops a run."""
    notes = []
    rows = len(data.train[1])
    if config.filter_samples > rows and config.reject != "off":
        notes.append(
            f"filter_samples = {config.filter_samples}, but {data.name} has {rows} training rows: "
            "the rejection protocol used all of them"
        )
    return notes


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
    """Return the surroundings of trained networks for each loss, where dense ones were trained."""
    if not config.landscape_seeds or data.hidden is None:
        return []
    training = training_config(config, config.test_steps)
    seeds = tuple(range(config.landscape_seeds))
    items = [Surroundings(problems, which, one.loss, training, seeds) for one in contestants]
    outcomes = run.map(map_surroundings, items, shared=problems)
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


def load_problem(config: EvoMALConfig, ref: PartRef, model: PartRef, run: Run) -> ProblemData:
    """Return a data set, split and scaled, with the model that is trained on it."""
    dataset = run.part("dataset", ref)
    parts = split(dataset, run.rng("split", dataset.name), config.fractions)
    shape = tuple(getattr(dataset, "image_shape", None) or parts.input_shape)
    widths = run.part("model", model).widths(parts.input_shape, parts.classes)
    dense = widths is not None and config.inner_steps == 1 and config.gradients == "auto"
    if not dense:
        _check_model(run.part("model", model), shape, parts.classes, model)
    arrays = [
        (np.asarray(p.inputs, np.float32).reshape(len(p.inputs), -1), np.asarray(p.targets))
        for p in (parts.train, parts.valid, parts.test)
    ]
    hidden = tuple(widths[1:-1]) if dense else None
    return ProblemData(dataset.name, dataset.task, parts.classes, shape, model, hidden, *arrays)


def _check_model(recipe: Any, shape: tuple[int, ...], classes: int, model: PartRef) -> None:
    """Build the model once, so that one that does not fit the data is refused before any work."""
    import torch

    try:
        network = recipe.create(shape, classes, torch.Generator().manual_seed(0))
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            outputs = network(torch.zeros(2, *shape))
    except (RuntimeError, ValueError) as error:
        raise ConfigError(
            "model", model.name, f"a model for samples of shape {shape}", str(error)
        ) from None
    if tuple(outputs.shape) != (2, classes):
        raise ConfigError(
            "model", model.name, f"outputs of shape (batch, {classes})", str(tuple(outputs.shape))
        )


def loss_data(ref: PartRef, task: str, run: Run) -> dict[str, Any]:
    """Return a named loss as data: its name, and its tree, its network or its part."""
    if ref.name in TREES and not ref.params:
        if USUAL[task] != ref.name:
            raise ConfigError("loss", ref.name, f"a loss for {task}, such as {USUAL[task]}")
        return {"name": ref.name, "loss": parse(TREES[ref.name]).to_dict()}
    part = run.part("loss", ref)
    if task not in part.tasks:
        raise ConfigError("loss", ref.name, f"a loss for {task}, such as {USUAL[task]}")
    expression = getattr(part, "expression", None)
    if isinstance(expression, LossExpression):
        return {"name": ref.name, "loss": expression.to_dict()}
    if hasattr(part, "to_dict"):
        return {"name": ref.name, "loss": part.to_dict()}
    label = ref.name + "".join(f" {k}={v}" for k, v in sorted(ref.params.items()))
    return {"name": label, "loss": {"part": ref}}
