"""The figures of the paper's abstract with our parameters, the kernel, and how engines converge."""

from __future__ import annotations

from typing import Any

import numpy as np

from heliostat import Run
from heliostat_methods.step_options.config import StepOptionsConfig
from heliostat_methods.step_options.contract import StepOption
from heliostat_methods.step_options.kernel import PricingKernel
from heliostat_methods.step_options.market import BlackScholesMarket
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


def figures(config: StepOptionsConfig, run: Run) -> dict[str, Any]:
    """Return the sweeps, the kernel of the well and the errors of engines by effort."""
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
    return {"sweeps": sweeps, "kernel": kernel_figure(), "convergence": convergence(run)}


def kernel_figure() -> dict[str, Any]:
    """Return densities from inside and outside the well, their bound parts, and the states.

    A low rate, so that the well is shallow and the continuum can be seen.
    """
    option = StepOption("call", 100.0, 1.0, (80.0, 125.0), (1.0, 0.0, 1.0))
    market = BlackScholesMarket(**MARKET)
    kernel = PricingKernel(option, market)
    centre = float(kernel.breaks[1]) / 2
    spot = np.geomspace(40.0, 250.0, 161)
    z = np.log(spot / option.barriers[0]) / market.vol
    states = kernel.bound_states()
    starts = []
    for label, at, note in (
        ("the centre of the well, 100", 100.0, "The bound states carry most of it."),
        ("outside the well, 65", 65.0, "Bound states alone are wrong: most of it is continuum."),
    ):
        z0 = float(np.log(at / option.barriers[0]) / market.vol)
        bound = sum(np.exp(-state.energy) * state(z0 - centre) * state(z - centre)
                    for state in states)  # fmt: skip
        starts.append({
            "label": label,
            "note": note,
            "density": [float(x) for x in kernel.density(z0, z, 1.0)],
            "bound": [float(x) for x in np.asarray(bound)],
        })  # fmt: skip
    return {
        "spot": [float(x) for x in spot],
        "barriers": list(option.barriers),
        "starts": starts,
        "energies": [state.energy for state in states],
        "states": [[float(x) for x in state(z - centre)] for state in states],
    }


def convergence(run: Run) -> list[dict[str, Any]]:
    """Return absolute errors of engines against their effort, for the single contract."""
    option = StepOption("call", 100.0, 1.0, (90.0,), (5.0, 0.0), gamma=0.02)
    market = BlackScholesMarket(**MARKET)
    seed = run.seed64("convergence") >> 1
    plans: list[tuple[str, list[int], str, dict[str, Any]]] = [
        ("laplace", [4, 6, 8, 10, 12], "nodes", {}),
        ("pde", [50, 100, 200, 400], "nodes", {}),
        ("mc_bridge", [1 << k for k in range(10, 21, 2)], "n_paths", {"seed": seed}),
        ("mc_naive", [1 << k for k in range(10, 17, 2)], "n_paths", {"seed": seed, "n_steps": 52}),
        ("rqmc", [1 << k for k in range(6, 13, 2)], "n_points", {"seed": seed}),
    ]
    calls = [EngineCall(option, market, "laplace", False, {})]
    for engine, efforts, name, more in plans:
        calls += [EngineCall(option, market, engine, False, {name: e, **more}) for e in efforts]
    found = [o.unwrap() for o in run.map(evaluate, calls)]
    exact, at, lines = found[0]["price"], 1, []
    for engine, efforts, _, _ in plans:
        rows = found[at : at + len(efforts)]
        at += len(efforts)
        lines.append({
            "engine": engine,
            "evaluations": [row["n_evals"] for row in rows],
            "error": [max(abs(row["price"] - exact), 1e-16) for row in rows],
            "std_error": [row["std_error"] for row in rows],
        })  # fmt: skip
    return lines
