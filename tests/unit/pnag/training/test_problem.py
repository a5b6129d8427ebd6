"""Which data a supernet can be trained on, and in which words others are refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from pnag_problems import problem

from heliostat import ConfigError
from heliostat_methods.parts.datasets import ArrayDataset
from heliostat_methods.pnag.config import PNAGConfig
from heliostat_methods.pnag.training.problem import Problem, posed

ROWS = 60


def dataset(**changed: Any) -> ArrayDataset:
    pixels = np.random.default_rng(0).normal(3, 2, size=(ROWS, 1, 4, 5))
    made = {"name": "mine", "task": "classification", "classes": 3, "note": "made up",
            "inputs": pixels, "targets": np.arange(ROWS) % 3}  # fmt: skip
    return ArrayDataset(**{**made, **changed})


def posed_on(data: Any, judge: Any = None, **values: Any) -> Problem:
    supernet = {"batch": 8, "calibration": 8, **values.pop("supernet", {})}
    config = PNAGConfig.model_validate({"dataset": "mine", "supernet": supernet, **values})
    parts = {"dataset": data, "loss": judge}
    run = SimpleNamespace(
        part=lambda kind, ref: parts[kind], rng=lambda *name: np.random.default_rng(1)
    )
    return posed(config, cast(Any, run))


def test_images_are_divided_and_standardised_by_what_trains() -> None:
    found = posed_on(dataset())
    assert [len(one.labels) for one in (found.train, found.valid, found.test)] == [36, 12, 12]
    assert found.input_shape == (1, 4, 5) and found.classes == 3
    assert found.train.pixels.dtype == np.float32 and found.train.labels.dtype == np.int64
    assert abs(found.train.pixels.mean()) < 1e-6
    assert found.train.pixels.std() == pytest.approx(1, abs=1e-6)
    assert found.part("valid") is found.valid and found.part("test") is found.test


def test_images_in_rows_take_the_shape_that_the_data_set_says() -> None:
    flat = dataset(inputs=np.arange(20.0 * ROWS).reshape(ROWS, 20), image_shape=(1, 5, 4))
    assert posed_on(flat).input_shape == (1, 5, 4)


def test_the_first_training_images_calibrate() -> None:
    found = problem(calibration=5)
    assert_array_equal(found.calibration.pixels, found.train.pixels[:5])
    assert_array_equal(found.calibration.labels, found.train.labels[:5])


def test_what_is_shared_is_copied_for_torch() -> None:
    found = problem().train
    found.pixels.setflags(write=False)
    pixels, labels = found.tensors("cpu")
    pixels.zero_()
    assert found.pixels.any() and labels.tolist() == found.labels.tolist()


def test_automatic_order_in_memory_is_channels_last() -> None:
    formats = {
        name: posed_on(dataset(), supernet={"memory_format": name}).memory_format
        for name in ("auto", "contiguous", "channels_last")
    }
    assert formats == {
        "auto": "channels_last", "contiguous": "contiguous", "channels_last": "channels_last",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            dataset(task="regression", classes=1, targets=np.linspace(0, 1, ROWS)),
            r"dataset = 'mine': expected images with classes; it is a regression",
        ),
        (
            dataset(inputs=np.arange(2.0 * ROWS).reshape(ROWS, 2)),
            r"dataset = 'mine': expected images \(channels, height, width\); digits, mnist5k",
        ),
    ],
)
def test_what_is_no_images_with_classes_is_refused(data: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        posed_on(data)


@pytest.mark.parametrize("name", ["batch", "calibration"])
def test_more_images_than_train_are_refused_by_the_field_s_name(name: str) -> None:
    message = rf"supernet.{name} = 37: expected at most 36, the images that train"
    with pytest.raises(ConfigError, match=message):
        posed_on(dataset(), supernet={name: 37})
    assert getattr(posed_on(dataset(), supernet={name: 36}).settings, name) == 36


def test_a_loss_for_numbers_is_refused() -> None:
    squared = SimpleNamespace(tasks=("regression",))
    with pytest.raises(ConfigError, match=r"loss = 'squared': .*; it is for regression"):
        posed_on(dataset(), squared, loss="squared")
