"""What terminal and report say alike: of the data, of ways, of verdicts and of doubts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from heliostat_methods.adalfl.comparison.outcome import WAYS
from heliostat_methods.adalfl.report.numbers import Plain, middle, number

METRICS = {
    "mse": "mean squared error",
    "rmse": "root mean squared error",
    "mae": "mean absolute error",
    "error_rate": "error rate",
    "balanced_error": "1 - balanced accuracy",
    "cross_entropy": "log-loss",
    "auc_error": "1 - AUC",
}
"""What a metric is called; all are such that lower is better."""
HEADS = {
    "equal_steps": "equal steps",
    "equal_cost": "equal cost",
    "at_best": "at best",
    "area": "average",
}
"""What a way is called at the head of a column."""
WHEN = {
    "equal_steps": "at equal steps",
    "equal_cost": "at equal cost",
    "at_best": "at best",
    "area": "on average",
}
"""The same inside a sentence."""
SPLITS = {"train": "train", "valid": "validate", "validation": "validate", "test": "test"}
STARTS = {
    "task_loss_regression": "fitted to the task's loss",
    "offline": "learned by Algorithm 1",
    "random": "drawn",
}
VERDICTS = {
    "better": "better",
    "worse": "worse",
    "none": "no difference shown",
    "explodes": "explodes more often",
    "edge": "not decided: edge",
    "unpaired": "not decided: pairs",
}


def metric_text(outcome: Plain) -> str:
    """Return what the metric is called."""
    return METRICS.get(outcome["metric"], str(outcome["metric"]))


def data_text(outcome: Plain) -> str:
    """Return a sentence on what was compared: data, model, trainings, metric."""
    rows = outcome["rows"]
    known = [name for name in SPLITS if name in rows]
    names = [*known, *sorted(name for name in rows if name not in SPLITS)]
    parts = ", ".join(f"{rows[name]:,} rows {SPLITS.get(name, name)}" for name in names)
    seeds, steps = outcome["seeds"], outcome["steps"]
    trained = "one training" if seeds == 1 else f"{seeds} paired trainings"
    of = f" of {max(outcome['classes'], 2)} classes" if outcome["task"] == "classification" else ""
    units = " (target standardised)" if outcome["metric"] in ("mse", "rmse", "mae") else ""
    return (
        f"{outcome['dataset']}, {outcome['task']}{of}: {parts}. {outcome['model']}, {trained} of "
        f"{steps:,} steps each. Test {metric_text(outcome)}{units}, lower is better; "
        f"{outcome['trivial_label']} has {number(outcome['trivial'])}."
    )


def bounds_text(outcome: Plain) -> str:
    """Return what an interval is, and what it does not cover."""
    if outcome["seeds"] == 1:
        return "One training of each: there are no intervals, and nothing may be concluded."
    return (
        f"± is half of a 95 % interval over {outcome['seeds']} trainings on one split of the data: "
        "it covers the draws of a training, not the split."
    )


def line_of(one: Plain, way: str) -> Mapping[str, Any] | None:
    """Return a contestant's line in one way, None where there is none."""
    return next((line for line in one["lines"] if line["way"] == way), None)


def ways_of(outcome: Plain) -> list[str]:
    """Return the ways that any contestant has, in their order."""
    return [way for way in WAYS if any(line_of(one, way) for one in outcome["contestants"])]


def chosen_rates(one: Plain) -> str:
    """Return the rates of a contestant's ways: one number where they agree; `*` marks an edge."""
    shown = [f"{line['rate']:.3g}{'*' if line['edge'] else ''}" for way in WAYS
             if (line := line_of(one, way)) is not None]  # fmt: skip
    return " / ".join(dict.fromkeys(shown)) or "-"


def reservations(outcome: Plain) -> Iterator[str]:
    """Yield sentences on what is to be known before a number is believed."""
    for one in outcome["contestants"]:
        yield from _of_contestant(one, outcome)
    edges = [one["label"] for one in outcome["contestants"] if any(_edge(one))]
    if edges:
        yield edge_text(edges)
    yield from (_sentence(text) for text in outcome["remarks"])


def edge_text(labels: Sequence[str]) -> str:
    """Return the remark on contestants whose best rate lies at an edge."""
    lie = "rate of {} lies" if len(labels) == 1 else "rates of {} lie"
    return (
        f"The best {lie.format(listed(labels))} at the edge of those tried, so a better one may "
        "be beyond it: nothing is decided there. rate_growths lets more be tried."
    )


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them: a, b and c."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _of_contestant(one: Plain, outcome: Plain) -> Iterator[str]:
    label, seeds = one["label"], outcome["seeds"]
    lines = [line for way in WAYS if (line := line_of(one, way)) is not None]
    blown = [line for line in lines if line["exploded"]]
    if blown:
        counts = {
            WHEN[line["way"]]: f"{line['exploded']} of {len(line['values'])}" for line in blown
        }
        told = ", ".join(f"{count} {when}" for when, count in counts.items())
        if len(blown) == len(lines) and len(set(counts.values())) == 1:
            told = f"{counts[WHEN['equal_steps']]} in every way"
        yield (
            f"{label}: trainings exploded, {told}. They ended a hundred times as wrong as what "
            "knows nothing; means are of those whose numbers stayed finite."
        )
    begun = one["beginning"]
    if begun is not None and begun["unusable"]:
        yield unusable_text(label, begun)
    if one["stopped"]:
        yield f"{label}: {one['stopped']} of {seeds} trainings were stopped, not finite any more."
    if one["reverts"]:
        yield f"{label}: {one['reverts']:,} steps were undone, not finite any more."
    if line_of(one, "equal_cost") is None and line_of(one, "equal_steps") is not None:
        why = (
            f"its beginning alone takes {one['before']:,.0f} gradient evaluations of a budget of "
            f"{outcome['budget']:,.0f}"
            if one["before"] >= outcome["budget"]
            else "it was not compared so"
        )
        yield f"{label} has no number at equal cost: {why}."
    worse = [
        WHEN[way]
        for way in ("equal_steps", "equal_cost", "at_best")
        if (line := line_of(one, way)) is not None
        and (mean := middle(line)) is not None
        and mean > outcome["trivial"]
    ]
    if worse:
        yield f"{label} does worse than {outcome['trivial_label']}, {listed(worse)}."


def unusable_text(label: str, begun: Plain) -> str:
    """Return how many losses of a contestant could not be used, and what became of them."""
    count, replaced = begun["unusable"], begun["replaced"]
    became = (
        f"{replaced} of them began from the task's loss instead"
        if replaced
        else "they were trained with as they are"
    )
    return (
        f"{label}: {count} of {begun['count']} losses were unusable at the beginning, a step along "
        f"them does not lower the task's loss of fresh models; {became}."
    )


def _edge(one: Plain) -> Iterator[bool]:
    return (bool(line["edge"]) for line in one["lines"])


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
