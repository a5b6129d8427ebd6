"""What fits a budget: the most accurate network, its costs and regret, and what cannot be said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pnag_outcomes import TEXTS, View, outcome

from heliostat.contract import Within
from heliostat.errors import ConfigError
from heliostat_methods.pnag.comparison.outcome import FrontNetwork
from heliostat_methods.pnag.report.within import within


def asked(budget: str, **more: Any) -> Within:
    return within(View(outcome(**more).plain()), budget)  # type: ignore[arg-type]


def timed(measured: float | None = None) -> list[FrontNetwork]:
    costs = {"madds": 5e5, "params": 3e3, "latency": 350e-6}
    return [FrontNetwork(TEXTS[0], 0.9, 0.88, costs, measured)]


def test_the_most_accurate_network_within_a_budget_is_told_with_its_costs() -> None:
    found = asked("600k")
    assert found.feasible
    lines = found.text.splitlines()
    assert lines[:3] == [
        "1,2:3,0,3,5:2,0,4,2",
        "costs: 500k MAdds, 3k params (budget 600k MAdds)",
        "accuracy: 84.0 % validation, 83.0 % test",
    ]
    assert lines[-1] == (
        "take it away: heliostat networks export RUN --budget 600k --format onnx -o network.onnx"
    )
    assert found.plain == {
        "architecture": TEXTS[1], "quantity": "madds", "budget": 6e5, "feasible": True,
        "costs": {"madds": 5e5, "params": 3001.0}, "measured_latency": None, "accuracy": 0.84,
        "test": 0.83, "regret": 0.0, "regret_against": "all that was evaluated",
    }  # fmt: skip


def test_an_architecture_stays_on_one_line_to_be_copied() -> None:
    text = "4,4,4,4,4:" + ",".join(["7"] * 20) + ":" + ",".join(["6"] * 20)
    front = [replace(one, text=text) for one in outcome().front]
    assert text in asked("600k", front=front).text.splitlines()
    assert max(map(len, asked("600k", front=front).text.splitlines()[1:-1])) <= 79


def test_a_cost_equal_to_the_budget_fits() -> None:
    assert asked("500000").plain["architecture"] == TEXTS[1]
    assert asked("499999").plain["architecture"] == TEXTS[0]


def test_where_nothing_fits_the_cheapest_is_told_and_no_regret() -> None:
    found = asked("1k")
    assert not found.feasible
    assert found.text.startswith("no network of the front costs 1k MAdds or less; the cheapest is")
    assert "regret: none can be told" in found.text
    assert found.plain["architecture"] == TEXTS[0]
    assert found.plain["regret"] is None and found.plain["feasible"] is False
    assert f"--arch {TEXTS[0]}" in found.text


def test_regret_says_against_what() -> None:
    assert "against the whole space it is not known" in " ".join(asked("600k").text.split())
    whole = asked("600k", known=True, evaluated=400)
    assert "regret: 0.0 points, against the front of the whole space" in whole.text
    assert whole.plain["regret_against"] == "whole space"
    truth = [(2e5, 0.81), (5.5e5, 0.87), (7e5, 0.99)]
    real = asked("600k", known=True, truth=truth)
    assert "regret: 3.0 points, against the front of the whole space" in real.text
    assert real.plain["regret"] == pytest.approx(0.03)


def test_another_measured_quantity_fits_too_and_its_regret_is_not_known() -> None:
    found = asked("3001params")
    assert found.plain["architecture"] == TEXTS[1]
    assert found.plain["regret"] is None
    assert "regret: not known; the run kept MAdds small" in found.text


def test_predicted_stands_beside_measured_latency() -> None:
    text = asked("1ms", front=timed(400e-6), quantity="latency").text
    assert "latency: 350 us by the table, 400 us measured (-12.5 %)" in text
    off = asked("1ms", front=timed(), quantity="latency", latency_error=0.021).text
    assert "latency: 350 us by the table, which is off by 2.1 % on average" in off
    assert "this network was not timed itself" in asked("1ms", front=timed()).text


def test_a_quantity_that_was_not_measured_names_those_that_were() -> None:
    wanted = (
        r"budget = '12ms': expected a budget of what the run measured: MAdds, parameters.*"
        r"heliostat latency build"
    )
    with pytest.raises(ConfigError, match=wanted):
        asked("12ms")
    front = [replace(timed()[0], costs={"latency": 350e-6})]
    with pytest.raises(ConfigError, match=r"measured: latency.*write it as 350us"):
        asked("350M", front=front, quantity="latency")


def test_a_budget_that_cannot_be_read_is_named() -> None:
    for text in ("fast", "", "-3", "nan", "12 parsecs"):
        with pytest.raises(ConfigError, match=r"budget = .*expected a cost such as 12ms"):
            asked(text)


@pytest.mark.parametrize(
    ("state", "hint"),
    [("running", "ask when it has ended"), ("interrupted", "heliostat resume RUN")],
)
def test_a_run_without_a_result_says_how_far_it_is(state: str, hint: str) -> None:
    view = View(None, state=state, count=lambda: 1234)
    with pytest.raises(ConfigError, match=f"it is {state}, 1,234 tasks are done.*{hint}"):
        within(view, "1M")  # type: ignore[arg-type]


def test_of_a_space_that_is_known_nothing_is_taken_away() -> None:
    assert "networks export" not in asked("600k", dataset="", images=[]).text


@settings(max_examples=80, deadline=None)
@given(
    points=st.lists(st.tuples(st.floats(1, 1e12), st.floats(0, 1)), min_size=1, max_size=8),
    budget=st.floats(1, 1e12),
)
def test_nothing_within_the_budget_is_more_accurate(
    points: list[tuple[float, float]], budget: float
) -> None:
    front = [FrontNetwork(f"{at}", accuracy, None, {"madds": cost})
             for at, (cost, accuracy) in enumerate(points)]  # fmt: skip
    found = asked(repr(budget), front=front)
    fitting = [accuracy for cost, accuracy in points if cost <= budget]
    assert found.feasible == bool(fitting)
    if fitting:
        assert found.plain["accuracy"] == max(fitting)
        assert found.plain["costs"]["madds"] <= budget
    else:
        assert found.plain["costs"]["madds"] == min(cost for cost, _ in points)


@pytest.mark.parametrize("budget", ["0ms", "0", "0kparams", "1e-400ms"])
def test_a_budget_of_nothing_is_no_cost_in_any_unit(budget: str) -> None:
    with pytest.raises(ConfigError, match="a finite cost above 0"):
        asked(budget)


def test_a_budget_that_only_rounding_fits_is_told_to_the_last_digit() -> None:
    front = [FrontNetwork(TEXTS[0], 0.9, 0.88, {"madds": 3804.0, "params": 3e3})]
    found = asked("3.8k", front=front)
    assert not found.feasible
    assert "(budget 3.8kMAdds, below 3.804kMAdds)" in found.text


def test_what_the_space_has_is_told_where_no_search_found_it() -> None:
    found = asked("1k", known=True, truth=[[900.0, 0.5], [6e5, 0.9]])
    assert not found.feasible and found.plain["regret"] is None
    text = " ".join(found.text.split())
    assert "since no search found a network that fits; the space has one of 50.0 %" in text
