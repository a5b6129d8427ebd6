"""What is shown of a study: a table for each data set and model, what was not run, what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from heliostat.report import Plot, Section, Series, Table, Text
from heliostat_methods.evomal.comparison.protocol import Way
from heliostat_methods.evomal.report.comparison import number
from heliostat_methods.evomal.report.plots import Content, Rows
from heliostat_methods.evomal.study.outcome import StudyOutcome, StudyTable, TableRow
from heliostat_search.statistics import holm
from heliostat_search.trainings.verdict import LEVEL, Kind, Trainings, judge

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
    "Each loss trains at the learning rate and stops at the step that are best for it on "
    "validation data (each at its best); at equal steps, at the rate that is best after all of "
    "them. The first interval is over searches (another population), the second over trainings "
    "(another initial model and other batches) of the losses found. Differences from the standard "
    "loss are paired by training seed; negative favours the loss of the row. p (Holm) is corrected "
    "for the number of tables in which the row's search is compared (all transfers together), not "
    "for the number of searches; better and worse are said of p (Holm) < 0.05, or by the signed- "
    "rank test where one difference is more than ten times the usual one. A loss that explodes "
    "more often than the standard one (ends a hundred times as wrong as what knows nothing of the "
    "inputs, or diverges) is worse where its ranks say so and never better; a search with a "
    "diverged training is in no mean and no interval. Candidate steps are what the row's searches "
    "spent on local search, rejection and training: ML3's budget is its own and much smaller. The "
    "cap holds for the estimate, which is made before anything runs; measured is the sum of the "
    "tasks' seconds, which grows where cores are shared with other work."
)
EDGE = "* the lowest or the highest rate tried, so that the best one may lie beyond it"
BETTER, WORSE, NONE = "better", "worse", "no difference shown"
DIVERGES = "explodes more often than the standard loss"
UNDECIDED = "not decided: the best rate lies at the edge"
NO_PAIR = "not compared, since the standard loss explodes"
_SAID: dict[Kind, str] = {"better": BETTER, "worse": WORSE, "none": NONE, "explodes": DIVERGES,
                          "edge": UNDECIDED, "unpaired": NO_PAIR}  # fmt: skip


def name_of(row: str) -> str:
    """Return how a baseline is called in a table."""
    return NAMES.get(row, row)


def corrected(study: StudyOutcome, at_end: bool = False) -> dict[tuple[str, str, str], float]:
    """Return p-values by (data set, model, row), corrected by Holm over the tables of one search.

    Transfers from all data sets count as one search. `at_end`: at equal steps.
    """
    families: dict[str, list[tuple[tuple[str, str, str], float]]] = {}
    for table in study.tables:
        for row in table.rows_at_end if at_end else table.rows:
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
            f"{table.test_steps} steps{_epochs(table)} =="
        )
        for row in table.rows:
            label = table.standard if row.name == "standard" else name_of(row.name)
            if row.mean is None:
                lines.append(f"  {label:<34} {_divergence(study, row)}")
                continue
            lines.append(f"  {label:<34} {number(row.mean)}")
            if row.difference is not None and row.t_p is not None:
                d, p = row.difference, p_values[_place(table, row)]
                lines.append(
                    f"    {d.mean:+.4g} [{d.low:+.4g}, {d.high:+.4g}]  p = {row.t_p:.2g}, "
                    f"Holm {p:.2g}: {_verdict(study, row, table.rows[0], p)}"
                )
            text = f"    rate {_rates_text(study, table, row)}"
            if steps := _steps(study, table, row):
                text += f"  {steps / 1e6:.3g} M steps"
            lines.append(text)
            if row.exploded or row.diverged:
                of = f"; the numbers are of {_kept_of(row)} searches" if row.diverged else ""
                lines.append(f"    ({_divergence(study, row)}{of})")
        if table.trivial is not None:
            value = table.trivial.measures[table.metric]
            lines.append(f"  {table.trivial.label:<34} {number(value)}")
            lines += [f"  warning: {text}" for text in _worse_than_nothing(table)]
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
    p_values, at_end = corrected(study), corrected(study, at_end=True)
    for table in study.tables:
        contents: list[Content] = [_plot(study, table), _rows(study, table, p_values)]
        if table.rows_at_end:
            contents.append(_rows(study, table, at_end, "at_end"))
        texts: list[Content] = [Text(f"Warning: {text}.") for text in _worse_than_nothing(table)]
        sections.append(Section(f"{table.dataset}, {table.model}", [*texts, *contents]))
    sections.append(Section("Losses found", [_losses(study)]))
    return sections


def _summary(study: StudyOutcome, measured: float | None = None) -> list[str]:
    """Return the sentences that say how much was run, what it cost and what came out."""
    ran = [cell for cell in study.cells if not cell.not_run]
    sentences = [
        f"{len(ran)} of {len(study.cells)} searches run; search seeds: {study.search_seeds}, "
        f"test seeds: {study.test_seeds}. {_cost(study, measured)}"
    ]
    stopped_early = any(table.rows_at_end for table in study.tables)
    for at_end in (False, True) if stopped_early else (False,):
        p_values = corrected(study, at_end)
        verdicts = Counter(
            _verdict(study, row, rows[0], p_values.get(_place(table, row), 1.0))
            for table, rows in ((t, t.rows_at_end if at_end else t.rows) for t in study.tables)
            for row in rows
            if row.name == "none"
        )
        if not verdicts:
            continue
        said = [f"{name} in {verdicts[name]}" for name in (BETTER, WORSE, NONE)]
        said += [f"{name} in {verdicts[name]}" for name in (DIVERGES, UNDECIDED, NO_PAIR)
                 if verdicts[name]]  # fmt: skip
        over = "training seeds" if study.splits == 1 else f"{study.splits} splits"
        how = f", {'at equal steps' if at_end else 'each at its best'}" if stopped_early else ""
        sentences.append(
            f"EvoMAL against the standard loss{how}, over {over} at p < {LEVEL:g} after Holm's "
            f"correction, in {sum(verdicts.values())} comparisons: {', '.join(said)}."
        )
    return sentences + _edges(study)


def _epochs(table: StudyTable) -> str:
    return "" if table.epochs is None else f" ({table.epochs:.3g} epochs)"


def _worse_than_nothing(table: StudyTable) -> list[str]:
    """Return a sentence for each row that does worse than what knows nothing of the inputs."""
    if table.trivial is None:
        return []
    value = table.trivial.measures[table.metric]
    return [
        f"{table.standard if row.name == 'standard' else name_of(row.name)} does worse than "
        f"{table.trivial.label}"
        for row in table.rows
        if row.mean is None or row.mean > value
    ]


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
            edges[row.name == "standard"] += [edge for _, edge in chosen_rates(study, table, row)]
    standard, every = edges[True], edges[True] + edges[False]
    if not any(every):
        return []
    return [
        f"Of {len(every)} learning rates chosen, {sum(every)} lie at an edge of the rates tried, "
        f"the standard loss's in {sum(standard)} of {len(standard)} tables: there it is not "
        "established that each loss trains at its best rate (rate_growths lets more be tried)."
    ]


def chosen_rates(
    study: StudyOutcome, table: StudyTable, row: TableRow, way: Way = "at_best"
) -> list[tuple[float, bool]]:
    """Return the rate chosen for each of a row's losses by search seed, and whether at an edge."""
    name = table.standard if row.name == "standard" else f"{row.name} seed "
    mine = [one for one in table.losses if one.label.startswith(name)]
    return [
        (one.learning_rate, one.edge if one.way else at_edge(study, one.learning_rate))
        for one in mine
        if one.way == way or (one.way is None and ", rate x " in one.label)
    ]


