"""The three methods as a plugin: HELIOSTAT_LOAD=heliostat_teaching.plugin finds them."""

from __future__ import annotations

from collections.abc import Sequence

from heliostat import MethodSpec, hookimpl
from heliostat_teaching import call_price, curve_fit, group_means


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    """Return the three methods."""
    return [call_price.METHOD, curve_fit.METHOD, group_means.METHOD]
