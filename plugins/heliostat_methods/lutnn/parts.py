"""Convolutions by table lookup as parts of kind "layer", for methods that compose networks.

Cheap to import: torch is loaded when a part is built.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from heliostat.contract import Layer, PartSpec, hookimpl


class LutConvolutionParameters(BaseModel):
    """A convolution by table lookup that keeps the size of its input."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kernel_size: int = Field(3, ge=1, le=99, description="taps of a side")
    channels: int | None = Field(
        None, ge=1, le=65_536, description="output channels; default: as many as come in"
    )
    clusters: int = Field(16, ge=2, le=256, description="K, centroids of a codebook")
    length: int | None = Field(
        None, ge=1, le=4_096, description="V, inputs of a codebook; default: a channel's patch"
    )
    temperature: float = Field(
        0.065, ge=1e-6, lt=1, description="t of soft assignments at the start (authors' CNNs)"
    )
    table_scale: Literal["per_layer", "per_output"] = Field(
        "per_layer", description="one scale of the int8 tables, or one an output"
    )
    bias: bool = Field(False, description="a bias for each output channel")


def _lookup(parameters: LutConvolutionParameters) -> Layer:
    from heliostat_methods.lutnn.layers.recipes import ConvolutionRecipe

    return ConvolutionRecipe(**parameters.model_dump())


PARTS: tuple[PartSpec, ...] = (
    PartSpec(
        "layer",
        "lutnn",
        _lookup,
        "convolution by lookup of learned centroids' products (Tang et al. 2023)",
        LutConvolutionParameters,
    ),
)


@hookimpl
def heliostat_parts() -> Sequence[PartSpec]:
    """Return the layers."""
    return PARTS
