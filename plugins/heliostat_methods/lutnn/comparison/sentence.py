"""What may be said of a comparison in a sentence."""

from __future__ import annotations

from heliostat_methods.lutnn.comparison.outcome import Compared, Outcome
from heliostat_search.trainings.wording import said_by_ways

FEW = 5
"""With fewer seeds a verdict may be luck."""
_WAYS = {"equal_steps": "after all steps", "at_best": "at its best"}


def sentence(outcome: Outcome) -> str:
    """Return what the paired tests say of each variant against the first one."""
    first, *others = outcome.variants
    if not others:
        return f"Only {first.label} was measured: there is nothing to compare."
    if outcome.seeds < 2:
        return "With one seed nothing can be concluded: take more."
    said = f"Over {outcome.seeds} paired seeds, {'; '.join(_of(one, first) for one in others)}."
    if any(line.edge for one in outcome.variants for line in one.lines):
        said += " Not decided: the best rate may lie beyond those tried; allow more rate_growths."
    return said if outcome.seeds >= FEW else f"{said} With so few seeds even that may be luck."


def _of(one: Compared, first: Compared) -> str:
    by = said_by_ways(one.differences, _WAYS)
    parts = [
        f"{said} {first.label}" + ("" if len(by) == 1 else f" {', '.join(ways)}")
        for said, ways in by.items()
    ]
    return f"{one.label} {'; '.join(parts)}"
