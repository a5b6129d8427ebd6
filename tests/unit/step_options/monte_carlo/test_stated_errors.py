"""Errors that hold: any contract with few paths, few hits, none, controls that nobody sampled."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from step_contracts import DOWN, MARKET

from heliostat_methods.step_options import (
    BlackScholesMarket,
    InvalidInput,
    PathSampler,
    PathSettings,
    ShardedEstimator,
    StepOption,
    Unsupported,
    double_step,
    down_step,
    price,
    up_step,
)
from heliostat_methods.step_options.monte_carlo.independent_paths import price_bridge, price_naive
from heliostat_methods.step_options.monte_carlo.metropolis import MetropolisEstimator
from heliostat_methods.step_options.monte_carlo.multilevel import price_multilevel
from heliostat_methods.step_options.monte_carlo.quasi_monte_carlo import price_rqmc, student
from heliostat_methods.step_options.paths.unseen import touching, worth

KINDS = ("call", "put", "digital", "unit", "asset")


def drawn(seed: int) -> tuple[StepOption, BlackScholesMarket]:
    """Draw a contract from a wide box: days to decades, vol .01 to 2, some knock-outs."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 4))
    maturity, vol = 10 ** rng.uniform(-2.5, 1.5), 10 ** rng.uniform(-2, 0.3)
    s = min(vol * math.sqrt(maturity), 1.5)
    levels = 100 * np.exp(np.sort(rng.uniform(-2, 2, n)) * s + np.arange(n) * 0.05 * s)
    rates = tuple(rng.choice([0.0, 1.0, 5.0, 30.0, 500.0, math.inf], n + 1, replace=False))
    gamma, r, q = rng.uniform(-0.2, 0.2, 3)
    strike = 100 * math.exp(rng.uniform(-1.5, 1.5) * s)
    option = StepOption(KINDS[seed % 5], strike, maturity, tuple(levels), rates, gamma=gamma)
    return option, BlackScholesMarket(100.0, r, q, vol)


SAMPLED: list[tuple[Any, dict[str, Any]]] = [
    (price_bridge, {"n_paths": 4096}), (price_bridge, {"n_paths": 4096, "controls": False}),
    (price_bridge, {"n_paths": 4096, "n_steps": 3, "strata": 4, "antithetic": True}),
    (price_rqmc, {"n_points": 512}), (price_multilevel, {"tolerance": 1.0}),
]  # fmt: skip
"""Engines themselves: another one takes over for nobody here."""


@pytest.mark.parametrize("seed", range(40))
def test_any_contract_with_few_paths(seed: int) -> None:
    option, market = drawn(seed)
    exact = price(option, market)
    for engine, more in SAMPLED:
        try:
            found = engine(option, market, seed=seed, **more)
        except Unsupported as error:
            assert "laplace" in error.hint
            continue
        off = abs(found.price - exact.price)
        assert off <= 4.5 * found.std_error + exact.abs_error_estimate, (engine, more)
        assert found.std_error < 5.0 or engine is price_multilevel


def test_a_sample_that_no_path_reaches_has_an_error() -> None:
    far = down_step("put", 40.0, 0.25, 90.0, 5.0)
    exact = price(far, MARKET)
    assert 0 < exact.price < 1e-4
    claim = worth(far, MARKET)
    cases: list[tuple[Any, dict[str, Any], int]] = [
        (price_bridge, {"n_paths": 1024}, 1024), (price_naive, {"n_paths": 1024}, 1024),
        (price_rqmc, {"n_points": 64}, 1024), (price_multilevel, {"tolerance": 1.0}, 1 << 16),
    ]  # fmt: skip
    for engine, more, paths in cases:
        found = engine(far, MARKET, seed=1, **more)
        assert found.price == 0
        # three in n times what a path is worth, but not more than all paths are
        assert found.std_error == pytest.approx(claim.of(3 / paths), rel=0.01)
        assert abs(exact.price) <= 4.5 * found.std_error
    assert claim.all == pytest.approx(price(down_step("put", 40.0, 0.25, 90.0, 0.0), MARKET).price)


def test_few_hits_widen_an_error() -> None:
    # about ten of 4096 paths end in the money
    rare = down_step("digital", 210.0, 1.0, 90.0, 5.0)
    exact = price(rare, MARKET).price
    found = price_bridge(rare, MARKET, n_paths=4096, controls=False, seed=2)
    hits = found.price / math.exp(-0.05) * found.n_evals
    plain = math.exp(-0.05) * math.sqrt(hits) / found.n_evals
    assert found.std_error > 1.2 * plain and abs(found.price - exact) < 4.5 * found.std_error


def test_a_knock_out_that_has_happened_is_worth_nothing_for_certain() -> None:
    gone = down_step("call", 100.0, 1.0, 120.0, math.inf)
    for method in ("mc_bridge", "rqmc", "mlmc", "path_integral_grid", "pde"):
        found = price(gone, MARKET, method=method)
        assert found.price == 0 and found.abs_error_estimate <= 1e-9


