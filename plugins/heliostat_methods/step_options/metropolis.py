"""Path sampling by Metropolis, as in the path-integral literature; an ablation.

Chains walk over the normals of a path with density N(x; 0, I) f(S_T) by preconditioned Crank-
Nicolson moves x' = sqrt(1 - beta^2) x + beta xi, accepted with min(1, f' / f). The price is the
vanilla price times the mean weight. Small beta mixes badly: look at R-hat and the autocorrelation.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from heliostat_methods.step_options.black_scholes import vanilla
from heliostat_methods.step_options.compilation import compiled
from heliostat_methods.step_options.contract import StepOption
from heliostat_methods.step_options.given_paths import weights_and_payoffs
from heliostat_methods.step_options.market import BlackScholesMarket, Market
from heliostat_methods.step_options.philox import normals
from heliostat_methods.step_options.result import Result
from heliostat_methods.step_options.validation import InvalidInput, Unsupported, Vector, number


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


def price_metropolis(option: StepOption, market: Market, greeks: bool = False, *,
                     n_steps: int = 8, beta: float = 0.9, chains: int = 12,
                     iterations: int = 20_000, burn_in: int = 500,
                     seed: int = 0) -> Result:  # fmt: skip
    """Return V_0 <prod W> over chains; details hold acceptance, autocorrelation time and R-hat."""
    began = time.perf_counter()
    number("beta", beta, above=0, below=1)
    if option.kind not in ("call", "put"):
        raise InvalidInput("kind", option.kind, 'call or put for method="metropolis"')
    if chains < 2 or iterations < 4 * max(burn_in, 25):
        raise InvalidInput("iterations", iterations, "chains >= 2, iterations >= 4 burn_in")
    if not isinstance(market, BlackScholesMarket):
        raise Unsupported("market", type(market).__name__, "Black-Scholes", "use mc_bridge")
    base = float(vanilla(option, market))
    rate, dividend, vol = market.rate, market.dividend, market.vol
    T, spot = option.maturity, float(market.spot)
    c = np.array([
        math.log(spot / float(option.strike)) + (rate - dividend - vol**2 / 2) * T,
        vol * math.sqrt(T), 1.0 if option.kind == "call" else -1.0,
    ])  # fmt: skip
    weights, accepted = np.empty((chains, iterations - burn_in)), 0
    for chain in range(chains):
        draws = normals(seed, 0, iterations, n_steps + 1, stream=1000 + chain)
        uniforms = np.ascontiguousarray(_cdf(draws[n_steps]))
        # start inside the payoff's support, a little different for each chain
        start = np.full(n_steps, (c[2] * (1.0 + 0.2 * chain) - c[0] / c[1]) / math.sqrt(n_steps))
        states = np.empty((n_steps, iterations))
        accepted += _walk(np.ascontiguousarray(draws[:n_steps]), uniforms, beta, c, start, states)
        weights[chain] = weights_and_payoffs(option, market, states[:, burn_in:])[0]
    times = [autocorrelation_time(row) for row in weights]
    tau = float(np.mean(times))
    error = base * math.sqrt(float(weights.var(ddof=1)) * tau / weights.size)
    return Result(
        price=base * float(weights.sum() / weights.size),
        method="metropolis",
        abs_error_estimate=2 * error,
        std_error=error,
        n_evals=chains * iterations,
        wall_s=time.perf_counter() - began,
        details={
            "acceptance": accepted / (chains * iterations),
            "autocorrelation_time": tau,
            "r_hat": split_r_hat(weights),
            "beta": beta,
        },
    )


def _cdf(x: Vector) -> Vector:
    from heliostat_methods.step_options.black_scholes import normal_cdf

    return normal_cdf(x)


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


def split_r_hat(chains: Vector) -> float:
    """Return split R-hat (Gelman et al. 2013) of chains (m, n): 1 when halves agree."""
    half = chains.shape[1] // 2
    parts = np.concatenate([chains[:, :half], chains[:, half : 2 * half]])
    within = float(parts.var(axis=1, ddof=1).mean())
    between = float(parts.mean(axis=1).var(ddof=1))
    return math.sqrt((half - 1) / half + between / within) if within > 0 else 1.0
