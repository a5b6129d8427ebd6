"""A point by products is legal, or names the constraint that it violates and by how much."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint
from heliostat_methods.amplitudes.kinematics.random_points import random_gram_point
from heliostat_methods.amplitudes.kinematics.standard import standard_gram_point


def tables(n: int = 4) -> dict[str, list[list[Any]]]:
    point = standard_gram_point(n)
    return {"kk": [list(row) for row in point.kk], "ek": [list(row) for row in point.ek],
            "ee": [list(row) for row in point.ee]}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "i", "j", "value", "message"),
    [
        ("kk", 1, 1, 2, r"kk\[1\]\[1\] = k_1\.k_1 = 2, expected 0: legs are massless"),
        ("kk", 0, 1, 15, r"kk\[1\]\[0\] = 14 and kk\[0\]\[1\] = 15, expected equal"),
        ("ek", 2, 2, "1/3", r"ek\[2\]\[2\] = e_2\.k_2 = 1/3, expected 0: polarisations are trans"),
        ("ek", 3, 0, 0, r"sum over j of ek\[3\]\[j\] = -e_3\.k_3 = 4, expected 0"),
        ("ee", 0, 3, 5, r"ee\[3\]\[0\] = 2 and ee\[0\]\[3\] = 5, expected equal numbers"),
        ("kk", 0, 2, "x", r"kk\[0\]\[2\]: 'x' is no rational number such as 3"),
        ("ek", 0, 1, None, r"ek\[0\]\[1\]: None is no rational"),
        ("ek", 0, 1, True, r"ek\[0\]\[1\]: True is no number"),
    ],
)
def test_the_violated_constraint_is_named(
    name: str, i: int, j: int, value: Any, message: str
) -> None:
    given = tables()
    given[name][i][j] = value
    with pytest.raises(InvalidPoint, match=message):
        GramPoint(**given, field="rational")


def test_the_last_leg_has_to_be_massless() -> None:
    given = tables()
    given["kk"][0][1] = given["kk"][1][0] = 15
    message = r"sum over i < j of kk\[i\]\[j\] = 1, expected 0: leg 3 is massless"
    with pytest.raises(InvalidPoint, match=message):
        GramPoint(**given)


def test_shapes_are_named() -> None:
    given = tables()
    with pytest.raises(InvalidPoint, match="kk: 2 rows, expected 3"):
        GramPoint(given["kk"][:2], given["ek"], given["ee"])
    with pytest.raises(InvalidPoint, match=r"ee\[0\]: 3 numbers, expected 4"):
        GramPoint(given["kk"], given["ek"], [row[:3] for row in given["ee"]])
    with pytest.raises(InvalidPoint, match="ee: 7, expected rows of numbers"):
        GramPoint(given["kk"], given["ek"], 7)
    with pytest.raises(InvalidPoint, match=r"kk: \[1, 2\], expected rows of numbers"):
        GramPoint([1, 2], given["ek"], given["ee"])
    with pytest.raises(InvalidPoint, match="ek: 2 legs, expected at least 3"):
        GramPoint([[0]], [[0], [0]], [[1, 0], [0, 1]])


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
def test_a_tolerance_goes_with_the_unit_of_momenta(unit: float) -> None:
    given = {name: np.array(rows, float) for name, rows in tables().items()}
    given["kk"] *= unit**2
    given["ek"] *= unit
    GramPoint(**given)
    noisy = {name: rows.copy() for name, rows in given.items()}
    noisy["kk"][0, 0] = 1e-12 * unit**2
    GramPoint(**noisy)
    for name, i, j in (("kk", 0, 0), ("ek", 1, 1)):
        wrong = {key: rows.copy() for key, rows in given.items()}
        wrong[name][i, j] = 1e-5 * np.abs(wrong[name]).max()
        with pytest.raises(InvalidPoint, match=rf"{name}\[{i}\]\[{j}\]"):
            GramPoint(**wrong)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_numbers_are_finite(bad: float) -> None:
    for name, i, j in (("kk", 0, 0), ("kk", 0, 1), ("ek", 0, 1), ("ee", 2, 2)):
        given = {key: np.array(rows, float).tolist() for key, rows in tables().items()}
        given[name][i][j] = bad
        if name != "ek":
            given[name][j][i] = bad
        with pytest.raises(InvalidPoint, match=rf"{name}\[.\]\[.\]: .* no finite number"):
            GramPoint(**given)


def test_a_batch_is_one_point_whose_numbers_are_arrays() -> None:
    scales = np.array([1.0, 2.0, -3.0])
    given = tables()
    ek = [[float(x) * scales for x in row] for row in given["ek"]]
    batch = GramPoint(given["kk"], ek, given["ee"])
    single = [
        amplitude("ym", GramPoint(given["kk"], [[float(x) * s for x in row] for row in given["ek"]],
                                  given["ee"]))
        for s in scales
    ]  # fmt: skip
    assert np.allclose(amplitude("ym", batch), single, rtol=1e-13)


def test_points_move_between_fields() -> None:
    point = standard_gram_point(5)
    value = amplitude("ym", point.over("gf:10007"))
    expected = amplitude("ym", point)
    assert value == point.over("gf:10007").field.number(expected)
    assert point.over("gf").over("gf") == point.over("gf")
    assert point != standard_gram_point(4)
    half = GramPoint([[0, "0"], [0, 0]], [[0, 1], [1, 0], ["1/2", Fraction(-1, 2)]], [[1] * 3] * 3)
    assert half.over("float64").ek[2] == (0.5, -0.5)


def test_a_float_point_is_no_exact_one():
    rough = random_gram_point(5, np.random.default_rng(0), "float64")
    for field in ("rational", "gf"):
        with pytest.raises(InvalidPoint, match="expected 0: leg 4 is massless"):
            rough.over(field)
    assert rough.over("complex128").field.name == "complex128"
