"""What can be set for the search spaces that come with the method, with bounds. Cheap to import."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Width = Annotated[int, Field(ge=1, le=65_536)]
Stride = Annotated[int, Field(ge=1, le=8)]
Depth = Annotated[int, Field(ge=1, le=64)]
Kernel = Annotated[int, Field(ge=1, le=63)] | Annotated[str, Field(min_length=1, max_length=64)]
Expand = Annotated[int, Field(ge=1, le=64)]


class Parameters(BaseModel):
    """What can be set for a space: unknown names are refused, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ElasticConvParameters(Parameters):
    """Units and choices of the small elastic space."""

    widths: tuple[Width, ...] = Field(
        (16, 24, 40), min_length=1, max_length=32, description="channels of each unit"
    )
    strides: tuple[Stride, ...] = Field(
        (1, 2, 2), min_length=1, max_length=32, description="stride of each unit's first block"
    )
    depths: tuple[Depth, ...] = Field(
        (1, 2), min_length=1, max_length=16, description="blocks that a unit may have"
    )
    kernels: tuple[Kernel, ...] = Field(
        (3, 5),
        min_length=1,
        max_length=16,
        description="kernels that a block may have: odd sizes, or names of layer parts",
    )
    expands: tuple[Expand, ...] = Field(
        (2, 4),
        min_length=1,
        max_length=16,
        description="channels inside a block, as multiples of those that enter it",
    )
    stem_channels: Width = Field(12, description="channels of the first convolution")
    stem_stride: Stride = Field(2, description="stride of the first convolution")
    activation: Literal["relu", "relu6", "h_swish"] = Field("relu6", description="activation")
    squeeze_excite: bool = Field(False, description="whether blocks squeeze and excite")


class MobileNetParameters(Parameters):
    """Widths and images of OFA-MobileNetV3."""

    width: float = Field(
        1.2, ge=0.1, le=10, allow_inf_nan=False, description="by which all widths are multiplied"
    )
    resolution: int = Field(
        224, ge=32, le=4096, description="pixels of the images that costs are counted for"
    )


class AdditiveParameters(MobileNetParameters):
    """The score whose front is known."""

    seed: int | None = Field(
        None, ge=0, lt=2**63, description="of drawn scores; default: scores that rise with width"
    )


class NasBenchGraphParameters(Parameters):
    """Which table of NAS-Bench-Graph, and where it is."""

    dataset: str = Field("cora", description="graph that the networks were trained on")
    path: str | None = Field(
        None, description="wheel or folder of nas-bench-graph 1.4.0; default: the installed package"
    )
