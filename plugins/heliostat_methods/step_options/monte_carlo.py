"""Monte Carlo engines as library calls: chunks in order in this process, stopped at a target.

The plugin runs the same chunks on workers; both fold them in the order of their numbers, so equal
seeds give equal bits. The first `PILOT` paths fit the control variates and are not used again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np

from heliostat_methods.step_options.contract import StepOption
from heliostat_methods.step_options.market import BlackScholesMarket, Market
from heliostat_methods.step_options.paths import (
    PathSettings,
    Simulation,
    control_means,
    sample,
    step_parameters,
)
from heliostat_methods.step_options.result import Result
from heliostat_methods.step_options.validation import InvalidInput, Unsupported, number
from heliostat_search.montecarlo import Controls, Estimate, Moments, Rounds, fold

PILOT = 1 << 13
CHUNK = 1 << 16


def price_bridge(
    option: StepOption, market: Market, greeks: bool = False, *, n_paths: int = 1 << 18,
    n_steps: int = 1, seed: int = 0, target_se: float | None = None, antithetic: bool = False,
    controls: bool = True, strata: int = 1, tilt: float = 0.0,
) -> Result:  # fmt: skip
    """Return the price with exact bridge weights: unbiased under Black-Scholes from one step."""
    settings = PathSettings("bridge", n_steps, antithetic, controls, strata, tilt)
    return _run(Simulation(option, market, settings, seed), "mc_bridge", n_paths, target_se, greeks)


def price_naive(
    option: StepOption, market: Market, greeks: bool = False, *, n_paths: int = 1 << 16,
    n_steps: int = 252, seed: int = 0, target_se: float | None = None, antithetic: bool = False,
    controls: bool = True, strata: int = 1, tilt: float = 0.0,
) -> Result:  # fmt: skip
    """Return the baseline: a Riemann sum of the rate along each path, biased at O(dt)."""
    settings = PathSettings("naive", n_steps, antithetic, controls, strata, tilt)
    return _run(Simulation(option, market, settings, seed), "mc_naive", n_paths, target_se, False)


def _run(simulation: Simulation, name: str, n_paths: int, target_se: float | None,
         greeks: bool) -> Result:  # fmt: skip
    began = time.perf_counter()
    if not isinstance(n_paths, int) or n_paths <= 0:
        raise InvalidInput("n_paths", n_paths, "an integer > 0")
    if target_se is not None:
        number("target_se", target_se, above=0)
    estimate, paths = estimate_price(simulation, n_paths, target_se)
    delta = None
    more: dict[str, float] = {}
    if greeks:
        more = deltas(simulation, min(n_paths, CHUNK))
        delta = more["delta_pathwise"]
        if simulation.option.kind == "digital":  # its payoff has no slope along a path
            delta = more["delta_likelihood_ratio"]
    return Result(
        price=estimate.value,
        method=name,
        abs_error_estimate=2 * estimate.error,
        std_error=estimate.error,
        delta=delta,
        sensitivities=more,
        n_evals=paths,
        wall_s=time.perf_counter() - began,
        details={"steps": simulation.settings.steps},
    )


def pilot(simulation: Simulation) -> Controls:
    """Return control coefficients from paths that the estimate does not use."""
    means = control_means(simulation)
    if not means:
        return Controls.none()
    strata = simulation.settings.strata
    count = max(PILOT // strata, 64) * strata
    return Controls.fit(Moments.of(sample(simulation, 0, count)), means)


def first_path(simulation: Simulation) -> int:
    """Return the number of the first path after the pilot, a multiple of the strata."""
    strata = simulation.settings.strata
    return max(PILOT // strata, 64) * strata if simulation.settings.controls else 0


def estimate_price(
    simulation: Simulation, n_paths: int, target_se: float | None = None, chunk: int = CHUNK
) -> tuple[Estimate, int]:
    """Return the estimate from at most n_paths paths, fewer if `target_se` is met in a round."""
    controls = pilot(simulation)
    strata = simulation.settings.strata
    chunk = max(min(chunk, n_paths) // strata, 2) * strata
    most = max(1, math.ceil(n_paths / chunk))
    offset = first_path(simulation)

    def chunks() -> Iterator[Moments]:
        for i in range(most):
            yield Moments.of(sample(simulation, offset + i * chunk, chunk))

    def enough(count: int, total: Moments) -> bool:
        return target_se is not None and controls.estimate(total).error <= target_se

    count, total = fold(chunks(), Rounds(most=most), enough)
    return controls.estimate(total), count * chunk


def deltas(simulation: Simulation, n_paths: int) -> dict[str, float]:
    """Return both deltas with their standard errors; Black-Scholes, one barrier, exact weights."""
    from heliostat_methods.step_options import path_kernels as pk
    from heliostat_methods.step_options.bridge_weight import BridgeWeightTable
    from heliostat_methods.step_options.paths import Barrier
    from heliostat_methods.step_options.philox import normals

    option, market, settings = simulation.option, simulation.market, simulation.settings
    if not isinstance(market, BlackScholesMarket) or len(option.barriers) != 1:
        raise Unsupported(
            "greeks", True, "one barrier under Black-Scholes for Monte Carlo deltas",
            'use method="laplace"',
        )  # fmt: skip
    barrier = Barrier.of(option)
    steps = settings.steps
    theta = barrier.rate * option.maturity / steps
    table = BridgeWeightTable.build(theta)
    nu = market.rate - market.dividend - float(option.common_gamma or 0) - market.vol**2 / 2
    p = step_parameters(option, float(market.spot), nu, market.vol, steps, market.rate,
                        barrier.mirror)  # fmt: skip
    p[pk.THETA] = theta
    x = np.ascontiguousarray(normals(simulation.seed, 0, n_paths, steps, stream=1))
    out = np.empty((5, n_paths))
    pk.march_with_deltas(x, barrier.mirror, p, table.line, table.plane, table.numbers, out)
    factor = math.exp(-barrier.common * option.maturity) / float(market.spot)
    found: dict[str, float] = {}
    for name, row in (("pathwise", pk.PATHWISE), ("likelihood_ratio", pk.RATIO)):
        moments = Moments.of(out[[row]] * factor)
        estimate = Controls.none().estimate(moments)
        found[f"delta_{name}"] = estimate.value
        found[f"delta_{name}_error"] = estimate.error
    return found
