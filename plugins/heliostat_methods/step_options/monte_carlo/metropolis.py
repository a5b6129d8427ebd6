"""Path sampling by Metropolis, as in the path-integral literature; an ablation.

Chains walk over the normals of a path with density N(x; 0, I) f(S_T) by preconditioned Crank-
Nicolson moves x' = sqrt(1 - beta^2) x + beta xi, accepted with min(1, f' / f). The price is the
vanilla price times the mean weight. Small beta mixes badly: look at R-hat and the autocorrelation.
A chain is a shard.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heliostat import stored
from heliostat_methods.step_options.arithmetic.compilation import compiled
from heliostat_methods.step_options.arithmetic.philox import normals
from heliostat_methods.step_options.closed_form.black_scholes import normal_cdf, vanilla
from heliostat_methods.step_options.contracts.market import BlackScholesMarket, Market
from heliostat_methods.step_options.contracts.result import Result
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.contracts.time_plan import TimeStep
from heliostat_methods.step_options.contracts.validation import (
    InvalidInput,
    Unsupported,
    Vector,
    number,
    whole_number,
)
from heliostat_methods.step_options.monte_carlo.independent_paths import split_details
from heliostat_methods.step_options.monte_carlo.sharded import Progress, Workers, in_process, silent
from heliostat_methods.step_options.paths.given_normals import path_weights
from heliostat_methods.step_options.paths.settings import MOST_STEPS
from heliostat_methods.step_options.paths.step_plan import path_plan
from heliostat_search.montecarlo import Estimate, Moments, held

MOST_NORMALS = 1 << 26
"""Normals of one chain."""


@compiled("i8(f8[:,::1],f8[::1],f8,f8[::1],f8[::1],f8[:,::1])")
def _walk(xi: Any, uniforms: Any, beta: float, c: Any, x: Any, out: Any) -> int:
    """Walk one chain and write its states (dims, iterations); returns the number accepted.

    c: drift and deviation of ln S_T over the strike, and the sign of the payoff's slope.
    """
    dims, iterations = xi.shape
    keep = math.sqrt(1.0 - beta * beta)
    y = np.empty(dims)
    share = math.sqrt(1.0 / dims)
    total = 0.0
    for k in range(dims):
        total += x[k]
    f = max(c[2] * (math.exp(c[0] + c[1] * total * share) - 1.0), 0.0)
    accepted = 0
    for i in range(iterations):
        total = 0.0
        for k in range(dims):
            y[k] = keep * x[k] + beta * xi[k, i]
            total += y[k]
        g = max(c[2] * (math.exp(c[0] + c[1] * total * share) - 1.0), 0.0)
        if g > 0.0 and uniforms[i] * f <= g:
            for k in range(dims):
                x[k] = y[k]
            f = g
            accepted += 1
        for k in range(dims):
            out[k, i] = x[k]
    return accepted


@stored("step_options.chain_summary")
@dataclass(frozen=True)
class ChainSummary:
    """What is kept of a chain: moves accepted, autocorrelation time, moments of both halves."""

    accepted: int
    autocorrelation_time: float
    halves: tuple[Moments, Moments]


@stored("step_options.metropolis_estimator")
@dataclass(frozen=True)
class MetropolisEstimator:
    """Chains over paths; each is a shard, and a statistic is the summaries of some of them."""

    option: StepOption
    market: Market
    steps: int
    beta: float
    chains: int
    iterations: int
    burn_in: int
    seed: int

    def __post_init__(self) -> None:
        number("beta", self.beta, above=0, below=1)
        if self.option.kind not in ("call", "put"):
            raise InvalidInput("kind", self.option.kind, 'call or put for method="metropolis"')
        bounds = {
            "n_steps": (self.steps, 1, MOST_STEPS), "chains": (self.chains, 2, 1 << 14),
            "burn_in": (self.burn_in, 0, 1 << 26),
            "iterations": (self.iterations, 4 * max(int(self.burn_in), 25), 1 << 28),
        }  # fmt: skip
        for name, (value, least, most) in bounds.items():
            found = whole_number(name, value, least=least, most=most)
            object.__setattr__(self, name.removeprefix("n_"), found)
        if not isinstance(self.market, BlackScholesMarket):
            raise Unsupported(
                "market", type(self.market).__name__, "Black-Scholes", "use mc_bridge"
            )
        if len(self.plan) * self.iterations > MOST_NORMALS:
            raise Unsupported(
                "iterations", self.iterations, f"at most {MOST_NORMALS // len(self.plan)} of "
                f"{len(self.plan)} steps", "use mc_bridge",
            )  # fmt: skip

    @property
    def plan(self) -> tuple[TimeStep, ...]:
        """The steps of a path: as many as were asked for, and as its drift needs."""
        assert isinstance(self.market, BlackScholesMarket)
        return path_plan(self.option, self.market, self.steps)

    def shards(self) -> range:
        """Return the numbers of the chains."""
        return range(self.chains)

    def run_shard(self, chain: int) -> tuple[ChainSummary, ...]:
        """Walk one chain."""
        option, market, n = self.option, self.market, len(self.plan)
        assert isinstance(market, BlackScholesMarket)
        T = option.maturity
        drift = (market.rate - market.dividend - market.vol**2 / 2) * T
        c = np.array([
            math.log(float(market.spot) / float(option.strike)) + drift,
            market.vol * math.sqrt(T), 1.0 if option.kind == "call" else -1.0,
        ])  # fmt: skip
        draws = normals(self.seed, 0, self.iterations, n + 1, stream=1000 + chain)
        uniforms = np.ascontiguousarray(normal_cdf(draws[n]))
        # start inside the payoff's support, a little different for each chain
        start = np.full(n, (c[2] * (1.0 + 0.2 * chain) - c[0] / c[1]) / math.sqrt(n))
        states = np.empty((n, self.iterations))
        accepted = _walk(np.ascontiguousarray(draws[:n]), uniforms, self.beta, c, start, states)
        weight = path_weights(option, market, self.plan, states[:, self.burn_in :])[0]
        half = len(weight) // 2
        halves = (Moments.of([weight[:half]]), Moments.of([weight[half : 2 * half]]))
        return (ChainSummary(int(accepted), autocorrelation_time(weight), halves),)

    def merge(
        self, total: tuple[ChainSummary, ...], more: tuple[ChainSummary, ...]
    ) -> tuple[ChainSummary, ...]:
        """Return the summaries of both."""
        return total + more

    def finished(self, total: tuple[ChainSummary, ...]) -> bool:
        """Whether all chains are there."""
        return len(total) >= self.chains

    def estimate(self, total: tuple[ChainSummary, ...]) -> Estimate:
        """Return the price from some chains.

        Its error is that of their autocorrelation or of their means, whichever is larger.
        """
        base = float(vanilla(self.option, self.market))
        moments = total[0].halves[0]
        for half in [h for chain in total for h in chain.halves][1:]:
            moments = moments.merge(half)
        time_ = sum(chain.autocorrelation_time for chain in total) / len(total)
        error = math.sqrt(float(moments.covariance[0, 0]) * time_ / moments.n)
        error = held(error, moments.carriers(0) / time_)
        if len(total) > 2:
            means = Moments.of([[_mean(chain) for chain in total]])
            # chains that mix have means as far apart as their errors say, to a factor of two
            apart = math.sqrt(float(means.covariance[0, 0]) / means.n)
            error = apart if apart > 2 * error else error
        return Estimate(base * float(moments.mean[0]), base * error, moments.n)


def price_metropolis(
    option: StepOption, market: Market, greeks: bool = False, *, n_steps: int = 8,
    beta: float = 0.9, chains: int = 12, iterations: int = 20_000, burn_in: int = 500,
    seed: int = 0, workers: Workers = in_process, progress: Progress = silent,
) -> Result:  # fmt: skip
    """Return V_0 <prod W> over chains; details hold acceptance, autocorrelation time and R-hat."""
    began = time.perf_counter()
    estimator = MetropolisEstimator(
        option, market, n_steps, beta, chains, iterations, burn_in, seed
    )
    total: tuple[ChainSummary, ...] = ()
    for found in workers(estimator, estimator.shards()):
        total = estimator.merge(total, found)
        estimate = estimator.estimate(total)
        progress(len(total), chains, len(total) * iterations, estimate.value, estimate.error)
    return Result(
        price=estimate.value,
        method="metropolis",
        abs_error_estimate=2 * estimate.error,
        std_error=estimate.error,
        n_evals=chains * iterations,
        wall_s=time.perf_counter() - began,
        details={
            "acceptance": sum(chain.accepted for chain in total) / (chains * iterations),
            "autocorrelation_time": sum(c.autocorrelation_time for c in total) / chains,
            "r_hat": split_r_hat([half for chain in total for half in chain.halves]),
            "beta": beta,
        }
        | split_details(option, market, n_steps, len(estimator.plan)),
    )


def _mean(chain: ChainSummary) -> float:
    return sum(float(half.mean[0]) for half in chain.halves) / len(chain.halves)


def autocorrelation_time(values: Vector) -> float:
    """Return the integrated autocorrelation time, cut off by Sokal's window (5 times itself)."""
    x = values - values.mean()
    n = len(x)
    spectrum = np.fft.rfft(x, 2 * n)
    correlation = np.fft.irfft(spectrum * np.conj(spectrum))[:n]
    if correlation[0] <= 0:
        return 1.0
    sums = 2 * np.cumsum(correlation / correlation[0]) - 1
    inside = np.flatnonzero(np.arange(n) >= 5 * sums)
    return float(max(sums[inside[0] if len(inside) else -1], 1.0))


def split_r_hat(halves: Sequence[Moments]) -> float:
    """Return split R-hat (Gelman et al. 2013) of halves of equal length: 1 when they agree."""
    n = halves[0].n
    within = sum(float(half.covariance[0, 0]) for half in halves) / len(halves)
    between = float(Moments.of([[float(half.mean[0]) for half in halves]]).covariance[0, 0])
    return math.sqrt((n - 1) / n + between / within) if within > 0 else 1.0
