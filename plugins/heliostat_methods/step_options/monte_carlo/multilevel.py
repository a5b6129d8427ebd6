"""Multilevel Monte Carlo: coarse paths correct cheap ones (Giles 2008), all with exact weights.

Level l has `first_steps` * 2^l steps; its coarse partner uses sums of pairs of the same normals.
Under Black-Scholes every level is already unbiased, so the corrections have mean zero and the
method shows it; under local volatility the levels remove the bias of frozen volatilities.

It goes in rounds. Which shards a round has follows from the moments of all levels so far, and those
are merged in the order of the shards: rounds are the same on any number of workers.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from heliostat import stored
from heliostat_methods.step_options.arithmetic.philox import normals
from heliostat_methods.step_options.contracts.market import Market
from heliostat_methods.step_options.contracts.result import Result
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import number, whole_number
from heliostat_methods.step_options.monte_carlo.independent_paths import split_details, weight_error
from heliostat_methods.step_options.monte_carlo.sharded import (
    Progress,
    Workers,
    in_process,
    silent,
)
from heliostat_methods.step_options.paths.given_normals import dimensions, weighted_payoffs
from heliostat_methods.step_options.paths.settings import MOST_STEPS
from heliostat_methods.step_options.paths.unseen import least_error, touching, worth
from heliostat_search.montecarlo import Moments, held

FIRST_LEVELS = 3
MOST_LEVELS = 8
MOST_PATHS = 1 << 24
TOLERANCE, BOND_TOLERANCE = 2e-4, 0.02
LARGEST, SMALLEST = 1 << 16, 1 << 12
"""Paths in a shard of level 0, halved with every level, down to the smallest."""
LEAST = 1 << 10
"""Fewer paths are in a shard only where a path has more steps than were asked for, down to this."""
MOST_NORMALS = 1 << 23
"""Normals that are held at a time."""

Levels = tuple[Moments, ...]
"""Moments of P_l - P_{l-1} (of P_0 at level 0) and of its square on every level so far."""


@stored("step_options.level_shard")
@dataclass(frozen=True)
class LevelShard:
    """Paths first .. first + count - 1 of a level."""

    level: int
    first: int
    count: int


@stored("step_options.multilevel_estimator")
@dataclass(frozen=True)
class MultilevelEstimator:
    """A price with root mean square error `tolerance`, half of its square allowed to bias.

    A loop asks `shards(levels)` for the next round, runs them, and merges each with `merge`; it is
    `finished` when a round has none.
    """

    option: StepOption
    market: Market
    tolerance: float
    first_steps: int
    seed: int

    def __post_init__(self) -> None:
        number("tolerance", self.tolerance, above=0)
        steps = whole_number("first_steps", self.first_steps, least=1, most=MOST_STEPS)
        object.__setattr__(self, "first_steps", steps)
        self.steps  # noqa: B018  refuses a drift that no path can follow

    @property
    def steps(self) -> int:
        """How many steps level 0 has: as many as were asked for, and as the drift needs."""
        return dimensions(self.option, self.market, self.first_steps)

    def shards(self, levels: Levels = ()) -> list[LevelShard]:
        """Return the next round: more paths where they pay most, else a level, else nothing."""
        if not levels:
            return [self._shard(level, 0) for level in range(FIRST_LEVELS)]
        # what few samples carry has to be known better before it ends a round
        variances = [max(self._error(i, m) ** 2 * m.n, 1e-30) for i, m in enumerate(levels)]
        costs = [float(self.first_steps << i) for i in range(len(levels))]
        total = sum(math.sqrt(v * c) for v, c in zip(variances, costs, strict=True))
        # Giles 2008, equation 12: the variance becomes tolerance^2 / 2 at the least cost
        found: list[LevelShard] = []
        for level, (v, c, m) in enumerate(zip(variances, costs, levels, strict=True)):
            paths = 2 / self.tolerance**2 * math.sqrt(v / c) * total
            wanted = math.ceil(min(paths, MOST_PATHS // (self.steps // self.first_steps)))
            first = m.n
            while first < wanted:
                found.append(self._shard(level, first))
                first += found[-1].count
        if found:
            return found
        if self.bias(levels) < self.tolerance / math.sqrt(2) or len(levels) >= MOST_LEVELS:
            return []
        return [self._shard(len(levels), 0)]

    def run_shard(self, shard: LevelShard) -> Moments:
        """Return the moments of a shard's corrections."""
        option, market, level = self.option, self.market, shard.level
        rows = dimensions(option, market, self.first_steps, level)
        found = np.empty(shard.count)
        block = max(MOST_NORMALS // rows, 1)  # no result depends on it
        for at in range(0, shard.count, block):
            count = min(block, shard.count - at)
            x = normals(self.seed, shard.first + at, count, rows, stream=100 + level)
            values = weighted_payoffs(option, market, x, self.first_steps, level)
            if level > 0:
                pairs = np.ascontiguousarray((x[0::2] + x[1::2]) / math.sqrt(2))
                values = values - weighted_payoffs(
                    option, market, pairs, self.first_steps, level - 1
                )
            found[at : at + count] = values
        return Moments.of(found[None, :]).beside(Moments.of((found * found)[None, :]))

    def merge(self, levels: Levels, shard: LevelShard, moments: Moments) -> Levels:
        """Return the levels with one more shard; shards come in the order of their round."""
        if shard.level == len(levels):
            return (*levels, moments)
        merged = levels[shard.level].merge(moments)
        return (*levels[: shard.level], merged, *levels[shard.level + 1 :])

    def finished(self, levels: Levels) -> bool:
        """Whether the next round would have no shards."""
        return not self.shards(levels)

    def bias(self, levels: Levels) -> float:
        """Return an estimate of what is missing beyond the last level."""
        # first-order weak error: about the last correction, or half the one before
        last, before = levels[-1], levels[-2]
        return max(abs(float(last.mean[0])), abs(float(before.mean[0])) / 2)

    def run(self, workers: Workers = in_process, progress: Progress = silent) -> Levels:
        """Return the levels after the last round."""
        levels: Levels = ()
        done = 0
        while wanted := self.shards(levels):
            expected = done + len(wanted)
            for shard, moments in zip(wanted, workers(self, wanted), strict=True):
                levels = self.merge(levels, shard, moments)
                done += 1
                paths = sum(m.n for m in levels)
                progress(done, expected, paths, _value(levels), self.error(levels))
        return levels

    def error(self, levels: Levels) -> float:
        """Return the standard error of the sum of all levels."""
        return math.sqrt(sum(self._error(i, m) ** 2 for i, m in enumerate(levels)))

    def _error(self, level: int, moments: Moments) -> float:
        """Return the standard error of a level, also where few paths or none carry it."""
        plain = math.sqrt(float(moments.covariance[0, 0]) / moments.n)
        error = held(plain, moments.carriers(1))
        if level > 0:
            return error
        option, market = self.option, self.market
        least = least_error(worth(option, market), touching(option, market), moments.n,
                            moments.carriers(0))  # fmt: skip
        return math.hypot(error, least)

    def _shard(self, level: int, first: int) -> LevelShard:
        split = self.steps // self.first_steps
        count = max(LARGEST >> level, SMALLEST)
        return LevelShard(level, first, max(count // split, min(count, LEAST)))


def default_tolerance(option: StepOption, market: Market) -> float:
    """Return what a price may be wrong by when nobody says, in its own units."""
    grown = math.exp(min(max(0.0, -min(option.rates)) * option.maturity, 700.0))
    if option.kind in ("digital", "unit"):
        return BOND_TOLERANCE * grown
    spot, strike = float(market.spot), float(option.strike)
    return TOLERANCE * (spot if option.kind == "asset" else min(spot, strike)) * grown


def _value(levels: Levels) -> float:
    return float(sum(m.mean[0] for m in levels))


def price_multilevel(
    option: StepOption, market: Market, greeks: bool = False, *, tolerance: float | None = None,
    first_steps: int = 1, seed: int = 0, workers: Workers = in_process,
    progress: Progress = silent,
) -> Result:  # fmt: skip
    """Return the price with root mean square error `tolerance`, half of it allowed to bias.

    By default TOLERANCE of what is exchanged, or BOND_TOLERANCE where a bond is, times the largest
    weight where a rate lets it grow.
    """
    began = time.perf_counter()
    if tolerance is None:
        tolerance = default_tolerance(option, market)
    estimator = MultilevelEstimator(option, market, tolerance, first_steps, seed)
    levels = estimator.run(workers, progress)
    tables = weight_error(option, worth(option, market))
    error, bias = math.hypot(estimator.error(levels), tables), estimator.bias(levels)
    return Result(
        price=_value(levels),
        method="mlmc",
        abs_error_estimate=2 * error + bias,
        std_error=error,
        n_evals=sum(m.n for m in levels),
        wall_s=time.perf_counter() - began,
        details={
            "bias": bias,
            "reached": 2 * error * error <= tolerance * tolerance * (1 + 1e-9),
            "levels": [[estimator.steps << i, m.n, float(m.mean[0]), float(m.covariance[0, 0])]
                       for i, m in enumerate(levels)],
        }
        | split_details(option, market, first_steps, estimator.steps),
    )  # fmt: skip
