"""Masked convolutions as parts of kind "layer", for methods that compose networks.

Cheap to import: torch is loaded when a part is built.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from heliostat.contract import Layer, PartSpec, hookimpl


class ConvolutionParameters(BaseModel):
    """A convolution that keeps the size of its input."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kernel_size: int = Field(3, ge=2, le=99, description="taps of a side")
    channels: int | None = Field(
        None, ge=1, le=65_536, description="output channels; default: as many as come in"
    )
    depthwise: bool = Field(
        True, description="a kernel for each channel by itself, as mobile blocks have it"
    )
    bias: bool = Field(False, description="a bias for each output channel")

    @model_validator(mode="after")
    def _channels_of_its_own(self) -> ConvolutionParameters:
        if self.depthwise and self.channels is not None:
            raise ValueError(
                f"depthwise = true keeps the channels that come in, got channels = {self.channels}"
            )
        return self


class GMConvParameters(ConvolutionParameters):
    """The mask of a layer that learns one width."""

    sigma_init: float = Field(
        5.0, gt=0.01, le=1e6, allow_inf_nan=False, description="width at the start, in taps [R]"
    )
    sigma_param: Literal["raw", "softplus"] = Field(
        "raw", description="what is learned: the width, or what softplus makes a width of [R]"
    )
    learn_sigma: bool = Field(True, description="whether the width is learned, else a constant")
    per_channel: bool = Field(False, description="a width for each output channel")


class DynamicGMConvParameters(ConvolutionParameters):
    """The mask of a layer that predicts a width for each sample."""

    sigma_init: float = Field(
        5.0, gt=0.01, le=1e6, allow_inf_nan=False, description="width at the start, in taps [R]"
    )
    reduction: int = Field(
        4, ge=1, le=65_536, description="input channels for a hidden unit that predicts widths [R]"
    )
    per_channel: bool = Field(False, description="a width for each output channel")


def _static(parameters: GMConvParameters) -> Layer:
    from heliostat_methods.gmconv.layers.recipes import StaticRecipe

    return StaticRecipe(**parameters.model_dump())


def _dynamic(parameters: DynamicGMConvParameters) -> Layer:
    from heliostat_methods.gmconv.layers.recipes import DynamicRecipe

    return DynamicRecipe(**parameters.model_dump())


PARTS: tuple[PartSpec, ...] = (
    PartSpec(
        "layer",
        "gmconv",
        _static,
        "convolution under a Gaussian mask of learned width (Chen et al. 2023)",
        GMConvParameters,
    ),
    PartSpec(
        "layer",
        "gmconv_dynamic",
        _dynamic,
        "convolution under a Gaussian mask whose width the input says",
        DynamicGMConvParameters,
    ),
)


@hookimpl
def heliostat_parts() -> Sequence[PartSpec]:
    """Return the layers."""
    return PARTS
