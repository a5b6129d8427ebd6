"""What is shown of a study: a table for each data set and model, what was not run, what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from heliostat.report import Plot, Section, Series, Table, Text
from heliostat_methods.evomal.report.plots import Rows
from heliostat_methods.evomal.study.outcome import StudyOutcome, StudyTable, TableRow
from heliostat_search.statistics import holm

NAMES = {
    "none": "EvoMAL",
    "gp_lfl": "GP-LFL",
    "random": "random trees",
    "local_search": "GP-LFL + local search at the end",
    "taylorglo": "TaylorGLO",
    "taylorglo_as_released": "TaylorGLO as released",
    "ml3": "ML3",
    "fixed": "fixed losses",
}
READING = (
    "Each loss trains at the learning rate that is best for it on validation data. The first "
    "interval is over searches (another population), the second over trainings (another initial "
    "model and other batches) of the losses found. Differences from the standard loss are paired "
    "by training seed; negative favours the loss of the row. p (Holm) is corrected for the number "
    "of tables in which the row's search is compared (all transfers together), not for the number "
    "of searches; better and worse are said of p (Holm) < 0.05. A loss that diverges more often "
    "than the standard one is called neither, whatever its other trainings say; a search with a "
    "diverged training is in no mean and no interval. Candidate steps are what the row's searches "
    "spent on local search, rejection and training: ML3's budget is its own and much smaller. The "
    "cap holds for the estimate, which is made before anything runs; measured is the sum of the "
    "tasks' seconds, which grows where cores are shared with other work."
)
EDGE = "* the lowest or the highest rate tried, so that the best one may lie beyond it"
LEVEL = 0.05
BETTER, WORSE, NONE = "better", "worse", "no difference shown"
DIVERGES = "diverges more often than the standard loss"
NO_PAIR = "not compared, since the standard loss diverges"


def name_of(row: str) -> str:
    """Return how a baseline is called in a table."""
    return NAMES.get(row, row)


def corrected(study: StudyOutcome) -> dict[tuple[str, str, str], float]:
    """Return p-values by (data set, model, row), corrected by Holm over the tables of one search.

    Transfers from all data sets count as one search.
    """
    families: dict[str, list[tuple[tuple[str, str, str], float]]] = {}
    for table in study.tables:
        for row in table.rows:
            if row.difference is not None and row.t_p is not None:
                family = row.name.partition(" from ")[0]
                families.setdefault(family, []).append((_place(table, row), row.t_p))
    return {
        place: p
        for family in families.values()
        for (place, _), p in zip(family, holm([raw for _, raw in family]), strict=True)
    }


def describe_study(study: StudyOutcome) -> str:
    """Return what a terminal shows at the end of a study."""
    lines: list[str] = []
    p_values = corrected(study)
    for table in study.tables:
        lines.append(
            f"== {table.dataset}, {table.model}: test {table.metric} after "
            f"{table.test_steps} steps =="
        )
        for row in table.rows:
            label = table.standard if row.name == "standard" else name_of(row.name)
            if row.mean is None:
                lines.append(f"  {label:<34} {_divergence(study, row)}")
                continue
            text = f"  {label:<34} {row.mean:.4f}"
            if row.difference is not None and row.t_p is not None:
                d = row.difference
                text += f"  {d.mean:+.4f} [{d.low:+.4f}, {d.high:+.4f}]"
                text += f"  p = {row.t_p:.2g}, Holm {p_values[_place(table, row)]:.2g}"
            text += f"  rate {_rates_text(study, table, row)}"
            if steps := _steps(study, table, row):
                text += f"  {steps / 1e6:.3g} M steps"
            if row.diverged:
                text += (
                    f"  ({_divergence(study, row)}; the numbers are of {_kept_of(row)} searches)"
                )
            lines.append(text)
        lines.append("")
    lines += _summary(study)
    lines += [f"not run: {reason} ({count} searches)" for reason, count in _not_run(study)]
    return "\n".join(lines)


def study_sections(
    study: StudyOutcome, *, measured_core_hours: float | None = None
) -> Sequence[Section]:
    """Return the sections of the report; `measured_core_hours` are the sum of the tasks' time."""
    said = [*map(Text, _summary(study, measured_core_hours)), Text(READING)]
    sections = [Section("What was planned", [*said, _cells(study)])]
    p_values = corrected(study)
    for table in study.tables:
        sections.append(
            Section(f"{table.dataset}, {table.model}", [_rows(study, table, p_values),
                    _plot(study, table)])
        )  # fmt: skip
    sections.append(Section("Losses found", [_losses(study)]))
    return sections


