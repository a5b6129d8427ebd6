"""Steps that drift far are cut, claims that grow are drawn where they live: the price is right."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.step_options import (
    BlackScholesMarket,
    LocalVolMarket,
    PiecewiseMarket,
    StepOption,
    Unsupported,
    double_step,
    down_step,
    price,
)
from heliostat_methods.step_options.paths.step_plan import (
    MOST_DRIFT,
    MOST_STEPS,
    own_tilt,
    path_plan,
    surface_steps,
)

DRIFTING = double_step("call", 100.0, 2.0, (80.0, 125.0), 5.0, gamma=-0.3)
QUIET = BlackScholesMarket(100.0, 0.05, 0.01, 0.1)
RIGHT = 0.011506652615
"""Origin: Talbot inversion with 200 nodes and 440 digits (mpmath)."""


@pytest.mark.parametrize("method, more", [
    ("mc_bridge", {"n_paths": 1 << 16}),
    ("mc_bridge", {"n_paths": 1 << 16, "n_steps": 4, "strata": 4, "antithetic": True, "tilt": 0.5}),
    ("rqmc", {"n_points": 1024}), ("mlmc", {"tolerance": 2e-3}),
    ("metropolis", {"iterations": 4000, "n_steps": 2}),
], ids=str)  # fmt: skip
def test_drift_and_several_barriers(method: str, more: dict[str, Any]) -> None:
    # tables that end at 6 standard deviations gave .0353 with an error of 1e-4
    found = price(DRIFTING, QUIET, method=method, seed=3, **more)
    assert abs(found.price - RIGHT) < 4.5 * found.std_error
    assert found.std_error < 1e-3
    assert "instead of" in found.details["split"]
    assert price(DRIFTING, QUIET).price == pytest.approx(RIGHT, abs=1e-11)


@pytest.mark.parametrize("method", ["mc_bridge", "rqmc", "mlmc"])
def test_steps_that_intervals_add_are_not_blamed_on_drift(method: str) -> None:
    few = {"mc_bridge": {"n_paths": 256}, "rqmc": {"n_points": 16}, "mlmc": {"tolerance": 2.0}}
    market = PiecewiseMarket(100.0, (0.25, 1.0), (0.03, 0.04, 0.04), (0.0,) * 3, (0.2, 0.3, 0.2))
    found = price(down_step("call", 100.0, 1.0, 90.0, 5.0), market, method=method, **few[method])
    said = "2 steps instead of 1: none crosses the end of an interval"
    assert found.details["split"] == said


def test_greeks_with_drift_and_several_barriers() -> None:
    exact = price(DRIFTING, QUIET, greeks=True)
    found = price(DRIFTING, QUIET, method="mc_bridge", greeks=True, n_paths=1 << 15, seed=4)
    for name in ("delta", "gamma"):
        off = getattr(found, name) - getattr(exact, name)
        assert abs(off) < 4.5 * found.sensitivities[f"{name}_error"]
    assert abs(found.d_rate - exact.d_rate) < 4.5 * found.d_rate_error


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.01, 1.0), st.floats(-0.5, 0.5), st.floats(0.01, 10.0), st.integers(1, 30),
    st.floats(-4, 4), st.integers(0, 3),
)  # fmt: skip
def test_no_step_drifts_beyond_the_tables(
    vol: float, rate: float, maturity: float, steps: int, tilt: float, halvings: int
) -> None:
    option = dataclasses.replace(DRIFTING, maturity=maturity, gamma=0.0)
    market = BlackScholesMarket(100.0, rate, 0.0, vol)
    try:
        plan = path_plan(option, market, steps, halvings, tilt)
    except Unsupported as error:
        assert "laplace" in error.hint
        assert abs(rate - vol * vol / 2) * math.sqrt(maturity) / vol + abs(tilt) > 32
        return
    assert sum(step.length for step in plan) == pytest.approx(maturity)
    assert len(plan) % (1 << halvings) == 0
    total = vol * math.sqrt(maturity)
    for step in plan:
        drift = (step.rate - vol * vol / 2) * step.length / step.deviation
        assert abs(drift + tilt * step.deviation / total) <= MOST_DRIFT * (1 + 1e-6)


def test_what_drifts_little_keeps_its_steps() -> None:
    market = BlackScholesMarket(100.0, 0.05, 0.02, 0.3)
    assert len(path_plan(DRIFTING, market, 7)) == 7
    assert len(path_plan(DRIFTING, QUIET, 1)) == 6
    # one hard barrier has a formula, no charge has no barrier, a Riemann sum has no weights
    hard = down_step("call", 100.0, 2.0, 80.0, math.inf, gamma=-0.3)
    free = dataclasses.replace(DRIFTING, rates=(1.0, 1.0, 1.0))
    assert len(path_plan(hard, QUIET, 1)) == len(path_plan(free, QUIET, 1)) == 1
    assert len(path_plan(DRIFTING, QUIET, 3, naive=True)) == 3
    intervals = PiecewiseMarket(100.0, (1.0,), (0.05, 0.05), (0.0, 0.0), (0.5, 0.05))
    lengths = {round(s.length, 9) for s in path_plan(DRIFTING, intervals, 2)}
    assert 1.0 in lengths and min(lengths) < 0.2


@pytest.mark.parametrize("method", ["mc_bridge", "rqmc", "mlmc", "metropolis"])
def test_a_drift_that_no_path_can_follow_is_refused(method: str) -> None:
    still = BlackScholesMarket(100.0, 0.4, 0.0, 0.001)
    with pytest.raises(Unsupported, match=rf"vol = 0.001: .* {MOST_STEPS} steps.*laplace"):
        price(DRIFTING, still, method=method)


def test_a_surface_has_the_steps_that_its_volatility_needs() -> None:
    def flat(vol: float) -> LocalVolMarket:
        return LocalVolMarket.from_function(100.0, 0.2, 0.0, lambda s, t: vol + 0 * s * t,
                                            horizon=1.0, low=2.0, high=7.0)  # fmt: skip

    option = down_step("call", 100.0, 1.0, 95.0, 5.0)
    assert surface_steps(option, flat(0.3), 3) == 3
    assert surface_steps(option, flat(0.02), 3) == 27
    exact = price(option, BlackScholesMarket(100.0, 0.2, 0.0, 0.02)).price
    for method, more in (("mc_bridge", {"n_paths": 1 << 14}), ("rqmc", {"n_points": 512})):
        found = price(option, flat(0.02), method=method, seed=2, **more)
        assert abs(found.price - exact) < 4.5 * found.std_error
    with pytest.raises(Unsupported, match="pde"):
        price(option, flat(1e-4), method="mc_bridge")


# Origin: laplace, which an mpmath reference confirms to 1e-11
HEAVY = BlackScholesMarket(100.0, 0.05, 0.0, 1.0)


@pytest.mark.parametrize("method, more", [
    ("mc_bridge", {}), ("mc_bridge", {"n_steps": 5, "controls": False}), ("rqmc", {}),
    ("mlmc", {"tolerance": 0.2}),
], ids=str)  # fmt: skip
@pytest.mark.parametrize("kind, rates, expected", [
    ("put", (0.5, 0.0), 0.000362737079), ("put", (0.0, 0.5), 3.433075345666),
    ("call", (0.5, 0.0), 80.067461596170), ("asset", (0.5, 0.0), 80.068748392744),
])  # fmt: skip
def test_fifty_years_of_volatility_one(
    kind: str, rates: tuple[float, float], expected: float, method: str, more: dict[str, Any]
) -> None:
    # the mean of the asset lives on paths that nobody draws: a put was -.0418 +- 9e-5
    option = StepOption(kind, 100.0, 50.0, (60.0,), rates)
    found = price(option, HEAVY, method=method, seed=5, **more)
    assert abs(found.price - expected) < 4.5 * found.std_error
    assert found.std_error < 0.2
    grows = kind in ("call", "asset")
    assert own_tilt(option, HEAVY) == pytest.approx(math.sqrt(50.0) if grows else 0.0)
    if method == "mc_bridge":
        assert "asset" not in found.details["controls"]
        assert found.details.get("tilt", 0.0) == own_tilt(option, HEAVY)
