import pytest
from pydantic import ValidationError

from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace
from heliostat_methods.pnag.spaces.parts import SPACES
from heliostat_methods.pnag.spaces.space import SearchSpace

BY_NAME = {spec.name: spec for spec in SPACES}


def test_the_spaces_that_come_with_the_method() -> None:
    assert {spec.kind for spec in SPACES} == {"space"}
    assert list(BY_NAME) == ["elastic_conv", "ofa_mobilenet_v3", "nas_bench_graph", "additive"]


@pytest.mark.parametrize("name", ["elastic_conv", "ofa_mobilenet_v3", "additive"])
def test_what_is_built_by_default_is_a_space(name: str) -> None:
    spec = BY_NAME[name]
    space = spec.build(spec.config())
    assert isinstance(space, SearchSpace)
    assert space == type(space)()


def test_what_is_set_reaches_the_space() -> None:
    spec = BY_NAME["elastic_conv"]
    config = spec.config(widths=[8], strides=[2], kernels=[3, "bridge"])
    assert spec.build(config) == ElasticConvSpace(widths=(8,), strides=(2,), kernels=(3, "bridge"))


def test_nas_bench_graph_reads_the_table_that_is_named() -> None:
    pytest.importorskip("nas_bench_graph")
    spec = BY_NAME["nas_bench_graph"]
    assert spec.build(spec.config(dataset="citeseer")).name == "nas_bench_graph(citeseer)"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("elastic_conv", {"depth": [1]}),
        ("ofa_mobilenet_v3", {"width": float("nan")}),
        ("ofa_mobilenet_v3", {"resolution": 16}),
        ("additive", {"seed": -1}),
    ],
)
def test_what_cannot_be_set_is_refused(name: str, values: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(values))):
        BY_NAME[name].config(**values)
