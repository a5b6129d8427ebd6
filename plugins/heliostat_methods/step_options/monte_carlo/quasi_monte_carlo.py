"""Randomised quasi-Monte Carlo: scrambled Sobol points in Brownian-bridge order.

The first coordinate sets the final value, so the most even one decides most. Independent scrambles
(Owen) give the standard error; a scramble is a shard. With one step the integrand is smooth in one
dimension.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from heliostat import stored
from heliostat_methods.step_options.arithmetic.philox import to_normals
from heliostat_methods.step_options.contracts.market import LocalVolMarket, Market
from heliostat_methods.step_options.contracts.result import Result
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.time_plan import time_plan
from heliostat_methods.step_options.contracts.validation import InvalidInput, Vector
from heliostat_methods.step_options.monte_carlo.sharded import (
    Progress,
    ShardedEstimator,
    Workers,
    in_process,
    silent,
)
from heliostat_methods.step_options.paths.brownian_bridge import increments
from heliostat_methods.step_options.paths.given_normals import dimensions, weighted_payoffs


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
        n = self.n_points
        if not isinstance(n, int) or n < 2 or n & (n - 1):
            raise InvalidInput("n_points", n, "a power of two >= 2")
        if not isinstance(self.steps, int) or self.steps < 1:
            raise InvalidInput("steps", self.steps, "an integer >= 1")

    @property
    def group(self) -> int:
        """One scramble makes one sample."""
        return 1

    @property
    def targets(self) -> tuple[str, ...]:
        """The mean weighted payoff."""
        return ("price",)

    @property
    def control_means(self) -> tuple[float, ...]:
        """None: control variates gain little on even points."""
        return ()

    def sample(self, first: int, count: int) -> Vector:
        """Return (1, count) means of scrambles first .. first + count - 1."""
        return np.array([[self._mean(first + i) for i in range(count)]])

    def _mean(self, scramble: int) -> float:
        from scipy.stats import qmc

        option, market, n = self.option, self.market, self.n_points
        name = np.random.SeedSequence(self.seed, spawn_key=(scramble,))
        stream = np.random.Generator(np.random.Philox(name))
        rows = dimensions(option, market, self.steps)
        sobol = qmc.Sobol(rows, scramble=True, rng=stream)
        u = np.clip(sobol.random_base2(n.bit_length() - 1), 2.0**-33, 1 - 2.0**-33)
        x, room = np.ascontiguousarray(u.T), np.empty(n)
        for row in x:
            to_normals(row, room)
        if rows > 1:
            of_volatility = isinstance(market, LocalVolMarket)
            x = increments(
                None if of_volatility else time_plan(market, option.maturity, self.steps),  # type: ignore[arg-type]
                x,
            )
        return float(weighted_payoffs(option, market, x, self.steps).sum() / n)


def price_rqmc(
    option: StepOption, market: Market, greeks: bool = False, *, n_points: int = 1 << 12,
    n_steps: int = 1, replicates: int = 16, seed: int = 0, workers: Workers = in_process,
    progress: Progress = silent,
) -> Result:  # fmt: skip
    """Return the mean over `replicates` scrambles of `n_points` (a power of two) points."""
    began = time.perf_counter()
    if replicates < 2:
        raise InvalidInput("replicates", replicates, "at least 2")
    sampler = SobolSampler(option, market, n_points, n_steps, seed)
    estimator = ShardedEstimator.build(sampler, replicates, 1)

    def points(done: int, expected: int, scrambles: int, value: float, error: float) -> None:
        progress(done, expected, scrambles * n_points, value, error)

    estimate = estimator.estimates(estimator.run(workers, points))["price"]
    return Result(
        price=estimate.value,
        method="rqmc",
        abs_error_estimate=2 * estimate.error,
        std_error=estimate.error,
        n_evals=n_points * replicates,
        wall_s=time.perf_counter() - began,
        details={"replicates": replicates, "steps": n_steps},
    )
