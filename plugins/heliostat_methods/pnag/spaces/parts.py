"""The search spaces that come with the method, as parts of kind "space".

Cheap to import: a space is loaded when it is built.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pydantic import BaseModel

from heliostat.contract import PartSpec
from heliostat_methods.pnag.spaces import parameters as settings


def _space(name: str, module: str, make: str, summary: str, config: type[BaseModel]) -> PartSpec:
    def build(parameters: BaseModel) -> Any:
        create = getattr(import_module(f"heliostat_methods.pnag.spaces.{module}"), make)
        return create(**parameters.model_dump())

    return PartSpec("space", name, build, summary, config)


SPACES: tuple[PartSpec, ...] = (
    _space(
        "elastic_conv",
        "elastic_conv",
        "ElasticConvSpace",
        "small elastic convolutional networks; 8,000 by default",
        settings.ElasticConvParameters,
    ),
    _space(
        "ofa_mobilenet_v3",
        "mobilenet",
        "OFAMobileNetV3Space",
        "elastic MobileNetV3 of Once-for-All; 2.18e19 networks",
        settings.MobileNetParameters,
    ),
    _space(
        "nas_bench_graph",
        "nas_bench_graph",
        "nas_bench_graph",
        "26,206 trained graph neural networks, looked up; needs nas-bench-graph",
        settings.NasBenchGraphParameters,
    ),
    _space(
        "additive",
        "additive",
        "AdditiveSpace",
        "OFA-MobileNetV3 with an additive score, whose front is known exactly",
        settings.AdditiveParameters,
    ),
)
