"""Scores averaged over target fonts, each counted once."""

from __future__ import annotations

from typing import Any

import numpy as np


def mean_rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return for each variant its mean of every metric over fonts, and how many failed.

    ``means``: of the fonts on which the variant trained; empty if there was none.
    """
    names = list(dict.fromkeys(row["variant"] for row in result["rows"]))
    made = []
    for name in names:
        mine = [row for row in result["rows"] if row["variant"] == name]
        there = [row["scores"] for row in mine if row["scores"]]
        means = {
            metric: float(np.mean([scores[metric]["mean"] for scores in there]))
            for metric in (there[0] if there else {})
        }
        failed = sum(not row["scores"] for row in mine)
        made.append({"variant": name, "means": means, "fonts": len(there), "failed": failed})
    return made


def mean_ceiling(result: dict[str, Any]) -> dict[str, float]:
    """Return the mean of the true glyphs' metrics over fonts."""
    scores = [one["scores"] for one in result["ceilings"].values()]
    return {metric: float(np.mean([one[metric] for one in scores])) for metric in scores[0]}
