"""What is shown: each subset's test error, what may be claimed of it, and the way there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heliostat.contract import RunView
from heliostat.report import Plot, Section, Series, Table, Text
from heliostat_search.statistics import holm, mean_interval, paired

from heliostat_plugin_feature_subset.search import ALL, FOUND, RANDOM, RANKED

_SURE = 0.05


def comparison(result: Mapping[str, Any]) -> list[list[str | float | int]]:
    """Return a row a subset: features, error, its interval, difference of `found`, Holm's p."""
    errors, sizes = result["errors"], result["sizes"]
    pairs = [paired(errors[FOUND], errors[name]) for name in (RANDOM, RANKED, ALL)]
    adjusted = holm([pair.t_p for pair in pairs])
    rows: list[list[str | float | int]] = []
    for name, pair, p in zip((RANDOM, RANKED, ALL), pairs, adjusted, strict=True):
        own = mean_interval(errors[name])
        rows.append([name, sizes[name], own.mean, own.low, own.high, pair.difference.mean, p])
    own = mean_interval(errors[FOUND])
    return [[FOUND, sizes[FOUND], own.mean, own.low, own.high, "", ""], *rows]


def claim(result: Mapping[str, Any]) -> str:
    """Return the sentence that the tests allow, a null result too."""
    better, worse = [], []
    for name, *_, difference, p in comparison(result)[1:]:
        if float(p) < _SURE:
            (better if float(difference) < 0 else worse).append(str(name))
    told = [f"better than {', '.join(better)}"] if better else []
    told += [f"worse than {', '.join(worse)}"] if worse else []
    return f"the {FOUND} is " + (" and ".join(told) or "not shown to differ from any baseline")


def describe(result: Mapping[str, Any], run_id: str) -> str:
    """Return the lines at the end of a run."""
    lines = [f"{len(result['features'])} features: {', '.join(result['features'])}", ""]
    for name, size, mean, low, high, *_ in comparison(result):
        lines.append(f"  {name:<16}{size:>4} features  error {mean:.4f}  [{low:.4f}, {high:.4f}]")
    return "\n".join([*lines, claim(result), "", f"use them: -o datasets=run:{run_id}"])


def report(view: RunView) -> Sequence[Section]:
    """Return the sections of the report."""
    sections = []
    if view.result is not None:
        heads = ["subset", "features", "test error", "low", "high", "found - it", "p (Holm)"]
        caption = "mean and 95 % interval over trainings on rows drawn with replacement"
        table = Table(heads, comparison(view.result), caption)
        limits = Text(
            "One division into searched and test rows: the intervals cover the training, not the "
            "choice of rows or the search itself."
        )
        features = Text("Chosen: " + ", ".join(view.result["features"]))
        sections.append(Section("Comparison", [Text(claim(view.result)), table, limits, features]))
    curves = []
    for scope, label in zip(view.scopes(), (FOUND, RANDOM), strict=False):
        points = view.metrics(scope).get("cost", [])
        curves.append(Series(label, [s for s, _ in points], [c for _, c in points]))
    note = "Folds change from generation to generation, so a curve may rise."
    plot = Plot("Best subset of each generation", "generation", "error + price", curves, note=note)
    return [*sections, Section("Search", [plot])]
