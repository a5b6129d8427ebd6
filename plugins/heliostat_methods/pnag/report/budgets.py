"""One generator asked for budgets between those that it was taught."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heliostat.report import Plot, Section, Series, Table, Text
from heliostat_methods.pnag.report.units import bare, head, percent
from heliostat_methods.pnag.report.wording import BEYOND, regret_text, regrets


def budgets_section(result: Mapping[str, Any]) -> Section:
    """Return the answers against the best known, as a picture and as a table."""
    answers, quantity = result["answers"], result["quantity"]
    if not answers:
        return Section("Any budget", [Text("The generator was asked for no budget.")])
    columns = ["budget", "costs", "accuracy", "best known", "regret, points", "architecture"]
    rows = [
        [bare(quantity, one["budget"]), bare(quantity, one["cost"]), percent(one["accuracy"]),
         percent(one["best"]), regret_text(one), one["text"]]
        for one in answers
    ]  # fmt: skip
    return Section("Any budget", [_plot(result), Table(columns, rows), Text(_told(result))])


def _plot(result: Mapping[str, Any]) -> Plot:
    answers, quantity = result["answers"], result["quantity"]
    best = [one for one in answers if one["best"] is not None]
    series = [
        *_series("best known", quantity, best, "best", "step"),
        *_series("the generator", quantity, [one for one in answers if one["feasible"]],
                 "accuracy", "points"),
        *_series("the generator, over budget", quantity,
                 [one for one in answers if not one["feasible"]], "accuracy", "points"),
    ]  # fmt: skip
    unit = "latency, us" if quantity == "latency" else head(quantity)
    return Plot(
        "What the generator says for a budget", f"budget: {unit}", "accuracy on validation data",
        series, log_x=True,
        note="One greedy pass for each budget. The distance below the step is the regret; an "
        "answer over budget is no answer, however accurate.",
    )  # fmt: skip


def _series(
    label: str, quantity: str, answers: Sequence[Mapping[str, Any]], name: str, style: Any
) -> list[Series]:
    if not answers:
        return []
    scale = 1e6 if quantity == "latency" else 1.0
    x = [scale * one["budget"] for one in answers]
    return [Series(label, x, [one[name] for one in answers], style=style)]


def _told(result: Mapping[str, Any]) -> str:
    answers = result["answers"]
    known = regrets(answers)
    over = sum(not one["feasible"] for one in answers)
    text = f"{over} of {len(answers)} answers cost more than their budget."
    if known:
        text += f" The others stay {100 * sum(known) / len(known):.1f} points below, on average."
    if min(known, default=0.0) < 0:
        text += f" {BEYOND}"
    beyond = (
        "the best of the whole space within the budget"
        if result["known"]
        else "the best within the budget of all that searches evaluated, which may not be the best "
        "there is"
    )
    return (
        f"{text} Best known is {beyond}. One generator was taught, so how much another training "
        "of it would differ is not shown."
    )
