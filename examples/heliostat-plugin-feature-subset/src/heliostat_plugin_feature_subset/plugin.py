"""What is handed over to Heliostat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heliostat import MethodSpec, Metric, ProductSpec, hookimpl

from heliostat_plugin_feature_subset.config import FeatureSubsetConfig
from heliostat_plugin_feature_subset.report import describe, report
from heliostat_plugin_feature_subset.search import search


@dataclass(frozen=True)
class Selected:
    """The data set with the chosen columns only; follows `heliostat.contract.Dataset`."""

    name: str
    inputs: Any
    targets: Any
    classes: int
    task: str = "classification"


def selected(saved: Mapping[str, Any]) -> Selected:
    """Return what a run saved as a data set that other methods can name: `run:RUN`."""
    return Selected(**saved)


METHOD = MethodSpec(
    name="feature_subset",
    summary="features of tabular data by a genetic search, against three baselines",
    paper="Siedlecki and Sklansky 1989",
    config=FeatureSubsetConfig,
    search=search,
    outputs={"error": Metric("min")},
    presets={
        "smoke": {"population": 8, "generations": 3, "block": 4, "retrainings": 6},
        "demo": {},
    },
    products=(ProductSpec("dataset", "the data set with the chosen columns only", selected),),
    report=report,
    describe=describe,
    unit="subsets",
)


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    """Return the method."""
    return [METHOD]
