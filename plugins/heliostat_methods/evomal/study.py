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
from itertools import pairwise
from typing import Any

import numpy as np

from heliostat import ConfigError, PartRef, Run, Shared
from heliostat_methods.evomal.baselines import FoundLosses, find_losses
from heliostat_methods.evomal.comparison import Contestant, compare
from heliostat_methods.evomal.config import EvoMALConfig, StudyConfig
from heliostat_methods.evomal.loading import USUAL, load_problem, loss_data
from heliostat_methods.evomal.problem import ProblemData
from heliostat_methods.evomal.tasks import Problems
from heliostat_search.statistics import mean_interval, paired

DENSE_RATE, TORCH_RATE = 3e10, 1.5e10
"""Multiplications a second that the estimate counts with, compiled and through autograd."""
CALL = 4e-4
"""Seconds that the estimate adds for each step through autograd."""
FILTER = 4e-8
"""Seconds that the estimate counts for one step of the rejection protocol on one sample."""


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
    problems = _problems(config, plan, run)
    cells = list(_within_cap(plan, _cells(config, plan, problems)))
    wanted = [cell for cell in cells if not cell.not_run]
    shared = {
        key: run.share((data,)) for key, data in problems.items() if isinstance(data, ProblemData)
    }
    found: dict[Cell, FoundLosses] = {}
    spent = 0.0
    for i in range(0, len(wanted), plan.side_by_side):
        part = wanted[i : i + plan.side_by_side]
        searches = [
            _one_cell(config, plan, c, problems[c.dataset, c.model], shared[c.dataset, c.model])
            for c in part
        ]
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
    return {
        "baseline": "study",
        "study": {
            "cells": [_cell_account(cell, found.get(cell)) for cell in cells],
            "estimated_core_hours": spent,
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
) -> dict[tuple[str, str], ProblemData | str]:
    """Return the problem of each data set and model, or why the model does not fit."""
    problems: dict[tuple[str, str], ProblemData | str] = {}
    for ref in plan.datasets:
        for model in plan.models:
            try:
                problems[ref.name, _label(model)] = load_problem(config, ref, model, run)
            except ConfigError as error:
                if error.field != "model":
                    raise
                problems[ref.name, _label(model)] = f"not applicable: needs {error.expected}"
    return problems


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
                    _search_seconds(settings, baseline, data)
                    + _test_seconds(settings, baseline, data)
                ) / 3600
                yield Cell(dataset, model, baseline, seed, hours)


def _within_cap(plan: StudyConfig, cells: Iterator[Cell]) -> Iterator[Cell]:
    total = 0.0
    for cell in cells:
        if total + cell.core_hours <= plan.core_hours:
            total += cell.core_hours
            yield cell
        else:
            yield replace(cell, not_run=f"beyond {plan.core_hours:g} core-hours")


def _search_seconds(config: EvoMALConfig, baseline: str, data: ProblemData) -> float:
    candidates = config.population * (config.generations + 1)
    if baseline == "ml3":
        # A loss network is differentiated through autograd, whatever the model.
        step = _step_seconds(config, data, torch=True)
        return config.network_restarts * (2 * config.meta_steps + config.base_steps) * step
    step = _step_seconds(config, data, torch=data.hidden is None)
    if baseline == "fixed":
        return len(config.initial) * config.base_steps * step
    tunes = baseline in ("none", "random")
    entries = config.filter_samples * data.classes
    seconds = candidates * 0.5 * config.base_steps * step  # about half are rejected
    if not baseline.startswith("taylorglo"):
        seconds += candidates * config.filter_steps * entries * FILTER
    return seconds + (candidates * config.meta_steps * 2 * step if tunes else 0.0)


def _test_seconds(config: EvoMALConfig, baseline: str, data: ProblemData) -> float:
    torch = data.hidden is None or baseline == "ml3"
    trainings = len(config.rate_factors) * config.test_block + config.test_seeds
    return trainings * config.test_steps * _step_seconds(config, data, torch)


def _step_seconds(config: EvoMALConfig, data: ProblemData, torch: bool) -> float:
    """Return the estimate for a forward and a backward pass of one batch."""
    rows = min(config.batch_size, len(data.train[1]))
    multiplications, compiled = _work(data)
    seconds = 3.0 * rows * multiplications / (DENSE_RATE if compiled else TORCH_RATE)
    return seconds + (CALL if torch else 2e-6)


def _work(data: ProblemData) -> tuple[int, bool]:
    """Return the multiplications of one sample's forward pass, and whether they are compiled."""
    if data.hidden is not None:
        widths = (data.train[0].shape[1], *data.hidden, data.classes)
        return int(sum(a * b for a, b in pairwise(widths))), True
    import torch
    from torch import nn

    from heliostat.plugins import registry
    from heliostat_methods.evomal.layered import plan_of

    spec = registry().part("model", data.model.name)
    recipe = spec.build(spec.config.model_validate(dict(data.model.params)))
    network = recipe.create(data.input_shape, data.classes, torch.Generator().manual_seed(0))
    compiled = plan_of(network, data.input_shape) is not None  # before hooks, which forbid it
    counted = 0

    def count(module: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal counted
        places = output[0, 0].numel() if isinstance(module, nn.Conv2d) else 1
        counted += sum(p.numel() for p in module.parameters()) * places

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(count)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        network.eval()(torch.zeros(1, *data.input_shape))
    return counted, compiled


def _one_cell(
    config: EvoMALConfig,
    plan: StudyConfig,
    cell: Cell,
    data: ProblemData | str,
    handle: Shared[Problems],
) -> Callable[[Run], FoundLosses]:
    def start(run: Run) -> FoundLosses:
        assert isinstance(data, ProblemData)
        settings = config.of_cell(cell.dataset, data.model.name)
        settings = settings.model_copy(update={"baseline": cell.baseline})
        found = find_losses(settings, (data,), handle, run)
        for loss in found.best[:1]:
            name = f"loss-{data.name}-{cell.model}-{cell.baseline}-{cell.seed}"
            product = {"task": data.task, "loss": loss.loss, "fitness": loss.fitness,
                       "dataset": data.name, "formula": loss.formula}  # fmt: skip
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
