"""What is shown of a comparison: metrics with intervals, paired differences, and the verdict."""

from __future__ import annotations

import math

from heliostat.report import Plot, Series, Table, Text
from heliostat_methods.evomal.comparison.outcome import ComparedLoss, Comparison
from heliostat_methods.evomal.comparison.paired_seeds import PairedTest
from heliostat_methods.evomal.report.label_texts import metric_text
from heliostat_methods.evomal.report.plots import Rows

CAVEAT = (
    "Intervals are 95 % t-intervals over paired training seeds on one split of the data: they "
    "cover training, not the search itself."
)


def comparison_lines(comparison: Comparison) -> list[str]:
    """Return what a terminal shows, the verdict last."""
    lines = [
        f"test {metric_text(comparison.metric)} after {comparison.steps} training steps, "
        f"mean and 95 % interval over {comparison.seeds} paired seeds:",
    ]
    tests = _tests(comparison)
    wide = max(36, *(len(row.label) + 2 for row in comparison.losses),
               *(len(title) + 2 for title, _ in tests))  # fmt: skip
    lines += [f"  {row.label:<{wide}}{_interval(row)}" for row in comparison.losses]
    lines += [f"  {title:<{wide}}{_difference(test)}" for title, test in tests]
    return [*lines, *(f"  {note}" for note in _edges(comparison)), f"  {verdict(comparison)}"]


def comparison_contents(comparison: Comparison) -> list[Text | Table | Plot]:
    """Return what a report shows, the verdict first."""
    metric, steps = comparison.metric, comparison.curve_steps
    losses = comparison.losses
    rows: Rows = [
        [row.label, row.learning_rate, row.mean, row.low, row.high,
         row.diverged]
        for row in losses
    ]  # fmt: skip
    tests: Rows = [
        [title, test.difference.mean, test.difference.low, test.difference.high,
         test.t_p, test.wilcoxon_p, test.n]
        for title, test in _tests(comparison)
        if test is not None
    ]  # fmt: skip
    series = [
        Series(row.label, steps, row.curve.mean, row.curve.low, row.curve.high)
        for row in losses
        if row.curve.mean
    ]
    return [
        Text(_sentence(verdict(comparison))),
        Table(
            ["loss", "learning rate", f"test {metric_text(metric)}", "low", "high", "diverged"],
            rows,
            f"Mean over {comparison.seeds} seeds and its 95 % interval.",
        ),
        *(Text(_sentence(note)) for note in _edges(comparison)),
        Table(
            ["paired difference", "mean", "low", "high", "p (t)", "p (Wilcoxon)", "pairs"],
            tests,
            "Negative favours the first-named loss.",
        ),
        Text(CAVEAT),
        Plot(f"test {metric} during training", "step", metric, series, note="Bands: 95 %."),
    ]


def _tests(comparison: Comparison) -> list[tuple[str, PairedTest | None]]:
    """Return the paired differences by title."""
    standard = comparison.losses[0].label
    tests: list[tuple[str, PairedTest | None]] = []
    if comparison.of_found:
        tests.append((f"found - {standard}, same rate", comparison.at_same_rate))
        tests.append((f"found - {standard}, best rates", comparison.at_best_rates))
    tests += [(f"{one.label} - {standard}, best rates", one.test) for one in comparison.references]
    return tests


def _edges(comparison: Comparison) -> list[str]:
    """Return a note on losses whose chosen rate is the lowest or the highest of several tried."""
    tried = next(iter(comparison.rates_tried.values()), ())
    factors = [factor for factor, _ in tried]
    if len(factors) < 2:
        return []
    usual = comparison.losses[0].learning_rate
    edges = [usual * min(factors), usual * max(factors)]
    at = [
        row.label
        for row in comparison.losses
        if row.role.endswith("_best_rate")
        and any(math.isclose(row.learning_rate, edge) for edge in edges)
    ]
    if not at:
        return []
    return [f"at an edge of the rates tried, so that a better one may lie beyond: {'; '.join(at)}"]


def _interval(row: ComparedLoss) -> str:
    diverged = f"  ({row.diverged} diverged)" if row.diverged else ""
    if row.mean is None or row.low is None or row.high is None:
        return f"no finite result{diverged}"
    return f"{row.mean:.4f}  [{row.low:.4f}, {row.high:.4f}]{diverged}"


def _difference(test: PairedTest | None) -> str:
    if test is None:
        return "not enough finite pairs"
    d = test.difference
    return f"{d.mean:+.4f}  [{d.low:+.4f}, {d.high:+.4f}]  p = {test.t_p:.2g}"


def verdict(comparison: Comparison) -> str:
    """Return what may be said of the found loss."""
    if not comparison.of_found:
        return "no loss was found; the given ones are compared, each at its best rate"
    test = comparison.at_best_rates
    standard = comparison.losses[0].label
    diverged = {row.role: row.diverged for row in comparison.losses}
    mine, usual = diverged["found_best_rate"], diverged["standard_best_rate"]
    if mine > usual:
        return (
            f"the found loss diverges in {mine} of {comparison.seeds} trainings, {standard} in "
            f"{usual}, each at its best rate, so no difference is claimed"
        )
    if test is None:
        return "too many trainings diverged to compare the losses"
    low, high = test.difference.low, test.difference.high
    if high < 0:
        return f"the found loss is better than {standard}, each at its best rate, on this split"
    if low > 0:
        return f"the found loss is worse than {standard}, each at its best rate, on this split"
    return f"no difference from {standard} could be shown, each at its best rate"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
