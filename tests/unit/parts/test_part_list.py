import subprocess
import sys

import pytest
from pydantic import ValidationError

from heliostat.parts import PROTOCOLS, NoParameters, PartSpec
from heliostat_methods.parts.plugin import PARTS

OPTIONAL = {"mnist5k", "boston"}


def part(kind, name):
    (spec,) = [spec for spec in PARTS if (spec.kind, spec.name) == (kind, name)]
    return spec


def names(kind):
    return [spec.name for spec in PARTS if spec.kind == kind]


def test_the_parts_that_come_with_the_platform():
    assert all(isinstance(spec, PartSpec) for spec in PARTS)
    assert names("dataset") == [
        "diabetes",
        "digits",
        "breast_cancer",
        "wine",
        "mnist5k",
        "boston",
        "csv",
    ]
    assert names("model") == ["linear", "mlp", "lenet5"]
    assert names("loss") == [
        "mse",
        "cross_entropy",
        "focal",
        "label_smoothing",
        "sparse_label_smoothing",
        "ace",
        "polyloss",
    ]
    assert [spec.name for spec in PARTS if spec.prefix] == ["csv"]


@pytest.mark.parametrize(
    "spec", [s for s in PARTS if not s.prefix and s.name not in OPTIONAL], ids=lambda s: s.name
)
def test_a_part_built_with_defaults_follows_its_protocol(spec):
    built = spec.build(spec.config())
    assert isinstance(built, PROTOCOLS[spec.kind])


@pytest.mark.parametrize("spec", PARTS, ids=lambda spec: spec.name)
def test_parameters_are_described_frozen_and_closed(spec):
    with pytest.raises(ValidationError, match="Extra inputs"):
        spec.config(no_such_parameter=1)
    for field in spec.config.model_fields.values():
        assert field.description
    assert spec.config.model_config["frozen"]
    assert spec.config is not NoParameters or not spec.config.model_fields


@pytest.mark.parametrize(
    ("kind", "name", "parameters"),
    [
        ("loss", "focal", {"gamma": -1}),
        ("loss", "focal", {"gamma": float("nan")}),
        ("loss", "label_smoothing", {"xi": 1.0}),
        ("loss", "sparse_label_smoothing", {"xi": -0.1}),
        ("loss", "ace", {"phi1": 0}),
        ("loss", "ace", {"phi0": float("inf")}),
        ("loss", "polyloss", {"epsilon": -2}),
        ("model", "mlp", {"hidden": []}),
        ("model", "mlp", {"hidden": [0]}),
        ("dataset", "csv", {"task": "ranking"}),
        ("dataset", "csv", {"delimiter": ",,"}),
        ("dataset", "csv", {"columns": []}),
    ],
)
def test_parameters_out_of_bounds_are_refused(kind, name, parameters):
    with pytest.raises(ValidationError):
        part(kind, name).config(**parameters)


def test_parameters_reach_the_part():
    assert part("loss", "focal").build(part("loss", "focal").config(gamma=3)).gamma == 3
    mlp = part("model", "mlp")
    assert mlp.build(mlp.config(hidden=[8])).widths((4,), 2) == (4, 8, 2)


def test_the_csv_family_takes_its_path_and_lists_it_as_an_input(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + "".join(f"{i},{i / 3}\n" for i in range(12)))
    csv = part("dataset", "csv")
    assert csv.inputs(str(path)) == [path]
    built = csv.build(str(path), csv.config())
    assert isinstance(built, PROTOCOLS["dataset"])
    assert built.task == "regression"


def test_listing_the_parts_loads_no_heavy_library():
    program = (
        "import sys, heliostat_methods.parts.plugin; "
        "print([n for n in ('torch', 'sklearn', 'mlxtend', 'scipy', 'deap') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
