"""What may be concluded of a comparison, in a few sentences."""

from __future__ import annotations

from heliostat_methods.gmconv.comparison.outcome import WAYS, Compared, Outcome
from heliostat_search.trainings.wording import said_by_ways

FEW = 5


def sentence(outcome: Outcome) -> str:
    """Return what is said of every variant against the first one."""
    first, *others = outcome.variants
    if not others:
        return f"Only {first.label} was trained: there is nothing to compare."
    if outcome.seeds < 2:
        return "With one seed nothing can be concluded: take more."
    said = f"Over {outcome.seeds} paired seeds, {'; '.join(_of(one, first) for one in others)}."
    if any(line.edge for one in outcome.variants for line in one.lines):
        said += " Not decided: the best rate may lie beyond those tried; allow more rate_growths."
    return said if outcome.seeds >= FEW else f"{said} With so few seeds even that may be luck."


def _of(one: Compared, first: Compared) -> str:
    by = said_by_ways(one.differences, WAYS)
    parts = [
        f"{said} {first.label}" + ("" if len(by) == 1 else f" {', '.join(ways)}")
        for said, ways in by.items()
    ]
    return f"{one.label} {'; '.join(parts)}"
