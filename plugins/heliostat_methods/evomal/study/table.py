"""A table of searches: data sets x models x baselines x search seeds, under a written-down budget.

Each cell is a search of its own. Its cost is estimated from counted multiplications before
anything runs, and cells beyond the cap on core-hours are listed as not run: what is left out never
depends on how a machine felt. All losses found for one data set and model are then trained in one
comparison, over the same test seeds and each at its own best learning rate, so that every baseline
is paired with the standard loss and with every other.

Two kinds of randomness are kept apart: *search seeds* (another population) and *test seeds*
(another initial model and other batches). Intervals over search seeds answer whether the method
finds a good loss; intervals over test seeds whether a given loss is good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from heliostat import ConfigError, PartRef, Run, Shared
from heliostat_methods.evomal.comparison.compare import compare
from heliostat_methods.evomal.comparison.contestants import Contestant, loss_data
from heliostat_methods.evomal.config import EvoMALConfig, StudyConfig
from heliostat_methods.evomal.learners.labels import Labels
from heliostat_methods.evomal.learners.loading import load
from heliostat_methods.evomal.learners.problem import ProblemData
from heliostat_methods.evomal.losses.standard import USUAL
from heliostat_methods.evomal.searches.baselines import FoundLosses, find_losses
from heliostat_methods.evomal.study.cost import (
    search_seconds,
    standard_seconds,
    test_seconds,
    transfer_seconds,
)
from heliostat_methods.evomal.tasks import Problems
from heliostat_search.statistics import mean_interval, paired


@dataclass(frozen=True)
class Cell:
    """One search: its place in the table, and why it is not run, if it is not."""

    dataset: str
    model: str
    baseline: str
    seed: int
    core_hours: float
    not_run: str = ""


def study(config: EvoMALConfig, plan: StudyConfig, run: Run) -> dict[str, Any]:
    """Run the table up to its cap, then compare what was found."""
    problems, labels = _problems(config, plan, run)
    standards = standard_seconds(config, problems) / 3600
    cells = list(_within_cap(plan, _cells(config, plan, problems), standards))
    wanted = [cell for cell in cells if not cell.not_run]
    shared = {
        key: run.share((data,)) for key, data in problems.items() if isinstance(data, ProblemData)
    }
    found: dict[Cell, FoundLosses] = {}
    spent = standards if wanted else 0.0
    for i in range(0, len(wanted), plan.side_by_side):
        part = wanted[i : i + plan.side_by_side]
        searches = [
            _one_cell(config, c, problems[c.dataset, c.model], shared[c.dataset, c.model],
                      labels[c.dataset])
            for c in part
        ]  # fmt: skip
        found.update(zip(part, run.gather(*searches), strict=True))
        spent += sum(cell.core_hours for cell in part)
        run.report(i + len(part), of=len(wanted), count=i + len(part), core_hours=spent)
    tables = []
    for (dataset, model), handle in shared.items():
        mine = {c: f for c, f in found.items() if (c.dataset, c.model) == (dataset, model)}
        if mine:
            others = _from_elsewhere(plan, found, problems, dataset, model)
            data = problems[dataset, model]
            assert isinstance(data, ProblemData)
            tables.append(_table(config, plan, data, handle, mine, others, run))
    best = [loss.fitness for cell in found.values() for loss in cell.best[:1]]
    aside = (standards if wanted else 0.0) + sum(
        transfer_seconds(config, plan, problems, c.dataset, c.model, c.baseline) / 3600
        for c in wanted
    )
    return {
        "baseline": "study",
        "study": {
            "cells": [_cell_account(cell, found.get(cell)) for cell in cells],
            "estimated_core_hours": spent,
            "aside_core_hours": aside,
            "rates": [config.learning_rate * factor for factor in config.rate_factors],
            "cap": plan.core_hours,
            "search_seeds": plan.search_seeds,
            "test_seeds": config.test_seeds,
            "tables": tables,
        },
        "problems": [],
        "best_fitness": sum(best) / len(best) if best else None,
        "test_metric": None,
    }


def _problems(
    config: EvoMALConfig, plan: StudyConfig, run: Run
) -> tuple[dict[tuple[str, str], ProblemData | str], dict[str, Labels]]:
    """Return the problem of each data set and model, or why there is none; and its labels."""
    problems: dict[tuple[str, str], ProblemData | str] = {}
    labels: dict[str, Labels] = {}
    for ref in plan.datasets:
        for model in plan.models:
            try:
                loaded = load(config, ref, model, run)
                problems[ref.name, _label(model)] = loaded.data
                labels[ref.name] = loaded.labels
            except ConfigError as error:
                if error.field != "model":
                    raise
                problems[ref.name, _label(model)] = f"not applicable: needs {error.expected}"
    return problems, labels


def _label(model: PartRef) -> str:
    return model.name + "".join(f" {k}={v}" for k, v in sorted(model.params.items()))


def _cells(
    config: EvoMALConfig, plan: StudyConfig, problems: dict[tuple[str, str], ProblemData | str]
) -> Iterator[Cell]:
    # Seeds on the outside, so that a cap leaves fewer seeds everywhere and not fewer rows.
    for seed in range(plan.search_seeds):
        for (dataset, model), data in problems.items():
            for baseline in plan.baselines:
                if isinstance(data, str):
                    yield Cell(dataset, model, baseline, seed, 0.0, data)
                    continue
                settings = config.of_cell(dataset, data.model.name)
                hours = (
                    search_seconds(settings, baseline, data)
                    + test_seconds(settings, baseline, data)
                    + transfer_seconds(config, plan, problems, dataset, model, baseline)
                ) / 3600
                yield Cell(dataset, model, baseline, seed, hours)


def _within_cap(
    plan: StudyConfig, cells: Iterator[Cell], core_hours_before: float
) -> Iterator[Cell]:
    total = core_hours_before
    for cell in cells:
        if total + cell.core_hours <= plan.core_hours:
            total += cell.core_hours
            yield cell
        else:
            yield replace(cell, not_run=f"beyond {plan.core_hours:g} core-hours")


def _one_cell(
    config: EvoMALConfig,
    cell: Cell,
    data: ProblemData | str,
    handle: Shared[Problems],
    labels: Labels,
) -> Callable[[Run], FoundLosses]:
    def start(run: Run) -> FoundLosses:
        assert isinstance(data, ProblemData)
        settings = config.of_cell(cell.dataset, data.model.name)
        settings = settings.model_copy(update={"baseline": cell.baseline})
        found = find_losses(settings, (data,), handle, run)
        for loss in found.best[:1]:
            name = f"loss-{data.name}-{cell.model}-{cell.baseline}-{cell.seed}"
            product = {"task": data.task, "loss": loss.loss, "fitness": loss.fitness,
                       "dataset": data.name, "formula": loss.formula,
                       "labels": labels.plain()}  # fmt: skip
            run.save(name.replace(" ", "_"), product, kind="loss")
        return found

    return start


def _from_elsewhere(
    plan: StudyConfig,
    found: dict[Cell, FoundLosses],
    problems: dict[tuple[str, str], ProblemData | str],
    dataset: str,
    model: str,
) -> dict[Cell, FoundLosses]:
    """Return EvoMAL's losses for the same kind of task and model, found on other data."""
    here = problems[dataset, model]

    def fits(cell: Cell) -> bool:
        there = problems[cell.dataset, cell.model]
        return (
            cell.baseline == "none"
            and cell.dataset != dataset
            and cell.model == model
            and isinstance(there, ProblemData)
            and isinstance(here, ProblemData)
            and there.task == here.task
        )

    return {c: f for c, f in found.items() if fits(c)} if plan.transfer else {}


