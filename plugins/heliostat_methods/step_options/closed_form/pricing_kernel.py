"""The pricing kernel as physics: resolvent, propagator, bound states, scattering.

Coordinates z = ln(S / B(t)) / sigma with B the lowest barrier; H = -1/2 d^2/dz^2 + V(z) with the
contract's rates as potential. Discount and drift are a gauge factor on top (`price_density`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from heliostat_methods.step_options.closed_form.inversion import LaplaceInverter
from heliostat_methods.step_options.closed_form.resolvent import (
    Complex,
    logarithmic_slope,
    resolvent,
)
from heliostat_methods.step_options.closed_form.spectral import BoundState, bound_states, is_well
from heliostat_methods.step_options.closed_form.staircase_states import (
    StaircaseState,
    staircase_states,
)
from heliostat_methods.step_options.contracts.market import BlackScholesMarket
from heliostat_methods.step_options.contracts.reduced import reduce
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import (
    InvalidInput,
    Unsupported,
    Vector,
    number,
    numbers,
)


class PricingKernel:
    """Kernel of one contract in one market, any number of barriers."""

    def __init__(self, option: StepOption, market: BlackScholesMarket) -> None:
        if not isinstance(option, StepOption):
            raise InvalidInput("option", option, "a StepOption, such as down_step returns")
        if option.amortisation != "proportional":
            raise Unsupported(
                "amortisation", option.amortisation, "proportional for a kernel",
                "OccupationDensity has the law of the time beyond one barrier",
            )  # fmt: skip
        problem = reduce(option, market, "kernel")
        self.breaks: Vector = problem.breaks / problem.vol
        """Barriers in z, the lowest at 0."""
        self.rates: Vector = problem.rates
        self.drift = problem.nu / problem.vol
        """mu, the drift of z."""
        self.rate = problem.rate

    def resolvent(self, s: ArrayLike, z: ArrayLike, z_next: ArrayLike) -> Complex:
        """Return <z| (s + H)^-1 |z'>, broadcast over all three; s off the spectrum of -H."""
        return resolvent(s, z, z_next, self.breaks, self.rates)

    def factors(self, s: Complex, z: Vector) -> tuple[Complex, Complex]:
        """Return f and g with <z| (s + H)^-1 |z'> = f(z) exp(g(z') - g(z)) for z <= z'."""
        left, _ = logarithmic_slope(s, z, self.breaks, self.rates, from_left=True)
        right, log = logarithmic_slope(s, z, self.breaks, self.rates, from_left=False)
        return np.asarray(2 / (left - right)), np.asarray(log)

    def density(self, z: ArrayLike, z_next: ArrayLike, t: float, nodes: int = 18) -> Vector:
        """Return <z| e^{-Ht} |z'>, broadcast; accurate to about 1e-12 of its largest value."""
        number("t", t, above=0)
        z, z_next = np.broadcast_arrays(numbers("z", z), numbers("z_next", z_next))
        shift = max(0.0, -float(self.rates.min()))
        s, w = LaplaceInverter("hyperbola", nodes).points(t)
        values = self.resolvent(s + shift, z[..., None], z_next[..., None])
        return np.asarray(np.real(values @ w) * math.exp(shift * t))

    def price_density(self, z: ArrayLike, z_next: ArrayLike, t: float) -> Vector:
        """Return the discounted density of z' with its weight: integrate a claim against it."""
        step = np.asarray(z_next, float) - np.asarray(z, float)
        gauge = np.exp(-self.rate * t + self.drift * step - self.drift**2 * t / 2)
        return np.asarray(gauge * self.density(z, z_next, t))

    def bound_states(self) -> Sequence[BoundState | StaircaseState]:
        """Return the bound states, lowest energy first; they lie below both ends of the potential.

        Energies are above the lowest rate. A well of equal walls has at least one; its states take
        positions from its centre, those of any other potential from the lowest barrier. Raises
        Unsupported where two states are closer than double precision can tell.
        """
        self._check_finite("bound states")
        q = self.rates
        if is_well(tuple(q)):
            return bound_states(float(self.breaks[1]) / 2, float(q[0] - q[1]))
        return staircase_states(self.breaks, q)

    def _check_finite(self, what: str) -> None:
        if math.inf in self.rates:
            rates = tuple(float(rate) for rate in self.rates)
            raise Unsupported("rates", rates, f"finite rates for {what}",
                              "a rate of 1e6 is a wall for all that matters")  # fmt: skip

    def _amplitudes(self, energy: ArrayLike) -> tuple[Complex, Complex, Complex, Complex]:
        """Return r, t of a wave from above, and the wave numbers above and below."""
        self._check_finite("waves that pass")
        top = float(self.rates[-1])
        e = np.asarray(energy, complex)
        if not np.all(e.real > top):
            raise InvalidInput(
                "energy", energy, f"energies above {top:g}, the rate of the highest region"
            )
        wave = [np.sqrt(2 * (e - v) + 0j) for v in self.rates]
        wave = [np.where(k.imag < 0, -k, k) for k in wave]
        # below the lowest barrier the wave goes down: psi = e^{-i k z}; carry (psi, psi') upwards
        psi, slope, log = np.ones_like(e), -1j * wave[0], np.zeros(e.shape)
        for i in range(1, len(self.breaks)):
            d, k = self.breaks[i] - self.breaks[i - 1], wave[i]
            # in a wall both grow like e^{Im(k) d}, which is kept apart
            far = np.exp(-k.imag * d)
            forth, back = np.exp(1j * k * d) * far, np.exp(-1j * k.real * d)
            cosine = (forth + back) / 2
            sine = np.where(k == 0, d, (forth - back) / np.where(k == 0, 1, 2j * k))
            psi, slope = psi * cosine + slope * sine, slope * cosine - psi * k * k * sine
            log = log + k.imag * d
        k = wave[-1]
        incoming = (psi + slope / (-1j * k)) / 2
        outgoing = (psi - slope / (-1j * k)) / 2
        return outgoing / incoming, np.exp(-log) / incoming, k, wave[0]

    def transmission(self, energy: ArrayLike) -> Vector:
        """Return the probability to pass from above to below at an energy above V on top."""
        _, t, above, below = self._amplitudes(energy)
        return np.asarray(np.abs(t) ** 2 * below.real / above.real)

    def reflection(self, energy: ArrayLike) -> Vector:
        """Return the probability to be thrown back; with `transmission` it adds up to one."""
        r, _, _, _ = self._amplitudes(energy)
        return np.asarray(np.abs(r) ** 2)
