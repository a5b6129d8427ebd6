"""Step options against QuantLib: closed form against finite differences, paths against paths.

Each figure is a ratio of two sides measured in this process, on one core, one after the other, the
best of several repetitions. "Equal error" compares standard error times the square root of time;
the time to an equal error goes with its square.

Run: ``python benchmarks/step_options.py [--json]`` (about a minute; needs QuantLib).
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import QuantLib as ql
from step_options_workers import workers_ratio

from heliostat_methods.step_options import (
    BlackScholesMarket,
    BridgeWeightTable,
    double_step,
    down_step,
    price,
)
from heliostat_methods.step_options.arithmetic.philox import fill_normals
from heliostat_methods.step_options.closed_form.laplace import COARSE_NODES, solve_many
from heliostat_methods.step_options.contracts.reduced import reduce
from heliostat_methods.step_options.paths.sampler import PathSampler
from heliostat_methods.step_options.paths.settings import PathSettings
from heliostat_methods.step_options.weights import bridge as weights
from heliostat_search.montecarlo import Controls, Moments

SPOT, STRIKE, RATE, DIVIDEND, VOL, BARRIER = 100.0, 100.0, 0.05, 0.02, 0.3, 90.0
KNOCK_OUT = 8.510761494328
MARKET = BlackScholesMarket(SPOT, RATE, DIVIDEND, VOL)
DOWN = down_step("call", STRIKE, 1.0, BARRIER, 5.0)
Claims = dict[str, dict[str, Any]]


def seconds(work: Callable[[], object], repeat: int = 5) -> float:
    """Return the least wall time of some repetitions after one that warms up."""
    work()
    best = math.inf
    for _ in range(repeat):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


def claim(claims: Claims, name: str, ours: float, peer: float, unit: str, ratio: float) -> None:
    """Keep and print one comparison."""
    claims[name] = {"ours": ours, "peer": peer, "ratio": ratio, "unit": unit}
    print(f"{name:<44} ours {ours:>12.5g}   peer {peer:>12.5g} {unit:<22} ratio {ratio:.4g}")


def quantlib() -> tuple[Any, Any]:
    """Return a knock-out option of QuantLib and its process; 365 days are one year."""
    today = ql.Date(1, 1, 2026)
    ql.Settings.instance().evaluationDate = today
    count = ql.Actual365Fixed()
    flat = [ql.YieldTermStructureHandle(ql.FlatForward(today, x, count)) for x in (DIVIDEND, RATE)]
    vol = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), VOL, count))
    process = ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(SPOT)), *flat, vol)
    payoff = ql.PlainVanillaPayoff(ql.Option.Call, STRIKE)
    exercise = ql.EuropeanExercise(today + 365)
    return ql.BarrierOption(ql.Barrier.DownOut, BARRIER, 0.0, payoff, exercise), process


def quantlib_paths(steps: int, paths: int) -> tuple[float, float, float]:
    """Return seconds, price and standard error of QuantLib's Monte Carlo with its bridge."""
    option, process = quantlib()
    engine = ql.MCBarrierEngine(
        process, "pseudorandom", timeSteps=steps, requiredSamples=paths, seed=7, brownianBridge=True
    )
    option.setPricingEngine(engine)
    began = time.perf_counter()
    value = option.NPV()
    return time.perf_counter() - began, value, option.errorEstimate()