def at_edge(study: StudyOutcome, rate: float) -> bool:
    """Return whether a rate is the lowest or the highest of several that were tried."""
    tried = study.rates  # runs of earlier versions did not say
    return len(tried) > 1 and (rate <= min(tried) or rate >= max(tried))


def _rates_text(study: StudyOutcome, table: StudyTable, row: TableRow, way: Way = "at_best") -> str:
    rates = chosen_rates(study, table, row, way)
    return ", ".join(f"{rate:.4g}{'*' * edge}" for rate, edge in rates)


def _steps(study: StudyOutcome, table: StudyTable, row: TableRow) -> int:
    """Return the candidate steps that a row's searches spent."""
    place = table.dataset, table.model, row.name
    return sum(
        sum((cell.steps or {}).values())
        for cell in study.cells
        if (cell.dataset, cell.model, cell.baseline) == place
    )


def _divergence(study: StudyOutcome, row: TableRow) -> str:
    return f"explodes in {_exploded(row)} of {_trainings(study, row)} trainings"


def _exploded(row: TableRow) -> int:
    return max(row.exploded, row.diverged)  # earlier versions counted those that diverge


def _trainings(study: StudyOutcome, row: TableRow) -> int:
    return row.searches * study.test_seeds * study.splits


def _place(table: StudyTable, row: TableRow) -> tuple[str, str, str]:
    return table.dataset, table.model, row.name


