from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heliostat import Resources
from heliostat.errors import ResourceError
from heliostat_methods.pnag.cost.latency_table import Setting, keys_of
from heliostat_methods.pnag.latency.config import LatencyConfig
from heliostat_methods.pnag.latency.plan import planned
from heliostat_methods.pnag.latency.search import _resources
from heliostat_methods.pnag.latency.tasks import prepared
from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace
from heliostat_methods.pnag.spaces.mobilenet import OFAMobileNetV3Space
from heliostat_methods.pnag.spaces.moves import sample_distinct

PAGE = Path(__file__).parents[4] / "docs" / "methods" / "latency.md"


class Cluster:
    """A run on nodes with these resources."""

    def __init__(self, *has: str) -> None:
        self.has = has

    def require(self, resources: Resources) -> None:
        if any(name not in self.has for name, _ in resources.custom):
            raise ResourceError(str(resources), "none")


def test_rounds_go_to_a_node_for_measurements_where_there_is_one() -> None:
    config = LatencyConfig(threads=2)
    quiet: Any = Cluster("latency_probe")
    plain: Any = Cluster()
    assert _resources(config, quiet) == Resources(cpus=2, custom=(("latency_probe", 1.0),))
    assert _resources(config, plain) == Resources(cpus=2)


@pytest.mark.parametrize(
    ("space", "images"),
    [(ElasticConvSpace(), (1, 16, 16)), (OFAMobileNetV3Space(width=0.5), (3, 32, 32))],
)
def test_a_plan_has_the_widths_of_its_space(space: Any, images: tuple[int, int, int]) -> None:
    layout = space.layout(images, 10)
    archs = sample_distinct(space, 2, np.random.default_rng(0))
    plan = planned(space, layout, archs, Setting(), seed=1)
    assert plan.read_layout() == layout
    shapes = [layout.first] if layout.first else []
    for shape in (*shapes, *(s for unit in layout.units for s in unit)):
        for expand in shape.expands:
            assert plan.middle(shape, expand) == space.middle(shape, expand)
    ready = prepared(plan)
    assert len(ready.calls) == len(keys_of(layout, Setting())) + 1 + 2
    logits: Any = ready.calls[-1]()
    assert tuple(logits.shape) == (1, 10) and np.isfinite(logits.numpy()).all()


def test_the_page_s_own_lines_run() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    names: dict[str, Any] = {}
    exec(compile(code, "page", "exec"), names)
    assert len(names["found"].timings) == 2
    assert all(timing.median > 0 for timing in names["found"].timings)


def test_the_method_lists_its_table_as_a_product() -> None:
    from heliostat_methods.pnag.latency.method import METHOD

    (product,) = METHOD.products
    assert product.kind == "latency_table"
