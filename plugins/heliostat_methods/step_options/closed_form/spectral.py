"""The Hamiltonian's spectrum: states of the step and of the well, and prices as sums over them.

H = -1/2 d^2/dz^2 + V(z). One barrier: V = rho on one side, scattering states only. Two barriers
with equal rates outside: a finite well with bound states and a continuum, both in closed form. Any
other staircase: bound states joined from both sides, and the continuum as the integral of the
resolvent around its cut. `parts="bound"` drops the continuum; it is an ablation, never a price.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heliostat_methods.step_options.closed_form.kernel_quadrature import panels
from heliostat_methods.step_options.closed_form.reach import standardise
from heliostat_methods.step_options.closed_form.resolvent import resolvent
from heliostat_methods.step_options.closed_form.staircase_states import (
    StaircaseState,
    staircase_states,
)
from heliostat_methods.step_options.contracts.market import Market
from heliostat_methods.step_options.contracts.reduced import Reduced, reduce
from heliostat_methods.step_options.contracts.result import Result
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import Unsupported, Vector, choice

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


def bound_states(half_width: float, rate: float, highest: float = math.inf) -> list[BoundState]:
    """Return all bound states of the well, lowest energy first; there is at least one.

    highest: an energy beyond which no state is wanted.
    """
    from scipy.optimize import brentq

    top, a = math.sqrt(2 * rate), half_width
    wanted = max(1, math.ceil(2 * a * min(top, math.sqrt(2 * highest)) / math.pi))
    states = []
    for n in range(wanted):
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


NOTHING = 746.0
"""e to minus this is zero."""
COUNTED = 10_000
"""States of a well that are looked at one by one to be counted."""


def well_kernel(
    z: ArrayLike, z_next: ArrayLike, t: float, half_width: float, rate: float,
    parts: str = "all", nodes: int = 400,
) -> Vector:  # fmt: skip
    """Return <z| e^{-Ht} |z'> of the well for grids z (n,) and z' (m,): (n, m)."""
    choice("parts", parts, PARTS)
    z, z_next = np.atleast_1d(np.asarray(z, float)), np.atleast_1d(np.asarray(z_next, float))
    out = np.zeros((len(z), len(z_next)))
    if parts != "continuum":
        for state in bound_states(half_width, rate, NOTHING / t):
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


def is_well(rates: tuple[float, ...]) -> bool:
    """Return whether the rates are a well with walls of one height."""
    return len(rates) == 3 and rates[0] == rates[2] > rates[1]


def staircase_kernel(
    z: ArrayLike, z_next: ArrayLike, t: float, breaks: ArrayLike, rates: ArrayLike,
    parts: str = "all", accuracy: float = 36.0,
) -> Vector:  # fmt: skip
    """Return <z| e^{-Ht} |z'> of any staircase potential for grids z (n,) and z' (m,): (n, m).

    The continuum begins at E_c, the lower end of V. With E = E_c + p^2 / 2 both sides of its cut
    become one line in p, which is moved up by `eta`: away from the narrow resonances below the real
    axis, and between the bound states, the poles at i kappa. Those below the line are taken out
    again. There the trapezoidal rule converges like e^{-accuracy}.
    """
    choice("parts", parts, PARTS)
    breaks, rates = np.asarray(breaks, float), np.asarray(rates, float)
    z, z_next = np.atleast_1d(np.asarray(z, float)), np.atleast_1d(np.asarray(z_next, float))
    states = staircase_states(breaks, rates)
    floor, edge = float(rates.min()), float(min(rates[0], rates[-1]))
    out = np.zeros((len(z), len(z_next)))
    weights = {i: math.exp(-(floor + state.energy) * t) for i, state in enumerate(states)}
    if parts != "continuum":
        for i, state in enumerate(states):
            out += weights[i] * np.outer(state(z), state(z_next))
    if parts != "bound":
        kappas = [math.sqrt(max(2 * (edge - floor - state.energy), 0.0)) for state in states]
        eta, gap = _line(kappas, 2.5 / math.sqrt(t))
        for i, kappa in enumerate(kappas):
            if kappa < eta:
                out -= weights[i] * np.outer(states[i](z), states[i](z_next))
        h = 2 * math.pi * gap / accuracy
        count = math.ceil(math.sqrt(eta * eta + 2 * accuracy / t) / h)
        p = (np.arange(count) + 0.5) * h + 1j * eta
        s = -edge - p * p / 2
        terms = h / math.pi * np.exp(s * t) * p
        for j in range(count):
            out += np.imag(terms[j] * resolvent(s[j], z[:, None], z_next[None, :], breaks, rates))
    return out


def _line(kappas: list[float], top: float) -> tuple[float, float]:
    """Return the height of the line of integration and its distance from poles and the cut."""
    poles = sorted([0.0, *(k for k in kappas if k < 2 * top)])
    best = (0.0, 0.0)
    for low, high in itertools.pairwise([*poles, math.inf]):
        at = min((low + high) / 2, top)
        best = max(best, (min(at - low, high - at), at))
    return best[1], best[0]


def price_spectral(option: StepOption, market: Market, greeks: bool = False, parts: str = "all",
                   nodes: int = 400) -> Result:  # fmt: skip
    """Return the price as kernel times payoff, the kernel summed over the spectrum."""
    began = time.perf_counter()
    choice("parts", parts, PARTS)
    problem = reduce(option, market, "spectral")
    value, size = _quadrature(option, problem, parts, nodes)
    coarse, _ = _quadrature(option, problem, parts, nodes * 3 // 4)
    details: dict[str, object] = {"parts": parts}
    if len(option.barriers) > 1:
        details["bound_states"] = _count_states(problem)
    return Result(
        price=value,
        method="spectral" if parts == "all" else f"spectral ({parts} only)",
        # the kernel is right to digits of its largest value, which the gauge makes large
        abs_error_estimate=abs(value - coarse) + KERNEL_DIGITS * size,
        n_evals=nodes,
        wall_s=time.perf_counter() - began,
        details=details,
    )


def _states(problem: Reduced) -> Sequence[BoundState | StaircaseState]:
    rates = tuple(float(r) for r in problem.rates)
    breaks = problem.breaks / problem.vol
    if is_well(rates):
        return bound_states(float(breaks[1]) / 2, rates[0] - rates[1])
    return staircase_states(breaks, problem.rates)


def _count_states(problem: Reduced) -> int:
    rates = tuple(float(r) for r in problem.rates)
    if is_well(rates):
        width = float(problem.breaks[1]) / problem.vol
        count = math.ceil(width * math.sqrt(2 * (rates[0] - rates[1])) / math.pi)
        if count > COUNTED:
            return count
    return len(_states(problem))


KERNEL_DIGITS = 1e-13
"""Of a kernel's largest value, 1 / sqrt(2 pi T): what sums over states lose."""


