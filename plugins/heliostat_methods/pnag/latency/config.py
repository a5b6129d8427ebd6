"""What can be set for a latency table: the space, the images, how networks are called, how long."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from heliostat import ConfigError, MethodConfig, PartKind, PartRef


class LatencyConfig(MethodConfig):
    """A table of block latencies, and whole networks to judge it by."""

    space: Annotated[PartRef, PartKind("space")] = Field(
        PartRef("elastic_conv"), description="whose blocks are timed"
    )
    dataset: Annotated[PartRef, PartKind("dataset")] = Field(
        PartRef("digits"), description="whose images and classes the networks are for"
    )
    layers: tuple[Annotated[PartRef, PartKind("layer")], ...] = Field(
        (), description="layers that the space names among its kernels"
    )
    image_size: int | None = Field(
        None, ge=1, le=4096, description="pixels of a side, in place of the data set's"
    )
    batch: int = Field(1, ge=1, le=65_536, description="images at a time")
    threads: int = Field(1, ge=1, le=1024, description="threads of one network")
    dtype: Literal["float32", "float64"] = Field("float32", description="type of numbers")
    networks: int = Field(
        24, ge=2, le=10_000, description="whole networks that the table is compared with"
    )
    rounds: int = Field(
        6, ge=1, le=1000, description="rounds in which everything is timed once, in random order"
    )
    repeats: int = Field(
        15, ge=1, le=100_000, description="calls in a row, of which the fastest counts"
    )
    warm_up: int = Field(3, ge=1, le=10_000, description="calls before them that do not count")
    drift: float = Field(
        0.05, gt=0, le=10,
        description="by which share a reference may slow down in a round that counts",
    )  # fmt: skip
    most_rounds: int = Field(
        18, ge=1, le=10_000, description="rounds after which it ends even if they drifted"
    )

    @model_validator(mode="after")
    def _enough_rounds(self) -> Self:
        if self.most_rounds < self.rounds:
            expected = f"at least rounds = {self.rounds}"
            raise ConfigError("most_rounds", self.most_rounds, expected)
        return self
