"""`heliostat losses compare`: which data, model and settings, and how the outcome is told."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from heliostat.contract import PartRef, toml_value
from heliostat.errors import ConfigError
from heliostat_methods.evomal.commands.saved_losses import NamedLoss
from heliostat_methods.evomal.comparison.correction import holm_corrected
from heliostat_methods.evomal.comparison.meta_test import MetaTestConfig, meta_test, problem_data
from heliostat_methods.evomal.comparison.outcome import Comparison
from heliostat_methods.evomal.comparison.protocol import SUFFIX, Way, way_of
from heliostat_methods.evomal.comparison.records import plain, read
from heliostat_methods.evomal.learners.loading import installed_part, metric_for
from heliostat_methods.evomal.learners.training import TrainingConfig
from heliostat_methods.evomal.losses.expression import parse
from heliostat_methods.evomal.losses.standard import STANDARD_TREES, USUAL
from heliostat_methods.evomal.report.comparison import CAVEAT, SPLITS_CAVEAT, comparison_lines
from heliostat_methods.evomal.searches.settings import steps_of
from heliostat_search.trainings.paired_seeds import PairedTest

_MORE_RATES = "--rate-factor lets others be tried"
_FRACTIONS, _EPOCHS = (0.6, 0.2, 0.2), 120.0


def compared(
    losses: Sequence[NamedLoss],
    *,
    dataset: str | None,
    model: str | None,
    steps: int | None,
    seeds: int,
    seed: int | None,
    learning_rate: float | None,
    drops: tuple[tuple[int, float], ...],
    factors: tuple[float, ...],
    metric: str | None,
    splits: int,
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Return the comparison as plain data, the standard loss first, and what limits it.

    `losses`: a line for each loss at equal steps, `at_best` with rate and steps of its own;
    `against_first` is the paired test of either, `holm_p` its p adjusted for the number of losses.
    """
    first = next((loss for loss in losses if loss.run), None)
    settings = _settings(first)
    data_ref = _reference("dataset", dataset) if dataset else _own_dataset(first)
    model_ref = _reference("model", model or settings.get("model", "mlp"))
    fractions = tuple(settings.get("fractions", _FRACTIONS))
    root = seed if seed is not None else (first.seed or 0) if first is not None else 0
    dataset_part = installed_part("dataset", data_ref)
    measure = (
        metric_for(metric, dataset_part, "--metric")
        if metric
        else metric_for(settings.get("metric", "auto"), dataset_part)
    )
    loaded = problem_data(
        dataset_part,
        installed_part("model", model_ref),
        model_ref,
        root,
        (fractions[0], *fractions[1:3]),
        measure,
        splits,
    )
    data = loaded.data
    losses = list({loss.label: loss for loss in losses}.values())  # one named twice is one
    # A tree that was typed in is for whatever the data are for.
    losses = [replace(loss, task=data.task) if loss.typed else loss for loss in losses]
    for loss in losses:
        if loss.task != data.task:
            expected = f"a loss for {data.task}, since the data set is {data.name}"
            raise ConfigError("LOSS", loss.label, expected, f"this one is for {loss.task}")
    usual = USUAL[data.task]
    others = [loss for loss in losses if loss.name != usual or loss.run]
    if not others:
        raise ConfigError("LOSS", losses[0].label, "a loss other than the standard one")
    if steps is None:
        batch = settings.get("batch_size", TrainingConfig().batch_size)
        steps = steps_of(_EPOCHS, len(data.train[1]), batch)
    config = MetaTestConfig(
        _training(settings, steps, learning_rate, drops, factors),
        seeds,
        root,
        tuple(dict.fromkeys(factors)),
    )
    contestants = [(usual, parse(STANDARD_TREES[usual])), *((o.label, o.loss) for o in others)]
    comparison = meta_test(contestants, loaded, config, progress)
    formulas = [usual, *(o.formula for o in others)]
    account: dict[str, Any] = {
        "dataset": data.name,
        "model": data.model.plain(),
        "metric": data.metric,
        "steps": config.training.steps,
        "seeds": seeds,
        "splits": splits,
        "seed": root,
        "losses": _lines(comparison, "at_end", formulas),
        "at_best": _lines(comparison, "at_best", formulas),
        "comparison": plain(comparison),
    }
    account["notes"] = [
        f"{o.label} was found on {data.name} under another split: rows that test it here may have "
        "taken part in the search"
        for o in others
        if o.dataset == data.name
        and (o.seed != root or tuple(o.config.get("fractions", _FRACTIONS)) != fractions)
    ]
    return account