def our_paths(steps: int, paths: int, weights_: str = "knock_out", controls: bool = False,
              repeat: int = 3) -> tuple[float, float, float]:  # fmt: skip
    """Return seconds, price and standard error of ours: paths and their moments."""
    settings = PathSettings(weights_, steps, controls=controls)
    sampler = PathSampler(DOWN, MARKET, settings, 7)
    chunk = min(paths, 1 << 16)
    # the reference of a knock-out needs no price of ours: controls have their own means
    fitted = Controls.none()
    if controls:
        fitted = Controls.fit(Moments.of(sampler.sample(0, 8192)), sampler.control_means)
    result = Moments.of(np.zeros((1, 2)))

    def work() -> None:
        nonlocal result
        blocks = [Moments.of(sampler.sample(8192 + i * chunk, chunk))
                  for i in range(paths // chunk)]  # fmt: skip
        result = blocks[0]
        for block in blocks[1:]:
            result = result.merge(block)

    took = seconds(work, repeat)
    estimate = fitted.estimate(result)
    return took, estimate.value, estimate.error


def closed_form(claims: Claims) -> None:
    """Batches of 10,000 with price, delta and gamma; QuantLib's FD barrier engine 400 x 400."""
    n = 10_000
    per_option = {}
    for barriers, option in ((1, DOWN), (2, double_step("call", STRIKE, 1.0, (90.0, 120.0), 5.0))):
        spots = np.linspace(70.0, 150.0, n)
        problem = reduce(option, BlackScholesMarket(spots, RATE, DIVIDEND, VOL), "laplace")
        ones = np.ones(n)
        arguments = (
            ones, RATE * ones, problem.nu * ones, VOL * ones, problem.k, problem.source,
            np.tile(problem.breaks, (n, 1)), np.tile(problem.rates, (n, 1)), problem.y,
            np.arange(n + 1), COARSE_NODES,
        )  # fmt: skip
        per_option[barriers] = seconds(lambda a=arguments: solve_many(*a)) / n
    option, process = quantlib()
    option.setPricingEngine(ql.FdBlackScholesBarrierEngine(process, 400, 400))

    def fd() -> float:
        option.recalculate()
        return float(option.NPV())

    fd_seconds = seconds(fd, 10)
    error = abs(fd() - KNOCK_OUT)
    ours = abs(price(DOWN, MARKET, nodes=COARSE_NODES).price - price(DOWN, MARKET).price)
    print(f"errors: FD 400x400 {error:.1e}, ours with {COARSE_NODES} nodes {ours:.1e}")
    name = "closed form, 1 barrier vs FD 400x400"
    claim(
        claims, name, per_option[1] * 1e6, fd_seconds * 1e6, "us/option", fd_seconds / per_option[1]
    )
    double = "closed form, 2 barriers, target 15 us"
    claim(claims, double, per_option[2] * 1e6, 15.0, "us/option", 15e-6 / per_option[2])


def ladder(claims: Claims) -> None:
    """1,000 spots of one contract at once, against 1,000 calls for one spot each."""
    spots = np.linspace(70.0, 150.0, 1000)
    singles = [BlackScholesMarket(float(s), RATE, DIVIDEND, VOL) for s in spots]
    together = BlackScholesMarket(spots, RATE, DIVIDEND, VOL)
    one = seconds(lambda: price(DOWN, together))
    many = seconds(lambda: [price(DOWN, market) for market in singles], 3)
    claim(claims, "ladder of 1,000 spots vs 1,000 calls", one * 1e3, many * 1e3, "ms", many / one)
    problem = reduce(DOWN, together, "laplace")
    n = len(spots)

    def solve(first: Any, count: int) -> Any:
        ones = np.ones(count)
        return solve_many(
            ones, RATE * ones, problem.nu * ones, VOL * ones, problem.k[:count],
            problem.source[:count], np.tile(problem.breaks, (count, 1)),
            np.tile(problem.rates, (count, 1)), problem.y, first, COARSE_NODES,
        )  # fmt: skip

    shared = seconds(lambda: solve(np.array([0, n]), 1), 20)
    apart = seconds(lambda: solve(np.arange(n + 1), n), 20)
    name = "the same inside one compiled call"
    claim(claims, name, shared * 1e6, apart * 1e6, "us", apart / shared)


def paths(claims: Claims) -> None:
    """Knock-out calls: equal steps, then equal error."""
    peer = {steps: quantlib_paths(steps, n) for steps, n in ((52, 40_000), (1, 1_000_000))}
    ours = {52: our_paths(52, 1 << 18), 1: our_paths(1, 1 << 22, controls=True)}
    for steps, (took, value, error) in [*peer.items(), *ours.items()]:
        print(f"  {steps} steps: {value:.5f} +- {error:.5f} in {took:.3f} s, "
              f"{(value - KNOCK_OUT) / error:+.1f} standard errors off")  # fmt: skip
    rate = (1 << 18) / ours[52][0]
    peer_rate = 40_000 / peer[52][0]
    claim(claims, "knock-out, 52 steps, no control", rate, peer_rate, "paths/s", rate / peer_rate)
    effort = {name: error * math.sqrt(took) for name, (took, _, error) in
              (("ours", ours[1]), ("52", peer[52]), ("1", peer[1]))}  # fmt: skip
    for steps in ("52", "1"):
        name = f"equal error vs its {steps} step engine"
        ratio = (effort[steps] / effort["ours"]) ** 2
        claim(claims, name, effort["ours"], effort[steps], "error x sqrt(s)", ratio)
    steps, n = 52, 1 << 18
    knock = ours[52][0] / n / steps
    bridge = our_paths(steps, n, "bridge")[0] / n / steps
    claim(claims, "52-step knock-out, target 8 ns", knock * 1e9, 8.0, "ns/path-step", 8e-9 / knock)
    claim(claims, "52-step step option, target 12 ns", bridge * 1e9, 12.0, "ns/path-step",
          12e-9 / bridge)  # fmt: skip


def generators(claims: Claims) -> None:
    """Normals against numpy's Philox; weight tables against their budget."""
    x, room = np.empty((64, 256)), np.empty(256)
    rounds = 200
    ours = seconds(lambda: [fill_normals(x, room, i, 1, 1, 2, 0) for i in range(rounds)])
    ours /= rounds * x.size
    rng = np.random.Generator(np.random.Philox(1))
    peer = seconds(lambda: rng.standard_normal(1 << 20)) / (1 << 20)
    claim(claims, "normals vs numpy's Philox", ours * 1e9, peer * 1e9, "ns/normal", peer / ours)
    BridgeWeightTable.build(1.0)
    slowest = 0.0
    for theta in np.geomspace(1e-4, 1e3, 15):
        weights._table.cache_clear()
        began = time.perf_counter()
        BridgeWeightTable.build(float(theta))
        slowest = max(slowest, time.perf_counter() - began)
    name = "slowest weight table, target 50 ms"
    claim(claims, name, slowest * 1e3, 50.0, "ms", 0.05 / slowest)


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true", help="last line as JSON")
    parser.add_argument("--no-workers", action="store_true", help="leave out the two-worker run")
    arguments = parser.parse_args()
    claims: Claims = {}
    closed_form(claims)
    ladder(claims)
    generators(claims)
    paths(claims)
    if not arguments.no_workers:
        one, two, same = workers_ratio()
        print(f"digests of 1 and 2 workers are {'equal' if same else 'DIFFERENT'}")
        claim(claims, "2 workers vs 1, equal digests", two, one, "s", one / two)
    if arguments.json:
        print(json.dumps(claims))


if __name__ == "__main__":
    main()
