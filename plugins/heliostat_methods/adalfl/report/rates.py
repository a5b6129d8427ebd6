"""The learning rates that were tried for each contestant, and whether the best lies at an edge."""

from __future__ import annotations

from heliostat.report import Folded, Section, Text
from heliostat_search.trainings.numbers import Plain
from heliostat_search.trainings.pictures import rates_tried
from heliostat_search.trainings.wording import edge_text, edges_of


def rates(outcome: Plain) -> list[Section]:
    """Return what each rate gave on validation rows; nothing where none was chosen."""
    tried = [one for one in outcome["contestants"] if one["tried"]]
    if not tried:
        return []
    edges = edges_of(tried)
    told = edge_text(edges) if edges else "Every chosen rate lies between others that were worse."
    shown = rates_tried(outcome, tried, "contestant")
    return [Section("Learning rates", [Text(told), Folded("All rates tried", shown)])]
