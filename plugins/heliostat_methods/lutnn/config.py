"""What can be set for a comparison of networks by table lookup with the dense ones they are of.

Authors' values are those of their published code; the paper's body could not be read in full, and
settings marked [R] are a reconstruction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from heliostat import ConfigError, MethodConfig, PartKind, PartRef
from heliostat.errors import did_you_mean
from heliostat_methods.lutnn.names import VARIANTS

DatasetRef = Annotated[PartRef, PartKind("dataset")]
ModelRef = Annotated[PartRef, PartKind("model")]
Positive = Annotated[float, Field(gt=0, le=1e6)]


class LutNNConfig(MethodConfig):
    """One network, dense and by table lookup in several ways, over paired seeds."""

    model_config = ConfigDict(allow_inf_nan=False)

    dataset: DatasetRef = Field(PartRef("digits"), description="data set to learn")
    model: ModelRef = Field(PartRef("cnn"), description="network whose layers become tables")
    fractions: tuple[float, float, float] = Field(
        (0.6, 0.2, 0.2), description="train, validation and test parts"
    )
    metric: Literal["auto", "error_rate", "balanced_error", "log_loss", "auc", "mse", "mae"] = (
        Field("auto", description="what networks are judged by; auto is the task's usual one")
    )
    variants: tuple[str, ...] = Field(
        ("dense", "dense_longer", "int8", "pq", "maddness", "lutnn"),
        min_length=1,
        description="what is compared; the first is what others are compared with: "
        + ", ".join(VARIANTS),
    )

    linear: int = Field(
        8, ge=1, le=4_096,
        description="V of linear layers: inputs of one codebook (authors: 16 or 32 in BERT)",
    )  # fmt: skip
    convolution: int | None = Field(
        None, ge=1, le=4_096,
        description="V of convolutions; without it a channel's patch (authors: 9 of 3x3)",
    )  # fmt: skip
    pointwise: int = Field(4, ge=1, le=4_096, description="V of 1x1 convolutions (authors: 4)")
    clusters: int = Field(
        16, ge=2, le=256, description="K, centroids of a codebook; above 16 no compiled kernel runs"
    )
    keep: tuple[str, ...] = Field((), description="names of layers that stay dense")
    keep_first: bool = Field(True, description="a first convolution stays dense (authors: yes)")
    keep_last: bool = Field(True, description="the last layer stays dense (authors: yes)")
    convert: Literal["all", "cost_model"] = Field(
        "all",
        description="every layer that may become tables, or only those that a model of this "
        "machine's costs says get faster",
    )
    calibration_rows: int = Field(
        1_024, ge=16, le=1_000_000, description="training rows whose inputs are clustered (authors)"
    )
    temperature: float = Field(
        0.065,
        ge=1e-6,
        lt=1,
        description="t of soft assignments at the start (authors' CNNs: 0.065)",
    )

    learning_rate: float = Field(
        1e-3, gt=0, le=1e3, description="Adam's rate of the dense training, before rate_factors [R]"
    )
    steps: int = Field(600, ge=1, le=10_000_000, description="steps of the dense training")
    tuning_rate: float = Field(
        1e-3, gt=0, le=1e3, description="Adam's rate of fine-tuning, before rate_factors (authors)"
    )
    temperature_rate: float = Field(
        0.1, ge=0, le=1e3, description="Adam's rate of temperatures (authors: 0.1)"
    )
    tuning_steps: int = Field(300, ge=1, le=10_000_000, description="steps of fine-tuning")
    weight_decay: float = Field(
        0.0, ge=0, le=1e3, description="of weights and biases, never of centroids (authors: 0)"
    )
    schedule: Literal["cosine", "constant"] = Field("cosine", description="of the learning rates")
    batch_size: int = Field(64, ge=1, le=1_000_000, description="rows of a batch")
    rate_factors: tuple[Positive, ...] = Field(
        (0.3, 1.0, 3.0),
        min_length=1,
        description="rates tried for the dense training and each variant on validation data, as "
        "factors; one alone is taken as it is",
    )
    rate_growths: int = Field(
        2, ge=0, le=100,
        description="rates that may be added beyond each edge while the best one lies there",
    )  # fmt: skip
    rate_seeds: int = Field(
        2, ge=1, le=10_000, description="trainings, with seeds of their own, that choose a rate"
    )
    seeds: int = Field(6, ge=1, le=10_000, description="paired trainings of each variant")
    timed_batches: tuple[Annotated[int, Field(ge=1, le=65_536)], ...] = Field(
        (1, 64), description="batch sizes at which whole networks and layers are timed"
    )
    device: Literal["cpu", "cuda", "auto"] = Field(
        "cpu", description="where networks train; auto: on a GPU where a worker has one"
    )

    @field_validator("variants", "keep", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str | Mapping) else value

    @model_validator(mode="after")
    def _fits(self) -> LutNNConfig:
        for place, name in enumerate(self.variants):
            if name not in VARIANTS:
                raise ConfigError(
                    f"variants[{place}]", name, "the name of a variant",
                    did_you_mean(name, tuple(VARIANTS)),
                )  # fmt: skip
        for field in ("variants", "rate_factors", "timed_batches", "keep"):
            values = list(getattr(self, field))
            if len(set(values)) < len(values):
                raise ConfigError(field, values, "each once")
        if not all(part > 0 for part in self.fractions) or abs(sum(self.fractions) - 1) > 1e-9:
            raise ConfigError("fractions", self.fractions, "three shares above 0 that sum to 1")
        if self.calibration_rows < self.clusters:
            raise ConfigError(
                "calibration_rows", self.calibration_rows, f"at least clusters, {self.clusters}"
            )
        return self