def _summary(study: StudyOutcome, measured: float | None = None) -> list[str]:
    """Return the sentences that say how much was run, what it cost and what came out."""
    p_values = corrected(study)
    ran = [cell for cell in study.cells if not cell.not_run]
    verdicts = Counter(
        _verdict(row, table.rows[0], p_values.get(_place(table, row), 1.0))
        for table in study.tables
        for row in table.rows
        if row.name == "none"
    )
    sentences = [
        f"{len(ran)} of {len(study.cells)} searches run; search seeds: {study.search_seeds}, "
        f"test seeds: {study.test_seeds}. {_cost(study, measured)}"
    ]
    if verdicts:
        said = [f"{name} in {verdicts[name]}" for name in (BETTER, WORSE, NONE)]
        said += [f"{name} in {verdicts[name]}" for name in (DIVERGES, NO_PAIR) if verdicts[name]]
        sentences.append(
            f"EvoMAL against the standard loss, over training seeds at p < {LEVEL:g} after Holm's "
            f"correction, in {sum(verdicts.values())} comparisons: {', '.join(said)}."
        )
    return sentences + _edges(study)


def _cost(study: StudyOutcome, measured: float | None) -> str:
    aside = study.aside_core_hours  # runs of earlier versions did not estimate it
    part = "without" if aside is None else f"{aside:.2g} of it for"
    cost = (
        f"Estimated cost {study.estimated_core_hours:.2g} core-hours, {part} transfers and the "
        f"standard losses' trainings; cap on the estimate {study.cap:g}"
    )
    return f"{cost}." if measured is None else f"{cost}; measured {measured:.3g} core-hours."


def _edges(study: StudyOutcome) -> list[str]:
    """Return the sentence on rates chosen at an edge of those tried, if any was."""
    edges: dict[bool, list[bool]] = {True: [], False: []}
    for table in study.tables:
        for row in table.rows:
            edges[row.name == "standard"] += [
                at_edge(study, rate) for rate in chosen_rates(table, row)
            ]
    standard, every = edges[True], edges[True] + edges[False]
    if not any(every):
        return []
    return [
        f"Of {len(every)} learning rates chosen, {sum(every)} lie at an edge of the rates tried, "
        f"the standard loss's in {sum(standard)} of {len(standard)} tables: there it is not "
        "established that each loss trains at its best rate (rate_factors sets what is tried)."
    ]


def chosen_rates(table: StudyTable, row: TableRow) -> list[float]:
    """Return the learning rate chosen for each of a row's losses, by search seed."""
    name = table.standard if row.name == "standard" else f"{row.name} seed "
    return [
        one.learning_rate
        for one in table.losses
        if one.label.startswith(name) and ", rate x " in one.label
    ]


def at_edge(study: StudyOutcome, rate: float) -> bool:
    """Return whether a rate is the lowest or the highest of several that were tried."""
    tried = study.rates  # runs of earlier versions did not say
    return len(tried) > 1 and (rate <= min(tried) or rate >= max(tried))


def _rates_text(study: StudyOutcome, table: StudyTable, row: TableRow) -> str:
    rates = chosen_rates(table, row)
    return ", ".join(f"{rate:.4g}{'*' * at_edge(study, rate)}" for rate in rates)


def _steps(study: StudyOutcome, table: StudyTable, row: TableRow) -> int:
    """Return the candidate steps that a row's searches spent."""
    place = table.dataset, table.model, row.name
    return sum(
        sum((cell.steps or {}).values())
        for cell in study.cells
        if (cell.dataset, cell.model, cell.baseline) == place
    )


def _divergence(study: StudyOutcome, row: TableRow) -> str:
    return f"diverges in {row.diverged} of {row.searches * study.test_seeds} trainings"


def _place(table: StudyTable, row: TableRow) -> tuple[str, str, str]:
    return table.dataset, table.model, row.name


