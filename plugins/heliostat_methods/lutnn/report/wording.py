"""What terminal and report say alike of a comparison: its reservations, and what sizes mean."""

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


def reservations(outcome: Plain) -> Iterator[str]:
    """Yield sentences on what is to be known before a number is believed."""
    for one in outcome["variants"]:
        if one["kind"] not in ("dense", "dense_longer", "int8") and not one["layers"]:
            on = ", trained on" if one["trained"] else ""
            yield (
                f"{one['label']} looks nothing up here, so it is the dense network{on}: "
                f"{_why(one)}."
            )
        yield from explosions(one)
        yield from worse_than_trivial(one, outcome, SHOWN)
    if edges := edges_of([one for one in outcome["variants"] if one["trained"]]):
        yield edge_text(edges)
    if outcome["dense_edge"]:
        yield (
            "The best rate of the dense training lies at the edge of those tried, so a better "
            "dense network may be beyond it: nothing is decided. rate_growths lets more be tried."
        )
    yield from (sentence(text) for text in outcome["remarks"])


def size_text(outcome: Plain) -> str:
    """Return a sentence on how large and how costly the network that looks up is."""
    one = shown_lookup(outcome)
    if one is None:
        return "No layer looks anything up."
    count = len(one["layers"])
    of = f"{one['label']}: {count} of its layers look{'s' * (count == 1)} up, "
    macs, size = one["dense_macs"] / one["macs"], one["dense_bytes"] / one["bytes"]
    float32 = sum(row["dense_bytes"] for row in one["layers"])
    int8 = sum(row["int8_bytes"] for row in one["layers"])
    mine = sum(row["lookup_bytes"] for row in one["layers"])
    return (
        f"{of}{times(macs, 'fewer multiply-adds', 'more multiply-adds')} and "
        f"{times(size, 'smaller', 'larger')} as a whole; those layers alone are "
        f"{times(float32 / mine, 'smaller', 'larger')} than with float32 weights and "
        f"{times(int8 / mine, 'smaller', 'larger')} than with int8 ones."
    )


def steps_text(outcome: Plain) -> str:
    """Return which steps are meant, beside the sentence on the data."""
    return (
        f"Steps are those of fine-tuning; each dense network takes {outcome['dense_steps']:,} "
        "before them."
    )


def shown_lookup(outcome: Plain) -> Plain | None:
    """Return the variant whose layers are shown: lutnn, else the first that looks up."""
    some = [one for one in outcome["variants"] if one["layers"]]
    return next((one for one in some if one["kind"] == "lutnn"), some[0] if some else None)


def times(ratio: float, fewer: str, more: str) -> str:
    """Return a ratio in words: 2.0 times smaller, or 1.6 times larger."""
    return f"{ratio:.1f} times {fewer}" if ratio >= 1 else f"{1 / ratio:.1f} times {more}"


def _why(one: Plain) -> str:
    reasons = dict.fromkeys(reason for _, reason in one["skipped"])
    return "; ".join(reasons) or "it has no linear layer and no convolution"
