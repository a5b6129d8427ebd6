import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BaseModel, ValidationError

from heliostat.contract.part import PROTOCOLS, NoParameters, PartKind, PartRef, PartSpec
from heliostat.errors import ConfigError, DataError
from heliostat.plugins.part_names import check_parts
from heliostat.plugins.registry import registry
from heliostat_methods.parts.models import WideResNet
from heliostat_methods.parts.plugin import PARTS

OPTIONAL = {"mnist5k", "boston"}
CARRIED = [
    "adult",
    "law",
    "compas",
    "health",
    "celeba_attributes",
    "kdd_census",
    "fetter_mortgages",
]
FAMILIES = [
    *("csv", "parquet", "cifar10", "cifar100", "svhn", "mnist", "fashion_mnist", "image_folder"),
    "california_housing",
    *(*CARRIED, "fams_hdf5"),
]
SINGLE_FILES = ("csv", "parquet", "fams_hdf5")


class Named(BaseModel):
    model: Annotated[PartRef, PartKind("model")]


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
        "parquet",
        "cifar10",
        "cifar100",
        "svhn",
        "mnist",
        "fashion_mnist",
        "image_folder",
        "california_housing",
        "diabetes_binary",
        "subgroup_law",
        *CARRIED,
        "fams_hdf5",
    ]
    assert names("model") == [
        "linear",
        "mlp",
        "cnn",
        "lenet5",
        "allcnn_c",
        "alexnet",
        "vgg16",
        "resnet18",
        "preresnet",
        "wide_resnet",
        "squeezenet",
        "pyramidnet",
    ]
    assert names("loss") == [
        "mse",
        "cross_entropy",
        "focal",
        "label_smoothing",
        "sparse_label_smoothing",
        "ace",
        "polyloss",
    ]
    assert [spec.name for spec in PARTS if spec.prefix] == FAMILIES


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
        ("model", "cnn", {"channels": []}),
        ("model", "cnn", {"dropout": 1.0}),
        ("model", "cnn", {"batch_norm": "maybe"}),
        ("model", "allcnn_c", {"input_dropout": -0.1}),
        ("model", "alexnet", {"dropout": float("nan")}),
        ("model", "preresnet", {"depth": 21}),
        ("model", "wide_resnet", {"depth": 29}),
        ("model", "wide_resnet", {"width": 0}),
        ("model", "pyramidnet", {"alpha": 0}),
        ("model", "pyramidnet", {"depth": 4}),
        ("dataset", "cifar100", {"coarse": "maybe"}),
        ("dataset", "image_folder", {"size": 0}),
        ("dataset", "image_folder", {"channels": 2}),
        ("dataset", "image_folder", {"most": 1}),
        ("dataset", "image_folder", {"memory": float("inf")}),
        ("dataset", "csv", {"task": "ranking"}),
        ("dataset", "csv", {"delimiter": ",,"}),
        ("dataset", "csv", {"columns": []}),
        ("dataset", "csv", {"encode": {"city": "hash"}}),
        ("dataset", "csv", {"missing": "mean"}),
        ("dataset", "csv", {"most_levels": 0}),
        ("dataset", "csv", {"decimal": ";"}),
        ("dataset", "parquet", {"delimiter": ";"}),
        ("dataset", "csv", {"groups": 3}),
        ("dataset", "adult", {"attributes_as_inputs": "maybe"}),
        ("dataset", "kdd_census", {"min_age": -1}),
        ("dataset", "kdd_census", {"most_levels": 0}),
        ("dataset", "fams_hdf5", {"threshold": float("nan")}),
        ("dataset", "subgroup_law", {"groups": 1}),
        ("dataset", "subgroup_law", {"shift": 0.5}),
        ("dataset", "subgroup_law", {"proxy": 1.1}),
        ("dataset", "subgroup_law", {"strength": float("nan")}),
        ("dataset", "subgroup_law", {"seed": -1}),
    ],
)
def test_parameters_out_of_bounds_are_refused(kind, name, parameters):
    with pytest.raises(ValidationError):
        part(kind, name).config(**parameters)


def test_parameters_reach_the_part():
    assert part("loss", "focal").build(part("loss", "focal").config(gamma=3)).gamma == 3
    mlp = part("model", "mlp")
    assert mlp.build(mlp.config(hidden=[8])).widths((4,), 2) == (4, 8, 2)
    wide = part("model", "wide_resnet")
    assert wide.build(wide.config(depth=16, width=8)) == WideResNet(16, 8)


@pytest.mark.parametrize("name", names("model"))
def test_a_model_has_the_same_defaults_as_a_part_and_as_a_class(name):
    built = part("model", name).build(part("model", name).config())
    assert built == type(built)()


def test_a_depth_without_whole_blocks_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match=r"model\.depth = 27: expected 6n \+ 4 .* such as 28"):
        check_parts(Named(model={"name": "wide_resnet", "depth": 27}), registry())


@pytest.mark.parametrize("name", FAMILIES)
def test_a_path_that_leads_nowhere_is_named_before_a_run_begins(name, tmp_path):
    spec = part("dataset", name)
    with pytest.raises(DataError, match=r"no file (or folder )?.*nowhere"):
        spec.build(str(tmp_path / "nowhere"), spec.config())
    if name not in SINGLE_FILES:
        with pytest.raises(DataError, match=rf"^{name}: no file or folder .*nowhere; get .* from "):
            spec.inputs(str(tmp_path / "nowhere"))


def test_tables_list_their_path_as_an_input(tmp_path):
    assert part("dataset", "parquet").inputs("a/b.parquet") == [Path("a/b.parquet")]


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
