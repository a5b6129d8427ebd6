"""What terminal and report say alike of trainings compared: data, metric, ways, edges, explosions.

An outcome is read in its plain form: ``dataset``, ``task``, ``classes``, ``rows``, ``model``,
``seeds``, ``steps``, ``metric``, ``trivial``, ``trivial_label``; a contestant has ``label`` and
``lines``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from heliostat_search.trainings.lines import Difference
from heliostat_search.trainings.numbers import Plain, middle, number

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
VERDICTS = {
    "better": "better",
    "worse": "worse",
    "none": "no difference shown",
    "explodes": "explodes more often",
    "edge": "not decided: edge",
    "unpaired": "not decided: pairs",
}


_IN_SENTENCES = {
    "better": "is better than",
    "worse": "is worse than",
    "none": "is not shown to differ from",
    "explodes": "explodes more often than",
    "edge": "is not decided against",
    "unpaired": "is not decided against",
}


def said_by_ways(
    differences: Sequence[Difference], ways: Mapping[str, str]
) -> dict[str, list[str]]:
    """Return what may be said of a contestant, "is better than", with the ways in which it holds.

    ``ways``: what each is called in a sentence.
    """
    found: dict[str, list[str]] = {}
    for row in differences:
        found.setdefault(_IN_SENTENCES[row.verdict], []).append(ways[row.way])
    return found


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


def line_of(one: Plain, way: str) -> Plain | None:
    """Return a contestant's line in one way, None where there is none."""
    return next((line for line in one["lines"] if line["way"] == way), None)


def ways_of(some: Sequence[Plain], ways: Sequence[str]) -> list[str]:
    """Return those of the ways that any contestant has, in their order."""
    return [way for way in ways if any(line_of(one, way) for one in some)]


def chosen_rates(one: Plain) -> str:
    """Return the rates of a contestant's ways: one number where they agree; `*` marks an edge."""
    shown = [f"{line['rate']:.3g}{'*' if line['edge'] else ''}" for way in HEADS
             if (line := line_of(one, way)) is not None]  # fmt: skip
    return " / ".join(dict.fromkeys(shown)) or "-"


def edge_text(labels: Sequence[str]) -> str:
    """Return the remark on contestants whose best rate lies at an edge."""
    lie = "rate of {} lies" if len(labels) == 1 else "rates of {} lie"
    return (
        f"The best {lie.format(listed(labels))} at the edge of those tried, so a better one may "
        "be beyond it: nothing is decided there. rate_growths lets more be tried."
    )


def edges_of(some: Sequence[Plain]) -> list[str]:
    """Return the labels of contestants whose best rate lies at an edge in any way."""
    return [one["label"] for one in some if any(line["edge"] for line in one["lines"])]


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them: a, b and c."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def explosions(one: Plain) -> Iterator[str]:
    """Yield a sentence where trainings of a contestant exploded, with how many in which way."""
    lines = [line for way in HEADS if (line := line_of(one, way)) is not None]
    blown = [line for line in lines if line["exploded"]]
    if blown:
        counts = {
            WHEN[line["way"]]: f"{line['exploded']} of {len(line['values'])}" for line in blown
        }
        told = ", ".join(f"{count} {when}" for when, count in counts.items())
        if len(blown) == len(lines) and len(set(counts.values())) == 1:
            told = f"{next(iter(counts.values()))} in every way"
        yield (
            f"{one['label']}: trainings exploded, {told}. They ended a hundred times as wrong as "
            "what knows nothing; means are of those whose numbers stayed finite."
        )


def exploded_text(one: Plain) -> str:
    """Return how many trainings exploded, in the way with most of them, as a cell says it."""
    worst = max(one["lines"], key=lambda line: line["exploded"], default=None)
    if worst is None or not worst["exploded"]:
        return "none"
    return f"{worst['exploded']} of {len(worst['values'])}"


def worse_than_trivial(one: Plain, outcome: Plain, ways: Sequence[str]) -> Iterator[str]:
    """Yield a sentence where a contestant does worse than what knows nothing of the inputs."""
    worse = [
        WHEN[way]
        for way in ways
        if (line := line_of(one, way)) is not None
        and (mean := middle(line)) is not None
        and mean > outcome["trivial"]
    ]
    if worse:
        yield f"{one['label']} does worse than {outcome['trivial_label']}, {listed(worse)}."


def sentence(text: str) -> str:
    """Return a text with a full stop where it lacks one."""
    return text if text.endswith((".", "!", "?")) else f"{text}."
