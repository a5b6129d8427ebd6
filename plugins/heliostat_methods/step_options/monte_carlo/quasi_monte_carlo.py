"""Randomised quasi-Monte Carlo: scrambled Sobol points in Brownian-bridge order.

The first coordinate sets the final value, so the most even one decides most. Independent scrambles
(Owen) give the standard error; a scramble is a shard. With one step the integrand is smooth in one
dimension.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from heliostat import stored
from heliostat_methods.step_options.arithmetic.philox import to_normals
from heliostat_methods.step_options.contracts.market import LocalVolMarket, Market
from heliostat_methods.step_options.contracts.result import Result
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.validation import InvalidInput, Vector, whole_number
from heliostat_methods.step_options.monte_carlo.frozen_volatility import with_bias
from heliostat_methods.step_options.monte_carlo.independent_paths import split_details, weight_error
from heliostat_methods.step_options.monte_carlo.sharded import (
    Progress,
    ShardedEstimator,
    Workers,
    in_process,
    silent,
)
from heliostat_methods.step_options.paths.brownian_bridge import increments
from heliostat_methods.step_options.paths.given_normals import (
    dimensions,
    given_plan,
    weighted_payoffs,
)
from heliostat_methods.step_options.paths.settings import MOST_STEPS
from heliostat_methods.step_options.paths.unseen import Worth, least_error, touching, worth
from heliostat_search.montecarlo import held

MOST_POINTS, MOST_REPLICATES = 1 << 24, 1 << 14
SIGMAS = 4.5


@stored("step_options.sobol_sampler")
@dataclass(frozen=True)
class SobolSampler:
    """One sample is the mean over one scramble of n_points (a power of two) Sobol points."""

    option: StepOption
    market: Market
    n_points: int
    steps: int
    seed: int

    def __post_init__(self) -> None:
        n = whole_number("n_points", self.n_points, least=2, most=MOST_POINTS)
        if n & (n - 1):
            near = min((1 << n.bit_length() - 1, 1 << n.bit_length()), key=lambda p: abs(p - n))
            raise InvalidInput("n_points", n, "a power of two", f"the nearest is {near}")
        object.__setattr__(self, "n_points", n)
        steps = whole_number("n_steps", self.steps, least=1, most=MOST_STEPS)
        object.__setattr__(self, "steps", steps)
        self.dimensions  # noqa: B018  refuses a drift that no path can follow

    @property
    def dimensions(self) -> int:
        """How many steps a path has: as many as were asked for, and as its drift needs."""
        return dimensions(self.option, self.market, self.steps)

    @property
    def group(self) -> int:
        """One scramble makes one sample."""
        return 1

    @property
    def targets(self) -> tuple[str, ...]:
        """The mean weighted payoff, and the mean of its square."""
        return ("price", "square")

    @property
    def worth(self) -> tuple[Worth, ...]:
        """Nothing: how many points count is asked of all scrambles together."""
        return (Worth(0.0), Worth(0.0))

    @property
    def unseen(self) -> float:
        """Nothing bounds it."""
        return 1.0

    @property
    def positive(self) -> bool:
        """No column has negative samples."""
        return True

    @property
    def control_means(self) -> tuple[float, ...]:
        """None: control variates gain little on even points."""
        return ()

    def sample(self, first: int, count: int) -> Vector:
        """Return (2, count) means over scrambles first .. first + count - 1."""
        return np.array([self._mean(first + i) for i in range(count)]).T

    def _mean(self, scramble: int) -> tuple[float, float]:
        from scipy.stats import qmc

        option, market, n = self.option, self.market, self.n_points
        name = np.random.SeedSequence(self.seed, spawn_key=(scramble,))
        stream = np.random.Generator(np.random.Philox(name))
        rows = self.dimensions
        sobol = qmc.Sobol(rows, scramble=True, rng=stream)
        u = np.clip(sobol.random_base2(n.bit_length() - 1), 2.0**-33, 1 - 2.0**-33)
        x, room = np.ascontiguousarray(u.T), np.empty(n)
        for row in x:
            to_normals(row, room)
        if rows > 1:
            of_volatility = isinstance(market, LocalVolMarket)
            x = increments(None if of_volatility else given_plan(option, market, self.steps), x)
        found = weighted_payoffs(option, market, x, self.steps)
        return float(found.sum() / n), float((found * found).sum() / n)


def price_rqmc(
    option: StepOption, market: Market, greeks: bool = False, *, n_points: int = 1 << 12,
    n_steps: int = 1, replicates: int = 16, seed: int = 0, workers: Workers = in_process,
    progress: Progress = silent,
) -> Result:  # fmt: skip
    """Return the mean over `replicates` scrambles of `n_points` (a power of two) points.

    The error is widened as Student's t asks with so few scrambles, so that 4.5 of it are as rare as
    of a normal. Where the volatility moves it holds what freezing it in a step does.
    """
    began = time.perf_counter()
    whole_number("replicates", replicates, least=2, most=MOST_REPLICATES)
    sampler = SobolSampler(option, market, n_points, n_steps, seed)
    estimator = ShardedEstimator.build(sampler, replicates, 1)

    def points(done: int, expected: int, scrambles: int, value: float, error: float) -> None:
        progress(done, expected, scrambles * n_points, value, error)

    total = estimator.run(workers, points)
    (price, square), n = total.mean[:2], replicates * n_points
    hits = n * price * price / square if square > 0 else 0.0
    claim = worth(option, market)
    error = math.sqrt(total.covariance[0, 0] / total.n) * student(replicates - 1)
    # scrambles are skewed where few points carry each of them
    error = math.hypot(held(error, hits / replicates), weight_error(option, claim))
    least = least_error(claim, touching(option, market), n, hits)
    if option.kind == "digital":
        # all scrambles may agree on the cell that the jump cuts
        least = max(least, 3 * claim.path / n)
    error = math.hypot(error, least)
    found = Result(
        price=float(price),
        method="rqmc",
        abs_error_estimate=2 * error,
        std_error=error,
        n_evals=n,
        wall_s=time.perf_counter() - began,
        details={"replicates": replicates, "steps": sampler.dimensions}
        | split_details(option, market, n_steps, sampler.dimensions),
    )
    return with_bias(found, option, market, sampler.dimensions, seed)


def student(freedom: int) -> float:
    """Return how much wider 4.5 deviations are with Student's t of so many degrees of freedom."""
    from scipy.special import ndtr, stdtrit

    return float(-stdtrit(freedom, ndtr(-SIGMAS))) / SIGMAS
