"""Paths: known-answer generator, normals, unbiased weights, variance reduction, other models."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri
from step_contracts import DOWN, EXACT, MARKET

from heliostat_methods.step_options import (
    BasketMarket,
    BlackScholesMarket,
    HestonMarket,
    PathSampler,
    PathSettings,
    double_step,
    down_step,
    price,
    up_step,
)
from heliostat_methods.step_options.arithmetic.philox import normals, philox, to_normals
from heliostat_methods.step_options.closed_form.black_scholes import heston_vanilla
from heliostat_methods.step_options.paths.brownian_bridge import bridge_order
from heliostat_methods.step_options.weights.staircase import StaircaseWeightTable


@pytest.mark.parametrize(
    "counter, key, expected",
    [
        # Random123, known-answer tests of philox4x32 with 10 rounds
        ([0] * 4, [0] * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ([0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xA4093822, 0x299F31D0],
         "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)  # fmt: skip
def test_philox_known_answers(counter: list[int], key: list[int], expected: str) -> None:
    words = philox(*map(np.uint64, counter), *map(np.uint64, key))
    assert " ".join(f"{int(word):08x}" for word in words) == expected


def test_normals_are_quantiles() -> None:
    # every uniform that 32 bits give lies in here, both ends included
    u = np.concatenate([np.linspace(2.0**-33, 1 - 2.0**-33, 20001), 2.0 ** -np.arange(2.0, 34)])
    found = u.copy()
    to_normals(found, np.empty_like(found))
    np.testing.assert_allclose(found, ndtri(u), rtol=2e-12, atol=1e-13)


def test_a_path_depends_on_its_number_alone() -> None:
    whole = normals(seed=5, first=0, paths=1000, steps=7)
    part = normals(seed=5, first=600, paths=100, steps=7)
    np.testing.assert_array_equal(whole[:, 600:700], part)
    assert not np.array_equal(normals(5, 0, 100, 4), normals(5, 0, 100, 4, stream=1))
    assert not np.array_equal(normals(5, 0, 100, 4), normals(6, 0, 100, 4))
    assert abs(whole.mean()) < 5 / np.sqrt(7000) and abs(whole.std() - 1) < 0.05


def test_samples_do_not_depend_on_how_they_are_cut() -> None:
    sampler = PathSampler(DOWN, MARKET, PathSettings(steps=3), 9)
    whole = sampler.sample(0, 1000)
    parts = [sampler.sample(a, b - a) for a, b in ((0, 17), (17, 600), (600, 1000))]
    np.testing.assert_array_equal(whole, np.concatenate(parts, axis=1))


SETTINGS: list[dict[str, Any]] = [
    {}, {"controls": False}, {"antithetic": True}, {"strata": 16}, {"tilt": 0.7},
    {"n_steps": 6}, {"n_steps": 6, "strata": 8, "antithetic": True},
    {"n_steps": 5, "strata": 4, "tilt": 0.5, "antithetic": True, "controls": False},
]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_variance_reductions_compose_and_stay_unbiased(settings: dict[str, Any]) -> None:
    result = price(DOWN, MARKET, method="mc_bridge", n_paths=1 << 18, seed=11, **settings)
    assert abs(result.price - EXACT) < 4.5 * result.std_error


def test_variance_reductions_reduce() -> None:
    def error(**more: Any) -> float:
        found = price(DOWN, MARKET, method="mc_bridge", n_paths=1 << 16, seed=1, **more)
        return float(found.std_error)

    plain = error(controls=False)
    # with 2^16 paths of one step: .0101 -> .00072
    assert error() < plain / 8
    assert error(controls=False, antithetic=True) < plain
    assert error(controls=False, strata=16) < plain / 3
    assert error(controls=False, tilt=1.0) < plain / 1.5


@pytest.mark.parametrize("steps", [1, 4])
def test_up_barriers_and_two_charged_sides(steps: int) -> None:
    up = up_step("put", 105.0, 1.0, 110.0, 4.0, gamma=-0.03)
    double = double_step("call", 100.0, 1.0, (90.0, 120.0), (3.0, 8.0), gamma=0.02)
    for option in (up, double):
        exact = price(option, MARKET).price
        found = price(option, MARKET, method="mc_bridge", n_steps=steps, n_paths=1 << 17, seed=2)
        assert abs(found.price - exact) < 4.5 * found.std_error


def test_target_stops_at_a_round() -> None:
    loose = price(DOWN, MARKET, method="mc_bridge", n_paths=1 << 24, target_se=2e-3, seed=3)
    assert loose.std_error <= 2e-3
    assert loose.n_evals in [4 << (16 + k) for k in range(7)]
    assert abs(loose.price - EXACT) < 4.5 * loose.std_error


@pytest.mark.parametrize("steps", [1, 8])
def test_delta_keeps_the_boundary_term(steps: int) -> None:
    # AS01 of the reference prices: a delta that drops the indicator's boundary term would give .569
    option = down_step("call", 100.0, 1.0, 90.0, 2.0)
    market = BlackScholesMarket(100.0, 0.05, 0.0, 0.3)
    found = price(option, market, method="mc_bridge", greeks=True, n_steps=steps, seed=4)
    for name in ("delta_pathwise", "delta_likelihood_ratio"):
        row = found.details["estimators"][name]
        assert abs(row["value"] - 0.68293664828) < 4.5 * row["error"]
        assert row["error"] < 0.02


def test_two_barrier_weights_match_one_barrier_far_from_the_other() -> None:
    from heliostat_methods.step_options import BridgeWeightTable

    table = StaircaseWeightTable.build((0.0, 40.0), (2.0, 0.0, 2.0))
    z = np.array([0.3, -0.5, 1.5, -0.2, 0.0, 2.0])
    z_next = np.array([0.5, 0.4, -0.1, -0.7, 0.6, 1.0])
    one = BridgeWeightTable.build(2.0).weight(z, z_next)
    np.testing.assert_allclose(table.weight(z, z_next), one, atol=2e-8)


def test_bridge_order_visits_every_point_once() -> None:
    for steps in (1, 2, 7, 52):
        order, _ = bridge_order(steps)
        assert sorted(order[:, 0]) == list(range(1, steps + 1))


# Origin: quadrature over the first asset's last price, with the weight of its bridge and the
# Black-Scholes price of the second; two grids agree to 1e-12
@pytest.mark.parametrize("rate, steps, expected", [(5.0, 1, 8.662365054), (5.0, 3, 8.662365054),
                                                   (0.0, 1, 10.155988559)])  # fmt: skip
def test_basket(rate: float, steps: int, expected: float) -> None:
    option = down_step("call", 100.0, 1.0, 90.0, rate, gamma=0.02)
    market = BasketMarket((100.0, 100.0), 0.05, (0.02, 0.02), (0.3, 0.2),
                          ((1.0, 0.6), (0.6, 1.0)), (0.5, 0.5))  # fmt: skip
    found = price(option, market, method="mc_bridge", n_paths=1 << 18, n_steps=steps, seed=5)
    assert abs(found.price - expected) < 4.5 * found.std_error


HESTON = HestonMarket(100.0, 0.05, 0.02, 0.09, 1.5, 0.06, 0.4, -0.6)


def test_heston_vanilla_and_its_scheme() -> None:
    assert heston_vanilla("call", 100.0, 1.0, HESTON) == pytest.approx(11.65608902, abs=1e-8)
    free = down_step("call", 100.0, 1.0, 90.0, 0.0)
    found = price(free, HESTON, method="mc_bridge", n_steps=8, n_paths=1 << 17, seed=6)
    # log-Euler is off by +.28 with 4 steps and +.06 with 12
    assert abs(found.price - 11.65608902) < 4.5 * found.std_error + 0.01


# Origin: Crank-Nicolson in price and variance, extrapolated, to 2e-4 and 5e-4 (1280 x 64 nodes).
# The variance that is frozen in a step leaves O(dt).
@pytest.mark.parametrize("rate, expected, bias", [(5.0, 10.6612, 0.012), (50.0, 9.2120, 0.03)])
def test_heston(rate: float, expected: float, bias: float) -> None:
    option = down_step("call", 100.0, 1.0, 90.0, rate)
    found = price(option, HESTON, method="mc_bridge", n_steps=32, n_paths=1 << 17, seed=7,
                  antithetic=True)  # fmt: skip
    assert abs(found.price - expected) < 4.5 * found.std_error + bias


_PROGRAM = """
import hashlib
import numpy as np
from heliostat_methods.step_options import *
from heliostat_methods.step_options.monte_carlo.greeks import GreekSampler
option = down_step("call", 100.0, 1.0, 90.0, 5.0, gamma=0.05)
market = BlackScholesMarket(100.0, 0.05, 0.02, 0.3)
total = hashlib.sha256()
for settings in (PathSettings(), PathSettings(steps=7, antithetic=True), PathSettings("naive", 5),
                 PathSettings(steps=4, strata=4)):
    total.update(PathSampler(option, market, settings, 3).sample(0, 2048).tobytes())
total.update(GreekSampler(double_step("call", 100.0, 1.0, (90.0, 120.0), 5.0), market, 3,
                          3).sample(0, 512).tobytes())
result = price(option, BlackScholesMarket(np.linspace(60, 140, 50), 0.05, 0.02, 0.3))
for values in (result.price, result.delta, result.gamma):
    total.update(np.asarray(values).tobytes())
print(total.hexdigest())
"""


def test_compiled_now_or_loaded_from_the_cache_gives_the_same_bits(tmp_path: Path) -> None:
    digests = []
    for _ in range(2):
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
        done = subprocess.run([sys.executable, "-c", _PROGRAM], env=environment, text=True,
                              capture_output=True)  # fmt: skip
        assert done.returncode == 0, done.stderr
        digests.append(done.stdout)
    assert digests[0] == digests[1]
