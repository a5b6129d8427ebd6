"""The pricing kernel as physics: resolvent, propagator, bound states, scattering.

Coordinates z = ln(S / B(t)) / sigma with B the lowest barrier; H = -1/2 d^2/dz^2 + V(z) with the
contract's rates as potential. Discount and drift are a gauge factor on top (`price_density`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.step_options.contract import StepOption
from heliostat_methods.step_options.inversion import LaplaceInverter
from heliostat_methods.step_options.market import BlackScholesMarket
from heliostat_methods.step_options.reduced import reduce
from heliostat_methods.step_options.spectral import BoundState, bound_states
from heliostat_methods.step_options.validation import Unsupported, Vector, number

Complex = NDArray[np.complex128]


class PricingKernel:
    """Kernel of one contract in one market, any number of barriers."""

    def __init__(self, option: StepOption, market: BlackScholesMarket) -> None:
        problem = reduce(option, market, "kernel")
        self.breaks: Vector = problem.breaks / problem.vol
        """Barriers in z, the lowest at 0."""
        self.rates: Vector = problem.rates
        self.drift = problem.nu / problem.vol
        """mu, the drift of z."""
        self.rate = problem.rate

    def resolvent(self, s: ArrayLike, z: ArrayLike, z_next: ArrayLike) -> Complex:
        """Return <z| (s + H)^-1 |z'>, broadcast over all three; s off the spectrum of -H."""
        s, z, z_next = np.broadcast_arrays(
            np.asarray(s, complex), np.asarray(z, float), np.asarray(z_next, float)
        )
        low, high = np.minimum(z, z_next), np.maximum(z, z_next)
        left, _ = self._logarithmic_slope(s, low, from_left=True)
        right, log_low = self._logarithmic_slope(s, low, from_left=False)
        _, log_high = self._logarithmic_slope(s, high, from_left=False)
        return np.asarray(2 / (left - right) * np.exp(log_high - log_low))

    def factors(self, s: Complex, z: Vector) -> tuple[Complex, Complex]:
        """Return f and g with <z| (s + H)^-1 |z'> = f(z) exp(g(z') - g(z)) for z <= z'."""
        left, _ = self._logarithmic_slope(s, z, from_left=True)
        right, log = self._logarithmic_slope(s, z, from_left=False)
        return np.asarray(2 / (left - right)), np.asarray(log)

    def _logarithmic_slope(self, s: Any, z: Any, from_left: bool) -> tuple[Any, Any]:
        """Return psi'/psi at z of the solution that decays on that side, and log psi (right one).

        log psi is relative to the value at the highest barrier; only decaying factors are formed.
        """
        kappa = [np.sqrt(2 * (s + v)) for v in self.rates]
        breaks, n = self.breaks, len(self.breaks)
        region = np.searchsorted(breaks, z)
        if from_left:
            slope: Any = kappa[0] + 0 * z
            for i in range(n):
                inside = region > i
                width = np.where(inside, np.minimum(z, breaks[i + 1] if i + 1 < n else np.inf)
                                 - breaks[i], 0.0)  # fmt: skip
                slope = np.where(inside, _through(slope, kappa[i + 1], width)[0], slope)
            return slope, None
        slope = -kappa[n]
        log = np.where(region == n, -kappa[n] * (z - breaks[n - 1]), 0)
        for i in range(n - 1, -1, -1):
            inside = region <= i
            low = np.maximum(z, breaks[i - 1]) if i > 0 else z
            width = np.where(inside, breaks[i] - low, 0.0)
            new, growth = _through(-slope, kappa[i], width)
            slope = np.where(inside, -new, slope)
            log = np.where(inside, log + growth, log)
        return slope, log

    def density(self, z: ArrayLike, z_next: ArrayLike, t: float, nodes: int = 18) -> Vector:
        """Return <z| e^{-Ht} |z'>, broadcast; accurate to about 1e-12 of its largest value."""
        number("t", t, above=0)
        z, z_next = np.broadcast_arrays(np.asarray(z, float), np.asarray(z_next, float))
        shift = max(0.0, -float(self.rates.min()))
        s, w = LaplaceInverter("hyperbola", nodes).points(t)
        values = self.resolvent(s + shift, z[..., None], z_next[..., None])
        return np.asarray(np.real(values @ w) * math.exp(shift * t))

    def price_density(self, z: ArrayLike, z_next: ArrayLike, t: float) -> Vector:
        """Return the discounted density of z' with its weight: integrate a claim against it."""
        step = np.asarray(z_next, float) - np.asarray(z, float)
        gauge = np.exp(-self.rate * t + self.drift * step - self.drift**2 * t / 2)
        return np.asarray(gauge * self.density(z, z_next, t))

    def bound_states(self) -> list[BoundState]:
        """Return the bound states; a step has none, a well of equal walls at least one.

        Energies are above the well's floor and positions from its centre.
        """
        q = self.rates
        if len(q) == 2:
            return []
        if len(q) == 3 and q[0] == q[2] > q[1]:
            return bound_states(float(self.breaks[1]) / 2, float(q[0] - q[1]))
        raise Unsupported(
            "rates", tuple(q), "one barrier, or two with equal rates outside a lower one inside"
        )

    def _amplitudes(self, energy: ArrayLike) -> tuple[Complex, Complex, Complex, Complex]:
        """Return r, t of a wave from above, and the wave numbers above and below."""
        e = np.asarray(energy, complex)
        wave = [np.sqrt(2 * (e - v) + 0j) for v in self.rates]
        wave = [np.where(k.imag < 0, -k, k) for k in wave]
        # below the lowest barrier the wave goes down: psi = e^{-i k z}; carry (psi, psi') upwards
        psi, slope = np.ones_like(e), -1j * wave[0]
        for i in range(1, len(self.breaks)):
            d, k = self.breaks[i] - self.breaks[i - 1], wave[i]
            sine = np.where(k == 0, d, np.sin(k * d) / np.where(k == 0, 1, k))
            psi, slope = (
                psi * np.cos(k * d) + slope * sine,
                slope * np.cos(k * d) - (psi * k * k * sine),
            )
        k = wave[-1]
        incoming = (psi + slope / (-1j * k)) / 2
        outgoing = (psi - slope / (-1j * k)) / 2
        return outgoing / incoming, 1 / incoming, k, wave[0]

    def transmission(self, energy: ArrayLike) -> Vector:
        """Return the probability to pass from above to below at an energy above V on top."""
        _, t, above, below = self._amplitudes(energy)
        return np.asarray(np.abs(t) ** 2 * below.real / above.real)

    def reflection(self, energy: ArrayLike) -> Vector:
        """Return the probability to be thrown back; with `transmission` it adds up to one."""
        r, _, _, _ = self._amplitudes(energy)
        return np.asarray(np.abs(r) ** 2)


def _through(slope: Any, kappa: Any, width: Any) -> tuple[Any, Any]:
    """Carry psi'/psi over `width` in the direction of growth: new slope, log of the growth."""
    far = np.exp(-2 * kappa * width)
    plus, minus = (1 + slope / kappa) / 2, (1 - slope / kappa) / 2
    size = plus + minus * far
    return kappa * (plus - minus * far) / size, kappa * width + np.log(size)
