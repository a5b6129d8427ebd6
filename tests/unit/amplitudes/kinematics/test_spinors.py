"""Spinors: momenta conserve, brackets are products, polarisations are normalised."""

from __future__ import annotations

import numpy as np
import pytest

from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.fields.residue_arrays import inverse
from heliostat_methods.amplitudes.kinematics.phase_space import flat_phase_space
from heliostat_methods.amplitudes.kinematics.spinors import Spinors, spinor_points, spinors_of

Q = (np.array([3, 5]), np.array([2, 7]))
FIELDS = ("complex128", "gf", "gf:10007")


def dot(spinors: Spinors, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    signs = np.array(spinors.metric)
    if spinors.prime is None:
        return (signs * a * b).sum(-1)
    return (signs * (a * b % spinors.prime)).sum(-1) % spinors.prime


def vanishes(spinors: Spinors, values: np.ndarray, scale: float) -> bool:
    if spinors.prime is None:
        return bool(np.all(np.abs(values) < 1e-12 * scale))
    return not np.any(values % spinors.prime)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("n", [3, 4, 7, 12])
def test_momenta_are_massless_and_conserved(n: int, field: str) -> None:
    spinors = spinor_points(200, n, np.random.default_rng(n), field)
    k = spinors.momenta()
    assert k.shape == (200, n, 4)
    assert k.dtype == (np.int64 if spinors.prime else np.complex128)
    size = float(np.abs(k).max())
    assert vanishes(spinors, k.sum(1), size)
    assert vanishes(spinors, dot(spinors, k, k), size**2)


@pytest.mark.parametrize("field", FIELDS)
def test_brackets_multiply_to_products(field: str) -> None:
    spinors = spinor_points(100, 5, np.random.default_rng(0), field)
    k = spinors.momenta()
    for i, j in ((0, 1), (1, 3), (2, 4)):
        product = spinors.angles(i, j) * spinors.squares(i, j)
        twice = 2 * dot(spinors, k[:, i], k[:, j])
        assert vanishes(spinors, product - twice, float(np.abs(k).max()) ** 2)
        assert vanishes(spinors, spinors.angles(i, j) + spinors.angles(j, i), 1.0)


@pytest.mark.parametrize("field", FIELDS)
def test_polarisations_are_transverse_null_and_normalised(field: str) -> None:
    spinors = spinor_points(100, 4, np.random.default_rng(1), field)
    k = spinors.momenta()
    plus, minus = (spinors.polarisations(h * 4, Q) for h in "+-")
    size = float(np.abs(k).max() * max(np.abs(plus).max(), np.abs(minus).max()))
    for e in (plus, minus):
        assert vanishes(spinors, dot(spinors, e, k), size)
        assert vanishes(spinors, dot(spinors, e, e), size)
    square = dot(spinors, plus, minus)
    # e+.e- is 1 with sqrt2 in both, and 1/2 without over residues
    assert vanishes(spinors, (1 if spinors.prime is None else 2) * square - 1, size)


@pytest.mark.parametrize("n", [4, 6])
def test_spinors_of_real_momenta_give_them_back(n: int) -> None:
    k = flat_phase_space(500, n, np.random.default_rng(2), 1.0)
    spinors = spinors_of(k)
    assert np.abs(spinors.momenta() - k).max() < 1e-14
    signs = np.where(k[..., 0] > 0, 1, -1)[..., None]
    assert np.abs(spinors.square - signs * spinors.angle.conj()).max() < 1e-14


def test_spinors_of_complex_momenta_give_them_back() -> None:
    k = spinor_points(500, 5, np.random.default_rng(3)).momenta()
    assert np.abs(spinors_of(k).momenta() - k).max() < 1e-12 * np.abs(k).max()
    # a matrix with one entry off the diagonal
    assert np.allclose(spinors_of([[0, 1, 1j, 0]] * 3).momenta(), [0, 1, 1j, 0])


def test_legs_along_the_axis_have_spinors() -> None:
    for z in (1, -1):
        assert np.array_equal(spinors_of([[2, 0, 0, 2 * z]] * 3).momenta()[0, 0], [2, 0, 0, 2 * z])


@pytest.mark.parametrize(
    ("momenta", "message"),
    [
        ([[1, 0, 0, 0]] * 3, r"momentum of leg 0 at point 0: k\.k = 1.0, expected a massless one"),
        ([[0, 0, 0, 0]] * 3, "other than 0"),
        ([[np.nan] * 4] * 3, "momentum of leg 0"),
        ([[1, 1, 0]] * 3, r"momenta: shape \(1, 3, 3\), expected \(n, 4\) or \(points, n, 4\)"),
        (["a"], "momenta: shape"),
    ],
)
def test_what_has_no_spinors_is_refused(momenta: object, message: str) -> None:
    with pytest.raises(InvalidPoint, match=message):
        spinors_of(momenta)


def test_a_reference_parallel_to_a_leg_is_named() -> None:
    spinors = spinor_points(3, 4, np.random.default_rng(4), "gf")
    q = spinors.angle[1, 2]
    with pytest.raises(InvalidPoint, match="<q 2> = 0 at point 1: expected another reference"):
        spinors.polarisations("++++", (q, Q[1]))
    with pytest.raises(InvalidPoint, match=r"\[3 q\] = 0 at point 0"):
        spinors.polarisations("----", (Q[0], spinors.square[0, 3]))


def test_requests_without_meaning_are_refused() -> None:
    spinors = spinor_points(1, 4, np.random.default_rng(5))
    for helicities, message in (
        ("+++", "helicities: 3, expected one for each of 4 legs"),
        ("++0+", r"helicities: '0' for leg 2, expected \+1 or -1"),
        ((1, 1, 2, 1), "helicities: 2 for leg 2"),
    ):
        with pytest.raises(ValueError, match=message):
            spinors.polarisations(helicities, Q)
    with pytest.raises(ValueError, match="n: 2, expected at least 3 legs"):
        spinor_points(1, 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match="field: rational, expected 'complex128' or 'gf:PRIME'"):
        spinor_points(1, 4, np.random.default_rng(0), "rational")


@pytest.mark.parametrize("prime", [3, 101, 2**31 - 1])
def test_inverses_of_residues(prime: int) -> None:
    values = np.random.default_rng(0).integers(1, prime, size=50)
    assert np.all(inverse(values, prime) * values % prime == 1)
    with pytest.raises(ZeroDivisionError, match=f"division by 0 modulo {prime}"):
        inverse(np.array([1, prime]), prime)
