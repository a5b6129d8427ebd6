"""What is shown of a comparison: the verdicts, metrics with intervals, and paired differences."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

from heliostat.report import Plot, Series, Table, Text
from heliostat_methods.evomal.comparison.correction import holm_corrected
from heliostat_methods.evomal.comparison.outcome import ComparedLoss, Comparison
from heliostat_methods.evomal.comparison.protocol import Way
from heliostat_methods.evomal.report.label_texts import measure_text, metric_text
from heliostat_methods.evomal.report.plots import Rows
from heliostat_methods.evomal.report.verdicts import (
    MORE_RATES,
    SHORT,
    exploded_in,
    rows_of,
    verdicts,
    warnings,
    way_text,
    ways_shown,
)
from heliostat_search.trainings.paired_seeds import PairedTest

CAVEAT = (
    "Intervals are 95 % t-intervals over paired training seeds on one split of the data: they "
    "cover training, not the split, nor the search itself."
)
SPLITS_CAVEAT = (
    "Intervals are 95 % corrected resampled t-intervals over splits of the data: they cover "
    "training and the split, not the search itself, which saw one of the splits, so rows that "
    "test a found loss in the others may have taken part in finding it."
)
_ONE: dict[Way, str] = {**SHORT, "at_best": "at its best"}
_LABEL, _TITLE, _WIDTH = 26, 26, 80


def comparison_lines(
    comparison: Comparison, of_search: bool = True, more_rates: str = MORE_RATES
) -> list[str]:
    """Return what a terminal shows, the verdicts last; arguments as for `verdicts`."""
    metric = metric_text(comparison.metric)
    lines = [f"test {metric}, lower is better: mean and 95 % interval",
             f"over {_trainings(comparison)}, {_length(comparison)}:"]  # fmt: skip
    wide = min(_LABEL, max(len(row.label) for row in comparison.losses) + 2)
    wide = max(wide, len(comparison.trivial.label) + 2 if comparison.trivial else 0)
    for way in ways_shown(comparison):
        rows = rows_of(comparison, way)
        lines += [f"  {way_text(comparison, way)}", f"    {'loss':<{wide}}{'rate':<10}{'steps':<8}"
                                    f"{_name(comparison)}"]  # fmt: skip
        for row in rows:
            first = (
                f"    {_cut(row.label, wide):<{wide}}{_rate(row):<10}{_steps(comparison, row):<8}"
            )
            lines += _fitted(first, *_interval(row))
        if comparison.trivial is not None:
            value = comparison.trivial.measures[comparison.metric]
            lines.append(f"    {comparison.trivial.label:<{wide}}{'':<18}{number(value)}")
    lines += _other_lines(comparison, wide)
    tests = _tests(comparison)
    several = len(comparison.tests) > 1
    if tests:
        by_t = "p of the t-test (Holm)" if several else "p of the t-test"
        lines.append(f"  minus {comparison.losses[0].label}, paired; {by_t} and by rank")
    wide = max((len(title) + 2 for title, _, _ in tests), default=0)
    for title, test, p in tests:
        lines += _fitted(f"    {title:<{wide}}", _difference(test, p))
    for text in (*warnings(comparison), *verdicts(comparison, of_search, more_rates)):
        lines += textwrap.wrap(text, 79, initial_indent="  ", subsequent_indent="    ")
    return lines


def comparison_contents(comparison: Comparison) -> list[Text | Table | Plot]:
    """Return what a report shows, the verdicts first."""
    shown = _name(comparison)
    others = _other_names(comparison)
    rows: Rows = [
        [row.label, SHORT[way], _rate(row), _steps(comparison, row), row.mean, row.low,
         row.high, *_other_values(comparison, row, others), exploded_in(row)]
        for way in ways_shown(comparison) for row in rows_of(comparison, way)
    ]  # fmt: skip
    if comparison.trivial is not None:
        known = comparison.trivial.measures
        rows.append(
            [
                comparison.trivial.label,
                "",
                None,
                "",
                known[comparison.metric],
                None,
                None,
                *(_shown(comparison, name, known[name]) for name in others),
                0,
            ]
        )
    tests: Rows = [
        [title, test.difference.mean, test.difference.low, test.difference.high,
         test.t_p, p, test.wilcoxon_p, test.n]
        for title, test, p in _tests(comparison)
        if test is not None
    ]  # fmt: skip
    texts = [*verdicts(comparison), *warnings(comparison)]
    return [
        *(Text(_sentence(text)) for text in texts),
        Table(
            ["loss", "trained", "learning rate", "steps", f"test {shown}", "low", "high",
             *(measure_text(name) for name in others), "exploded"],
            rows,
            f"{_sentence(_length(comparison))} Mean and 95 % interval over "
            f"{_trainings(comparison)}. Steps are the median of those at which the trainings were "
            "measured; a training explodes when it ends a hundred times as wrong as what knows "
            "nothing of the inputs.",
        ),
        Table(
            ["paired difference", "mean", "low", "high", "p (t)", "p (Holm)", "p (signed rank)",
             "pairs"],
            tests,
            f"Minus {comparison.losses[0].label}: negative favours the loss of the row. Where one "
            "difference is more than ten times the usual one, the signed-rank test decides.",
        ),
        Text(SPLITS_CAVEAT if comparison.splits > 1 else CAVEAT),
        *_curves(comparison),
        *_rates(comparison),
    ]  # fmt: skip


def number(value: float) -> str:
    """Return four decimals, or four digits of a large number."""
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:.4g}"


def _name(comparison: Comparison) -> str:
    return metric_text(comparison.metric).partition(" (")[0]


def _tests(comparison: Comparison) -> list[tuple[str, PairedTest | None, float | None]]:
    """Return the paired differences by title, with p corrected for the number of losses."""
    found: list[tuple[str, PairedTest | None, float | None]] = []
    for way in ways_shown(comparison):
        corrected = holm_corrected(comparison, way)
        for one in comparison.tests:
            test: PairedTest | None = getattr(one, way)
            if test is not None or way != "configured":
                title = f"{_cut(one.label, _TITLE)} {_ONE[way]}"
                found.append((title, test, corrected.get(one.role)))
    return found


def _length(comparison: Comparison) -> str:
    epochs = "" if comparison.epochs is None else f" ({comparison.epochs:.3g} epochs)"
    return f"at most {comparison.steps} training steps{epochs}"


def _trainings(comparison: Comparison) -> str:
    if comparison.splits == 1:
        return f"{comparison.seeds} paired seeds"
    return f"{comparison.splits} splits of {comparison.seeds} paired seeds"


def _rate(row: ComparedLoss) -> str:
    """Return the learning rate, or from the least to the greatest where splits chose others."""
    low, high = min(row.rates, default=0.0), max(row.rates, default=0.0)
    return f"{row.learning_rate:.4g}" if low == high else f"{low:.2g}-{high:.2g}"


def _steps(comparison: Comparison, row: ComparedLoss) -> str:
    if not row.kept:
        return str(comparison.steps)
    kept = sorted(row.kept)
    return f"{kept[(len(kept) - 1) // 2]}"


def _interval(row: ComparedLoss) -> tuple[str, str]:
    """Return mean and interval, and what is to be known beside them."""
    blown = exploded_in(row)
    exploded = f"  {blown} exploded" if blown else ""
    if row.mean is None or row.low is None or row.high is None:
        return "no finite result", exploded
    edge = "  * edge" if row.edge else ""
    bounds = f"[{number(row.low)}, {number(row.high)}]"
    return f"{number(row.mean):<10}{bounds}", f"{exploded}{edge}"


def _difference(test: PairedTest | None, p: float | None) -> str:
    if test is None or p is None:
        return "not enough finite pairs"
    d = test.difference
    sign = "+" if d.mean >= 0 else ""
    bounds = f"[{number(d.low)}, {number(d.high)}]"
    return f"{sign}{number(d.mean)} {bounds}  p {p:.2g}, rank {test.wilcoxon_p:.2g}"


def _other_names(comparison: Comparison) -> list[str]:
    """Return the further measures that are shown; squared errors as their root, in units."""
    names = [name for row in comparison.losses[:1] for name in row.others]
    if comparison.metric == "mse" or "mse" in names:
        names = ["rmse", *(name for name in names if name not in ("mse", "rmse"))]
    return [name for name in names if name != comparison.metric]


def _other_values(
    comparison: Comparison, row: ComparedLoss, names: Sequence[str]
) -> list[float | None]:
    found: list[float | None] = []
    for name in names:
        values = [value for value in row.others.get(name, ()) if math.isfinite(value)]
        mean = sum(values) / len(values) if values else None
        found.append(None if mean is None else _shown(comparison, name, mean))
    return found


def _shown(comparison: Comparison, name: str, value: float) -> float:
    """Return a measure as people know it: in the target's units, accuracy and area as such."""
    if name in ("rmse", "mae") and comparison.deviation is not None:
        return value * comparison.deviation
    return 1.0 - value if name in ("balanced_error", "auc_error") else value