def _table(
    config: EvoMALConfig,
    plan: StudyConfig,
    data: ProblemData,
    handle: Shared[Problems],
    mine: dict[Cell, FoundLosses],
    others: dict[Cell, FoundLosses],
    run: Run,
) -> dict[str, Any]:
    """Compare all losses found for one data set and model, and those found elsewhere."""
    here = next(iter(mine))
    settings = config.of_cell(here.dataset, data.model.name)
    standard = loss_data(PartRef(USUAL[data.task], {}, "loss"), data.task, run)
    contestants = [Contestant("standard", standard["name"], standard["loss"])]
    places: dict[str, list[str]] = {}
    for cell, losses in (*mine.items(), *others.items()):
        row = cell.baseline if cell in mine else f"transfer from {cell.dataset}"
        for loss in losses.best[:1]:
            places.setdefault(row, []).append(f"reference{len(contestants)}")
            contestants.append(Contestant("reference", f"{row} seed {cell.seed}", loss.loss))
    comparison = compare(settings, data, handle, 0, contestants, run)
    values = {row["role"]: np.array(row["values"]) for row in comparison["losses"]}
    base = values["standard_best_rate"]
    rows = [_row("standard", [base], base)]
    order: list[str] = [name for name in plan.baselines if name in places]
    order += [name for name in places if name not in order]
    rows += [
        _row(name, [values[f"{role}_best_rate"] for role in places[name]], base) for name in order
    ]
    return {
        "dataset": here.dataset,
        "model": here.model,
        "metric": data.metric,
        "standard": standard["name"],
        "test_steps": settings.test_steps,
        "rows": rows,
        "losses": [
            {key: row[key] for key in ("label", "learning_rate", "values", "diverged")}
            for row in comparison["losses"]
        ],
    }


def _row(name: str, values: list[Any], standard: Any) -> dict[str, Any]:
    """Return one line of the table: `values` (search seeds, test seeds) of a metric."""
    all_ = np.array(values)
    whole = all_[np.isfinite(all_).all(axis=1)]
    row: dict[str, Any] = {
        "name": name,
        "searches": len(all_),
        "diverged": int((~np.isfinite(all_)).sum()),
    }
    if not len(whole):
        return row
    means = whole.mean(axis=1)
    row["kept"] = len(whole)
    row |= {"mean": float(means.mean()), "search_means": [float(m) for m in means]}
    if len(means) >= 2:
        interval = mean_interval(means)
        row |= {"search_low": interval.low, "search_high": interval.high}
    each = whole.mean(axis=0)
    over_tests = mean_interval(each)
    row |= {"test_low": over_tests.low, "test_high": over_tests.high}
    if name != "standard" and np.isfinite(standard).all():
        test = paired(each, standard)
        row |= {"difference": asdict(test.difference), "t_p": test.t_p,
                "wilcoxon_p": test.wilcoxon_p}  # fmt: skip
        if len(means) >= 2:
            gaps = mean_interval(means - standard.mean())
            row |= {"gap_low": gaps.low, "gap_high": gaps.high}
    return row


def _cell_account(cell: Cell, found: FoundLosses | None) -> dict[str, Any]:
    account = asdict(cell)
    if found is not None:
        account |= {"counts": found.counts, "steps": found.steps}
        account |= {"best": [loss.shown() for loss in found.best[:1]]}
    return account
