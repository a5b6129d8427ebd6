"""The method as the platform sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heliostat import MethodSpec, Metric, ProductSpec, hookimpl
from heliostat_methods.adalfl.config import AdaLFLConfig


def _search(config: AdaLFLConfig, run: Any) -> Any:
    from heliostat_methods.adalfl.search import search  # torch loads when a run starts

    return search(config, run)


def _report(view: Any) -> Any:
    from heliostat_methods.adalfl.report.comparison import report

    return report(view)


def _describe(result: Any, run_id: str) -> str:
    from heliostat_methods.adalfl.report.terminal import describe

    return describe(result, run_id)


def build_loss(product: Mapping[str, Any]) -> Any:
    """Return the part that `loss = "run:ID"` names: a torch module with `.tasks`."""
    from heliostat_search.loss_networks.network import MetaLossNetwork

    return MetaLossNetwork.from_dict(product["loss"])


SMOKE: dict[str, Any] = {
    "dataset": "diabetes",
    "model": {"name": "mlp", "hidden": [8]},
    "methods": ["task_loss", "adalfl", "ml3", "learning_rate"],
    "loss_network": {"hidden": [8]},
    "ml3_hidden": [8],
    "regression_steps": 100,
    "offline": {"steps": 4, "inner": 3},
    "meta_learning_rate": 1e-3,
    "steps": 40,
    "rate_factors": [1.0, 3.0],
    "rate_growths": 0,
    "rate_seeds": 2,
    "seeds": 3,
    "stack": 2,
    "snapshots": 4,
}
"""Every step of the method in seconds; its result means nothing."""

DEMO: dict[str, Any] = {
    "dataset": "digits",
    "model": {"name": "mlp", "hidden": [64]},
    "methods": ["task_loss", "adalfl", "warm_start", "ml3", "learning_rate"],
    "meta_rates": [1e-3],
    "fractions": [0.6, 0.2, 0.2],
    "offline": {"steps": 200, "inner": 5},
    "steps": 1_000,
    "rate_factors": [1.0, 3.0, 10.0, 30.0],
    "rate_growths": 2,
    "seeds": 10,
}
"""A comparison on real data within minutes on two cores."""

PAPER: dict[str, Any] = {
    "phi_init": "offline",
    "methods": ["task_loss", "adalfl", "ml3", "learning_rate"],
    "steps": 10_000,
}
"""The reconstructed settings: Algorithm 1 with S_init = 2500, S_inner = 250, then Algorithm 2."""

METHOD = MethodSpec(
    name="adalfl",
    summary="a loss network that adapts after every training step, beside its baselines",
    paper="2301.13247",
    config=AdaLFLConfig,
    search=_search,
    outputs={
        "test_metric": Metric("min", "test metric with the adapting loss, mean over seeds"),
        "difference": Metric("min", "its mean difference from the first contestant, paired"),
    },
    presets={"smoke": SMOKE, "demo": DEMO, "paper": PAPER},
    products=[ProductSpec("loss", "the loss networks, as they were at the end", build_loss)],
    names="heliostat_methods.adalfl.search",
    report=_report,
    describe=_describe,
    unit="trainings",
)


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    """Return the method."""
    return [METHOD]