def _other_lines(comparison: Comparison, wide: int) -> list[str]:
    names, rows = _other_names(comparison), rows_of(comparison, "at_best")
    if not names or not rows:
        return []
    units = " (in units of the target)" if comparison.deviation is not None else ""
    heads = [measure_text(name) for name in names]
    widths = [max(12, len(head) + 2) for head in heads]
    lines = [f"  each at its best, by other measures{units}",
             f"    {'loss':<{wide}}" + "".join(f"{h:<{w}}" for h, w in
                                               zip(heads, widths, strict=True))]  # fmt: skip
    table = [(row.label, _other_values(comparison, row, names)) for row in rows]
    if comparison.trivial is not None:
        known = comparison.trivial.measures
        table.append((comparison.trivial.label,
                      [_shown(comparison, name, known[name]) for name in names]))  # fmt: skip
    for label, values in table:
        cells = "".join(
            f"{'-' if v is None else f'{v:.4g}':<{w}}" for v, w in zip(values, widths, strict=True)
        )
        lines.append(f"    {_cut(label, wide):<{wide}}{cells}")
    return [line.rstrip() for line in lines]


def _curves(comparison: Comparison) -> list[Plot]:
    rows = rows_of(comparison, "at_best") or comparison.losses
    series = [
        Series(row.label, comparison.curve_steps, row.curve.mean, row.curve.low, row.curve.high)
        for row in rows
        if row.curve.mean
    ]
    name = _name(comparison)
    return [
        Plot(f"test {name} during training", "step", name, series,
             note="Each at the rate at which it is best with early stopping. Bands: 95 %.")
    ]  # fmt: skip


