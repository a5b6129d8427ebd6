"""Boundary kinematics by norms: what is missing, too much or not planar is named."""

from __future__ import annotations

from typing import Any

import pytest

from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint
from heliostat_methods.amplitudes.kinematics.standard import standard_ads_point


def made(n: int = 4, **changed: Any) -> AdSPoint:
    point = standard_ads_point(n)
    given: dict[str, Any] = {"norms": point.norms, "planar_norms": dict(point.planar_norms),
                             "ek": point.ek, "ee": point.ee}  # fmt: skip
    return AdSPoint(**(given | changed))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"norms": (2, 3)}, "norms: 2 legs, expected at least 3"),
        ({"norms": (2, 0, 5, 7)}, r"norms\[1\] = 0, expected a norm that is not 0"),
        ({"norms": (2, "a", 5, 7)}, r"norms\[1\]: 'a' is no rational number"),
        ({"planar_norms": {(0, 2): 3}}, r"no X_13, expected \[\(0, 2\), \(1, 3\)\]"),
        ({"planar_norms": {(0, 2): 3, (1, 3): 0}}, r"planar_norms\[1, 3\] = 0"),
        (
            {"planar_norms": {(0, 2): 3, (1, 3): 4, (0, 3): 1}},
            r"planar_norms: \(0, 3\) is no diagonal of 4 legs",
        ),
        ({"planar_norms": [[1, 2]]}, "rows without all of X_ij"),
    ],
)
def test_what_is_no_point_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidPoint, match=message):
        made(**changed)


def test_rows_with_norms_in_place_are_the_same_point() -> None:
    point = standard_ads_point(4)
    rows = [[0] * 4 for _ in range(4)]
    for (i, j), x in point.planar_norms.items():
        rows[i][j] = x
    assert made(planar_norms=rows) == point


def test_norms_of_sets_of_neighbours_alone_are_known() -> None:
    point = standard_ads_point(5)
    assert point.norm_of((2, 1)) == point.planar_norms[1, 3]
    assert point.norm_of((0, 4)) == point.planar_norms[1, 4]
    assert point.norm_of((0, 1, 2)) == point.norm_of((3, 4))
    assert point.norm_of(range(5)) == 0
    assert point.norm_of((3,)) == point.norms[3]
    with pytest.raises(InvalidPoint, match=r"legs 0, 2 is needed.* cyclic or reversed order"):
        point.norm_of((2, 0))


def test_products_follow_from_norms() -> None:
    point = standard_ads_point(6)
    for i in range(5):
        for j in range(i + 2, 6):
            squared = sum(point.momentum_product(a, b) for a in range(i, j) for b in range(i, j))
            assert squared == -(point.planar_norm(i, j) ** 2)
