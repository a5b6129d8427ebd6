"""The method as the platform sees it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from heliostat import MethodSpec, Metric, hookimpl
from heliostat_methods.step_options.config import StepOptionsConfig


def _search(config: StepOptionsConfig, run: Any) -> Any:
    from heliostat_methods.step_options.search import search  # numba loads when a run starts

    return search(config, run)


def _report(view: Any) -> Any:
    from heliostat_methods.step_options.report.page import report

    return report(view)


def _describe(result: Any, run_id: str) -> str:
    from heliostat_methods.step_options.report.terminal import describe

    return describe(result, run_id)


def _on(config: StepOptionsConfig) -> str:
    """Return the contract, or the book, in a few words."""
    if config.book is not None:
        return PurePath(config.book).name
    levels = ", ".join(f"{level:g}" for level in config.barriers)
    return (
        f"{config.knock}-{config.kind} K={config.strike:g}, {config.maturity:g} y, barrier {levels}"
    )


SMOKE: dict[str, Any] = {
    "method": "mc_bridge",
    "cross_check": ["laplace"],
    "n_paths": 1 << 15,
    "chunk": 1 << 12,
    "greeks": False,
}
"""Monte Carlo against the closed form in a few seconds."""

DEMO: dict[str, Any] = {
    "cross_check": ["spectral", "occupation", "pde", "path_integral_grid", "mc_bridge", "mc_naive",
                    "rqmc", "mlmc", "metropolis"],
    "figures": True,
}  # fmt: skip
"""One contract by every engine, which have to agree, with all Greeks and the figures."""

PAPER: dict[str, Any] = {"cross_check": ["spectral", "occupation"], "figures": True}
"""The sweeps over underlying, floating rate, interest rate and strike, with our own parameters."""

METHOD = MethodSpec(
    name="step_options",
    summary="step options by path integral: closed form, exact-weight Monte Carlo, eight more",
    paper="2209.12542",
    config=StepOptionsConfig,
    search=_search,
    outputs={
        "price": Metric(None, "currency", ".10g"),
        "abs_error": Metric("min", "currency"),
        "effort": Metric("min", "currency^2 s", ".3g", by_default=False),
    },
    presets={"smoke": SMOKE, "demo": DEMO, "paper": PAPER},
    names="heliostat_methods.step_options.tasks",
    report=_report,
    describe=_describe,
    on=_on,
    unit="paths",
)


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    """Return the method."""
    return [METHOD]
