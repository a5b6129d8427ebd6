"""The Hamiltonian's spectrum: states of the step and of the well, and prices as sums over them.

H = -1/2 d^2/dz^2 + V(z). One barrier: V = rho on one side, scattering states only. Two barriers
with equal rates outside: a finite well with bound states and a continuum (complete expansion of
the specification, 2.3). `parts="bound"` drops the continuum; it is an ablation, never a price.
"""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.step_options.contract import StepOption
from heliostat_methods.step_options.market import Market
from heliostat_methods.step_options.reduced import Reduced, reduce
from heliostat_methods.step_options.result import Result
from heliostat_methods.step_options.validation import Unsupported, Vector, choice

Wave = NDArray[np.complex128]
PARTS = ("all", "bound", "continuum")


@dataclass(frozen=True)
class BoundState:
    """One bound state of the well |z| < A: energy k^2 / 2, decay kappa outside."""

    energy: float
    k: float
    kappa: float
    even: bool
    half_width: float

    def __call__(self, z: ArrayLike) -> Vector:
        """Return psi(z), normalised; z from the centre of the well."""
        z = np.asarray(z, dtype=np.float64)
        a, k = self.half_width, self.k
        wave = np.cos if self.even else np.sin
        edge = wave(k * a) * np.exp(-self.kappa * np.maximum(np.abs(z) - a, 0))
        inside = wave(k * np.clip(z, -a, a))
        sign = 1.0 if self.even else np.sign(z)
        norm = 1 / math.sqrt(a + 1 / self.kappa)
        return np.asarray(norm * np.where(np.abs(z) <= a, inside, sign * edge))


def bound_states(half_width: float, rate: float) -> list[BoundState]:
    """Return all bound states of the well, lowest energy first; there is at least one."""
    from scipy.optimize import brentq

    top, a = math.sqrt(2 * rate), half_width
    count = max(1, math.ceil(2 * a * top / math.pi))
    states = []
    for n in range(count):
        lo, hi = n * math.pi / (2 * a), min((n + 1) * math.pi / (2 * a), top)
        if n % 2 == 0:

            def mismatch(k: float) -> float:
                return k * math.sin(k * a) - math.sqrt(max(2 * rate - k * k, 0)) * math.cos(k * a)
        else:

            def mismatch(k: float) -> float:
                return -k * math.cos(k * a) - math.sqrt(max(2 * rate - k * k, 0)) * math.sin(k * a)

        if hi <= lo or mismatch(lo) * mismatch(hi) > 0:
            continue  # a state at the very top of the well
        k = float(brentq(mismatch, lo, hi, xtol=1e-15, rtol=8.9e-16))
        states.append(BoundState(k * k / 2, k, math.sqrt(2 * rate - k * k), n % 2 == 0, a))
    return states


def well_kernel(
    z: ArrayLike, z_next: ArrayLike, t: float, half_width: float, rate: float,
    parts: str = "all", nodes: int = 400,
) -> Vector:  # fmt: skip
    """Return <z| e^{-Ht} |z'> of the well for grids z (n,) and z' (m,): (n, m)."""
    choice("parts", parts, PARTS)
    z, z_next = np.atleast_1d(np.asarray(z, float)), np.atleast_1d(np.asarray(z_next, float))
    out = np.zeros((len(z), len(z_next)))
    if parts != "continuum":
        for state in bound_states(half_width, rate):
            out += math.exp(-state.energy * t) * np.outer(state(z), state(z_next))
    if parts != "bound":
        # the integrand in p falls like e^{-p^2 t / 2} and oscillates at most as |z| + |z'|
        x, w = np.polynomial.legendre.leggauss(nodes)
        top = 9.0 / math.sqrt(t)
        p, dp = top * (x + 1) / 2, top * w / 2
        decay = dp * np.exp(-(rate + p * p / 2) * t)
        for even in (True, False):
            left = _scattering(z, p, half_width, rate, even)
            right = _scattering(z_next, p, half_width, rate, even)
            out += (left * decay) @ right.T
    return out


def _scattering(z: Vector, p: Vector, a: float, rate: float, even: bool) -> Vector:
    """Return the well's scattering states (n, p) of one parity, normalised to delta(p - p')."""
    k = np.sqrt(p * p + 2 * rate)
    cos, sin = np.cos(k * a), np.sin(k * a)
    if even:
        amplitude = 1 / np.sqrt(np.pi * (cos**2 + (k / p * sin) ** 2))
        value, slope = amplitude * cos, -amplitude * k * sin
    else:
        amplitude = 1 / np.sqrt(np.pi * (sin**2 + (k / p * cos) ** 2))
        value, slope = amplitude * sin, amplitude * k * cos
    inside = amplitude * (np.cos if even else np.sin)(np.clip(z, -a, a)[:, None] * k)
    r = (np.maximum(np.abs(z) - a, 0))[:, None] * p
    outside = value * np.cos(r) + slope / p * np.sin(r)
    sign = 1.0 if even else np.sign(z)[:, None]
    return np.asarray(np.where(np.abs(z)[:, None] <= a, inside, sign * outside))


