"""How the engines converge: their errors against what they evaluate."""

from __future__ import annotations

from typing import Any

from heliostat import Run
from heliostat_methods.step_options.contracts.market import BlackScholesMarket
from heliostat_methods.step_options.contracts.step_option import StepOption
from heliostat_methods.step_options.figures.price_functions import MARKET
from heliostat_methods.step_options.tasks import EngineCall, evaluate


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
