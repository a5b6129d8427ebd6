"""What is taken of the candidates for a budget: the likeliest, or the first that fits."""

from __future__ import annotations

import numpy as np

from heliostat_methods.pnag.searches.answers import chosen
from heliostat_methods.pnag.tasks.teaching import Said

COSTS = {0: 9.0, 1: 5.0, 2: 4.0}
CANDIDATES = np.array([[0], [1], [2]], np.int16)


def taken(budget: float, known: bool) -> int:
    said = Said(np.array([budget]), (CANDIDATES,), {})
    cost = (lambda archs: np.array([COSTS[int(a)] for a in archs[:, 0]])) if known else None
    return int(chosen(said, cost)[0, 0])


def test_where_costs_are_known_the_first_that_fits_is_taken() -> None:
    assert taken(10.0, True) == 0
    assert taken(5.0, True) == 1
    assert taken(4.5, True) == 2


def test_where_nothing_fits_or_nothing_is_known_the_likeliest_is_taken() -> None:
    assert taken(1.0, True) == 0
    assert taken(5.0, False) == 0
