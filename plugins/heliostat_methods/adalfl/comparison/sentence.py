"""What may be concluded of a comparison, in a few sentences."""

from __future__ import annotations

from collections.abc import Sequence

from heliostat_methods.adalfl.comparison.outcome import WAYS, Compared, Outcome
from heliostat_search.trainings.sentence import FEW
from heliostat_search.trainings.wording import said_by_ways


def sentence(outcome: Outcome) -> str:
    """Return what is said of the adapting loss, or of every contestant where there is none."""
    first, *others = outcome.contestants
    if not others:
        return f"Only {first.label} was trained: there is nothing to compare."
    if outcome.seeds < 2:
        return "With one seed nothing can be concluded: take more."
    chosen = [one for one in others if one.name == "adalfl"] or others
    parts = [_of(one, first) for one in chosen]
    said = f"Over {outcome.seeds} paired seeds, {'; '.join(parts)}."
    ahead = [one.label for one in others if one not in chosen and _ahead(one)]
    if ahead:
        said += f" Of the others, better after as many steps: {', '.join(ahead)}."
    if _edges(others, first):
        said += " Not decided: the best rate may lie beyond those tried; allow more rate_growths."
    untrained = [one.label for one in outcome.contestants if _untrained(one)]
    if untrained:
        said += (
            f" At its best a training of {', '.join(untrained)} is the model before its first "
            "step: lower rates may do better."
        )
    return said if outcome.seeds >= FEW else f"{said} With so few seeds even that may be luck."


def _of(one: Compared, first: Compared) -> str:
    by = said_by_ways(one.differences, WAYS)
    parts = [f"{said} {first.label} {', '.join(ways)}" for said, ways in by.items()]
    said = f"{one.label} {'; '.join(parts)}"
    costly = [side.label for side in (one, first) if not _has_equal_cost(side)]
    if costly:
        said += (
            f" (the beginning and one step of {' and of '.join(costly)} cost more gradient "
            "evaluations than the whole budget)"
        )
    return said


def _has_equal_cost(one: Compared) -> bool:
    return any(line.way == "equal_cost" for line in one.lines)


def _untrained(one: Compared) -> bool:
    return any(line.way == "at_best" and 0 in line.kept for line in one.lines)


def _ahead(one: Compared) -> bool:
    return any(row.way == "equal_steps" and row.verdict == "better" for row in one.differences)


def _edges(others: Sequence[Compared], first: Compared) -> bool:
    return any(line.edge for one in (*others, first) for line in one.lines)