def _rates(comparison: Comparison) -> list[Plot]:
    """Return the plot of what each rate gave on validation data."""
    rate = comparison.losses[0].learning_rate
    series = []
    for role, by_split in comparison.tried.items():
        label = next(row.label for row in comparison.losses if row.role.startswith(role))
        tried = sorted((one for one in by_split[0] if math.isfinite(one.at_best)),
                       key=lambda one: one.factor)  # fmt: skip
        x = [rate * one.factor for one in tried]
        series.append(Series(label, x, [one.at_best for one in tried]))
    if not series:
        return []
    name = f"validation {_name(comparison)}"
    note = "With early stopping. The best rate is known where the lowest point is not the last one."
    return [Plot("What each learning rate gives", "learning rate", name, series, log_x=True,
                 note=note)]  # fmt: skip


def _fitted(first: str, *parts: str) -> list[str]:
    """Return one line, or more where one is wider than a terminal."""
    lines = [first]
    for part in parts:
        if len(lines[-1] + part) <= _WIDTH:
            lines[-1] += part
        else:
            lines = [*lines[:-1], lines[-1].rstrip(), f"      {part.strip()}"]
    return lines


def _cut(text: str, wide: int) -> str:
    """Return a label that fits; those of a run's losses differ at their ends."""
    if len(text) < wide:
        return text
    kept = wide - 4
    head = kept // 3 if "/" in text else kept
    return f"{text[:head]}...{text[len(text) - (kept - head) :]}"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
