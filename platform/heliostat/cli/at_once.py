"""How many trials of a tuning are under way at once: by default, and as a resume says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heliostat.store.view import RunView


def default_at_once(parallel: int, trials: int) -> int:
    """Return how many trials may be under way: one more than run side by side, few of all.

    More would keep no more workers busy, and a sampler learns less the more it asks ahead.
    """
    return max(1, min(parallel + 1, trials // 10))


def told_on_resume(view: RunView, overrides: Sequence[str]) -> list[str]:
    """Return the lines for a tuning that goes on; none for another method's run."""
    if view.method != "tune":
        return []
    if any(text.partition("=")[0].strip() == "at_once" for text in overrides):
        return []  # whoever goes on has just said it
    most = view.config.get("at_once")
    lines = [f"trials at once: {most or view.lookahead}, as the run began"]
    if most is not None:
        lines += [
            "  more: -o at_once=N; the trials are then those of a run that had N from its",
            "  start, and what differs is tried anew",
        ]
    return lines
