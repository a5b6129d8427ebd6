"""The method as the platform sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heliostat import MethodSpec, Metric, ProductSpec, hookimpl
from heliostat_methods.gmconv.config import GMConvConfig
from heliostat_methods.gmconv.found.parameters import NetworkParameters


def _search(config: GMConvConfig, run: Any) -> Any:
    from heliostat_methods.gmconv.search import search  # torch loads when a run starts

    return search(config, run)


def _report(view: Any) -> Any:
    from heliostat_methods.gmconv.report.comparison import report

    return report(view)


def _describe(result: Any, run_id: str) -> str:
    from heliostat_methods.gmconv.report.terminal import describe

    return describe(result, run_id)


def _model(value: Any, parameters: NetworkParameters) -> Any:
    from heliostat_methods.gmconv.found.product import build_model

    return build_model(value, parameters)


SMOKE: dict[str, Any] = {
    "dataset": "digits",
    "model": {"name": "cnn", "channels": [2, 3]},
    "variants": ["conv", "static", "dynamic"],
    "steps": 6,
    "batch_size": 32,
    "rate_factors": [0.3, 1.0],
    "rate_growths": 0,
    "rate_seeds": 1,
    "seeds": 2,
    "receptive_inputs": 2,
}
"""Every step of the method in seconds; its result means nothing."""

DEMO: dict[str, Any] = {
    "dataset": "digits",
    "model": {"name": "cnn", "channels": [8, 16], "batch_norm": True},
    "further_rate_factors": [30.0],
    "steps": 300,
}
"""A comparison on real images within minutes on two cores."""

PAPER: dict[str, Any] = {
    "model": "resnet18",
    "variants": ["conv", "static", "dynamic"],
    "steps": 78_000,
    "rate_factors": [1.0],
    "seeds": 3,
}
"""Long trainings of a large network, for a GPU; `dataset` is to be named (`cifar10:PATH`)."""

METHOD = MethodSpec(
    name="gmconv",
    summary="convolutions under Gaussian masks that learn how far they see, beside ordinary ones",
    paper="2302.04544",
    config=GMConvConfig,
    search=_search,
    outputs={
        "test_metric": Metric("min", "test metric with static masks, mean over seeds"),
        "difference": Metric("min", "its mean difference from the first variant, paired"),
    },
    presets={"smoke": SMOKE, "demo": DEMO, "paper": PAPER},
    products=[ProductSpec("model", "a trained network of each variant", _model, NetworkParameters)],
    names="heliostat_methods.gmconv.search",
    report=_report,
    describe=_describe,
    unit="trainings",
)


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    """Return the method."""
    return [METHOD]
