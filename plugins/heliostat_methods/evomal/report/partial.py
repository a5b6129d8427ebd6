"""A search that is still going: how it converges, what became of candidates, the best so far."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from heliostat.contract import RunView
from heliostat.errors import key_text
from heliostat.report import Plot, Section, Series, Table, Text
from heliostat_methods.evomal.config import SETS
from heliostat_methods.evomal.losses.error import LossExpressionError
from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_methods.evomal.losses.tables import table_named
from heliostat_methods.evomal.report.plots import Content

NEWEST = 6
"""Searches that are shown: the newest."""
SHOWN = 5
"""Best losses of each search."""
_SCORED = ("evomal.score_block", "evomal.train_block")
_COUNTS = ("accepted", "rejected", "not_accepted", "from_cache")

_Best = tuple[float, str, int]
"""Fitness, formula and number of nodes."""


def partial(view: RunView) -> Sequence[Section]:
    """Return a section for each of the newest searches, and how many trainings are compared."""
    best = _best(view)
    scopes = [scope for scope in view.scopes() if scope]
    scopes += [scope for scope in sorted(best) if scope not in scopes]
    sections = [
        _search(_title(view.config, scope, len(scopes)), view.metrics(scope), best.get(scope, []))
        for scope in scopes[-NEWEST:]
    ]
    text = f"{view.count():,} tasks are done; the comparison stands here when all are."
    if not scopes:
        text += " No candidate was scored yet."
    trained = sum(row.function == "evomal.train_loss" for row in view.outcomes(delivered=False))
    if trained:
        text += f" {trained:,} trainings of it have ended."
    hidden = len(scopes) - NEWEST
    text += f" Searches before the newest {NEWEST}, {hidden}, are left out." if hidden > 0 else ""
    return [*sections, Section("Still to come", [Text(text)])]


def _title(config: Mapping[str, Any], scope: tuple[int, ...], searches: int) -> str:
    """Return the data set of a search where its place says it, else the place."""
    names = [one if isinstance(one, str) else str(one.get("name")) for one in config["datasets"]]
    if config.get("study") is None and searches <= len(names):
        if config.get("together"):
            return f"So far on {' and '.join(names)}"
        if scope[-1] < len(names):
            return f"So far on {names[scope[-1]]}"
    return f"So far in search {key_text(scope)}"


def _search(
    title: str, metrics: Mapping[str, Sequence[tuple[int, float]]], best: Sequence[_Best]
) -> Section:
    content: list[Content] = []
    curves = [_series(name, metrics[name]) for name in ("best", "median") if name in metrics]
    if curves:
        content.append(
            Plot("Convergence of the search", "generation", "validation metric", curves,
                 note="Best so far, and median of the accepted in each generation.")
        )  # fmt: skip
    if best:
        rows: list[list[str | int | float | None]] = [
            [rank, formula, fitness, size] for rank, (fitness, formula, size) in enumerate(best, 1)
        ]
        content.append(
            Table(["rank", "m(y, f)", "fitness", "nodes"], rows,
                  "The best losses as they were scored; the search has yet to reduce them and to "
                  "score them again.")
        )  # fmt: skip
    counts = [_series(name.replace("_", " "), metrics[name]) for name in _COUNTS if name in metrics]
    if counts:
        content.append(Plot("What became of candidates", "generation", "candidates", counts))
    return Section(title, content)


def _series(name: str, points: Sequence[tuple[int, float]]) -> Series:
    return Series(name, [step for step, _ in points], [value for _, value in points])


def _best(view: RunView) -> dict[tuple[int, ...], list[_Best]]:
    """Return the best scored losses of each search, one for each structure."""
    found: dict[tuple[int, ...], dict[tuple[str, ...], tuple[float, tuple[float, ...]]]] = {}
    for task in _SCORED:
        for row, block, scores in view.found(task):
            known = found.setdefault(row.key[: row.depth], {})
            for tree, fitness, weights in zip(
                block.trees, scores.fitness, scores.weights, strict=True
            ):
                if math.isfinite(fitness) and fitness < known.get(tree, (math.inf, ()))[0]:
                    known[tree] = float(fitness), tuple(map(float, weights[: len(tree)]))
    table = _table(view.config)
    return {
        scope: [
            (fitness, _formula(tree, weights, table), len(tree))
            for tree, (fitness, weights) in sorted(known.items(), key=lambda one: one[1][0])[:SHOWN]
        ]
        for scope, known in found.items()
        if known
    }


def _table(config: Mapping[str, Any]) -> str:
    """Return the name of the set of primitives, which stands beside operations of a user's own."""
    refs = (one if isinstance(one, str) else one.get("name") for one in config["primitives"])
    return next((str(name) for name in refs if name in SETS), "")


def _formula(tree: Sequence[str], weights: tuple[float, ...], table: str) -> str:
    try:
        return LossExpression(tuple(tree), weights, table_named(table)).formula()
    except (LossExpressionError, KeyError):  # of operations of a user's own, which the run names
        return " ".join(tree)
