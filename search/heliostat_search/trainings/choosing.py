"""Which rate is best for each contestant, on validation rows and seeds of its own.

Rates are tried as multiples of the configured one, and judged in up to three ways: after all steps,
at each training's best checkpoint, and at a cut before the end (a budget that a contestant reaches
earlier). While the best of a way lies at an edge, one more rate is tried beyond it (`rates`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from heliostat_search.trainings.rates import Stopping, TriedRate, at_edge, best, beyond

Array = npt.NDArray[Any]
Valid = Callable[[Sequence[tuple[int, float]]], Sequence[Array]]
"""Gives the validation curves (R, K) of contestants by place at factors of the rate."""
LEAST = 1e-12
"""Smaller factors, and larger ones than its inverse, are not tried: no number would be left."""


@dataclass(frozen=True)
class Chosen:
    """A factor of the rate; ``edge``: a better one may lie beyond those tried."""

    factor: float
    edge: bool = False


@dataclass(frozen=True)
class Choice:
    """What is best in each way, and the rates tried to the end; no cut, no choice there."""

    at_end: Chosen
    at_best: Chosen
    at_cut: Chosen | None
    tried: tuple[TriedRate, ...]

    @property
    def factors(self) -> tuple[float, ...]:
        """The different factors that are chosen."""
        some = (self.at_end, self.at_best, *((self.at_cut,) if self.at_cut else ()))
        return tuple(dict.fromkeys(one.factor for one in some))


def choose(
    count: int,
    steps: Sequence[int],
    factors: Sequence[float],
    growths: int,
    valid: Valid,
    cuts: Sequence[int | None] | None = None,
) -> list[Choice]:
    """Return the choice for each of ``count`` contestants.

    ``steps`` are those of the curves; ``cuts`` the place of a contestant's cut among them. One
    factor alone is taken as given. ``growths``: how many may be added beyond each edge.
    """
    cuts = [None] * count if cuts is None else cuts
    if len(factors) == 1:  # given, so there is nothing to choose but the steps
        given = Chosen(factors[0])
        return [Choice(given, given, None if cut is None else given, ()) for cut in cuts]
    curves: list[dict[float, Array]] = [{} for _ in range(count)]
    asked = [(i, factor) for i in range(count) for factor in factors]
    while asked:
        for (i, factor), found in zip(asked, valid(asked), strict=True):
            curves[i][factor] = found
        asked = [
            (i, factor)
            for i in range(count)
            for factor in _further(_tried(curves[i], steps, cuts[i]), factors, growths)
        ]
    return [_choice(*_tried(curves[i], steps, cuts[i])) for i in range(count)]


def _tried(
    curves: Mapping[float, Array], steps: Sequence[int], cut: int | None
) -> tuple[list[TriedRate], list[TriedRate]]:
    """Return what was tried, to the end and up to the cut (empty without one)."""
    whole = [TriedRate.of(factor, one, steps) for factor, one in curves.items()]
    if cut is None:
        return whole, []
    end = cut + 1
    return whole, [
        TriedRate.of(factor, one[:, :end], steps[:end]) for factor, one in curves.items()
    ]


def _further(
    tried: tuple[list[TriedRate], list[TriedRate]], factors: Sequence[float], growths: int
) -> list[float]:
    more = [factor for some in tried if some for factor in beyond(some, factors, growths)]
    return [factor for factor in dict.fromkeys(more) if LEAST <= factor <= 1 / LEAST]


def _choice(whole: list[TriedRate], cut: list[TriedRate]) -> Choice:
    def chosen(tried: list[TriedRate], stopping: Stopping) -> Chosen:
        return Chosen(best(tried, stopping).factor, bool(at_edge(tried, stopping)))

    return Choice(
        chosen(whole, "at_end"), chosen(whole, "at_best"),
        chosen(cut, "at_end") if cut else None,
        tuple(sorted(whole, key=lambda one: one.factor)),
    )  # fmt: skip
