"""What can be set for a comparison of convolutions under Gaussian masks with ordinary ones.

The paper's body could not be read: settings marked [R] are a reconstruction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from heliostat import ConfigError, MethodConfig, PartKind, PartRef
from heliostat.errors import did_you_mean
from heliostat_methods.gmconv.names import VARIANTS

DatasetRef = Annotated[PartRef, PartKind("dataset")]
ModelRef = Annotated[PartRef, PartKind("model")]
Positive = Annotated[float, Field(gt=0, le=1e6)]


class GMConvConfig(MethodConfig):
    """One network with several kinds of convolutions: tuned alike, trained over paired seeds."""

    model_config = ConfigDict(allow_inf_nan=False)

    dataset: DatasetRef = Field(PartRef("digits"), description="data set of images")
    model: ModelRef = Field(PartRef("cnn"), description="network whose convolutions are converted")
    fractions: tuple[float, float, float] = Field(
        (0.6, 0.2, 0.2), description="train, validation and test parts"
    )
    metric: Literal["auto", "error_rate", "balanced_error", "log_loss", "auc"] = Field(
        "auto", description="what networks are judged by; auto is error_rate"
    )
    variants: tuple[str, ...] = Field(
        ("conv", "static", "dynamic", "fixed"),
        min_length=1,
        description="kinds of convolutions; the first is what others are compared with: "
        + ", ".join(VARIANTS),
    )
    sigma_init: float = Field(5.0, gt=0, le=1e4, description="width at the start, in taps [R]")
    sigma_param: Literal["raw", "softplus"] = Field(
        "raw", description="what is learned: the width itself, or what a softplus makes of it"
    )
    sigma_rate_factor: float = Field(
        1.0, gt=0, le=1e6, description="learning rate of widths, as a multiple of that of weights"
    )
    further_rate_factors: tuple[Positive, ...] = Field(
        (), description="further multiples with which static masks are trained"
    )
    fixed_sigmas: tuple[Positive, ...] = Field(
        (1.0, 2.0), min_length=1, description="widths of the variant fixed, each a contestant"
    )
    reduction: int = Field(4, ge=1, le=1_024, description="of the dynamic variant's perceptron [R]")
    preserve: bool = Field(
        False, description="divide first weights by the mask, so that the function is the same"
    )

    learning_rate: float = Field(0.1, gt=0, le=1e3, description="SGD's rate, before rate_factors")
    momentum: float = Field(0.9, ge=0, lt=1, description="SGD's momentum")
    weight_decay: float = Field(5e-4, ge=0, le=1e3, description="of all but the widths of masks")
    schedule: Literal["cosine", "constant"] = Field("cosine", description="of the learning rate")
    batch_size: int = Field(128, ge=1, le=1_000_000, description="rows of a batch")
    steps: int = Field(600, ge=1, le=10_000_000, description="steps of a training")
    rate_factors: tuple[Positive, ...] = Field(
        (0.1, 0.3, 1.0),
        min_length=1,
        description="rates tried for each variant on validation data, as factors; one alone is "
        "taken as it is",
    )
    rate_growths: int = Field(
        2, ge=0, le=100,
        description="rates that may be added beyond each edge while the best one lies there",
    )  # fmt: skip
    rate_seeds: int = Field(
        2, ge=1, le=10_000, description="trainings, with seeds of their own, that choose a rate"
    )
    seeds: int = Field(6, ge=1, le=10_000, description="paired trainings of each variant")
    receptive_inputs: int = Field(
        20, ge=0, le=10_000, description="test images over which receptive fields are averaged"
    )
    device: Literal["cpu", "cuda", "auto"] = Field(
        "cpu", description="where networks train; auto: on a GPU where a worker has one"
    )

    @field_validator("variants", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str | Mapping) else value

    @model_validator(mode="after")
    def _fits(self) -> GMConvConfig:
        for place, name in enumerate(self.variants):
            if name not in VARIANTS:
                raise ConfigError(
                    f"variants[{place}]", name, "the name of a variant",
                    did_you_mean(name, tuple(VARIANTS)),
                )  # fmt: skip
        for field in ("variants", "fixed_sigmas", "further_rate_factors", "rate_factors"):
            values = list(getattr(self, field))
            if len(set(values)) < len(values):
                raise ConfigError(field, values, "each once")
        if self.further_rate_factors and "static" not in self.variants:
            raise ConfigError(
                "further_rate_factors", list(self.further_rate_factors), "nothing without static"
            )
        if not all(part > 0 for part in self.fractions) or abs(sum(self.fractions) - 1) > 1e-9:
            raise ConfigError("fractions", self.fractions, "three shares above 0 that sum to 1")
        return self
