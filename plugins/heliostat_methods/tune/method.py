"""Tuning as the platform sees it: a method whose trials are runs of another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heliostat import MethodSpec, hookimpl
from heliostat.contract import part_refs
from heliostat_methods.tune.config import TuneConfig


def _search(config: TuneConfig, run: Any) -> Any:
    from heliostat_methods.tune.search import search

    return search(config, run)


def _report(view: Any) -> Any:
    from heliostat_methods.tune.report import report

    return report(view)


def _describe(result: Any, run_id: str) -> str:
    from heliostat_methods.tune.report import describe

    return describe(result, run_id)


def _best(result: Any) -> dict[str, float]:
    """Return the objectives of the best trial; of several objectives there is a front instead."""
    if result["best"] is None:
        return {}
    names = [name for name, _ in result["objectives"]]
    return dict(zip(names, result["best"]["values"], strict=True))


def _methods_run(config: Mapping[str, Any]) -> list[str]:
    return [str(config["method"])]


def _on(config: TuneConfig) -> str:
    """Return the tuned method, and what it works on."""
    spec = config.spec
    names = [ref.name for _, ref in part_refs(config.base) if ref.kind == "dataset"]
    words = ", ".join(dict.fromkeys(names)) if spec.on is None else spec.on(config.base)
    return f"{spec.name}: {words}" if words else spec.name


SMOKE: dict[str, Any] = {
    "method": "step_options",
    "base": {"method": "mc_bridge", "cross_check": ["laplace"], "greeks": False, "n_paths": 1 << 13,
             "chunk": 1 << 11},
    "space": {"n_paths": {"low": 1 << 12, "high": 1 << 13, "step": 1 << 12}},
    "objectives": ["abs_error"],
    "trials": 4,
}  # fmt: skip
"""Monte Carlo at two sizes, four times: every step in seconds."""

METHOD = MethodSpec(
    name="tune",
    summary="the configuration of another method, by Optuna's samplers",
    paper="1907.10902",
    config=TuneConfig,
    search=_search,
    presets={"smoke": SMOKE},
    report=_report,
    describe=_describe,
    on=_on,
    best=_best,
    methods_run=_methods_run,
    unit="trials",
)


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    """Return the method."""
    return [METHOD]
