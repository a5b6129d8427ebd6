"""Occupation-time density: one barrier, any weight of the time spent beyond it.

J(u, v; t1, t2) is the joint density of z_T and of the time t2 on the charged side for paths that
touch the barrier at 0; u and v are the distances of z and z' summed on the free and on the charged
side. With the paths that never touch it, any weight Phi(tau) is a quadrature: proportional, simple,
delayed. For several barriers simple and delayed contracts come from inverting the proportional
price in its rate, on vertical lines because that transform grows to the left.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from heliostat_methods.step_options.closed_form.inversion import LaplaceInverter
from heliostat_methods.step_options.closed_form.kernel_quadrature import claim_terms, panels
from heliostat_methods.step_options.closed_form.laplace import solve
from heliostat_methods.step_options.closed_form.reach import standardise
from heliostat_methods.step_options.closed_form.transform import transformed_price
from heliostat_methods.step_options.contracts.market import Market
from heliostat_methods.step_options.contracts.reduced import Reduced, reduce
from heliostat_methods.step_options.contracts.result import Result
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import Unsupported, Vector, number

Weight = Callable[[Vector], Vector]


def joint_density(u: ArrayLike, v: ArrayLike, t1: ArrayLike, t2: ArrayLike) -> Vector:
    """Return J(u, v; t1, t2): u, v >= 0 in units of sqrt(years), t1 free and t2 charged years."""
    u, v, t1, t2 = (np.asarray(x, dtype=np.float64) for x in (u, v, t1, t2))
    return np.asarray(np.exp(-((u + v) ** 2) / (2 * (t1 + t2))) * _tied_density(u, v, t1, t2))


def _tied_density(u: Vector, v: Vector, t1: Vector, t2: Vector) -> Vector:
    """Return J without e^{-(u + v)^2 / 2T}, which is small where drift dominates."""
    from scipy.special import erfcx

    T = t1 + t2
    al = t1 * t2 / T
    D = u - v
    m = (u * t2 + v * t1) / T
    # erfcx, not erfc: both factors of the product under- and overflow
    braces = al * (m + D * (t1 - t2) / T) + np.sqrt(np.pi * al / 2) * erfcx(
        m / np.sqrt(2 * al)
    ) * al * (1 - D * D / T)
    front = np.exp(-((u * t2 - v * t1) ** 2) / (2 * t1 * t2 * T)) / (np.pi * (t1 * t2) ** 1.5)
    return np.asarray(front * braces)


@dataclass(frozen=True)
class OccupationDensity:
    """Distribution of the time spent below 0 by a Brownian motion from z to z' in `maturity`."""

    maturity: float
    nodes: int = 64

    def __post_init__(self) -> None:
        number("maturity", self.maturity, above=0)

    def density(self, z: float, z_next: float, tau: ArrayLike) -> Vector:
        """Return the joint density of z_T = z' and tau, 0 < tau < T, of paths that touch 0."""
        tau = np.asarray(tau, dtype=np.float64)
        u, v = max(z, 0.0) + max(z_next, 0.0), max(-z, 0.0) + max(-z_next, 0.0)
        return joint_density(u, v, self.maturity - tau, tau)

    def kernel(self, z: ArrayLike, z_next: ArrayLike, weight: Weight,
               kinks: Sequence[float] = ()) -> Vector:  # fmt: skip
        """Return E[weight(tau); z_T in dz'] / dz' for broadcast z, z'; `kinks` of the weight."""
        free = np.exp(-((np.asarray(z, float) - np.asarray(z_next, float)) ** 2) / (
            2 * self.maturity)) / math.sqrt(2 * np.pi * self.maturity)  # fmt: skip
        return np.asarray(free * self.bridge(z, z_next, weight, kinks))

    def bridge(self, z: ArrayLike, z_next: ArrayLike, weight: Weight,
               kinks: Sequence[float] = ()) -> Vector:  # fmt: skip
        """Return E[weight(tau) | z_T = z'], the kernel over that of a free particle."""
        T = self.maturity
        z, z_next = np.broadcast_arrays(np.asarray(z, float), np.asarray(z_next, float))
        u = np.maximum(z, 0) + np.maximum(z_next, 0)
        v = np.maximum(-z, 0) + np.maximum(-z_next, 0)
        # near the boundary all weight sits at the tau of the straight path: split there
        straight = T * np.divide(v, u + v, out=np.full(u.shape, 0.5), where=u + v > 0)
        edges = [np.zeros(u.shape), straight, np.full(u.shape, T)]
        edges += [np.full(u.shape, min(max(kink, 0.0), T)) for kink in kinks]
        if u.size and np.min(np.abs(z)) < 0.05 * math.sqrt(T):
            # a start this close crosses within about z^2: layers at both ends of tau
            for c in (0.1, 3.0, 100.0, 1e4, 1e7, 1e10):
                edges += [np.minimum(c * v * v, T), np.maximum(T - c * u * u, 0.0)]
        far = (u + v) * (u + v)
        if u.size and np.max(far) > 100 * T:
            # a long way is straight: tau is known to within `width`, or to T^2 / u^2 of an end
            width = np.sqrt(u * v * T**3) / np.maximum(far, 1e-300)
            layer = T * T / np.maximum(far, 1e-300)
            for away in (width, 4 * width, 9 * width, layer, 8 * layer, 64 * layer):
                edges += [np.maximum(straight - away, 0.0), np.minimum(straight + away, T)]
        ordered = np.sort(np.stack(edges, axis=-1), axis=-1)
        x, w = np.polynomial.legendre.leggauss(self.nodes)
        angle = np.pi / 4 * (x + 1)
        lo, width = ordered[..., :-1, None], np.diff(ordered, axis=-1)[..., None]
        # tau = lo + width sin^2: J has square-root singularities at both ends
        tau = lo + width * np.sin(angle) ** 2
        rest = (T - lo - width) + width * np.cos(angle) ** 2
        dtau = width * (np.pi / 4 * w) * np.sin(2 * angle)
        live = (width > 1e-300) & (tau > 0) & (rest > 0)
        safe_tau, safe_rest = np.where(live, tau, T / 2), np.where(live, rest, T / 2)
        # kinks lie exactly on edges, so the weight is taken strictly inside its piece
        values = weight(safe_tau) * _tied_density(
            u[..., None, None], v[..., None, None], safe_rest, safe_tau
        )
        touched = np.sum(np.where(live, values * dtau, 0.0), axis=(-2, -1))
        # (u + v)^2 - (z - z')^2 is 4 z z' on one side, and nothing on different sides
        same = np.exp(-2 * np.maximum(z * z_next, 0.0) / T)
        touched = touched * same * math.sqrt(2 * np.pi * T)
        both_up, both_down = (z > 0) & (z_next > 0), (z < 0) & (z_next < 0)
        free = -np.expm1(-2 * np.abs(z * z_next) / T)
        ends = weight(np.array([0.0, T]))
        return np.asarray(
            touched + np.where(both_up, free * ends[0], 0) + np.where(both_down, free * ends[1], 0)
        )


