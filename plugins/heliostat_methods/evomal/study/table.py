"""A table of searches: data sets x models x baselines x search seeds, under a written-down budget.

Each cell is a search of its own. Its cost is estimated from counted multiplications before
anything runs, and cells beyond the cap on core-hours are listed as not run: what is left out never
depends on how a machine felt. All losses found for one data set and model are then trained in one
comparison, over the same test seeds and each at its own best learning rate and number of steps, so
that every baseline is paired with the standard loss and with every other.

Two kinds of randomness are kept apart: *search seeds* (another population) and *test seeds*
(another initial model and other batches). Intervals over search seeds answer whether the method
finds a good loss; intervals over test seeds whether a given loss is good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from heliostat import ConfigError, PartRef, Run
from heliostat_methods.evomal.comparison.account import product
from heliostat_methods.evomal.comparison.compare import compare
from heliostat_methods.evomal.comparison.contestants import Contestant, loss_data
from heliostat_methods.evomal.comparison.protocol import SUFFIX, way_of
from heliostat_methods.evomal.config import EvoMALConfig, StudyConfig
from heliostat_methods.evomal.learners.labels import Labels
from heliostat_methods.evomal.learners.loading import Loaded, load
from heliostat_methods.evomal.learners.problem import ProblemData
from heliostat_methods.evomal.losses.standard import USUAL
from heliostat_methods.evomal.searches.by_name import find_losses
from heliostat_methods.evomal.searches.found import FoundLosses
from heliostat_methods.evomal.searches.strategy import Posed
from heliostat_methods.evomal.study.cost import Estimate, ProblemTable
from heliostat_methods.evomal.study.outcome import (
    CellAccount,
    Outcome,
    StudyOutcome,
    StudyTable,
    TableLoss,
    TableRow,
)
from heliostat_search.trainings.paired_seeds import Splits

Place = tuple[str, str, str, int]
"""Where a search stands: data set, model, baseline and search seed."""


def study(config: EvoMALConfig, plan: StudyConfig, run: Run) -> Outcome:
    """Run the table up to its cap, then compare what was found."""
    problems, loaded = _problems(config, plan, run)
    estimate = Estimate(config, plan, problems, run.part)
    standards = estimate.standards() / 3600
    cells = list(_within_cap(plan, _cells(plan, problems, estimate), standards))
    wanted = [cell for cell in cells if not cell.not_run]
    posed = {
        key: Posed((data,), run.share((data,)))
        for key, data in problems.items()
        if isinstance(data, ProblemData)
    }
    found: dict[Place, FoundLosses] = {}
    spent = standards if wanted else 0.0
    run.phase("searching")
    for i in range(0, len(wanted), plan.side_by_side):
        part = wanted[i : i + plan.side_by_side]
        searches = [
            _one_cell(config, c, posed[c.dataset, c.model], loaded[c.dataset, c.model].labels)
            for c in part
        ]
        found.update(zip(map(_place, part), run.gather(*searches), strict=True))
        spent += sum(cell.core_hours for cell in part)
        run.report(i + len(part), of=len(wanted), count=i + len(part), core_hours=spent)
    tables = []
    for (dataset, model), here in posed.items():
        mine = {place: f for place, f in found.items() if place[:2] == (dataset, model)}
        if mine:
            others = _from_elsewhere(plan, found, problems, dataset, model)
            place = dataset, model
            tables.append(_table(config, plan, place, here, loaded[place], mine, others, run))
    best = [loss.fitness for cell in found.values() for loss in cell.best[:1]]
    aside = (standards if wanted else 0.0) + sum(
        estimate.transfers(c.dataset, c.model, c.baseline) / 3600 for c in wanted
    )
    outcome = StudyOutcome(
        cells=tuple(_with_found(cell, found.get(_place(cell))) for cell in cells),
        estimated_core_hours=spent,
        aside_core_hours=aside,
        rates=tuple(config.learning_rate * factor for factor in config.rate_factors),
        cap=plan.core_hours,
        search_seeds=plan.search_seeds,
        test_seeds=config.test_seeds,
        splits=config.splits,
        tables=tuple(tables),
    )
    return Outcome("study", best_fitness=sum(best) / len(best) if best else None, study=outcome)


def _place(cell: CellAccount) -> Place:
    return cell.dataset, cell.model, cell.baseline, cell.seed


def _with_found(cell: CellAccount, found: FoundLosses | None) -> CellAccount:
    if found is None:
        return cell
    return replace(cell, counts=found.counts, steps=found.steps, best=tuple(found.best[:1]))


def _problems(
    config: EvoMALConfig, plan: StudyConfig, run: Run
) -> tuple[ProblemTable, dict[tuple[str, str], Loaded]]:
    """Return the problem of each data set and model, or why there is none; and all of it."""
    problems: ProblemTable = {}
    every: dict[tuple[str, str], Loaded] = {}
    for ref in plan.datasets:
        for model in plan.models:
            try:
                loaded = load(config, ref, model, run)
                problems[ref.name, _label(model)] = loaded.data
                every[ref.name, _label(model)] = loaded
            except ConfigError as error:
                if error.field != "model":
                    raise
                problems[ref.name, _label(model)] = f"not applicable: needs {error.expected}"
    return problems, every


def _label(model: PartRef) -> str:
    return model.name + "".join(f" {k}={v}" for k, v in sorted(model.params.items()))


def _cells(plan: StudyConfig, problems: ProblemTable, estimate: Estimate) -> Iterator[CellAccount]:
    # Seeds on the outside, so that a cap leaves fewer seeds everywhere and not fewer rows.
    for seed in range(plan.search_seeds):
        for (dataset, model), data in problems.items():
            for baseline in plan.baselines:
                why = data if isinstance(data, str) else ""
                hours = estimate.cell(dataset, model, baseline) / 3600
                yield CellAccount(dataset, model, baseline, seed, hours, why)


def _within_cap(
    plan: StudyConfig, cells: Iterator[CellAccount], core_hours_before: float
) -> Iterator[CellAccount]:
    total = core_hours_before
    for cell in cells:
        if total + cell.core_hours <= plan.core_hours:
            total += cell.core_hours
            yield cell
        else:
            yield replace(cell, not_run=f"beyond {plan.core_hours:g} core-hours")


def _one_cell(
    config: EvoMALConfig, cell: CellAccount, posed: Posed, labels: Labels
) -> Callable[[Run], FoundLosses]:
    def start(run: Run) -> FoundLosses:
        (data,) = posed.group
        settings = config.of_cell(cell.dataset, data.model.name)
        settings = settings.model_copy(update={"baseline": cell.baseline})
        run.phase(f"{data.name}, {cell.model}: {cell.baseline}, seed {cell.seed}")
        name = f"loss-{data.name}-{cell.model}-{cell.baseline}-{cell.seed}".replace(" ", "_")
        found = find_losses(settings, replace(posed, products=(name,)), run)
        for loss in found.best[:1]:
            run.save(name, product(loss, data, labels), kind="loss")
        return found

    return start


def _from_elsewhere(
    plan: StudyConfig,
    found: dict[Place, FoundLosses],
    problems: ProblemTable,
    dataset: str,
    model: str,
) -> dict[Place, FoundLosses]:
    """Return EvoMAL's losses for the same kind of task and model, found on other data."""
    here = problems[dataset, model]

    def fits(place: Place) -> bool:
        its_data, its_model, baseline, _ = place
        there = problems[its_data, its_model]
        return (
            baseline == "none"
            and its_data != dataset
            and its_model == model
            and isinstance(there, ProblemData)
            and isinstance(here, ProblemData)
            and there.task == here.task
        )

    return {place: f for place, f in found.items() if fits(place)} if plan.transfer else {}