@pytest.mark.parametrize("option", [
    down_step("call", 100.0, 1.0, 90.0, math.inf), up_step("put", 105.0, 1.0, 110.0, math.inf),
    double_step("call", 100.0, 1.0, (80.0, 130.0), math.inf, gamma=0.02),
    StepOption("put", 100.0, 1.0, (80.0, 95.0, 120.0), (math.inf, 3.0, 0.0, math.inf)),
], ids=lambda o: f"{o.kind} {o.rates}")  # fmt: skip
def test_true_knock_outs(option: StepOption) -> None:
    exact = price(option, MARKET)
    for method, more in (
        ("mc_bridge", {"n_paths": 1 << 15}), ("mc_bridge", {"n_paths": 1 << 14, "n_steps": 6}),
        ("rqmc", {}), ("mlmc", {"tolerance": 0.1}), ("path_integral_grid", {}),
    ):  # fmt: skip
        settings: dict[str, Any] = more
        found = price(option, MARKET, method=method, **settings)
        error = 4.5 * found.std_error if found.std_error else found.abs_error_estimate
        assert abs(found.price - exact.price) <= error + exact.abs_error_estimate
    naive = price_naive(option, MARKET, n_paths=1 << 13, n_steps=1000)
    # a sum sees the barrier at its steps only: moved by .58 deviations of one of them
    assert abs(naive.price - exact.price) < 4.5 * naive.std_error + 0.25
    greeks = price_bridge(option, MARKET, greeks=True, n_paths=1 << 15)
    for name in ("delta", "gamma"):
        off = getattr(greeks, name) - getattr(exact, name)
        assert abs(off) < 4.5 * greeks.sensitivities[f"{name}_error"] + 2e-7


def test_a_control_that_was_not_sampled_is_dropped() -> None:
    class Missed(PathSampler):
        """Says that its second control has another mean than it has."""

        @property
        def control_means(self) -> tuple[float, ...]:
            vanilla, asset = super().control_means
            return vanilla, asset + 2.0

    estimator = ShardedEstimator.build(Missed(DOWN, MARKET, PathSettings(), 3), 1 << 14, 1 << 12)
    total = estimator.run()
    gone = estimator.dropped(total)
    assert list(gone) == [1] and "standard errors off" in gone[1]
    found = estimator.estimates(total)["price"]
    exact = price(DOWN, MARKET).price
    assert abs(found.value - exact) < 4.5 * found.error
    with_it = estimator.controls[0].estimate(estimator._of(0, total))
    assert abs(with_it.value - exact) > 4.5 * with_it.error
    sound = ShardedEstimator.build(PathSampler(DOWN, MARKET, PathSettings(), 3), 1 << 14, 1 << 12)
    assert sound.dropped(sound.run()) == {}
    assert "dropped" not in price(DOWN, MARKET, method="mc_bridge", n_paths=1 << 14).details


def test_how_likely_a_path_meets_a_barrier() -> None:
    # reflection: 2 N(-ln(100 / 90) / .3) without drift
    market = BlackScholesMarket(100.0, 0.045, 0.0, 0.3)
    option = down_step("put", 100.0, 1.0, 90.0, 5.0)
    assert touching(option, market) == pytest.approx(0.72543, abs=1e-4)
    assert touching(down_step("put", 100.0, 1.0, 10.0, 5.0), market) < 1e-13
    assert touching(down_step("put", 100.0, 1.0, 100.0, 5.0), market) == 1.0
    assert touching(down_step("put", 100.0, 1.0, 100.0, 0.0), market) == 0.0


def test_few_scrambles_ask_for_students_t() -> None:
    # quantiles at 3.4e-6 a side, from tables of Student's t
    assert student(15) == pytest.approx(6.6 / 4.5, rel=0.02)
    assert student(100_000) == pytest.approx(1.0, abs=1e-3)
    assert student(1) > 1e4


BAD: list[tuple[str, str, list[Any]]] = [
    ("mc_bridge", "n_paths", [0, -1, True, 1.5, "many", math.nan, 10**30]),
    ("mc_bridge", "n_steps", [0, True, 2.0, 10**9]),
    ("mc_bridge", "strata", [0, 1.5, 10**9]),
    ("mc_bridge", "tilt", [math.inf, math.nan, 1e5, True, "up"]),
    ("mc_bridge", "target_se", [0.0, -1.0, math.nan, math.inf, True, "small"]),
    ("mc_bridge", "chunk", [0, 1.5, 10**12]),
    ("mc_bridge", "antithetic", [1, "yes"]),
    ("mc_naive", "n_steps", [0, None, 10**9]),
    ("rqmc", "n_points", [0, 1, 100, 2.0, 1 << 60]),
    ("rqmc", "replicates", [1, True, 10**9]),
    ("rqmc", "n_steps", [0, 1.0, 10**9]),
    ("mlmc", "tolerance", [0.0, math.nan, math.inf, -1.0, True, "fine"]),
    ("mlmc", "first_steps", [0, 1.5, 10**9]),
    ("metropolis", "iterations", [10, 1.5, 10**12]),
    ("metropolis", "chains", [1, True]),
    ("metropolis", "burn_in", [-1, 0.5]),
    ("metropolis", "beta", [0.0, 1.0, math.nan]),
    ("path_integral_grid", "slices", [0, True, 2.5, math.inf, 10**9]),
    ("path_integral_grid", "panel_nodes", [0, 2, 10**9, None]),
    ("pde", "nodes", [0, 19, True, 1e3, math.nan, 10**12]),
    ("pde", "steps", [0, 1, True, 2.5, 10**12]),
]


@pytest.mark.parametrize("method, field, values", BAD, ids=str)
def test_settings_are_refused_by_name(method: str, field: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(InvalidInput) as caught:
            price(DOWN, MARKET, method=method, **{field: value})
        assert caught.value.field == field
        assert f"{field} = " in str(caught.value)


def test_chains_that_are_too_long_for_memory_are_refused() -> None:
    with pytest.raises(Unsupported, match="iterations"):
        MetropolisEstimator(DOWN, MARKET, 1000, 0.9, 4, 1 << 20, 500, 1)