def price_occupation(option: StepOption, market: Market, greeks: bool = False,
                     nodes: int = 128) -> Result:  # fmt: skip
    """Return the price by occupation density (one barrier) or by inversion in the rate."""
    began = time.perf_counter()
    problem = reduce(option, market, "occupation")
    if len(option.barriers) == 1:
        value, size, evaluations = _one_barrier(option, problem, nodes)
        coarse, _, _ = _one_barrier(option, problem, max(4, nodes * 5 // 8))
        # the density loses the square of the distance in its last digits
        error = abs(value - coarse) + 1e-13 * float(problem.spot[0]) + 1e-16 * size
    elif option.amortisation == "proportional":
        raise Unsupported(
            "barriers", option.barriers, 'one barrier for method="occupation"',
            "its density is known for one barrier; use laplace or spectral",
        )  # fmt: skip
    else:
        value, error, evaluations = _several_barriers(option, problem)
    return Result(
        price=value,
        method="occupation",
        abs_error_estimate=error,
        n_evals=evaluations,
        wall_s=time.perf_counter() - began,
    )


def _weight(option: StepOption, rate: float) -> tuple[Weight, list[float]]:
    T = option.maturity
    if rate == math.inf:
        return lambda tau: np.where(tau > 0, 0.0, 1.0), []
    if option.amortisation == "proportional":
        layers = [c / rate for c in (2.0, 8.0, 32.0) if c < rate * T] if rate > 0 else []
        return lambda tau: np.exp(-rate * tau), layers
    if option.amortisation == "simple":
        return lambda tau: np.maximum(1 - rate * tau, 0.0), [1 / rate] if rate > 0 else []
    window = float(option.window or 0.0)
    return lambda tau: np.where(tau < window, 1.0, 0.0), [window]


def _one_barrier(option: StepOption, problem: Reduced, nodes: int) -> tuple[float, float, int]:
    """Return the price, a bound on it times the growth of round-off, and the evaluations."""
    below, above = (float(rate) for rate in problem.rates)
    if below != 0 and above != 0:
        # a common factor: charge the higher side with the difference
        if option.amortisation != "proportional":
            tau = np.array([option.maturity])
            factor, below, above = float(_weight(option, below)[0](tau)[0]), 0.0, 0.0
        else:
            base = min(below, above)
            factor, below, above = math.exp(-base * option.maturity), below - base, above - base
    else:
        factor = 1.0
    flip = -1.0 if above != 0 else 1.0  # an up barrier is a down barrier in a mirror
    weight, kinks = _weight(option, max(below, above) if below >= 0 and above >= 0
                            else below + above)  # fmt: skip
    if below == 0 and above == 0:
        weight, kinks = (lambda tau: np.ones_like(tau)), []
    seen = standardise(problem, 0)
    if seen is None:
        return 0.0, 0.0, 0
    root = math.sqrt(problem.maturity)
    where = panels(seen, problem.kind, 24)
    forward = math.log(problem.spot[0]) + problem.gamma * problem.maturity
    x, terms = claim_terms(
        np, where, problem.kind, seen.edges, seen.drift, seen.deviation, seen.strike,
        float(problem.strike[0]), forward, -problem.rate * problem.maturity,
    )  # fmt: skip
    z = float(problem.y[0]) / problem.vol
    value = 0.0
    for i in range(0, len(x), BLOCK):
        part = slice(i, i + BLOCK)
        bridge = OccupationDensity(problem.maturity, nodes).bridge(
            flip * z, flip * (z + root * x[part]), weight, kinks
        )
        value += float(np.dot(terms[part], bridge))
    size = factor * float(terms.sum()) * (1.0 + (abs(seen.drift) + seen.reach) ** 2)
    return factor * value, size, len(x) * nodes * (2 + len(kinks))


BLOCK = 256
"""Nodes taken at once: each needs hundreds of numbers."""


def _several_barriers(option: StepOption, problem: Reduced) -> tuple[float, float, int]:
    """Return price, error and evaluations of a simple or delayed contract of several barriers."""
    T, rate = problem.maturity, float(problem.rates.max())
    window = float(option.window or 0.0)
    charged = np.array(option.charged, dtype=np.float64)
    seen = standardise(problem, 0)
    if seen is not None and len(seen.charges) == 1:
        # no path gets to a barrier: all time is spent in one region
        tau = T * float(charged[seen.first])
        weight, _ = _weight(option, rate)
        value, error = _proportional(problem, 0.0 * charged)
        kept = float(weight(np.array([tau]))[0]) if tau > 0 else 1.0
        return kept * value, kept * error + ROUND_OFF * float(problem.spot[0]), 1
    if rate == 0 or (option.amortisation == "delayed" and window >= T):
        return (*_proportional(problem, 0.0 * charged), 1)
    if option.amortisation == "simple" and rate * T <= 1:
        # never exhausted: 1 - R tau is linear, so C(0) + R C'(0), C as a polynomial around 0
        points = np.cos(np.pi * (np.arange(POINTS) + 0.5) / POINTS)
        found = [_proportional(problem, charged * x / T) for x in points]
        values, errors = (np.array(column) for column in zip(*found, strict=True))
        fit = np.polynomial.Chebyshev.fit(points, values, POINTS - 1, domain=[-1, 1])
        value = float(fit(0.0) + rate * T * fit.deriv()(0.0))
        return value, float(POINTS**2 * errors.max()), POINTS
    value, coarse = _by_rate(option, problem, 40), _by_rate(option, problem, 30)
    error = 4 * abs(value - coarse) + 2e-7 * abs(value)  # aliasing and round-off of two Euler sums
    if seen is None or abs(seen.drift) > MOST_DRIFT:
        error = math.inf  # both sums are wrong then, and may be so alike
    return value, error, 40 * 40


POINTS = 14
"""Of e^{-x}, |x| <= 1, by polynomials: 1e-14."""
MOST_DRIFT = 8.0
"""|drift| sqrt(T) / vol up to which vertical lines in s were measured to serve."""
ROUND_OFF = 1e-14


def _proportional(problem: Reduced, rates: Vector) -> tuple[float, float]:
    """Return price and error of the proportional contract with these rates."""
    found = solve([dataclasses.replace(problem, rates=rates)])
    return float(found.values[0, 0]), float(found.error[0])


def _by_rate(option: StepOption, problem: Reduced, nodes: int) -> float:
    """Invert in the common rate: C(rho) / rho at `window`, R C(rho) / rho^2 at 1 / R."""
    T = problem.maturity
    rate = float(problem.rates.max())
    charged = np.array(option.charged)

    def proportional(rho: Vector) -> Vector:
        # complex rates put singularities off the axis, so s too runs on a vertical line
        s, w = LaplaceInverter("euler", nodes).points(T)
        shift = max(0.0, problem.nu + problem.vol**2 / 2)
        grid_s, grid_rho = s[:, None] + shift, np.atleast_1d(rho)[None, :]
        u = transformed_price(
            grid_s, y=problem.y[0], k=problem.k[0], nu=problem.nu, vol=problem.vol,
            breaks=list(problem.breaks),
            rates=[grid_rho if c else 0.0 * grid_rho for c in charged],
            source=list(problem.source[0]), sqrt=np.sqrt, exp=np.exp,
        )  # fmt: skip
        upper = np.sum(w[:, None] * u, axis=0)
        # the transform is not real at conjugate s for complex rho: take both halves of the line
        v = transformed_price(
            np.conj(grid_s), y=problem.y[0], k=problem.k[0], nu=problem.nu, vol=problem.vol,
            breaks=list(problem.breaks),
            rates=[grid_rho if c else 0.0 * grid_rho for c in charged],
            source=list(problem.source[0]), sqrt=np.sqrt, exp=np.exp,
        )  # fmt: skip
        lower = np.sum(w[:, None] * v, axis=0)
        return np.asarray((upper + lower) / 2 * math.exp((shift - problem.rate) * T))

    inverter = LaplaceInverter("euler", nodes)
    if option.amortisation == "delayed":
        return inverter.invert(lambda rho: proportional(rho) / rho, float(option.window or 0.0))
    return rate * inverter.invert(lambda rho: proportional(rho) / rho**2, 1 / rate)
