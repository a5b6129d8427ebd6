"""What paired tests say of contestants against the first one, in a sentence or two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from heliostat_search.trainings.lines import Difference, Line
from heliostat_search.trainings.wording import said_by_ways

FEW = 5
"""With fewer seeds a verdict may be luck."""


class Contestant(Protocol):
    """What is compared: its name, its lines, its differences from the first."""

    @property
    def label(self) -> str: ...  # noqa: D102
    @property
    def lines(self) -> Sequence[Line]: ...  # noqa: D102
    @property
    def differences(self) -> Sequence[Difference]: ...  # noqa: D102


def against_the_first(some: Sequence[Contestant], seeds: int, ways: Mapping[str, str]) -> str:
    """Return what is said of every contestant against the first; ``ways``: as a sentence says."""
    first, *others = some
    if not others:
        return f"Only {first.label} was trained: there is nothing to compare."
    if seeds < 2:
        return "With one seed nothing can be concluded: take more."
    said = f"Over {seeds} paired seeds, {'; '.join(_of(one, first, ways) for one in others)}."
    if any(line.edge for one in some for line in one.lines):
        said += " Not decided: the best rate may lie beyond those tried; allow more rate_growths."
    return said if seeds >= FEW else f"{said} With so few seeds even that may be luck."


def _of(one: Contestant, first: Contestant, ways: Mapping[str, str]) -> str:
    by = said_by_ways(one.differences, ways)
    parts = [
        f"{said} {first.label}" + ("" if len(by) == 1 else f" {', '.join(where)}")
        for said, where in by.items()
    ]
    return f"{one.label} {'; '.join(parts)}"
