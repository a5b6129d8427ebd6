"""Momenta are massless, conserve momentum to rounding, and fill phase space evenly."""

from __future__ import annotations

import numpy as np
import pytest

from heliostat_methods.amplitudes.kinematics.phase_space import flat_phase_space


@pytest.mark.parametrize("n", [4, 5, 8, 12])
@pytest.mark.parametrize("energy", [1e-6, 1.0, 13000.0])
def test_momenta_are_massless_and_conserved(n: int, energy: float) -> None:
    k = flat_phase_space(5000, n, np.random.default_rng(n), energy)
    assert k.shape == (5000, n, 4) and k.dtype == np.float64
    assert np.abs(k.sum(1)).max() < 1e-12 * energy
    masses = k[..., 0] ** 2 - (k[..., 1:] ** 2).sum(-1)
    assert np.abs(masses).max() < 1e-12 * energy**2
    assert np.all(k[:, :2, 0] == -energy / 2)
    assert np.all(k[:, 2:, 0] > 0)
    assert np.all(k[:, 0, 3] == -k[:, 1, 3])


@pytest.mark.parametrize("n", [4, 5, 6, 9])
def test_pairs_of_legs_share_the_squared_energy_evenly(n: int) -> None:
    """The mean of s_ij is energy^2 / (number of pairs): they add up to energy^2 and are alike."""
    points, outgoing = 20_000, n - 2
    k = flat_phase_space(points, n, np.random.default_rng(1), 1.0)
    pair = k[:, 2] + k[:, 3]
    s = pair[:, 0] ** 2 - (pair[:, 1:] ** 2).sum(-1)
    expected = 2 / (outgoing * (outgoing - 1))
    assert abs(s.mean() - expected) < 5 * s.std() / np.sqrt(points) + 1e-12


def test_three_legs_fill_the_dalitz_triangle_evenly() -> None:
    """Three massless legs: (s_23, s_34) is uniform on the triangle, so s_23 has density 2(1-s)."""
    k = flat_phase_space(40_000, 5, np.random.default_rng(3), 1.0)
    s, t = (
        (k[:, i, 0] + k[:, j, 0]) ** 2 - ((k[:, i, 1:] + k[:, j, 1:]) ** 2).sum(-1)
        for i, j in ((2, 3), (3, 4))
    )
    for quantile in (0.1, 0.3, 0.5, 0.8):
        assert np.mean(s < quantile) == pytest.approx(1 - (1 - quantile) ** 2, abs=0.013)
    assert np.mean(s < t) == pytest.approx(0.5, abs=0.013)
    assert np.mean(s * t) == pytest.approx(1 / 12, abs=0.002)


def test_directions_are_isotropic() -> None:
    k = flat_phase_space(20_000, 6, np.random.default_rng(4), 1.0)
    direction = k[:, 2, 1:] / k[:, 2, :1]
    assert np.abs(direction.mean(0)).max() < 0.02
    assert np.cov(direction.T) == pytest.approx(np.eye(3) / 3, abs=0.01)


def test_the_generator_alone_decides() -> None:
    one, other = (flat_phase_space(10, 5, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(one, other)


def test_what_has_no_phase_space_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="n: 3, expected at least 4 legs"):
        flat_phase_space(1, 3, rng)
    for energy in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=r"energy: .*expected a positive number"):
            flat_phase_space(1, 4, rng, energy)
