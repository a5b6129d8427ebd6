"""Losses by name: what past runs have left, built-in parts, files, and formulas typed in.

A name is one of: a run (all its losses), ``RUN/NAME`` (the loss of one data set), a loss part
(``ace``, ``{name = "ace", phi1 = 1.25}``), a JSON file of an export, or a tree in prefix text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heliostat.contract import PartRef
from heliostat.errors import ConfigError, RunNotFound, StoreError, did_you_mean
from heliostat_methods.evomal.config import SETS
from heliostat_methods.evomal.losses.expression import LossExpression, parse
from heliostat_methods.evomal.losses.operations import extended
from heliostat_methods.evomal.losses.primitives import (
    STANDARD,
    LossExpressionError,
    PrimitiveTable,
)
from heliostat_methods.evomal.losses.standard import STANDARD_TREES
from heliostat_methods.evomal.losses.tree import Task
from heliostat_methods.evomal.searches.operations import operation_of

if TYPE_CHECKING:
    from heliostat.contract import RunView

KIND, OPERATION = "loss", "primitive"
BEST = "/best"
"""What follows the name of a short loss in that of the best one of its search."""


@dataclass(frozen=True)
class NamedLoss:
    """A loss under the label that tables show; ``loss`` is a tree or a torch callable.

    ``part`` is what names a built-in one. Of a run's loss: the run, its seed and configuration, the
    data set, the validation fitness, the test metric and the data set's number of classes, where
    known; ``created`` in seconds since the epoch. ``labels``: what ``y`` stands for; ``training``:
    how models were trained with the loss at its best.
    ``typed``: a tree from the command line, whose kind of task may follow from the data.
    """

    label: str
    task: Task
    loss: Any
    part: PartRef | None = None
    run: str = ""
    name: str = ""
    dataset: str = ""
    seed: int | None = None
    created: float = 0.0
    fitness: float | None = None
    test: float | None = None
    classes: int | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    described: str = ""
    labels: Mapping[str, Any] | None = None
    typed: bool = False
    training: Mapping[str, Any] | None = None
    state: str = "finished"
    """That of its run: in one that has not finished, what is best so far."""

    @property
    def expression(self) -> LossExpression | None:
        """The tree, or None for a loss that is not one."""
        return self.loss if isinstance(self.loss, LossExpression) else None

    @property
    def formula(self) -> str:
        """Readable text: the formula of a tree, else what its run or its label says."""
        if self.expression is not None:
            return self.expression.formula()
        return self.described or self.label

    def row(self) -> dict[str, Any]:
        """Return the line of a list, as plain data."""
        return {
            "run": self.run,
            "name": self.name,
            "dataset": self.dataset,
            "task": self.task,
            "formula": self.formula,
            "fitness": self.fitness,
            "test": self.test,
            "created": self.created,
            "state": self.state,
            "labels": None if self.labels is None else dict(self.labels),
            "training": None if self.training is None else dict(self.training),
        }


def losses_of(view: RunView) -> Iterator[NamedLoss]:
    """Yield the losses that a run has left, by name; raises StoreError for one of no known kind."""
    result = view.result if isinstance(view.result, dict) else {}
    problems, state = result.get("problems"), view.state
    for product in view.products():
        if product["kind"] != KIND:
            continue
        name = str(product["unique_name"])
        value = view.product(name)
        if not isinstance(value, Mapping):
            continue
        dataset = str(value.get("dataset", str(product["name"]).removeprefix("loss-")))
        account = _of_dataset(problems, dataset)
        try:
            loss, task = _built(value, view.method)
        except LossExpressionError as error:
            raise StoreError(f"run {view.id}: product {name!r} is no loss: {error}") from None
        first = NamedLoss(
            f"{view.id}/{name}",
            task,
            loss,
            None,
            view.id,
            name,
            dataset,
            view.seed,
            view.created,
            value.get("fitness"),
            _test_metric(account, "short", "found"),
            account.get("classes"),
            view.config,
            str(value.get("formula", "")),
            _labels(value),
            training=value.get("training"),
            state=state,
        )
        yield first
        best = value.get("best")  # where a short loss stands for it
        if isinstance(best, Mapping):
            yield replace(
                first,
                label=f"{first.label}{BEST}",
                name=f"{name}{BEST}",
                loss=LossExpression.from_dict(best["loss"]),
                fitness=best.get("fitness"),
                test=_test_metric(account, "found"),
                described=str(best.get("formula", "")),
                training=best.get("training"),
            )


def named(text: str, root: Path, task: Task = "classification") -> list[NamedLoss]:
    """Return the losses that a name stands for; ``task`` is that of a tree typed in.

    Raises ConfigError naming the nearest valid name.
    """
    if text.lstrip().startswith("{"):
        return [_part(_part_ref(text), text)]
    if "(" in text:
        return [NamedLoss(text, task, _parsed(text), typed=True)]
    if Path(text).suffix == ".json":
        return [_from_file(Path(text))]
    from heliostat import registry

    builtin = [part.name for part in registry().parts(KIND)]
    if text in builtin:
        return [_part(PartRef(text, {}, KIND), text)]
    return _from_run(text.removeprefix("run:"), root, builtin)


def found_loss(name: str, runs: Path | str | None = None) -> Any:
    """Return what a run has left as a torch module: ``loss = found_loss("run:RUN")``.

    ``name`` is ``run:RUN``, or ``run:RUN/loss-NAME`` where a run left several; ``/best`` behind it
    means the best loss where a short one stands for it. ``runs`` is the folder of runs, without one
    that of the command line. Raises ConfigError naming the nearest valid name.
    """
    from heliostat.contract import runs_root

    if not isinstance(name, str):
        raise ConfigError("name", name, "the name of a loss, such as run:RUN")
    root = runs_root(None if runs is None else Path(runs))
    found = first_of(named(name, root))
    if len(found) > 1:
        names = " or ".join(f"run:{one.label}" for one in found)
        raise ConfigError("name", name, "one loss", f"this run has several: {names}")
    one = found[0]
    return one.loss if one.expression is None else one.expression.to_torch_module(one.task)


def first_of(losses: list[NamedLoss]) -> list[NamedLoss]:
    """Return losses without the best ones for which a short one stands."""
    return [one for one in losses if not one.name.endswith(BEST)] or losses


def _from_run(text: str, root: Path, builtin: list[str]) -> list[NamedLoss]:
    from heliostat.contract import RunView, find, folders

    name, whole = "", text.removesuffix(BEST)
    best, text = BEST if whole != text else "", whole
    try:
        folder = find(text, root)
    except RunNotFound:
        # A path to a run holds slashes too, so the whole text was tried first.
        run, slash, name = text.rpartition("/")
        try:
            folder = find(run if slash else text, root)
        except RunNotFound:
            names = [*builtin, *(f.id for f in folders(root))]
            expected = f"a built-in loss, a file of losses export, or a run in {root}"
            hint = did_you_mean(run if slash else text, names)
            raise ConfigError("LOSS", text, expected, hint) from None
    view = RunView(folder)
    found, state = list(losses_of(view)), f"{folder.id} is a run of {view.method}, {view.state}"
    view.close()
    if not found:
        raise ConfigError("LOSS", text, "a run that left a loss", state)
    if best:
        found = [loss for loss in found if loss.name.endswith(BEST)] or found
    chosen = [
        loss for loss in found
        if name in ("", product := loss.name.removesuffix(BEST), product.removeprefix("loss-"))
    ] or [loss for loss in found if name == loss.dataset]  # fmt: skip
    if not chosen:
        hint = did_you_mean(name, [loss.name for loss in found])
        raise ConfigError("LOSS", text, f"a loss of run {folder.id}", hint)
    return chosen


def _from_file(path: Path) -> NamedLoss:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        loss, task = _built(value, "evomal")
        training = value.get("training")
        return NamedLoss(path.stem, task, loss, labels=_labels(value), training=training)
    except OSError as error:
        raise ConfigError("LOSS", str(path), "a file", str(error.strerror)) from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError("LOSS", str(path), "a JSON file of losses export", str(error)) from None


def _parsed(text: str) -> LossExpression:
    try:
        return parse(text, _table_for(text))
    except LossExpressionError as error:
        raise ConfigError("LOSS", text, "a loss in y and f", str(error)) from None


def _table_for(text: str) -> PrimitiveTable:
    """Return the standard set, with those operations beside it that a tree names."""
    from heliostat import registry
    from heliostat_methods.evomal.learners.loading import installed_part  # loads numba

    words = set(re.findall(r"[A-Za-z_]\w*", text)) - set(SETS)
    refs = [PartRef(part.name, {}, OPERATION)
            for part in registry().parts(OPERATION) if part.name in words]  # fmt: skip
    operations = [operation_of(installed_part(OPERATION, ref), ref) for ref in refs]
    return extended(STANDARD.name, operations)


def _part_ref(text: str) -> PartRef:
    from heliostat.contract import toml_value

    value = toml_value(text)
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise ConfigError("LOSS", text, 'a table such as {name = "ace", phi1 = 1.25}')
    return PartRef(value["name"], {k: v for k, v in value.items() if k != "name"}, KIND)


def _part(ref: PartRef, label: str) -> NamedLoss:
    from heliostat import registry
    from heliostat_methods.evomal.learners.loading import installed_part  # loads numba

    if ref.name in STANDARD_TREES and not ref.params:
        task: Task = "regression" if ref.name == "mse" else "classification"
        return NamedLoss(label, task, parse(STANDARD_TREES[ref.name]), ref, name=ref.name)
    part, said = installed_part(KIND, ref), registry().part(KIND, ref.name).summary
    return NamedLoss(label, _task(str(part.tasks[0])), part, ref, name=ref.name, described=said)


def _built(value: Mapping[str, Any], method: str) -> tuple[Any, Task]:
    tree = value.get("loss")
    if isinstance(tree, Mapping) and "nodes" in tree and "task" in value:
        return LossExpression.from_dict(tree), _task(str(value["task"]))
    from heliostat import registry

    spec = next(p for p in registry().method(method).products if p.kind == KIND)
    part = spec.build(value)
    expression = getattr(part, "expression", None)
    return (expression if isinstance(expression, LossExpression) else part), _task(
        str(part.tasks[0])
    )


def _labels(value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found = value.get("labels")  # runs of earlier versions kept none
    return found if isinstance(found, Mapping) else None


def _task(text: str) -> Task:
    if text == "regression":
        return "regression"
    if text == "classification":
        return "classification"
    raise ConfigError("task", text, "regression or classification")


def _of_dataset(problems: Any, dataset: str) -> dict[str, Any]:
    for account in problems if isinstance(problems, list) else ():
        if isinstance(account, dict) and account.get("dataset") == dataset:
            return account
    return {}


def _test_metric(account: Mapping[str, Any], *roles: str) -> float | None:
    """Return the mean test metric at its best of the first role that was compared."""
    comparison = account.get("comparison")
    rows = comparison.get("losses") if isinstance(comparison, dict) else None
    means = {row.get("role"): row.get("mean") for row in rows or () if isinstance(row, dict)}
    # runs of earlier versions stopped nothing early
    names = [f"{role}{end}" for role in roles for end in ("_best", "_best_rate")]
    return next((means[name] for name in names if name in means), None)
