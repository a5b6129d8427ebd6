"""What may be said of one loss against another, in the one place that says it.

A training that explodes is no missing value: a loss that explodes more often than its opponent is
never "no different", and is worse where the ranks show it. Where differences are of one size the
t-interval decides, where one is outlying the signed-rank test does. A loss whose best rate may lie
beyond those tried is not at its best, so nothing is decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from heliostat_search.trainings.paired_seeds import PairedTest

LEVEL = 0.05
Kind = Literal["better", "worse", "none", "explodes", "edge", "unpaired"]


@dataclass(frozen=True)
class Trainings:
    """One side: in how many of its trainings it exploded, and whether its rate lies at an edge."""

    count: int
    exploded: int = 0
    edge: bool = False


def judge(
    mine: Trainings, usual: Trainings, test: PairedTest | None, p: float | None = None
) -> Kind:
    """Return what the first loss is, against the second; ``p`` replaces the t-test's, corrected."""
    by_rank = rank_verdict(test)
    if mine.exploded * usual.count > usual.exploded * mine.count:
        return "worse" if by_rank == "worse" or mine.exploded == mine.count else "explodes"
    if mine.edge or usual.edge:
        return "edge"
    if usual.exploded * mine.count > mine.exploded * usual.count:
        return (
            "better"
            if by_rank == "better" or (usual.exploded == usual.count and not mine.exploded)
            else "unpaired"
        )
    if test is None:
        return "unpaired"
    if test.outlying:
        return by_rank
    if (test.t_p if p is None else p) >= LEVEL:
        return "none"
    return "better" if test.difference.mean < 0 else "worse"


def rank_verdict(test: PairedTest | None) -> Kind:
    """Return what the signed-rank test alone says."""
    if test is None or test.wilcoxon_p >= LEVEL or test.rank_sign == 0:
        return "none"
    return "better" if test.rank_sign < 0 else "worse"
