"""Points by components agree with points by products, over every field and metric."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from heliostat_methods.amplitudes.acting.apply import apply
from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.kinematics.four_vector_point import FourVectorPoint
from heliostat_methods.amplitudes.kinematics.phase_space import flat_phase_space
from heliostat_methods.amplitudes.kinematics.spinors import spinor_points, spinors_of
from heliostat_methods.amplitudes.operators.terms import Trace

REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("ym", {}),
    ("ym", {"ordering": (2, 0, 3, 1, 4)}),
    ("yms", {"scalars": ((0, 2), (1, 4))}),
    ("yms_minimal", {"scalars": ((0, 1), (2, 4))}),
    ("ym_phi3", {"trace": (0, 2, 4)}),
    ("bas", {"ordering": (None, (0, 2, 1, 3, 4))}),
    ("nlsm", {}),
]
REFERENCE = (np.array([3, 5]), np.array([2, -7]))


def rational_point(n: int = 5) -> FourVectorPoint:
    """Return rational momenta that are products of two spinors, under (+,-,+,-)."""
    rng = np.random.default_rng(8)
    draw = [[Fraction(int(x)) for x in rng.integers(1, 30, 4)] for _ in range(n)]
    left, right = [v[:2] for v in draw], [v[2:] for v in draw]

    def bracket(a: list[Fraction], b: list[Fraction]) -> Fraction:
        return a[0] * b[1] - a[1] * b[0]

    for solved, other in ((n - 1, n - 2), (n - 2, n - 1)):
        below = bracket(left[other], left[solved])
        right[solved] = [
            -sum(bracket(left[other], left[i]) * right[i][c] for i in range(n - 2)) / below
            for c in (0, 1)
        ]

    def vector(a: list[Fraction], b: list[Fraction]) -> list[Fraction]:
        m = [[x * y for y in b] for x in a]
        return [
            (m[0][0] + m[1][1]) / 2, (m[0][1] + m[1][0]) / 2,
            (m[1][0] - m[0][1]) / 2, (m[0][0] - m[1][1]) / 2,
        ]  # fmt: skip

    q = [Fraction(5), Fraction(-3)]
    momenta = [vector(a, b) for a, b in zip(left, right, strict=True)]
    polarisations = [
        vector(q, b) if i % 2 else vector(a, q)
        for i, (a, b) in enumerate(zip(left, right, strict=True))
    ]
    return FourVectorPoint(momenta, polarisations, "+-+-")


@pytest.mark.parametrize("field", ["rational", "flint", "gf", "mpmath:40", "float64"])
@pytest.mark.parametrize(("theory", "given"), REQUESTS)
def test_components_and_products_give_one_amplitude(
    theory: str, given: dict[str, Any], field: str
) -> None:
    if field == "flint":
        pytest.importorskip("flint", reason="python-flint is not installed")
    point = rational_point().over(field)
    by_components = amplitude(theory, point, **given)
    difference = by_components - amplitude(theory, point.gram(), **given)
    scale = 1 if point.field.exact else abs(by_components)
    assert point.field.negligible(difference, scale)
    if field == "rational" and theory != "nlsm":
        assert by_components != 0


def test_operators_act_on_components_through_products() -> None:
    point = rational_point()
    made = apply(Trace(0, 2, 4), "ym")(point)
    assert made == amplitude("ym_phi3", point, trace=(0, 2, 4))


def test_products_are_those_of_the_components() -> None:
    point = rational_point(4)
    gram = point.gram()
    metric = (1, -1, 1, -1)
    for i in range(4):
        for j in range(4):
            dot = sum(
                s * x * y
                for s, x, y in zip(metric, point.momentum(i), point.momentum(j), strict=True)
            )
            assert gram.momentum_product(i, j) == point.momentum_product(i, j) == dot
    assert gram == gram.over("rational")


def valid(dimension: int = 4) -> tuple[list[list[Any]], list[list[Any]]]:
    """Return two pairs of opposite massless momenta, and polarisations across them."""
    momenta = [[1, 1, 0, 0], [-1, -1, 0, 0], [1, 0, 1, 0], [-1, 0, -1, 0]]
    return momenta, [[0, 0, 0, 1]] * 4


@pytest.mark.parametrize(
    ("i", "mu", "value", "message"),
    [
        (0, 0, 2, r"sum over i of momenta\[i\]\[0\] = 1, expected 0: momentum is conserved"),
        (2, 3, "1/2", r"sum over i of momenta\[i\]\[3\] = 1/2, expected 0"),
        (1, 1, "a", r"momenta\[1\]\[1\]: 'a' is no rational number"),
    ],
)
def test_momentum_is_conserved(i: int, mu: int, value: Any, message: str) -> None:
    momenta, polarisations = valid()
    momenta[i][mu] = value
    with pytest.raises(InvalidPoint, match=message):
        FourVectorPoint(momenta, polarisations)


def test_legs_are_massless_and_polarisations_transverse() -> None:
    momenta, polarisations = valid()
    heavy = [[2, 1, 0, 0], [-2, -1, 0, 0], *momenta[2:]]
    with pytest.raises(InvalidPoint, match=r"momenta\[0\]\^2 = k_0\.k_0 = 3, expected 0: legs are"):
        FourVectorPoint(heavy, polarisations)
    along = [[0, 0, 0, 1], [0, 2, 0, 0], *polarisations[2:]]
    with pytest.raises(InvalidPoint, match=r"e_1\.k_1 = 2, expected 0: polarisations are trans"):
        FourVectorPoint(momenta, along)


def test_shapes_and_metrics_are_named() -> None:
    momenta, polarisations = valid()
    with pytest.raises(InvalidPoint, match="momenta: 2 legs, expected at least 3"):
        FourVectorPoint(momenta[:2], polarisations[:2])
    with pytest.raises(InvalidPoint, match="polarisations: None, expected rows of numbers"):
        FourVectorPoint(momenta, None)
    with pytest.raises(InvalidPoint, match="momenta: 1 components, expected at least 2"):
        FourVectorPoint([[0]] * 3, [[0]] * 3)
    with pytest.raises(InvalidPoint, match="polarisations: 3 rows, expected 4"):
        FourVectorPoint(momenta, polarisations[:3])
    with pytest.raises(InvalidPoint, match=r"momenta\[1\]: 3 numbers, expected 4"):
        FourVectorPoint([momenta[0], momenta[1][:3], *momenta[2:]], polarisations)
    with pytest.raises(InvalidPoint, match="metric: 3 signs, expected 4"):
        FourVectorPoint(momenta, polarisations, "+--")
    with pytest.raises(InvalidPoint, match=r"metric\[1\] = 'x', expected 1 or -1"):
        FourVectorPoint(momenta, polarisations, "+x--")
    with pytest.raises(InvalidPoint, match=r"metric\[0\] = 2, expected 1 or -1"):
        FourVectorPoint(momenta, polarisations, (2, 1, 1, 1))


@pytest.mark.parametrize("energy", [1e-9, 1.0, 1e9])
def test_float_tolerances_go_with_the_energy(energy: float) -> None:
    k = flat_phase_space(1, 5, np.random.default_rng(2), energy)[0]
    e = spinors_of(k).polarisations("+-+-+", (np.array([1, 2j]), np.array([1, -1j])))[0]
    FourVectorPoint(k.astype(complex), e)
    wrong = k.copy()
    wrong[3, 0] += 1e-6 * energy
    with pytest.raises(InvalidPoint, match=r"sum over i of momenta\[i\]\[0\]"):
        FourVectorPoint(wrong.astype(complex), e)
    wrong = e.copy()
    wrong[2] += 1e-4 * np.array([1, 0, 0, 0])
    with pytest.raises(InvalidPoint, match=r"e_2\.k_2"):
        FourVectorPoint(k.astype(complex), wrong)


def test_a_batch_is_one_point_whose_components_are_arrays() -> None:
    spinors = spinor_points(6, 5, np.random.default_rng(0))
    momenta = np.moveaxis(spinors.momenta(), 0, -1)
    polarisations = np.moveaxis(spinors.polarisations("--+++", REFERENCE), 0, -1)
    batch = FourVectorPoint(momenta, polarisations)
    single = [
        amplitude("ym", spinors.point("--+++", REFERENCE, at)) for at in range(spinors.points)
    ]
    assert np.allclose(amplitude("ym", batch), single, rtol=1e-11)
    momenta = momenta.copy()
    momenta[0, 0, 3] += 1
    with pytest.raises(InvalidPoint, match="momentum is conserved"):
        FourVectorPoint(momenta, polarisations)


def test_two_dimensions_are_enough_for_a_point() -> None:
    point = FourVectorPoint([[1, 1], [2, 2], [-3, -3]], [[1, 1]] * 3)
    assert point.momentum_product(0, 1) == 0
    assert repr(point) == "FourVectorPoint(n=3, D=2, field=rational)"
