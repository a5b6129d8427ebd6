"""The price as a function of what the paper's abstract names, with our own parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from heliostat import Run
from heliostat_methods.step_options.contracts.market import BlackScholesMarket
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.tasks import EngineCall, evaluate

SWEEPS: dict[str, list[float]] = {
    "spot": [float(x) for x in np.linspace(60, 140, 41)],
    "gamma": [float(x) for x in np.linspace(-0.2, 0.2, 21)],
    "rate": [float(x) for x in np.linspace(0.0, 0.12, 13)],
    "strike": [float(x) for x in np.linspace(70, 130, 25)],
}
"""Values of each variable; the contracts are those of `contracts`."""

MARKET = {"spot": 100.0, "rate": 0.05, "dividend": 0.0, "vol": 0.3}


def contracts() -> list[tuple[str, tuple[float, ...], tuple[float, ...]]]:
    """Return (label, barriers, rates) of the two contracts that are shown, and of no barrier."""
    return [
        ("no barrier (vanilla)", (90.0,), (0.0, 0.0)),
        ("rate 5 below 90", (90.0,), (5.0, 0.0)),
        ("rate 5 outside 80 to 125", (80.0, 125.0), (5.0, 0.0, 5.0)),
    ]


def price_functions(run: Run) -> list[dict[str, Any]]:
    """Return the prices of `contracts` over each variable of `SWEEPS`."""
    calls, places = [], []
    for label, barriers, rates in contracts():
        for variable, values in SWEEPS.items():
            for value in values:
                fields = {**MARKET, "gamma": 0.02, "strike": 100.0, variable: value}
                option = StepOption("call", fields["strike"], 1.0, barriers, rates,
                                    gamma=fields["gamma"])  # fmt: skip
                market = BlackScholesMarket(**{name: fields[name] for name in MARKET})
                calls.append(EngineCall(option, market, "laplace", False, {}))
                places.append((label, variable))
    found = [o.unwrap()["price"] for o in run.map(evaluate, calls)]
    sweeps: list[dict[str, Any]] = []
    for variable, values in SWEEPS.items():
        lines = [
            {"label": label, "price": [p for p, at in zip(found, places, strict=True)
                                       if at == (label, variable)]}
            for label, _, _ in contracts()
        ]  # fmt: skip
        sweeps.append({"variable": variable, "values": values, "lines": lines})
    return sweeps
