"""An external plugin: a loss, a method that leaves one, a method whose tasks build parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from heliostat import (
    MethodConfig,
    MethodSpec,
    Metric,
    PartKind,
    PartRef,
    PartSpec,
    ProductSpec,
    Run,
    TaskContext,
    hookimpl,
)


@dataclass(frozen=True)
class PowerLoss:
    """The mean absolute error to a power; no tree, no network, no parameters to write down."""

    power: float
    tasks: tuple[str, ...] = ("regression",)

    def __call__(self, outputs: Any, targets: Any) -> Any:
        return (outputs.reshape(-1) - targets.reshape(-1)).abs().pow(self.power).mean()


class PowerConfig(MethodConfig):
    """How large errors count."""

    power: float = Field(1.5, gt=0, le=4, description="exponent")


def leaves_loss(config: PowerConfig, run: Run) -> dict[str, Any]:
    """Leave a loss as a product."""
    power = run.call(same, config.power).unwrap()
    run.save("power", {"power": power}, kind="loss")
    return {"value": power}


def same(item: Any, ctx: TaskContext) -> Any:
    return item


def leaves_scaled_loss(config: PowerConfig, run: Run) -> dict[str, Any]:
    """Leave a loss that is made with parameters, as a product."""
    power = run.call(same, config.power).unwrap()
    run.save("power", {"power": power}, kind="loss")
    return {"value": power}


class MoreParameters(MethodConfig):
    """What can be set of a loss that a run left."""

    more: float = Field(0.0, ge=0, le=2, description="added to the power")


class BuildsConfig(MethodConfig):
    """Parts of every origin."""

    data: Annotated[PartRef, PartKind("dataset")] = Field(PartRef("wine"))
    loss: Annotated[PartRef, PartKind("loss")] = Field(PartRef("power"))


def builds_parts(config: BuildsConfig, run: Run) -> dict[str, Any]:
    """Let tasks build the parts, each twice."""
    items = [(config.data, config.loss, i) for i in range(4)]
    values = [outcome.unwrap() for outcome in run.map(loss_of_means, items)]
    return {"value": float(sum(values))}


def loss_of_means(item: tuple[PartRef, PartRef, int], ctx: TaskContext) -> float:
    import torch

    data, loss = ctx.part("dataset", item[0]), ctx.part("loss", item[1])
    targets = torch.as_tensor(np.asarray(data.targets, np.float64))
    return float(loss(targets - item[2], targets))


def _power(config: PowerConfig) -> PowerLoss:
    return PowerLoss(config.power)


def _product(value: Mapping[str, Any]) -> PowerLoss:
    return PowerLoss(value["power"])


def _scaled(value: Mapping[str, Any], parameters: MoreParameters) -> PowerLoss:
    return PowerLoss(value["power"] + parameters.more)


def _method(name: str, config: Any, search: Callable[..., Any], **more: Any) -> MethodSpec:
    return MethodSpec(
        name, f"test: {name}", "none", config, search, {"value": Metric("min")}, {"smoke": {}},
        **more,
    )  # fmt: skip


@hookimpl
def heliostat_methods() -> Sequence[MethodSpec]:
    products = [ProductSpec("loss", "a power of the error", _product)]
    scaled = [ProductSpec("loss", "a power of the error", _scaled, MoreParameters)]
    return [
        _method("leaves_loss", PowerConfig, leaves_loss, products=products),
        _method("leaves_scaled_loss", PowerConfig, leaves_scaled_loss, products=scaled),
        _method("builds_parts", BuildsConfig, builds_parts),
    ]


@hookimpl
def heliostat_parts() -> Sequence[PartSpec]:
    return [PartSpec("loss", "power", _power, "a power of the absolute error", PowerConfig)]