def _lines(comparison: Comparison, way: Way, formulas: Sequence[str]) -> list[dict[str, Any]]:
    rows = [row for row in comparison.losses if way_of(row.role) == way]
    tests: list[PairedTest | None] = [None, *(getattr(one, way) for one in comparison.tests)]
    corrected = holm_corrected(comparison, way)
    lines = []
    for row, test, formula in zip(rows, tests, formulas, strict=True):
        line = plain(row)
        line |= {"formula": formula, "against_first": plain(test)}
        if test is not None:
            line["against_first"]["holm_p"] = corrected[row.role.removesuffix(SUFFIX[way])]
        lines.append(line)
    return lines


def comparison_text(account: Mapping[str, Any]) -> str:
    """Return what a terminal shows."""
    lines = comparison_lines(read(Comparison, account["comparison"]), False, _MORE_RATES)
    caveat = SPLITS_CAVEAT if account["splits"] > 1 else CAVEAT
    model = _reference("model", account["model"])
    said = ", ".join(f"{name}={value}" for name, value in model.params.items())
    head = f"== {account['dataset']}, {model.name}{f' ({said})' if said else ''} =="
    return "\n".join([head, *lines, "",
                      *(line for note in account["notes"]
                        for line in textwrap.wrap(f"note: {note}", 79, subsequent_indent="  ")),
                      *textwrap.wrap(caveat, 79)])  # fmt: skip


def _settings(loss: NamedLoss | None) -> Mapping[str, Any]:
    """Return a run's configuration; a study's data sets and first model stand one level below."""
    if loss is None:
        return {}
    study = loss.config.get("study")
    if not study:
        return loss.config
    return {**loss.config, "datasets": study["datasets"], "model": study["models"][0]}


def _own_dataset(loss: NamedLoss | None) -> PartRef:
    """Return the data set on which the first run's loss was found."""
    if loss is None:
        raise ConfigError("--dataset", None, "a data set", "see: heliostat parts dataset")
    refs = [_reference("dataset", value) for value in _settings(loss).get("datasets", ())]
    # A file's data set is called after the file, not after the part that reads it.
    fitting = [ref for ref in refs if ref.name == loss.dataset] or [
        ref for ref in refs if ":" in ref.name
    ]
    if len(fitting) != 1:
        names = ", ".join(ref.name for ref in refs)
        raise ConfigError("--dataset", None, "a data set", f"run {loss.run} used: {names}")
    return fitting[0]


def _reference(kind: str, value: Any) -> PartRef:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = toml_value(value)
    if isinstance(value, str):
        return PartRef(value, {}, kind)
    if isinstance(value, Mapping) and isinstance(value.get("name"), str):
        return PartRef(value["name"], {k: v for k, v in value.items() if k != "name"}, kind)
    raise ConfigError(f"--{kind}", value, f'the name of a {kind}, or {{name = "...", ...}}')


def _training(
    settings: Mapping[str, Any],
    steps: int,
    learning_rate: float | None,
    drops: tuple[tuple[int, float], ...],
    factors: tuple[float, ...],
) -> TrainingConfig:
    given = [("--learning-rate", learning_rate), *(("--rate-factor", one) for one in factors)]
    for option, value in given:
        if value is not None and not 0 < value < math.inf:
            raise ConfigError(option, value, "a finite number above 0")
    known = {f.name for f in fields(TrainingConfig)} - {"steps", "drops"}
    values = {name: settings[name] for name in sorted(known) if name in settings}
    if learning_rate is not None:
        values["learning_rate"] = learning_rate
    for step, factor in drops:
        if not 0 < step < steps or not 0 < factor < math.inf:
            expected = f"a step from 1 to {steps - 1} and a factor above 0"
            raise ConfigError("--rate-drop", f"{step} {factor:g}", expected)
    return TrainingConfig(steps=steps, drops=tuple(sorted(drops)), **values)
