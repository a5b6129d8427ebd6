"""Monte Carlo Greeks: estimators along paths with exact weights, under Black-Scholes.

A path P = (y_1, ..., y_n) of y = ln(S / B(t)) begins at y_0 = ln(S_0 / B(0)). *Pathwise*: move all
of it, which moves the payoff and every weight. *Likelihood ratio*: keep it, and differentiate the
density and the weight of its first step, the only ones that know y_0; drifts and deviations enter
the density of every step. Twice in a row: gamma by likelihood ratio of second order, or *mixed*,
one of each. Weights are smooth, so no estimator has a boundary term to forget.

Glasserman 2004, chapter 7, with the weights' own derivatives added.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from heliostat import stored
from heliostat_methods.step_options.arithmetic.philox import normals
from heliostat_methods.step_options.closed_form.black_scholes import vanilla
from heliostat_methods.step_options.closed_form.laplace import price_laplace
from heliostat_methods.step_options.contracts.market import (
    BlackScholesMarket,
    Market,
    PiecewiseMarket,
)
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.time_plan import TimeStep, averaged
from heliostat_methods.step_options.contracts.validation import Unsupported, Vector, whole_number
from heliostat_methods.step_options.paths.given_normals import discount
from heliostat_methods.step_options.paths.settings import MOST_STEPS
from heliostat_methods.step_options.paths.step_plan import path_plan
from heliostat_methods.step_options.paths.unseen import Worth, worth
from heliostat_methods.step_options.weights.barrier import Barrier, step_rates
from heliostat_methods.step_options.weights.bridge import BridgeWeightTable, weights
from heliostat_methods.step_options.weights.first_step import FirstStep
from heliostat_methods.step_options.weights.staircase import StaircaseWeightTable, stairs_slopes

MOST_NORMALS = 1 << 22
"""Normals that are held at a time."""
ON_BARRIER = 1e-12
"""Distance of logarithms at which a spot counts as on a barrier."""
STREAM = 1
"""Greeks have paths of their own: those of the price go through faster kernels."""


@stored("step_options.greek_sampler")
@dataclass(frozen=True)
class GreekSampler:
    """Columns of Greek estimators of paths, then controls: the same of the vanilla claim.

    Rates, dividends and vols by intervals are moved in parallel. vega needs a single barrier.
    """

    option: StepOption
    market: Market
    steps: int
    seed: int

    def __post_init__(self) -> None:
        o, m = self.option, self.market
        if not isinstance(m, BlackScholesMarket | PiecewiseMarket):
            raise Unsupported(
                "greeks", True, "Black-Scholes, also by intervals, for Monte Carlo Greeks",
                "bump the spot with one seed",
            )  # fmt: skip
        if o.amortisation != "proportional" or o.common_gamma is None or o.knock != "out":
            raise Unsupported(
                "greeks", True, "a proportional knock-out for Monte Carlo Greeks",
                'use method="laplace"',
            )  # fmt: skip
        steps = whole_number("n_steps", self.steps, least=1, most=MOST_STEPS)
        object.__setattr__(self, "steps", steps)
        self._plan  # noqa: B018  refuses a drift that no path can follow

    @property
    def worth(self) -> tuple[Worth, ...]:
        """What a path is worth in each target."""
        path, spot = worth(self.option, self._market).path, float(self._market.spot)
        first = self._plan[0].deviation
        by_name = {"delta": path / spot / first, "gamma": path / spot**2 / first**2}
        return tuple(Worth(by_name.get(name.split("_")[0], path)) for name in self.targets)

    @property
    def unseen(self) -> float:
        """Nothing bounds it."""
        return 1.0

    @property
    def positive(self) -> bool:
        """Estimators have both signs."""
        return False

    @property
    def group(self) -> int:
        """One path makes one sample."""
        return 1

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the estimators."""
        slope = () if self.option.kind == "digital" else ("delta_pathwise", "gamma_mixed")
        vega = ("vega",) if len(self.option.barriers) == 1 else ()
        always = ("delta_likelihood_ratio", "gamma_likelihood_ratio", "d_rate", "d_dividend")
        return (*slope, *always, *vega)

    @property
    def control_means(self) -> tuple[float, ...]:
        """Exact means of the controls, in the order of `_controls`."""
        option, T = self.option, self.option.maturity
        market = averaged(self._market, T)
        free = StepOption(option.kind, option.strike, T, (float(market.spot),), (0.0, 0.0))
        found = price_laplace(free, market)
        spot = float(market.spot)
        value, once = float(vanilla(free, market)), spot * float(found.delta)  # type: ignore[arg-type]
        twice = once + spot**2 * float(found.gamma)  # type: ignore[arg-type]
        vega = sum(s.vol * s.length for s in self._plan) * (twice - once)
        asset = spot * math.exp(-market.dividend * T)
        return (value, once, once, twice, twice, once, twice, T * once, vega, asset)

    @property
    def _market(self) -> BlackScholesMarket | PiecewiseMarket:
        assert isinstance(self.market, BlackScholesMarket | PiecewiseMarket)
        return self.market

    @property
    def _plan(self) -> tuple[TimeStep, ...]:
        return path_plan(self.option, self._market, self.steps)

    def sample(self, first: int, count: int) -> Vector:
        """Return columns (targets and controls, count) of paths first .. first + count - 1."""
        block = max(MOST_NORMALS // len(self._plan), 1)  # no result depends on it
        parts = [self._block(first + at, min(block, count - at)) for at in range(0, count, block)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def _block(self, first: int, count: int) -> Vector:
        option, plan = self.option, self._plan
        x = normals(self.seed, first, count, len(plan), stream=STREAM)
        path = _Path(option, plan, float(self._market.spot), x)
        W, by_start, shifted, by_start_twice, shifted_by_start = path.first
        rest, rest_shifted, by_vol = path.rest
        s, z = plan[0].deviation, x[0]
        f = discount(plan) * option.payoff(path.terminal)
        slope = discount(plan) * _payoff_slope(option, path.terminal)
        density = sum((x[j] * math.sqrt(p.length) / p.vol for j, p in enumerate(plan)),
                      np.zeros(count))  # fmt: skip
        spread = sum(((x[j] ** 2 - 1) / p.vol - x[j] * math.sqrt(p.length)
                      for j, p in enumerate(plan)), np.zeros(count))  # fmt: skip
        weight, moved = W * rest, shifted / s * rest + W * rest_shifted
        score = (z * W + by_start) / s
        once, once_ratio = slope * weight + f * moved, f * rest * score
        ratio = f * rest * ((z * z - 1) * W + 2 * z * by_start + by_start_twice) / s**2
        mixed = (slope * rest + f * rest_shifted) * score
        mixed += f * rest * (z * shifted + shifted_by_start) / s**2
        spot = float(self._market.spot)
        named = {
            "delta_pathwise": once / spot,
            "delta_likelihood_ratio": once_ratio / spot,
            "gamma_mixed": (mixed - once) / spot**2,
            "gamma_likelihood_ratio": (ratio - once_ratio) / spot**2,
            "d_rate": f * weight * (density - option.maturity),
            "d_dividend": -f * weight * density,
            "vega": f * (weight * spread + by_vol),
        }
        columns = [named[name] for name in self.targets]
        total = sum((x[j] * p.deviation for j, p in enumerate(plan)), np.zeros(count))
        variance = sum(p.deviation**2 for p in plan)
        whole = total / variance
        columns += [
            f, slope, f * z / s, f * (z * z - 1) / s**2, slope * z / s, f * whole,
            f * (whole**2 - 1 / variance), f * density, f * spread,
            discount(plan) * path.terminal,
        ]  # fmt: skip
        return np.stack(columns)


class _Path:
    """Weights of paths and their derivatives, the first step apart from the rest.

    `first`: the five functions of `FirstStep`; `rest`: product of the other weights, its derivative
    when y moves, and the derivative of the whole product in vol (one barrier), all (n,).
    """

    def __init__(self, option: StepOption, plan: tuple[TimeStep, ...], spot: float,
                 x: Vector) -> None:  # fmt: skip
        n, gamma = x.shape[1], float(option.common_gamma or 0.0)
        levels = np.log(np.array(option.levels_at(0.0)))
        start = math.log(spot) - float(levels[0])
        breaks = levels - levels[0]
        on = np.abs(breaks - start) < ON_BARRIER
        y = np.full(n, float(breaks[on][0]) if on.any() else start)
        rest, shifted, by_vol = np.ones(n), np.zeros(n), np.zeros(n)
        whole = np.ones(n)
        for j, step in enumerate(plan):
            s = step.deviation
            drift = (step.rate - step.dividend - gamma - step.vol**2 / 2) * step.length / s
            positions = tuple(float(b) for b in breaks / s)
            charge = step.length * step.charge
            rates = step_rates(option.rates, charge)
            z = y / s
            z_next = z + drift + x[j]
            if j == 0:
                table = FirstStep.build(positions, rates, float(z[0]))
                d = drift + x[0]
                self.first = tuple(
                    table.at(values, d)
                    for values in (table.weight, table.by_start, table.shifted,
                                   table.by_start_twice, table.shifted_by_start)
                )  # fmt: skip
                w, by_z = self.first[0], self.first[1]
                by_next = self.first[2] - by_z
            else:
                w, both, by_z = _weight_slopes(option, charge, positions, rates, z, z_next)
                by_next = both - by_z
                shifted = shifted * w + rest * both / s
                rest = rest * w
            by_vol = by_vol * w - whole * (z * by_z + z_next * by_next) / step.vol
            whole = whole * w
            y = z_next * s
        self.rest = (rest, shifted, by_vol)
        self.terminal: Vector = option.levels_at(option.maturity)[0] * np.exp(y)


def _weight_slopes(
    option: StepOption, charge: float, positions: tuple[float, ...], rates: tuple[float, ...],
    z: Vector, z_next: Vector,
) -> tuple[Vector, Vector, Vector]:  # fmt: skip
    """Return W, (d/dz + d/dz') W and, for one barrier, dW/dz (otherwise zero)."""
    out = np.zeros((3, len(z)))
    if len(positions) > 1:
        stairs = StaircaseWeightTable.build(positions, rates)
        stairs_slopes(z, z_next, stairs.edges, stairs.plane, out)
        return out[0], out[1], out[2]
    barrier = Barrier.of(option)
    rate, common = step_rates((barrier.rate, barrier.common), charge)
    table = BridgeWeightTable.build(rate)
    m = barrier.mirror
    weights(m * z, m * z_next, table.theta, table.line, table.plane, table.numbers, out)
    factor = math.exp(-common)
    return factor * out[0], factor * m * out[1], factor * m * out[2]


def barrier_sides(
    option: StepOption, market: Market, value: float, delta: float, gamma: float
) -> dict[str, float]:
    """Return Greeks on both sides of a barrier that the spot is on; nothing elsewhere.

    delta, gamma: as estimated, seen from below, or from the side that is not knocked out.
    vol^2 S^2 / 2 times the jump of gamma is the jump of the rate times the price `value`.
    """
    if not isinstance(market, BlackScholesMarket | PiecewiseMarket):
        return {}
    spot = float(market.spot)
    first = path_plan(option, market, 1)[0]
    for i, level in enumerate(option.levels_at(0.0)):
        below, above = step_rates(option.rates[i : i + 2], first.charge)
        if abs(math.log(spot / level)) > ON_BARRIER or below == above:
            continue
        if math.inf not in (below, above):
            jump = 2 * (above - below) * value / (first.vol * spot) ** 2
            return {"gamma_below": gamma, "gamma_above": gamma + jump}
        alive = "above" if below == math.inf else "below"
        dead = "below" if alive == "above" else "above"
        found = {f"delta_{dead}": 0.0, f"gamma_{dead}": 0.0}
        return found | {f"delta_{alive}": delta, f"gamma_{alive}": gamma}
    return {}


def _payoff_slope(option: StepOption, s: Vector) -> Vector:
    """Return S df/dS."""
    k = float(option.strike)
    if option.kind == "call":
        return np.where(s > k, s, 0.0)
    if option.kind == "put":
        return np.where(s < k, -s, 0.0)
    return s if option.kind == "asset" else np.zeros_like(s)
