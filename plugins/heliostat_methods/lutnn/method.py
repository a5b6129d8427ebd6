"""The method as the platform sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heliostat import MethodSpec, Metric, ProductSpec, hookimpl
from heliostat_methods.lutnn.config import LutNNConfig
from heliostat_methods.lutnn.found.parameters import NetworkParameters


def _search(config: LutNNConfig, run: Any) -> Any:
    from heliostat_methods.lutnn.search import search  # torch loads when a run starts

    return search(config, run)


def _report(view: Any) -> Any:
    from heliostat_methods.lutnn.report.comparison import report

    return report(view)


def _describe(result: Any, run_id: str) -> str:
    from heliostat_methods.lutnn.report.terminal import describe

    return describe(result, run_id)


def _model(value: Any, parameters: NetworkParameters) -> Any:
    from heliostat_methods.lutnn.found.product import build_model

    return build_model(value, parameters)


SMOKE: dict[str, Any] = {
    "dataset": "digits",
    "model": {"name": "cnn", "channels": [2, 3]},
    "variants": ["dense", "pq", "lutnn"],
    "steps": 6,
    "tuning_steps": 4,
    "batch_size": 32,
    "calibration_rows": 64,
    "rate_factors": [0.3, 1.0],
    "rate_growths": 0,
    "rate_seeds": 1,
    "seeds": 2,
    "timed_batches": [1],
}
"""Every step of the method in seconds; its result means nothing."""

DEMO: dict[str, Any] = {
    "dataset": "digits",
    "model": {"name": "cnn", "channels": [16, 32, 32], "batch_norm": True},
    "steps": 300,
    "tuning_steps": 200,
    "rate_factors": [1.0, 3.0, 10.0],
}
"""A comparison on real images within minutes on two cores."""

PAPER: dict[str, Any] = {
    "model": "resnet18",
    "variants": ["dense", "dense_longer", "pq", "lutnn"],
    "steps": 39_200,
    "tuning_steps": 39_200,
    "batch_size": 256,
    "weight_decay": 0.0,
    "rate_factors": [1.0],
    "seeds": 3,
}
"""The authors' fine-tuning, 200 epochs of CIFAR-10, for a GPU; `dataset` is to be named.

They train the dense network by SGD at 0.1; here it is Adam [R].
"""

METHOD = MethodSpec(
    name="lutnn",
    summary="networks whose layers look products up in tables of learned centroids, beside dense",
    paper="2302.03213",
    config=LutNNConfig,
    search=_search,
    outputs={
        "test_metric": Metric("min", "test metric of LUT-NN, frozen, mean over seeds"),
        "difference": Metric("min", "its mean difference from the first variant, paired"),
        "size_ratio": Metric("max", "how many times smaller its network is than the dense one"),
    },
    presets={"smoke": SMOKE, "demo": DEMO, "paper": PAPER},
    products=[
        ProductSpec("model", "a fine-tuned network of each variant", _model, NetworkParameters)
    ],
    names="heliostat_methods.lutnn.search",
    report=_report,
    describe=_describe,
    unit="trainings",
)


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    """Return the method."""
    return [METHOD]