def _verdict(row: TableRow, standard: TableRow, p: float) -> str:
    """Return what may be said of a row; numbers of trainings that did not diverge prove no gain."""
    if row.diverged * standard.searches > standard.diverged * row.searches:
        return DIVERGES
    if row.difference is None:
        return NO_PAIR
    if p >= LEVEL:
        return NONE
    return BETTER if row.difference.mean < 0 else WORSE


def _not_run(study: StudyOutcome) -> list[tuple[str, int]]:
    reasons = Counter(
        f"{cell.dataset} x {cell.model} {cell.not_run}" for cell in study.cells if cell.not_run
    )
    return list(reasons.items())


def _cells(study: StudyOutcome) -> Table:
    rows: Rows = [
        [cell.dataset, cell.model, name_of(cell.baseline), cell.seed,
         cell.core_hours, cell.not_run or "run"]
        for cell in study.cells
    ]  # fmt: skip
    return Table(
        ["data", "model", "search", "search seed", "estimated core-hours", "state"],
        rows,
        "The plan; what is beyond the cap is not run and is not left out of this list.",
    )


def _kept(row: TableRow) -> int:
    """Return of how many searches the numbers are: one with a diverged training is left out."""
    return len(row.search_means or ())


def _kept_of(row: TableRow) -> str:
    kept = _kept(row)
    return str(kept) if kept == row.searches else f"{kept} of {row.searches}"


def _rows(
    study: StudyOutcome, table: StudyTable, p_values: dict[tuple[str, str, str], float]
) -> Table:
    rows: Rows = []
    for row in table.rows:
        standard = row.name == "standard"
        d = row.difference
        p = p_values.get(_place(table, row))
        rows.append(
            [table.standard if standard else name_of(row.name),
             None if standard else _kept_of(row), row.mean,
             _bounds(row.search_low, row.search_high), _bounds(row.test_low, row.test_high),
             None if d is None else d.mean, None if d is None else _bounds(d.low, d.high),
             row.t_p, p,
             None if standard else _verdict(row, table.rows[0], 1.0 if p is None else p),
             row.diverged, _rates_text(study, table, row), _steps(study, table, row) or None]
        )  # fmt: skip
    return Table(
        ["loss by", "searches", f"test {table.metric}", "over searches", "over trainings",
         f"minus {table.standard}", "95 %", "p (t)", "p (Holm)", "verdict", "diverged",
         "rates", "candidate steps"],
        rows,
        f"{table.dataset}, {table.model}, {table.test_steps} training steps. {EDGE}.",
    )  # fmt: skip


def _bounds(low: float | None, high: float | None) -> str | None:
    return None if low is None or high is None else f"{low:.4g} to {high:.4g}"


def _plot(study: StudyOutcome, table: StudyTable) -> Plot:
    standard = table.rows[0]
    drawn = [
        (row, row.difference)
        for row in table.rows
        if row.difference is not None and _verdict(row, standard, 1.0) != DIVERGES
    ]
    shown = [row for row, _ in drawn]
    left = [
        f"{name_of(row.name)} {_divergence(study, row)}"
        for row in table.rows
        if row not in shown and row is not standard
    ]
    gone = f" Not drawn: {', '.join(left)}." if left else ""
    places = [float(i) for i in range(1, len(shown) + 1)]
    key = ", ".join(f"{i} {name_of(row.name)}" for i, row in enumerate(shown, 1))
    return Plot(
        f"Difference from {table.standard}: below 0 is better",
        "search",
        f"test {table.metric}",
        [
            Series(
                "difference",
                places,
                [d.mean for _, d in drawn],
                [d.low for _, d in drawn],
                [d.high for _, d in drawn],
                style="points",
            ),
            Series("no difference", [0.5, len(shown) + 0.5], [0.0, 0.0]),
        ],
        note=f"{key}. Bars: 95 % over training seeds.{gone}",
    )


def _losses(study: StudyOutcome) -> Table:
    rows: Rows = [
        [cell.dataset, cell.model, name_of(cell.baseline), cell.seed,
         best.formula, best.fitness]
        for cell in study.cells for best in cell.best or ()
    ]  # fmt: skip
    return Table(["data", "model", "search", "seed", "m(y, f)", "validation"], rows)