def step_kernel(z: ArrayLike, z_next: ArrayLike, t: float, rate: float, nodes: int = 400) -> Vector:
    """Return <z| e^{-Ht} |z'> of the step (V = rate below 0): (n, m).

    States of energy k^2 / 2 < rate enter from above and decay below; above `rate` there are two
    for each energy, one from either side. All are normalised to delta in their wave number.
    """
    z, z_next = np.atleast_1d(np.asarray(z, float)), np.atleast_1d(np.asarray(z_next, float))
    out = np.zeros((len(z), len(z_next)))
    x, w = np.polynomial.legendre.leggauss(nodes)
    top, edge = 9.0 / math.sqrt(t), math.sqrt(2 * rate)

    def add(from_above: bool, k: Wave, q: Wave, weight: Vector) -> None:
        left = _step_state(z, k, q, from_above)
        right = _step_state(z_next, k, q, from_above)
        out[:] += ((left * weight) @ np.conj(right).T).real

    if edge > 0:
        # k = edge sin(angle) removes the square root of the evanescent decay at the edge
        limit = math.pi / 2 if edge <= top else math.asin(top / edge)
        angle = limit * (x + 1) / 2
        k = edge * np.sin(angle)
        q = 1j * edge * np.cos(angle)
        add(True, k.astype(complex), q, limit * w / 2 * edge * np.cos(angle)
            * np.exp(-k * k / 2 * t))  # fmt: skip
    p = top * (x + 1) / 2
    above = np.sqrt(p * p + 2 * rate)
    weight = top * w / 2 * np.exp(-(rate + p * p / 2) * t)
    add(True, above.astype(complex), p.astype(complex), weight * p / above)  # dk = q / k dq
    add(False, above.astype(complex), p.astype(complex), weight)
    return out


def _step_state(z: Vector, k: Wave, q: Wave, from_above: bool) -> Wave:
    """Scattering states (n, k): wave number k above, q below; unit incoming amplitude / sqrt(2 pi).

    The norm is to delta in the incoming wave number.
    """
    up, down = np.maximum(z, 0)[:, None], np.minimum(z, 0)[:, None]
    if from_above:
        above = np.exp(-1j * k * up) + (k - q) / (k + q) * np.exp(1j * k * up)
        below = 2 * k / (k + q) * np.exp(-1j * q * down)
    else:
        below = np.exp(1j * q * down) + (q - k) / (k + q) * np.exp(-1j * q * down)
        above = 2 * q / (k + q) * np.exp(1j * k * up)
    return np.asarray(np.where(z[:, None] >= 0, above, below) / math.sqrt(2 * math.pi))


def price_spectral(option: StepOption, market: Market, greeks: bool = False, parts: str = "all",
                   nodes: int = 400) -> Result:  # fmt: skip
    """Return the price as kernel times payoff, the kernel summed over the spectrum."""
    began = time.perf_counter()
    choice("parts", parts, PARTS)
    problem = reduce(option, market, "spectral")
    value = _quadrature(option, problem, parts, nodes)
    coarse = _quadrature(option, problem, parts, nodes * 3 // 4)
    details: dict[str, object] = {"parts": parts}
    if len(option.barriers) == 2:
        a = float(problem.breaks[1]) / (2 * problem.vol)
        states = bound_states(a, max(option.rates) - min(option.rates))
        details["bound_states"] = len(states)
    return Result(
        price=value,
        method="spectral" if parts == "all" else f"spectral ({parts} only)",
        abs_error_estimate=abs(value - coarse) + 1e-13 * float(problem.spot[0]),
        n_evals=nodes,
        wall_s=time.perf_counter() - began,
        details=details,
    )


def _quadrature(option: StepOption, problem: Reduced, parts: str, nodes: int) -> float:
    rates, T, sigma = option.rates, problem.maturity, problem.vol
    mu = problem.nu / sigma
    if option.amortisation != "proportional" or min(rates) < 0:
        raise Unsupported(
            "amortisation", option.amortisation, 'proportional, rates >= 0 for method="spectral"',
            'use method="occupation" or "laplace"',
        )  # fmt: skip
    well = len(rates) == 3 and rates[0] == rates[2] > rates[1]
    if not well and len(rates) != 2:
        raise Unsupported(
            "rates", rates, 'one barrier, or a symmetric well, for method="spectral"',
            'use method="laplace"',
        )  # fmt: skip
    base = min(rates)
    rate = max(rates) - base
    centre = float(problem.breaks[-1]) / (2 * sigma) if well else 0.0
    flip = -1.0 if not well and rates[1] > rates[0] else 1.0
    half = centre
    z = float(problem.y[0]) / sigma
    reach = 9.0 * math.sqrt(T)
    lo, hi = z + min(mu, 0.0) * T - reach, z + (max(mu, 0.0) + sigma) * T + reach
    if well and parts == "bound":
        # without the continuum the tails fall no faster than the weakest state's
        decay = min(state.kappa for state in bound_states(half, rate))
        up, down = decay - mu - sigma, decay + mu
        if min(up, down) > 0.1:  # else the bound states alone have no price to speak of
            lo, hi = min(lo, -40 / down), max(hi, 2 * half + 40 / up)
    k = float(problem.k[0]) / sigma
    cuts = sorted({lo, hi, *(c for c in (0.0, 2 * half, k) if lo < c < hi)})
    edges = [cuts[0]]
    for a, b in itertools.pairwise(cuts):
        n = max(1, math.ceil((b - a) / (0.8 * math.sqrt(T))))
        edges += [a + (b - a) * (i + 1) / n for i in range(n)]
    x, w = np.polynomial.legendre.leggauss(20)
    width = np.diff(edges)[:, None]
    z_next = (np.array(edges[:-1])[:, None] + width * (x + 1) / 2).ravel()
    dz = (width * w / 2).ravel()
    if well:
        kernel = well_kernel(z - centre, z_next - centre, T, half, rate, parts, nodes)[0]
    elif parts == "bound":
        kernel = np.zeros_like(z_next)  # a step binds nothing
    else:
        kernel = step_kernel(flip * z, flip * z_next, T, rate, nodes)[0]
    gauge = np.exp(mu * (z_next - z) - mu * mu * T / 2 - (problem.rate + base) * T)
    return float(np.sum(dz * gauge * kernel * problem.claim(sigma * z_next)))
