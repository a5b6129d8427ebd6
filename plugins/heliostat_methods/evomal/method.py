"""The method as the platform sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heliostat import MethodSpec, Metric, ProductSpec, hookimpl
from heliostat_methods.evomal.config import EvoMALConfig


def _search(config: EvoMALConfig, run: Any) -> Any:
    from heliostat_methods.evomal.search import search  # numba and DEAP load when a run starts

    return search(config, run)


def _report(view: Any) -> Any:
    from heliostat_methods.evomal.report.search import report

    return report(view)


def _describe(result: Any, run_id: str) -> str:
    from heliostat_methods.evomal.report.search import describe

    return describe(result, run_id)


def build_loss(product: Mapping[str, Any]) -> Any:
    """Return the part that `loss = "run:ID"` names: a torch module with `.tasks`."""
    if "network" in product["loss"]:
        from heliostat_methods.evomal.losses.ml3 import stored_network

        return stored_network(product["loss"])
    from heliostat_methods.evomal.losses.expression import LossExpression

    expression = LossExpression.from_dict(product["loss"])
    return expression.to_torch_module(product["task"])


SMOKE: dict[str, Any] = {
    "datasets": ["diabetes"],
    "model": {"name": "mlp", "hidden": [8]},
    "population": 6,
    "tournament": 3,
    "generations": 2,
    "meta_steps": 10,
    "filter_steps": 50,
    "base_steps": 30,
    "test_steps": 60,
    "test_seeds": 4,
    "rate_factors": [1.0],
    "block": 3,
}
"""Every step of the method in a few seconds; its result means nothing."""

DEMO: dict[str, Any] = {
    "datasets": ["diabetes", "digits"],
    "model": {"name": "mlp", "hidden": [32, 32]},
    "test_seeds": 20,
}
"""A real search on two small data sets, within minutes on two cores."""

PAPER: dict[str, Any] = {
    "datasets": ["diabetes"],
    "model": {"name": "mlp", "hidden": [1000, 1000]},
    "test_steps": 10_000,
}
"""The settings of the released regression runs, which are the defaults, with their wide model."""

MNIST: dict[str, Any] = {
    "datasets": ["mnist5k"],
    "model": "lenet5",
    "momentum": 0.0,
    "nesterov": False,
    "weight_decay": 0.0,
    "filter_steps": 100,
    "test_steps": 10_000,
}
"""The settings of the released MNIST runs, on 5000 of its images."""

STUDY: dict[str, Any] = {
    "generations": 30,
    "test_seeds": 10,
    "test_block": 3,
    "study": {
        "datasets": ["diabetes", "boston", "digits", "mnist5k"],
        "models": ["linear", {"name": "mlp", "hidden": [32, 32]}, "lenet5"],
        "search_seeds": 3,
        "core_hours": 2.0,
        "protocols": [
            {"dataset": "mnist5k", "generations": 12, "meta_steps": 100, "base_steps": 250,
             "filter_steps": 100, "test_steps": 1000},
            {"model": "lenet5", "population": 10, "generations": 4, "meta_steps": 40,
             "base_steps": 100, "network_restarts": 3, "test_steps": 500},
        ],
    },
}  # fmt: skip
"""Six searches, four data sets, three models, a scaled protocol: an hour or two on two cores."""

METHOD = MethodSpec(
    name="evomal",
    summary="symbolic loss functions by genetic programming and unrolled differentiation",
    paper="2209.08907",
    config=EvoMALConfig,
    search=_search,
    outputs={
        "best_fitness": Metric("min", "validation metric, mean over data sets"),
        "test_metric": Metric("min", "test metric of the found losses, mean over data sets"),
    },
    presets={"smoke": SMOKE, "demo": DEMO, "study": STUDY, "paper": PAPER, "mnist": MNIST},
    products=[ProductSpec("loss", "the best loss of each data set", build_loss)],
    names="heliostat_methods.evomal.search",
    report=_report,
    describe=_describe,
    unit="candidates",
)


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    """Return the method."""
    return [METHOD]


@hookimpl
def heliostat_commands() -> Sequence[Any]:
    """Return `heliostat losses`."""
    from heliostat_methods.evomal.commands.losses import losses  # only when a verb is looked for

    return [losses]
