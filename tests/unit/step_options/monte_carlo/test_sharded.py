"""Estimators as objects: a loop over their shards finds what the engine finds, in any hands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from step_contracts import DOWN, EXACT, MARKET

from heliostat.values.canonical import decode, encode
from heliostat_methods.step_options import (
    InvalidInput,
    LocalVolMarket,
    MultilevelEstimator,
    PathSampler,
    PathSettings,
    ShardedEstimator,
    double_step,
    price,
)
from heliostat_methods.step_options.monte_carlo.metropolis import MetropolisEstimator
from heliostat_methods.step_options.monte_carlo.sharded import Estimator


def test_a_loop_over_shards_is_the_engine() -> None:
    sampler = PathSampler(DOWN, MARKET, PathSettings(steps=2), 7)
    estimator = ShardedEstimator.build(sampler, 1 << 20, 1 << 12, target_se=4e-2)
    total = None
    for shard in estimator.shards():
        moments = estimator.run_shard(shard)
        total = moments if total is None else estimator.merge(total, moments)
        if estimator.finished(total):
            break
    assert total is not None
    found = price(DOWN, MARKET, method="mc_bridge", n_paths=1 << 20, n_steps=2, seed=7,
                  chunk=1 << 12, target_se=4e-2)  # fmt: skip
    estimate = estimator.estimates(total)["price"]
    assert estimate.value == found.price
    # beside it stands what tables of weights may be wrong by
    assert found.std_error == pytest.approx(estimate.error, rel=1e-9)
    assert estimator.done(total) in (4, 8, 16, 32)
    assert found.n_evals == estimator.done(total) << 12


def elsewhere(estimator: Estimator, shards: Iterable[Any]) -> Iterator[Any]:
    """Workers that see nothing but text, and take the shards in the wrong order."""
    text = encode(estimator)
    items = [encode(shard) for shard in shards]
    found = {
        i: encode(decode(text).run_shard(decode(items[i]))) for i in reversed(range(len(items)))
    }
    return (decode(found[i]) for i in range(len(items)))


@pytest.mark.parametrize(
    "method, settings",
    [
        ("mc_bridge", {"n_paths": 1 << 14, "chunk": 1 << 12, "greeks": True}),
        ("mc_naive", {"n_paths": 1 << 12, "chunk": 1 << 10, "n_steps": 12}),
        ("rqmc", {"n_points": 256, "n_steps": 3}),
        ("mlmc", {"tolerance": 0.1}),
        ("metropolis", {"chains": 3, "iterations": 4000}),
    ],
)
def test_shards_carry_all_that_they_need(method: str, settings: dict[str, Any]) -> None:
    here = price(DOWN, MARKET, method=method, seed=5, **settings)
    there = price(DOWN, MARKET, method=method, seed=5, workers=elsewhere, **settings)
    for name in ("price", "std_error", "delta", "gamma", "sensitivities", "details", "n_evals"):
        assert getattr(here, name) == getattr(there, name)
    assert abs(here.price - EXACT) < 4.5 * here.std_error + (0.07 if method == "mc_naive" else 0)


def test_multilevel_rounds_follow_from_the_levels_alone() -> None:
    estimator = MultilevelEstimator(DOWN, MARKET, 0.05, 1, 3)
    levels: Any = ()
    while not estimator.finished(levels):
        for shard in estimator.shards(levels):
            levels = estimator.merge(levels, shard, estimator.run_shard(shard))
    found = price(DOWN, MARKET, method="mlmc", tolerance=0.05, seed=3)
    assert [m.n for m in levels] == [row[1] for row in found.details["levels"]]
    assert sum(float(m.mean[0]) for m in levels) == found.price
    assert estimator.shards(levels) == []
    starts = [
        (s.level, s.first) for s in MultilevelEstimator(DOWN, MARKET, 0.01, 1, 3).shards(levels)
    ]
    assert len(set(starts)) == len(starts) and all(first >= levels[l].n for l, first in starts)


def test_multilevel_meets_its_tolerance() -> None:
    found = price(DOWN, MARKET, method="mlmc", tolerance=0.02, seed=6)
    assert found.std_error**2 <= 0.02**2 / 2 * 1.1
    assert abs(found.price - EXACT) < 4.5 * found.std_error


def test_multilevel_adds_levels_where_volatility_is_frozen() -> None:
    local = LocalVolMarket.from_function(
        100.0, 0.05, 0.02, lambda s, t: 0.3 + 0.8 * (100.0 / s - 1.0) ** 2, horizon=1.0, low=3.6,
        high=5.6,
    )  # fmt: skip
    found = price(DOWN, local, method="mlmc", tolerance=0.03, seed=6)
    fine = price(DOWN, local, method="mc_bridge", n_steps=128, n_paths=1 << 14, seed=6)
    assert len(found.details["levels"]) > 3
    allowed = found.details["bias"] + 4.5 * (found.std_error + fine.std_error)
    assert abs(found.price - fine.price) < allowed


def test_chains_may_come_in_parts() -> None:
    estimator = MetropolisEstimator(DOWN, MARKET, 4, 0.9, 4, 4000, 500, 1)
    parts = [estimator.run_shard(chain) for chain in estimator.shards()]
    some = estimator.merge(parts[0], parts[1])
    assert not estimator.finished(some)
    whole = estimator.merge(estimator.merge(some, parts[2]), parts[3])
    assert estimator.finished(whole)
    found = price(DOWN, MARKET, method="metropolis", n_steps=4, chains=4, iterations=4000, seed=1)
    assert estimator.estimate(whole).value == found.price


def test_what_a_sampler_cannot_do_is_refused() -> None:
    with pytest.raises(InvalidInput, match="multiple of strata = 4"):
        PathSampler(DOWN, MARKET, PathSettings(strata=4), 1).sample(0, 10)
    with pytest.raises(InvalidInput, match="one barrier"):
        PathSampler(double_step("call", 100.0, 1.0, (80.0, 120.0), 5.0), MARKET,
                    PathSettings("knock_out"), 1)  # fmt: skip
