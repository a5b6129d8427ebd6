"""What an engine hands back: the price, how wrong it may be, sensitivities, what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from heliostat_methods.step_options.contracts.validation import Vector

Number = float | Vector


@dataclass(frozen=True)
class Result:
    """One price or a broadcast array of prices.

    `std_error`: one standard deviation of a Monte Carlo price, None for deterministic engines.
    `abs_error_estimate`: what a deterministic engine believes its absolute error to be (for Monte
    Carlo, two standard errors). `n_evals`: paths, nodes or grid points; `wall_s`: seconds.
    `sensitivities`: further derivatives by name, see `greeks`.
    """

    price: Number
    method: str
    abs_error_estimate: Number
    std_error: Number | None = None
    delta: Number | None = None
    gamma: Number | None = None
    sensitivities: Mapping[str, Any] = field(default_factory=dict)
    n_evals: int = 0
    wall_s: float = 0.0
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def vega(self) -> Any:
        """d price / d vol, when greeks were asked for."""
        return self.sensitivities.get("vega")

    def __getattr__(self, name: str) -> Any:
        # only for names that are no field: d_rate, d_gamma, vanna ... read like fields
        table = object.__getattribute__(self, "__dict__").get("sensitivities", {})
        if name in table:
            return table[name]
        raise AttributeError(f"{name}; sensitivities here: {', '.join(table) or 'none'}")
