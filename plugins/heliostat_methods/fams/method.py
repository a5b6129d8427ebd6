"""The method as the platform sees it, and its verb `heliostat audit`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heliostat import MethodSpec, Metric, hookimpl
from heliostat_methods.fams.config import FAMSConfig


def _search(config: FAMSConfig, run: Any) -> Any:
    from heliostat_methods.fams.search import search  # torch and numba load when a run starts

    return search(config, run)


def _report(view: Any) -> Any:
    from heliostat_methods.fams.report.comparison import report

    return report(view)


def _describe(result: Any, run_id: str) -> str:
    from heliostat_methods.fams.report.terminal import describe

    return describe(result, run_id)


SMOKE: dict[str, Any] = {
    "dataset": {"name": "subgroup_law", "groups": 4, "rows_per_group": 40},
    "methods": ["fams", "erm", "logistic"],
    "hidden": [4],
    "fams": {"rounds": 4, "inner": 2, "batch": 10, "n_mc": 2},
    "trials": 1,
    "seeds": 2,
    "permutations": 20,
    "block": 2,
    "checkpoint_every": 2,
}
"""Every step of the method in seconds; its result means nothing."""

DEMO: dict[str, Any] = {
    "dataset": "diabetes_binary",
    "trials": 4,
    "seeds": 5,
}
"""A comparison on real data within minutes on two cores."""

PAPER: dict[str, Any] = {
    "hidden": [400, 200, 100],
    "rows_per_group": 500,
    "n_bins": 5,
    "fams": {"lr_posterior": 0.05, "lr_prior": 0.005, "upper": "adagrad", "persist": "persistent"},
}
"""The authors' configuration for Adult, as far as their code says; `dataset` is to be named."""

METHOD = MethodSpec(
    name="fams",
    summary="fair and accurate prediction on many subgroups, bilevel, beside its baselines",
    paper="2210.10837",
    config=FAMSConfig,
    search=_search,
    outputs={
        "accuracy": Metric("max", "of the bilevel method on test rows, mean over seeds"),
        "gap_squared": Metric("min", "its squared sufficiency gap, unbiased, mean over seeds"),
        "nll": Metric("min", "its negative log-likelihood on test rows, nats, mean over seeds"),
    },
    presets={"smoke": SMOKE, "demo": DEMO, "paper": PAPER},
    names="heliostat_methods.fams.search",
    report=_report,
    describe=_describe,
    unit="trainings",
)


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    """Return the method."""
    return [METHOD]


@hookimpl
def heliostat_commands() -> Sequence[Any]:
    """Return `heliostat audit`."""
    from heliostat_methods.fams.commands.audit import audit  # only when a verb is looked for

    return [audit]
