"""What may be said of the losses of a comparison, in words."""

from __future__ import annotations

import math

from heliostat_methods.evomal.comparison.correction import holm_corrected
from heliostat_methods.evomal.comparison.outcome import Against, ComparedLoss, Comparison
from heliostat_methods.evomal.comparison.protocol import SUFFIX, Way, way_of
from heliostat_search.trainings.paired_seeds import PairedTest
from heliostat_search.trainings.verdict import Kind, Trainings, judge

WAYS: dict[Way, str] = {
    "at_best": "each at its best: rate and steps chosen on validation data",
    "at_end": "at equal steps: the rate that is best after all of them",
    "configured": "at the configured rate, the one that the search used",
}
SHORT: dict[Way, str] = {
    "at_best": "each at its best",
    "at_end": "at equal steps",
    "configured": "at the same rate",
}


MORE_RATES = "rate_growths lets more be tried"
"""What to do where the best rate lies at an edge, in a run."""


def way_text(comparison: Comparison, way: Way) -> str:
    """Return how losses were trained; a rate that was given is not called a chosen one."""
    if comparison.tried or comparison.rates_tried:
        return WAYS[way]
    given = {"at_best": "each at its best: steps chosen on validation data, the rate as given",
             "at_end": "at equal steps: all of them, the rate as given"}  # fmt: skip
    return given.get(way, WAYS[way])


def verdicts(
    comparison: Comparison, of_search: bool = True, more_rates: str = MORE_RATES
) -> list[str]:
    """Return what may be said of each loss that is compared with the first one.

    `of_search`: whether a search could have found one; `more_rates`: how to have more rates tried.
    """
    lines = []
    if of_search and not comparison.of_found:
        lines.append("no loss was found; the given ones are compared")
    for one in comparison.tests:
        ways: tuple[Way, ...] = ("at_end", "at_best")
        kinds = {way: kind for way in ways if (kind := _judged(comparison, one, way))}
        said = {way: _words(comparison, one, way, kind, more_rates) for way, kind in kinds.items()}
        if len(said) > 1 and len(set(said.values())) == 1 and "edge" not in kinds.values():
            lines.append(f"at equal steps and each at its best: {said['at_best']}")
        else:
            lines += [f"{SHORT[way]}: {words}" for way, words in said.items()]
    return lines


def warnings(comparison: Comparison) -> list[str]:
    """Return lines on losses that teach nothing, or worse than nothing.

    A loss does worse than what knows nothing of the inputs, or is best without any step.
    """
    untrained = [
        f"warning: {row.label} is at its best before any step: training with it does not help"
        for row in rows_of(comparison, "at_best")
        if row.kept and sorted(row.kept)[len(row.kept) // 2] == 0
    ]
    if comparison.trivial is None:
        return untrained
    value = comparison.trivial.measures[comparison.metric]
    said: dict[str, list[str]] = {}
    for way in ways_shown(comparison):
        for row in rows_of(comparison, way):
            if row.mean is None or row.mean > value:
                said.setdefault(row.label, []).append(SHORT[way])
    worse = [
        f"warning: {label} does worse than {comparison.trivial.label}, {' and '.join(ways)}"
        for label, ways in said.items()
    ]
    return [*untrained, *worse]


def exploded_in(row: ComparedLoss) -> int:
    """Return in how many trainings a loss explodes; earlier versions counted those that diverge."""
    return max(row.exploded, row.diverged)


def rows_of(comparison: Comparison, way: Way) -> list[ComparedLoss]:
    """Return the lines of losses trained one way."""
    return [row for row in comparison.losses if way_of(row.role) == way]


def ways_shown(comparison: Comparison) -> list[Way]:
    """Return the ways to show: the configured rate where it is another one than the best."""
    at_end = {row.label: row.rates for row in rows_of(comparison, "at_end")}
    configured = {row.label: row.rates for row in rows_of(comparison, "configured")}
    same = len(configured) < 2 or all(
        rates and at_end.get(label) == rates for label, rates in configured.items()
    )
    return [way for way in WAYS if not (same and way == "configured") and rows_of(comparison, way)]


def _judged(comparison: Comparison, one: Against, way: Way) -> Kind | None:
    """Return the verdict on one contestant trained one way; None where it was not trained so."""
    lines = {row.role: row for row in comparison.losses}
    mine = lines.get(one.role + SUFFIX[way]) or next(
        (row for row in rows_of(comparison, way) if row.label.split(",")[0] == one.label), None
    )
    usual = lines.get("standard" + SUFFIX[way])
    if mine is None or usual is None:
        return None
    side, other = (
        Trainings(len(row.values), exploded_in(row), row.edge or _old_edge(comparison, row))
        for row in (mine, usual)
    )
    test: PairedTest | None = getattr(one, way)
    return judge(side, other, test, holm_corrected(comparison, way).get(one.role))


def _words(comparison: Comparison, one: Against, way: Way, kind: Kind, more_rates: str) -> str:
    lines = {row.role: row for row in comparison.losses}
    standard = comparison.losses[0].label
    who = {"found": "the found loss", "short": "the short loss"}.get(one.role, one.label)
    where = "on this split" if comparison.splits == 1 else f"over {comparison.splits} splits"
    mine, usual = (lines.get(role + SUFFIX[way]) for role in (one.role, "standard"))
    blown = [0 if row is None else exploded_in(row) for row in (mine, usual)]
    of = comparison.seeds * comparison.splits
    if kind in ("worse", "better"):
        said = f"{who} is {kind} than {standard}, {where}"
        if any(blown):
            said += f"; it explodes in {blown[0]} of {of} trainings, {standard} in {blown[1]}"
        return said
    if kind == "none":
        return f"no difference between {who} and {standard} could be shown, {where}"
    if kind == "explodes":
        return (
            f"{who} explodes in {blown[0]} of {of} trainings, {standard} in {blown[1]}: it is no "
            "better, whatever its other trainings say"
        )
    if kind == "unpaired":
        return (
            f"not decided: {who} explodes in {blown[0]} of {of} trainings, {standard} in {blown[1]}"
        )
    at = [name for name, row in ((who, mine), (standard, usual)) if row is not None and row.edge]
    return (
        f"not decided: the best rate of {' and of '.join(at or [who])} lies at the edge of those "
        f"tried; {more_rates}"
    )


def _old_edge(comparison: Comparison, row: ComparedLoss) -> bool:
    """Return whether a run of an earlier version chose the lowest or the highest rate tried."""
    tried = next(iter(comparison.rates_tried.values()), ())
    factors = [factor for factor, _ in tried]
    usual = comparison.losses[0].learning_rate
    return len(factors) > 1 and any(
        math.isclose(row.learning_rate, usual * edge) for edge in (min(factors), max(factors))
    )
