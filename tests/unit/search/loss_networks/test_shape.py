import re

import pytest

from heliostat_search.loss_networks.shape import LossShape


def test_widths_run_from_the_pair_to_one_number():
    assert LossShape().widths == (2, 40, 40, 1)
    assert LossShape().weights == 2 * 40 + 40 * 40 + 40
    assert LossShape(hidden=(3,)).weights == 9


def test_softplus_is_a_bend_of_its_own():
    assert LossShape(gamma=0.25, beta=2.0).output_bend == (0.25, 2.0)
    assert LossShape(gamma=0.25, beta=2.0, output_activation="softplus").output_bend == (0.0, 1.0)


def test_the_ends_of_every_range_are_inside():
    LossShape(hidden=(1,), gamma=0.0, beta=1e-6)
    LossShape(hidden=(10_000, 1), gamma=1.0, beta=1e6)


def test_a_list_of_widths_is_kept_as_a_tuple():
    assert LossShape(hidden=[4, 3]) == LossShape(hidden=(4, 3))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("hidden", (), "at least one width, each from 1 to 10000"),
        ("hidden", (4, 0), "at least one width, each from 1 to 10000"),
        ("hidden", (10_001,), "at least one width, each from 1 to 10000"),
        ("hidden", (4.5,), "at least one width, each from 1 to 10000"),
        ("hidden", (True,), "at least one width, each from 1 to 10000"),
        ("gamma", -0.01, "a number from 0 to 1"),
        ("gamma", 1.01, "a number from 0 to 1"),
        ("gamma", float("nan"), "a number from 0 to 1"),
        ("beta", 0.0, "a number from 1e-06 to 1e+06"),
        ("beta", -1.0, "a number from 1e-06 to 1e+06"),
        ("beta", float("inf"), "a number from 1e-06 to 1e+06"),
        ("beta", float("nan"), "a number from 1e-06 to 1e+06"),
        ("hidden_activation", "tanh", "'relu' or 'smooth_leaky_relu'"),
        ("output_activation", "relu", "'smooth_leaky_relu' or 'softplus'"),
        ("class_reduction", "max", "'sum' or 'mean'"),
        ("add_task_loss", 1, "True or False"),
    ],
)
def test_each_bad_setting_is_named_with_what_was_expected(field, value, expected):
    with pytest.raises(ValueError, match=re.escape(f"{field}: got {value!r}; expected {expected}")):
        LossShape(**{field: value})