def _quadrature(
    option: StepOption, problem: Reduced, parts: str, nodes: int
) -> tuple[float, float]:
    """Return the price, and what it would be if the kernel had its largest value everywhere."""
    rates, T, sigma = tuple(float(r) for r in problem.rates), problem.maturity, problem.vol
    mu = problem.nu / sigma
    if option.amortisation != "proportional":
        raise Unsupported(
            "amortisation", option.amortisation, 'proportional for method="spectral"',
            'use method="occupation"',
        )  # fmt: skip
    base = min(rates)
    breaks = problem.breaks / sigma
    z = float(problem.y[0]) / sigma
    window = (math.inf, -math.inf)
    states = _states(problem) if parts == "bound" else []
    if states:
        # without the continuum the tails fall no faster than the weakest state's
        weakest = base + states[-1].energy
        below, above = (math.sqrt(2 * max(v - weakest, 0.0)) for v in (rates[0], rates[-1]))
        up, down = above - mu - sigma, below + mu
        if min(up, down) > 0.1:  # else the bound states alone have no price to speak of
            window = -40 / down, float(breaks[-1]) + 40 / up
    seen = standardise(problem, 0)
    if seen is None:
        return 0.0, 0.0
    root = math.sqrt(T)
    where = panels(seen, problem.kind, 20, ((window[0] - z) / root, (window[1] - z) / root))
    z_next = z + root * where.at
    if is_well(rates):
        centre = float(breaks[1]) / 2
        kernel = well_kernel(z - centre, z_next - centre, T, centre, max(rates) - base, parts,
                             nodes)[0]  # fmt: skip
    elif len(rates) == 2:
        flip = -1.0 if rates[1] > rates[0] else 1.0
        kernel = np.zeros_like(z_next)  # a step binds nothing
        if parts != "bound":
            kernel = step_kernel(flip * z, flip * z_next, T, max(rates) - base, nodes)[0]
    else:
        kernel = staircase_kernel(z, z_next, T, breaks, problem.rates - base, parts,
                                  accuracy=0.09 * nodes)[0]  # fmt: skip
    gauge = np.exp(mu * (z_next - z) - mu * mu * T / 2 - (problem.rate + base) * T)
    terms = root * where.lengths * gauge * problem.claim(sigma * z_next)
    return float(np.dot(terms, kernel)), float(terms.sum() / math.sqrt(2 * math.pi * T))
