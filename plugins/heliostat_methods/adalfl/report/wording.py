"""What terminal and report say alike of losses: how they begin, and what is to be doubted."""

from __future__ import annotations

from collections.abc import Iterator

from heliostat_search.trainings.numbers import Plain
from heliostat_search.trainings.wording import (
    edge_text,
    edges_of,
    explosions,
    line_of,
    sentence,
    worse_than_trivial,
)

SHOWN = ("equal_steps", "equal_cost", "at_best")
"""The ways that pictures and terminal show."""
STARTS = {
    "task_loss_regression": "fitted to the task's loss",
    "offline": "learned by Algorithm 1",
    "random": "drawn",
}


def reservations(outcome: Plain) -> Iterator[str]:
    """Yield sentences on what is to be known before a number is believed."""
    for one in outcome["contestants"]:
        yield from _of_contestant(one, outcome)
    if edges := edges_of(outcome["contestants"]):
        yield edge_text(edges)
    yield from (sentence(text) for text in outcome["remarks"])


def _of_contestant(one: Plain, outcome: Plain) -> Iterator[str]:
    label, seeds = one["label"], outcome["seeds"]
    yield from explosions(one)
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
    yield from worse_than_trivial(one, outcome, SHOWN)


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
