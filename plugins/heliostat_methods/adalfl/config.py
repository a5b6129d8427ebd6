"""What can be set for a comparison of losses that adapt online with what they are measured against.

Settings marked [R] are a reconstruction: neither the paper nor its code could be read for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from heliostat import EXTENDABLE, ConfigError, MethodConfig, PartKind, PartRef, stored
from heliostat.errors import did_you_mean
from heliostat_methods.adalfl.names import METHODS, START

DatasetRef = Annotated[PartRef, PartKind("dataset")]
ModelRef = Annotated[PartRef, PartKind("model")]
LossRef = Annotated[PartRef, PartKind("loss")]
Width = Annotated[int, Field(ge=1, le=10_000)]
Rate = Annotated[float, Field(ge=1e-9, le=1e6)]


@stored("adalfl.loss_network")
class LossNetworkSettings(MethodConfig):
    """The network of an output and its label that is the loss."""

    model_config = ConfigDict(allow_inf_nan=False)

    hidden: tuple[Width, ...] = Field(
        (40, 40), min_length=1, max_length=16, description="widths of its hidden layers [R]"
    )
    gamma: float = Field(
        0.01, ge=0, le=1, description="slope of the smooth leaky rectifier far to the left [R]"
    )
    beta: float = Field(
        10.0, gt=0, le=1e6, description="how sharply the smooth leaky rectifier bends [R]"
    )
    hidden_activation: Literal["relu", "smooth_leaky_relu"] = Field(
        "relu", description="activation of hidden layers [R]; the authors' files have both"
    )
    output_activation: Literal["smooth_leaky_relu", "softplus"] = Field(
        "smooth_leaky_relu", description="activation of the output; softplus is ML3's"
    )
    class_reduction: Literal["sum", "mean"] = Field(
        "sum", description="over the classes of a row; the mean is the authors' few-shot variant"
    )
    add_task_loss: bool = Field(
        False, description="add the task's own loss to the network's, as the few-shot variant does"
    )


@stored("adalfl.offline")
class OfflineSettings(MethodConfig):
    """Algorithm 1: a loss that is learned before the training, on fresh models."""

    model_config = ConfigDict(allow_inf_nan=False)

    steps: int = Field(2_500, ge=0, le=10_000_000, description="meta steps, S_init [R]")
    inner: int = Field(
        250, ge=1, le=1_000_000, description="steps of each fresh model, all unrolled, S_inner [R]"
    )
    learning_rate: float = Field(1e-3, gt=0, le=1e6, description="Adam's rate, as ML3's code has")


class AdaLFLConfig(MethodConfig):
    """Losses on one data set: tuned alike on validation data, then trained over paired seeds."""

    model_config = ConfigDict(allow_inf_nan=False)

    dataset: DatasetRef = Field(PartRef("digits"), description="data set")
    model: ModelRef = Field(PartRef("mlp"), description="the base model; dense ones are stacked")
    fractions: tuple[float, float, float] = Field(
        (0.7, 0.1, 0.2),
        description="train, validation and test parts; the loss learns from the second [R]",
    )
    metric: Literal[
        "auto", "mse", "rmse", "mae", "error_rate", "balanced_error", "log_loss", "auc"
    ] = Field("auto", description="what models are judged by; auto is mse or error_rate")

    methods: tuple[str, ...] = Field(
        ("task_loss", "adalfl", "ml3", "warm_start", "learning_rate"),
        min_length=1,
        description="contestants by name; the first is the one that others are compared with: "
        + ", ".join(METHODS),
    )
    references: tuple[LossRef, ...] = Field(
        (), description="further losses, frozen, such as run:ID of a search for losses"
    )
    meta_rates: tuple[Rate, ...] = Field(
        (), description="further rates of the loss with which adalfl is trained"
    )
    inner_sweep: tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...] = Field(
        (), description="further S_inner with which adalfl_offline is trained"
    )

    loss_network: LossNetworkSettings = Field(
        LossNetworkSettings.model_validate({}), description="the loss that adapts"
    )
    ml3_hidden: tuple[Width, ...] = Field(
        (50, 50), min_length=1, max_length=16, description="widths of ML3's loss network"
    )
    phi_init: Literal["task_loss_regression", "offline", "random"] = Field(
        "task_loss_regression",
        description="how adalfl's loss begins: fitted to the task's loss, by Algorithm 1 (the "
        "paper), or drawn; the default is the one that was never unusable here",
    )
    regression_steps: int = Field(
        600, ge=1, le=1_000_000, description="steps of Adam that fit it to the task's loss"
    )
    offline: OfflineSettings = Field(
        OfflineSettings.model_validate({}), description="Algorithm 1, for adalfl_offline and ml3"
    )
    on_unusable: Literal["keep", "regression", "fail"] = Field(
        "keep",
        description="a loss whose steps do not lower the task's on fresh models: keep it, begin "
        "from the task's loss instead, or end the run; it is told in any case",
    )
    meta_learning_rate: float = Field(
        1e-5, ge=0, le=1e6, description="Adam's rate of the loss during training, eta_2 [R]"
    )
    log_rate_step: float = Field(
        1e-3, gt=0, le=1e3,
        description="Adam's rate of the logarithm of the learning rate, where that adapts",
    )  # fmt: skip
    on_divergence: Literal["stop", "revert", "raise"] = Field(
        "stop",
        description="numbers that are not finite: end that training, undo the step, or fail",
    )

    learning_rate: float = Field(
        0.01, ge=1e-9, le=1e6, description="SGD's rate, before rate_factors"
    )
    momentum: float = Field(0.9, ge=0, lt=1, description="SGD's momentum")
    nesterov: bool = Field(True, description="Nesterov's momentum, else heavy-ball")
    weight_decay: float = Field(5e-4, ge=0, le=1e3, description="SGD's weight decay")
    batch_size: int = Field(
        128, ge=1, le=1_000_000, description="rows of a batch, of training and of validation rows"
    )
    steps: int = Field(
        3_000, ge=1, le=10_000_000, description="steps of a training", json_schema_extra=EXTENDABLE
    )
    rate_drops: tuple[tuple[int, float], ...] = Field(
        (), description="steps from which on the rate is multiplied, such as [[2000, 0.1]]"
    )
    rate_factors: tuple[Rate, ...] = Field(
        (0.1, 0.3, 1.0, 3.0, 10.0),
        min_length=1,
        description="rates tried for each contestant on validation data, as factors; one alone is "
        "taken as it is",
    )
    rate_growths: int = Field(
        3, ge=0, le=100,
        description="rates that may be added beyond each edge while the best one lies there",
    )  # fmt: skip
    rate_seeds: int = Field(
        3, ge=1, le=10_000, description="trainings, with seeds of their own, that choose a rate"
    )
    seeds: int = Field(10, ge=1, le=10_000, description="paired trainings of each contestant")
    stack: int = Field(
        10,
        ge=1,
        le=1_000,
        description="trainings, seeds and rates, side by side in one task: part of the result",
    )
    snapshots: int = Field(
        12, ge=2, le=200, description="moments of a training at which the loss is drawn"
    )
    device: Literal["cpu", "cuda", "auto"] = Field(
        "cpu", description="where models train; auto: on a GPU where a worker has one"
    )

    @field_validator("references", "methods", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str | Mapping | PartRef) else value

    @model_validator(mode="after")
    def _fits(self) -> AdaLFLConfig:
        for place, name in enumerate(self.methods):
            if name not in METHODS:
                raise ConfigError(
                    f"methods[{place}]", name, "the name of a contestant",
                    did_you_mean(name, tuple(METHODS)),
                )  # fmt: skip
        for field in ("methods", "meta_rates", "inner_sweep", "rate_factors"):
            values = list(getattr(self, field))
            if len(set(values)) < len(values):
                raise ConfigError(field, values, "each once")
        if self.meta_learning_rate in self.meta_rates:
            raise ConfigError(
                "meta_rates", list(self.meta_rates),
                f"others than meta_learning_rate = {self.meta_learning_rate:g}",
                "adalfl is trained with that already",
            )  # fmt: skip
        if self.meta_rates and "adalfl" not in self.methods:
            raise ConfigError("meta_rates", list(self.meta_rates), "nothing without adalfl")
        if self.inner_sweep and "adalfl_offline" not in self.methods:
            raise ConfigError(
                "inner_sweep", list(self.inner_sweep), "nothing without adalfl_offline"
            )
        steps = [step for step, _ in self.rate_drops]
        if steps != sorted(set(steps)) or any(not 0 < step < self.steps for step in steps):
            raise ConfigError(
                "rate_drops", self.rate_drops, f"increasing steps below steps = {self.steps}"
            )
        if not all(factor > 0 for _, factor in self.rate_drops):
            raise ConfigError("rate_drops", self.rate_drops, "pairs of a step and a factor above 0")
        if not all(part > 0 for part in self.fractions) or abs(sum(self.fractions) - 1) > 1e-6:
            raise ConfigError(
                "fractions", self.fractions, "three shares above 0 that sum to 1",
                "the loss learns from validation rows, which no model trains on",
            )  # fmt: skip
        return self

    def start_of(self, name: str) -> str:
        """Return how the loss of a contestant begins."""
        return self.phi_init if START[name] == "configured" else START[name]
