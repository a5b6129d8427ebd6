"""The method as the platform sees it, and its verb `heliostat networks`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heliostat import MethodSpec, Metric, ProductSpec, hookimpl
from heliostat_methods.pnag.config import PNAGConfig
from heliostat_methods.pnag.found.parameters import NetworkParameters


def _search(config: PNAGConfig, run: Any) -> Any:
    from heliostat_methods.pnag.search import search  # torch loads when a run starts

    return search(config, run)


def _report(view: Any) -> Any:
    from heliostat_methods.pnag.report.comparison import report

    return report(view)


def _describe(result: Any, run_id: str) -> str:
    from heliostat_methods.pnag.report.terminal import describe

    return describe(result, run_id)


def _within(view: Any, budget: str) -> Any:
    from heliostat_methods.pnag.report.within import within

    return within(view, budget)


def _model(value: Any, parameters: NetworkParameters) -> Any:
    from heliostat_methods.pnag.found.networks import build_model

    return build_model(value, parameters)


def _on(config: PNAGConfig) -> str:
    """Return the space, and the images where they are named."""
    return ", ".join(ref.name for ref in (config.space, config.dataset) if ref is not None)


SMOKE: dict[str, Any] = {
    "space": {"name": "elastic_conv", "widths": [4, 6], "strides": [1, 2], "stem_channels": 4},
    "supernet": {"epochs": 1, "batch": 256, "calibration": 64, "random": 1},
    "settings": {
        "ensemble": {
            "sources": ["improvement", "generator", "mutation"],
            "least": 0.1,
            "generator": {"steps": 2, "epochs": 3},
        },
    },
    "compare": ["random"],
    "evaluations": 12,
    "batch": 6,
    "seeds": 2,
    "block": 6,
    "generator": {
        "knots": 2,
        "budgets": 2,
        "evaluator_epochs": 3,
        "policy_steps": 2,
        "imitation_steps": 20,
    },
    "retrain": {"networks": 1, "epochs": 1, "batch": 256},
}
"""Every step of the method in seconds; its result means nothing."""

DEMO: dict[str, Any] = {
    "space": {"name": "elastic_conv", "widths": [6, 8, 12], "stem_channels": 6},
    "supernet": {"calibration": 200},
    "compare": ["random", "independent", "optuna_nsga2"],
    "exhaustive": True,
    "block": 500,
    "evaluations": 100,
    "seeds": 5,
    "retrain": {"networks": 10, "epochs": 12},
}
"""A supernet on handwritten digits, all 8,000 networks evaluated, within minutes on two cores."""

PAPER: dict[str, Any] = {
    "space": {"name": "ofa_mobilenet_v3", "width": 1.2, "resolution": 224},
    "supernet": {"schedule": "shrinking", "calibration": 2000},
    "searcher": "joint",
    "settings": {"joint": {"generator": {"mode": "paper"}}},
    "evaluations": 16000,
    "seeds": 1,
    "device": "auto",
}
"""The authors' space, sample and schedule as far as their code says; `dataset` is to be named."""

METHOD = MethodSpec(
    name="pnag",
    summary="one search for the best network of every budget, beside its baselines",
    paper="2210.07634",
    config=PNAGConfig,
    search=_search,
    outputs={
        "hypervolume": Metric("max", "share of the front's hypervolume, mean over seeds"),
        "regret": Metric("min", "accuracy the generator's answers stay below the best known"),
        "accuracy": Metric("max", "of the most accurate network, on validation data"),
    },
    presets={"smoke": SMOKE, "demo": DEMO, "paper": PAPER},
    products=[
        ProductSpec("model", "a network of the front, by its budget", _model, NetworkParameters)
    ],
    names="heliostat_methods.pnag.search",
    report=_report,
    describe=_describe,
    on=_on,
    within=_within,
    unit="networks",
)


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    """Return the method."""
    return [METHOD]


@hookimpl
def heliostat_commands() -> Sequence[Any]:
    """Return `heliostat networks`."""
    from heliostat_methods.pnag.commands.networks import networks  # only when a verb is looked for

    return [networks]
