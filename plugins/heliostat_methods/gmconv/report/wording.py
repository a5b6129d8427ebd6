"""What terminal and report say alike of a comparison: its reservations, and what a mask may do."""

from __future__ import annotations

from collections.abc import Iterator

from heliostat_search.trainings.numbers import Plain
from heliostat_search.trainings.wording import (
    edge_text,
    edges_of,
    explosions,
    sentence,
    worse_than_trivial,
)

SHOWN = ("equal_steps", "at_best")
"""The ways that pictures and terminal show."""
CALLED = "variant"
"""What is compared, at the head of a column."""
SAME_FUNCTIONS = (
    "A Gaussian mask adds no function: weights divided by the mask undo it, so the network can "
    "compute what it could before. What changes is how training moves the weights, and what weight "
    "decay holds small: a difference is one of training, not of what can be expressed."
)


def reservations(outcome: Plain) -> Iterator[str]:
    """Yield sentences on what is to be known before a number is believed."""
    for one in outcome["variants"]:
        if one["kind"] != "conv" and not one["converted"]:
            yield (
                f"{one['label']} changes no layer of this network, so it is the ordinary one: "
                f"{_why(one)}."
            )
        yield from explosions(one)
        yield from worse_than_trivial(one, outcome, SHOWN)
    if edges := edges_of(outcome["variants"]):
        yield edge_text(edges)
    yield from (sentence(text) for text in outcome["remarks"])


def _why(one: Plain) -> str:
    reasons = dict.fromkeys(reason for _, reason in one["skipped"])
    return "; ".join(reasons) or "it has no convolution of several taps"
