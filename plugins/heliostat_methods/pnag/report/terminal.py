"""A search as a terminal shows it at the end of a run, in 79 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from heliostat.contract import next_command
from heliostat.terminal import printable
from heliostat_methods.pnag.report.units import bare, head, percent, roomy_budget
from heliostat_methods.pnag.report.wording import (
    BEYOND,
    data_text,
    difference_text,
    evenly,
    front_text,
    regret_text,
    regrets,
    reservations,
    share_text,
)

WIDTH = 79
NAME = 14
"""Most columns of a searcher's name."""
BUDGETS = 8
"""Budgets of the sweep that are shown; the report has all."""


def describe(result: Mapping[str, Any], run_id: str) -> str:
    """Return what a terminal shows at the end."""
    lines = [*_wrapped(data_text(result)), *_wrapped(front_text(result)), ""]
    lines += [*_searchers(result), "", *_wrapped(result["sentence"]), ""]
    if result["answers"]:
        lines += [*_budgets(result), ""]
    told = [line for text in reservations(result) for line in _wrapped(text)]
    return "\n".join([*lines, *told, *([""] if told else []), *_next(result, run_id)])


def _wrapped(text: str) -> list[str]:
    # what is not printable is longer once it is shown
    return textwrap.wrap(printable(text), WIDTH)


def _columns(rows: Sequence[Sequence[str]], right: bool = False) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    side = str.rjust if right else str.ljust
    return [
        "  ".join(side(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _searchers(result: Mapping[str, Any]) -> list[str]:
    rows = [["searcher", "share", "difference", f"{result['searcher']} is"]]
    for one in result["contestants"]:
        beside = one["beside"]
        name, verdict = printable(one["name"]), "" if beside is None else beside["verdict"]
        short = name if len(name) <= NAME else f"{name[: NAME - 1]}\u2026"
        rows.append([short, share_text(one["shares"]), difference_text(beside), verdict])
    told = (
        "share: of the front's hypervolume, log cost against error, mean over seeds with the "
        f"half-width of its 95 % interval. difference: {result['searcher']} less that searcher, "
        "paired by seed, and its interval."
    )
    filled = [sum(one["filled"]) / len(one["filled"]) for one in result["contestants"]]
    if any(filled):
        told += " random: networks of a search that were drawn where it proposed nothing new."
        rows = [
            [*row, cell]
            for row, cell in zip(rows, ["random", *(f"{value:g}" for value in filled)], strict=True)
        ]
    return [*_columns(rows), *_wrapped(told)]


def _budgets(result: Mapping[str, Any]) -> list[str]:
    quantity, answers = result["quantity"], result["answers"]
    rows = [["budget", "costs", "accuracy", "best known", "regret, points"]]
    for one in evenly(answers, BUDGETS):
        rows.append([
            bare(quantity, one["budget"]), bare(quantity, one["cost"]), percent(one["accuracy"]),
            percent(one["best"]), regret_text(one),
        ])  # fmt: skip
    hidden = len(answers) - len(rows) + 1
    told = (
        f"One generator asked for budgets of {head(quantity)}, each answered in one pass; what it "
        "says was then evaluated."
    )
    if hidden:
        told += f" The report has {hidden} more."
    over = sum(not one["feasible"] for one in answers)
    if over:
        told += f" {over} of {len(answers)} answers cost more than their budget: they do not count."
    if min(regrets(answers), default=0.0) < 0:
        told += f" {BEYOND}"
    return [*_columns(rows, right=True), *_wrapped(told)]


def _next(result: Mapping[str, Any], run_id: str) -> list[str]:
    front, quantity = result["front"], result["quantity"]
    middle = front[len(front) // 2]["costs"][quantity]
    budget = roomy_budget(quantity, middle)
    return [
        f"a network for a budget: {next_command('show', run_id, '--budget', budget)}",
        f"pictures: {next_command('report', run_id)}",
    ]
