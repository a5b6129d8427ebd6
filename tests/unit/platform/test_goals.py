"""Which numbers of a result are goals: those that a method declares with a direction."""

from __future__ import annotations

from typing import Any

import pytest

from heliostat import MethodConfig, MethodSpec, Metric
from heliostat.errors import PluginError


def method(**outputs: Metric) -> MethodSpec:
    def search(config: Any, run: Any) -> None:
        """Find nothing."""

    return MethodSpec("weighs", "a method", "none", MethodConfig, search, outputs=outputs)


def test_goals_are_the_results_with_a_direction() -> None:
    spec = method(price=Metric(None, "currency"), error=Metric("min"), gain=Metric("max"))
    assert spec.goals == spec.default_goals == {"error": "min", "gain": "max"}


def test_a_goal_on_request_is_none_by_default() -> None:
    spec = method(error=Metric("min"), effort=Metric("min", by_default=False))
    assert spec.goals == {"error": "min", "effort": "min"}
    assert spec.default_goals == {"error": "min"}


@pytest.mark.parametrize("direction", ["up", "", 1])
def test_another_direction_is_refused(direction: Any) -> None:
    with pytest.raises(PluginError, match=r"a Metric: direction = .*\"min\", \"max\""):
        Metric(direction)