def _verdict(study: StudyOutcome, row: TableRow, standard: TableRow, p: float) -> str:
    """Return what may be said of a row; p is corrected."""
    mine, usual = (
        Trainings(_trainings(study, one), _exploded(one), one.edges > 0) for one in (row, standard)
    )
    return _SAID[judge(mine, usual, row.test, p)]


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
    study: StudyOutcome,
    table: StudyTable,
    p_values: dict[tuple[str, str, str], float],
    way: Way = "at_best",
) -> Table:
    rows: Rows = []
    lines = table.rows if way == "at_best" else table.rows_at_end
    for row in lines:
        standard = row.name == "standard"
        d = row.difference
        p = p_values.get(_place(table, row))
        rows.append(
            [table.standard if standard else name_of(row.name),
             None if standard else _kept_of(row), row.mean,
             _bounds(row.search_low, row.search_high), _bounds(row.test_low, row.test_high),
             None if d is None else d.mean, None if d is None else _bounds(d.low, d.high),
             row.t_p, row.wilcoxon_p, p,
             None if standard else _verdict(study, row, lines[0], 1.0 if p is None else p),
             _exploded(row), _rates_text(study, table, row, way),
             _steps(study, table, row) or None]
        )  # fmt: skip
    if table.trivial is not None:
        rows.append([table.trivial.label, None, table.trivial.measures[table.metric], *[None] * 11])
    how = "at equal steps" if way == "at_end" else "each at its best"
    return Table(
        ["loss by", "searches", f"test {table.metric}", "over searches", "over trainings",
         f"minus {table.standard}", "95 %", "p (t)", "p (signed rank)", "p (Holm)", "verdict",
         "exploded", "rates", "candidate steps"],
        rows,
        f"{table.dataset}, {table.model}, at most {table.test_steps} training steps"
        f"{_epochs(table)}, {how if table.rows_at_end else 'at the best rate'}. {EDGE}.",
    )  # fmt: skip


def _bounds(low: float | None, high: float | None) -> str | None:
    return None if low is None or high is None else f"{low:.4g} to {high:.4g}"


def _plot(study: StudyOutcome, table: StudyTable) -> Plot:
    standard = table.rows[0]
    drawn = [
        (row, row.difference)
        for row in table.rows
        if row.difference is not None and not _blown(study, row, standard)
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


def _blown(study: StudyOutcome, row: TableRow, standard: TableRow) -> bool:
    """Return whether a row explodes more often than the standard loss."""
    mine, usual = (_exploded(one) / _trainings(study, one) for one in (row, standard))
    return mine > usual


def _losses(study: StudyOutcome) -> Table:
    rows: Rows = [
        [cell.dataset, cell.model, name_of(cell.baseline), cell.seed,
         best.formula, best.fitness]
        for cell in study.cells for best in cell.best or ()
    ]  # fmt: skip
    return Table(["data", "model", "search", "seed", "m(y, f)", "validation"], rows)
