"""The kernel: numbers of many digits, and what has to hold for any kernel."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from heliostat_methods.step_options import (
    BlackScholesMarket,
    InvalidInput,
    PricingKernel,
    StepOption,
    double_step,
    down_step,
    price,
)
from heliostat_methods.step_options.closed_form.occupation import OccupationDensity, joint_density
from heliostat_methods.step_options.closed_form.spectral import (
    bound_states,
    step_kernel,
    well_kernel,
)

UNIT = BlackScholesMarket(1.0, 0.0, 0.0, 1.0)  # vol 1: z is the log-price over the barrier


# Origin: quadrature of 2 int_0^inf h(l + u, t1) h(l + v, t2) dl with 50 digits (mpmath), h(x, t)
# the density of the first hit of x; the third is 1 / sqrt(2 pi), the uniform law of a bridge.
@pytest.mark.parametrize(
    "u, v, t1, t2, expected",
    [
        (0.5, 0.0, 0.6, 0.4, 0.338635640241568),
        (0.3, 0.4, 0.5, 0.5, 0.363705206564159),
        (0.0, 0.0, 0.3, 0.7, 0.398942280401433),
        (0.0, 0.8, 0.9, 0.1, 0.00516982831150741),
    ],
)
def test_joint_density(u: float, v: float, t1: float, t2: float, expected: float) -> None:
    assert joint_density(u, v, t1, t2) == pytest.approx(expected, rel=1e-13)


# k(z, z'; .7) with rho = 3. Origin: Talbot inversion of the resolvent with 50 digits (mpmath).
STEP_KERNEL = [(0.5, 0.8, 0.421891639838734), (0.5, -0.4, 0.113105196807624),
               (-0.3, -0.9, 0.0525099496036555), (0.0, 0.6, 0.250980267942978)]  # fmt: skip


@pytest.mark.parametrize("z, z_next, expected", STEP_KERNEL)
def test_step_kernel_in_three_ways(z: float, z_next: float, expected: float) -> None:
    kernel = PricingKernel(down_step("unit", 1.0, 0.7, 1.0, 3.0), UNIT)
    assert kernel.density(z, z_next, 0.7) == pytest.approx(expected, rel=1e-11)
    occupation = OccupationDensity(0.7).kernel(z, z_next, lambda tau: np.exp(-3 * tau))
    assert occupation == pytest.approx(expected, rel=1e-12)
    assert step_kernel(z, z_next, 0.7, 3.0)[0, 0] == pytest.approx(expected, rel=1e-12)


# Origin: roots of k tan(k a) = q and -k cot(k a) = q with q = sqrt(2 rho - k^2), 50 digits (mpmath)
def test_energies_of_the_wells() -> None:
    one = bound_states(0.479470120752968, 5.0)
    assert [s.energy for s in one] == pytest.approx([1.83824760137703], rel=1e-13)
    five = bound_states(0.971015631563402, 30.0)
    expected = [1.01800114965808, 4.05460833331159, 9.04937286579590, 15.8614337578598,
                24.1069234047509]  # fmt: skip
    assert [s.energy for s in five] == pytest.approx(expected, rel=1e-13)


# From the centre of the first well, T = 1; the last column keeps the bound state only.
# Origin: the full spectral expansion, and inversion of the well's resolvent.
@pytest.mark.parametrize(
    "beyond, full, bound",
    [(0.0, 0.181598492988642, 0.18138068), (0.2, 0.168371284544735, 0.16820642),
     (None, 0.0854231273638564, 0.08552593)],
)  # fmt: skip
def test_well_kernel(beyond: float | None, full: float, bound: float) -> None:
    a = 0.479470120752968
    at = a + 0.1 if beyond is None else beyond
    assert well_kernel(0.0, at, 1.0, a, 5.0)[0, 0] == pytest.approx(full, rel=1e-12)
    assert well_kernel(0.0, at, 1.0, a, 5.0, "bound")[0, 0] == pytest.approx(bound, rel=1e-7)
    market = BlackScholesMarket(100.0, 0.05, 0.0, 0.3)
    kernel = PricingKernel(double_step("call", 100.0, 1.0, (90.0, 120.0), 5.0), market)
    assert kernel.density(a, a + at, 1.0) == pytest.approx(full, rel=1e-11)
    assert kernel.bound_states()[0].energy == pytest.approx(1.83824760137703, rel=1e-12)


STAIRS = PricingKernel(
    StepOption("unit", 1.0, 1.0, (1.0, 1.5, 2.5), (3.0, 0.0, 6.0, 1.0)), UNIT
)  # fmt: skip


def test_kernel_is_symmetric() -> None:
    z = np.linspace(-1.5, 2.5, 23)
    k = STAIRS.density(z[:, None], z[None, :], 0.6)
    np.testing.assert_allclose(k, k.T, atol=1e-12)


def test_chapman_kolmogorov() -> None:
    x, w = np.polynomial.legendre.leggauss(30)
    edges = [-8, -4, -2, -1, 0, *STAIRS.breaks[1:], 1.6, 2.5, 4, 8]
    pairs = list(itertools.pairwise(edges))
    mid = np.concatenate([(a + b) / 2 + (b - a) / 2 * x for a, b in pairs])
    dz = np.concatenate([(b - a) / 2 * w for a, b in pairs])
    ends = np.array([-0.7, 0.2, 0.6, 1.4])
    composed = (STAIRS.density(ends[:, None], mid[None, :], 0.5) * dz) @ STAIRS.density(
        mid[:, None], ends[None, :], 0.4
    )
    np.testing.assert_allclose(
        composed, STAIRS.density(ends[:, None], ends[None, :], 0.9), atol=1e-11
    )


def test_flux_is_conserved() -> None:
    energy = np.linspace(3.2, 40, 50)
    np.testing.assert_allclose(
        STAIRS.transmission(energy) + STAIRS.reflection(energy), 1.0, rtol=1e-12
    )


def test_step_reflection_is_the_amplitude_of_the_resolvent() -> None:
    kernel = PricingKernel(down_step("unit", 1.0, 1.0, 1.0, 3.0), UNIT)
    energy = 5.0
    k, q = np.sqrt(2 * energy), np.sqrt(2 * (energy - 3.0))
    assert kernel.reflection(energy) == pytest.approx(((k - q) / (k + q)) ** 2, rel=1e-13)
    s, a, b = 1.3, np.sqrt(2.6), np.sqrt(8.6)
    expected = (np.exp(-a * 0.3) + (a - b) / (a + b) * np.exp(-a * 1.3)) / a
    assert kernel.resolvent(s, 0.5, 0.8).real == pytest.approx(expected, rel=1e-13)
    assert kernel.bound_states() == []


def test_a_claim_integrated_against_the_price_density_is_its_price() -> None:
    market = BlackScholesMarket(100.0, 0.05, 0.02, 0.3)
    option = double_step("call", 105.0, 0.8, (90.0, 120.0), 5.0)
    kernel = PricingKernel(option, market)
    low = np.log(90.0)  # z is the log-price over the lowest barrier, in units of vol
    start, strike = (np.log(100.0) - low) / 0.3, (np.log(105.0) - low) / 0.3
    x, w = np.polynomial.legendre.leggauss(40)
    value = 0.0
    for a, b in itertools.pairwise([strike, kernel.breaks[1], 3.0, 5.0, 8.0]):
        z = (a + b) / 2 + (b - a) / 2 * x
        paid = 90.0 * np.exp(0.3 * z) - 105.0
        value += (b - a) / 2 * np.sum(w * paid * kernel.price_density(start, z, 0.8))
    assert value == pytest.approx(price(option, market).price, rel=1e-9)


def test_what_has_no_kernel_is_refused_by_field() -> None:
    market = BlackScholesMarket(100.0, 0.05, 0.02, 0.3)
    wall = PricingKernel(double_step("call", 100, 1, (80, 125), (np.inf, 5.0)), market)
    late = down_step("call", 100, 1, 90, 5, amortisation="delayed", window=0.1)
    for call, message in (
        (lambda: PricingKernel(1, market), "option = 1: expected a StepOption"),  # type: ignore[arg-type]
        (lambda: PricingKernel(late, market), "amortisation = 'delayed': expected proportional"),
        (wall.bound_states, "rates = .*: expected finite rates for bound states"),
        (lambda: wall.transmission(7.0), "rates = .*: expected finite rates for waves"),
        (lambda: wall.density(0.0, float("nan"), 1.0), "z_next = nan: expected a finite number"),
    ):
        with pytest.raises(InvalidInput, match=message):
            call()
