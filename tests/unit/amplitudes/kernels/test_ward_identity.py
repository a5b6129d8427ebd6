"""The residual is small where momenta and polarisations are right, and large where they are not."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from heliostat_methods.amplitudes.kernels import amplitude_errors, ward_residuals, ym_amplitudes


@pytest.fixture(scope="module")
def point(helicity: SimpleNamespace):
    k = helicity.momenta(64, 7, seed=5)
    return k, helicity.polarisations(k, [1, -1, 1, -1, 1, 1, -1])


def test_good_points_have_small_residuals(point) -> None:
    found = ward_residuals(*point)
    assert found.shape == (64,)
    assert np.median(found) < 1e-13
    assert found.max() < 1e-12


def test_the_largest_of_all_legs_is_returned(point) -> None:
    each = [ward_residuals(*point, leg=leg) for leg in range(7)]
    assert (ward_residuals(*point) == np.max(each, axis=0)).all()


def test_a_polarisation_along_its_momentum_is_seen(point) -> None:
    k, e = point
    wrong = e.copy()
    wrong[::2, 3] += k[::2, 3] * np.array([1, -1, -1, -1])  # e.k becomes 2 E^2
    found = ward_residuals(k, wrong)
    assert np.median(found[::2]) > 1e-3
    assert found[::2].min() > 1e-6
    assert found[1::2].max() < 1e-12


@pytest.mark.parametrize("leg", [0, 4, 6])
def test_momenta_off_the_light_cone_or_not_conserved_are_seen(point, leg: int) -> None:
    k, e = point
    wrong = k.copy()
    wrong[:, leg, 0] *= 1.5
    assert np.median(ward_residuals(wrong, e)) > 1e-3


@pytest.mark.parametrize("reference", [None, (1, 0.97)])
@pytest.mark.parametrize("n", [6, 9, 12])
def test_the_estimate_finds_the_points_where_an_amplitude_is_inexact(
    n: int, reference, helicity: SimpleNamespace
) -> None:
    k = helicity.momenta(200, n, seed=n)
    # a reference near a beam makes terms that are much greater than their sum
    e = helicity.polarisations(k, [-1, -1] + [1] * (n - 2), reference)
    left, _ = helicity.spinors(k)
    expected = 2 ** ((n - 4) / 2) * helicity.parke_taylor(left, 0, 1)
    error = np.abs(ym_amplitudes(k, e) - expected)
    estimate = amplitude_errors(k, e) + 1e-15 * np.abs(expected)
    assert 0.1 < np.median(error / estimate) < 2
    assert np.quantile(error / estimate, 0.98) < 10


def test_a_pole_gives_nan_and_vanishing_polarisations_nothing(point) -> None:
    k, e = point
    wrong = k.copy()
    wrong[5, 1] = wrong[5, 0] = [1, 1, 0, 0]
    assert np.isnan(ward_residuals(wrong, e)).nonzero()[0].tolist() == [5]
    assert np.isnan(amplitude_errors(wrong, e)).nonzero()[0].tolist() == [5]
    assert (ward_residuals(k, 0 * e) == 0).all()
    assert (amplitude_errors(k, 0 * e) == 0).all()


@pytest.mark.parametrize("leg", [-1, 7, 1.5, "0"])
def test_a_leg_that_is_none_is_refused(point, leg) -> None:
    for function in (ward_residuals, amplitude_errors):
        with pytest.raises(ValueError, match=r"leg = .*: expected None or a leg from 0 to 6"):
            function(*point, leg=leg)