def _table(
    config: EvoMALConfig,
    plan: StudyConfig,
    place: tuple[str, str],
    posed: Posed,
    loaded: Loaded,
    mine: dict[Place, FoundLosses],
    others: dict[Place, FoundLosses],
    run: Run,
) -> StudyTable:
    """Compare all losses found for one data set and model, and those found elsewhere."""
    (data,), (dataset, model) = posed.group, place
    settings = config.of_cell(dataset, data.model.name)
    standard = loss_data(PartRef(USUAL[data.task], {}, "loss"), data.task, run)
    contestants = [Contestant("standard", standard["name"], standard["loss"])]
    roles: dict[str, list[str]] = {}
    for cell, losses in (*mine.items(), *others.items()):
        from_data, _, baseline, seed = cell
        row = baseline if cell in mine else f"transfer from {from_data}"
        for loss in losses.best[:1]:
            roles.setdefault(row, []).append(f"reference{len(contestants)}")
            contestants.append(Contestant("reference", f"{row} seed {seed}", loss.loss))
    comparison = compare(settings, posed, 0, loaded, contestants, run)
    splits = Splits(comparison.splits, len(data.test[1]) / len(data.train[1]))
    lines = {one.role: one for one in comparison.losses}
    order: list[str] = [name for name in plan.baselines if name in roles]
    order += [name for name in roles if name not in order]

    def rows(suffix: str) -> tuple[TableRow, ...]:
        base = lines[f"standard{suffix}"].values

        def row(name: str, places: list[str]) -> TableRow:
            found = [lines[f"{role}{suffix}"] for role in places]
            return TableRow.of(
                name, [one.values for one in found], base, splits,
                sum(one.exploded for one in found), sum(one.edge for one in found),
            )  # fmt: skip

        return (row("standard", ["standard"]), *(row(name, roles[name]) for name in order))

    return StudyTable(
        dataset=dataset,
        model=model,
        metric=data.metric,
        standard=standard["name"],
        test_steps=comparison.steps,
        rows=rows(SUFFIX["at_best"]),
        rows_at_end=rows(SUFFIX["at_end"]),
        losses=tuple(
            TableLoss(one.label, one.learning_rate, one.values, one.diverged,
                      way_of(one.role), one.edge, one.kept)
            for one in comparison.losses
        ),
        trivial=comparison.trivial,
        epochs=comparison.epochs,
    )  # fmt: skip
