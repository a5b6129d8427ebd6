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
    assert spec.goals == {"error": "min", "gain": "max"}


@pytest.mark.parametrize("direction", ["up", "", 1])
def test_another_direction_is_refused(direction: Any) -> None:
    with pytest.raises(PluginError, match=r"a Metric: direction = .*\"min\", \"max\""):
        Metric(direction)
