"""What an engine hands back: the price, how wrong it may be, sensitivities, what it cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

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

    def __repr__(self) -> str:
        """Return one line: the price with its error, the engine, delta and gamma."""
        prices, errors = np.ravel(self.price), np.ravel(self.abs_error_estimate)
        if np.ndim(self.price):
            low, high = (f"{x:.6g}" for x in (np.min(prices), np.max(prices)))
            text = f"{prices.size} prices from {low} to {high}, errors up to {np.max(errors):.1e}"
        else:
            sure = max(float(errors[0]), 1e-12 * abs(float(prices[0])), 1e-300)
            digits = math.log10(max(abs(float(prices[0])), sure) / sure) if sure < math.inf else 0
            text = f"{prices[0]:.{min(max(math.ceil(digits) + 1, 2), 12)}g} +- {errors[0]:.1e}"
        parts = [f"{text} by {self.method}"]
        parts += [f"{name} {np.ravel(value)[0]:.5g}" for name in ("delta", "gamma")
                  if (value := getattr(self, name)) is not None and not np.ndim(value)]  # fmt: skip
        if self.sensitivities:
            parts.append(f"{len(self.sensitivities)} sensitivities")
        parts += ["another engine took over"] if "taken_over" in self.details else []
        return f"Result({', '.join(parts)})"

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
