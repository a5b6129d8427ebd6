"""Every metric over the whole range of its arguments: a right value or a refusal that says why."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods import fams

tiny_to_one = st.one_of(
    st.floats(0, 1),
    st.sampled_from([0.0, -0.0, 1.0, 5e-324, 1e-300, 1 - 2**-53, 0.1, 0.3, 0.5]),
)
positive = st.one_of(st.floats(0, 1e308), st.sampled_from([0.0, 5e-324, 1e-200, 1.0, 1.7e308]))


@st.composite
def calls(draw: Any) -> Any:
    """Data and settings as a user may give them."""
    n = draw(st.integers(1, 12))
    columns = [
        draw(st.lists(kind, min_size=n, max_size=n))
        for kind in (st.integers(0, 1), tiny_to_one, st.sampled_from("abcd"), positive)
    ]
    settings = {
        "n_bins": draw(st.sampled_from([1, 2, 10, 10_000])),
        "strategy": draw(st.sampled_from(["uniform", "quantile"])),
        "edges": draw(st.sampled_from([None, [0, 1], [0, 5e-324, 0.5, 1 - 2**-53, 1]])),
    }
    return columns, settings, draw(st.sampled_from(["population", "uniform"]))


def numbers(value: Any) -> list[float]:
    if dataclasses.is_dataclass(value):
        return numbers([getattr(value, f.name) for f in dataclasses.fields(value)])
    if isinstance(value, list | tuple | np.ndarray):
        return [number for one in value for number in numbers(one)]
    return [] if isinstance(value, str) else [float(value)]


@pytest.mark.filterwarnings("ignore:sufficiency_gap_authors", "error::RuntimeWarning")
@settings(max_examples=120, deadline=None)
@given(calls())
def test_a_right_value_or_a_clear_refusal(call):
    (y, score, group, weight), cut, weights = call
    g = {"sensitive_features": group}
    by_score = [
        lambda: fams.sufficiency_gap(y, score, weights=weights, **g, **cut),
        lambda: fams.sufficiency_gap(y, score, weights=weights, sample_weight=weight, **g, **cut),
        lambda: fams.sufficiency_gap_authors(y, score, n_bins=cut["n_bins"], **g),
        lambda: fams.sufficiency_test(y, score, weights=weights, permutations=3, **g, **cut),
        lambda: fams.expected_calibration_error(y, score, sample_weight=weight, **cut),
        lambda: fams.brier_score(y, score, sample_weight=weight),
        lambda: fams.binning_gap(score, weights=weights, **g, **cut),
        lambda: fams.group_accuracies(y, score, **g),
        lambda: [dataclasses.replace(one, bin=0) for one in calibration(y, score, g, cut)],
    ]
    signed = [
        lambda: fams.sufficiency_gap_squared(y, score, weights=weights, **g, **cut),
        lambda: fams.subgroup_differences(y, score, weights=weights, **g, **cut),
        lambda: fams.negative_log_likelihood(y, score, sample_weight=weight),
        lambda: fams.sufficiency_interval(y, score, weights=weights, resamples=3, **g, **cut),
    ]
    for function in (*by_score, *signed):
        found = value_or_refusal(function)
        assert all(map(math.isfinite, found))
        if function in by_score:
            assert all(-1e-12 <= number <= 1 + 1e-12 for number in found if number < 1.5)


def calibration(y, score, g, cut):
    table = fams.calibration_table(y, score, **g, **cut)
    for one in table:
        assert one.rate_low <= one.rate <= one.rate_high
        assert one.score_low - 1e-15 <= one.mean_score <= one.score_high + 1e-15
    assert sum(one.count for one in table) == len(y)
    return table


def value_or_refusal(function: Any) -> list[float]:
    try:
        return numbers(function())
    except ValueError as error:
        known = (
            "sample_weight is zero in every row",
            "no subgroup has two rows in one score bin",
            "no score bin holds two subgroups with two rows each",
        )
        assert any(one in str(error) for one in known)
        return []


COUNT = 3
GOOD = {"y_true": [0, 1, 1], "y_score": [0.1, 0.5, 0.9], "sensitive_features": ["a", "a", "b"]}
METRICS = [
    fams.sufficiency_gap,
    fams.sufficiency_gap_squared,
    fams.sufficiency_gap_authors,
    fams.sufficiency_test,
    fams.sufficiency_interval,
    fams.calibration_table,
    fams.group_accuracies,
    fams.subgroup_differences,
    fams.worst_group_accuracy,
    fams.mean_group_accuracy,
]


@pytest.mark.parametrize("metric", METRICS, ids=lambda one: one.__name__)
@pytest.mark.parametrize(
    ("argument", "value", "says"),
    [
        ("y_true", [0, 2, 1], "y_true, row 1 is 2, expected 0 or 1"),
        ("y_true", [0, 1, math.nan], "y_true, row 2 is nan, expected 0 or 1"),
        ("y_true", ["no", "yes", "no"], "y_true, row 0 is 'no', expected 0 or 1"),
        ("y_true", [], "y_true is empty"),
        ("y_score", [0.1, 1.5, 0.2], "y_score, row 1 is 1.5, expected a number from 0 to 1"),
        ("y_score", [0.1, -1e-9, 0.2], "y_score, row 1 is -1e-09"),
        ("y_score", [math.nan, 0.1, 0.2], "y_score, row 0 is nan"),
        ("y_score", [0.1, 0.2], "y_score has 2 rows, expected 3"),
        ("y_score", [[0.1, 0.9]] * 3, "y_score has shape (3, 2), expected one value a row"),
        ("sensitive_features", ["a", None, "b"], "sensitive_features, row 1 is missing"),
        ("sensitive_features", ["a", "b"], "sensitive_features has 2 rows, expected 3"),
    ],
)
def test_arrays_that_cannot_be_used(metric, argument, value, says):
    given = {**GOOD, argument: value}
    y, score = given.pop("y_true"), given.pop("y_score")
    with pytest.raises(ValueError) as caught:
        metric(y, score, **given)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("metric", "setting", "says"),
    [
        (fams.sufficiency_gap, {"n_bins": 0}, "n_bins = 0: expected a whole number from 1"),
        (fams.sufficiency_gap_authors, {"n_bins": 0}, "n_bins = 0: expected a whole number"),
        (fams.sufficiency_gap, {"n_bins": True}, "n_bins = True: expected a whole number"),
        (fams.sufficiency_gap, {"n_bins": 2.5}, "n_bins = 2.5: expected a whole number"),
        (fams.sufficiency_gap, {"strategy": "quantiles"}, "did you mean 'quantile'?"),
        (fams.sufficiency_gap, {"weights": "uniforme"}, "did you mean 'uniform'?"),
        (fams.sufficiency_gap, {"weights": None}, "weights = None: expected 'population' or"),
        (fams.sufficiency_gap, {"edges": [0, 0.5, 0.5, 1]}, "edges = [0.0, 0.5, 0.5, 1.0]"),
        (fams.sufficiency_gap, {"edges": [0.1, 1]}, "the first 0 and the last 1"),
        (fams.sufficiency_gap, {"edges": [0, math.nan, 1]}, "expected increasing numbers"),
        (fams.sufficiency_gap, {"edges": "tenths"}, "edges = 'tenths': expected increasing"),
        (fams.sufficiency_gap, {"edges": [1]}, "edges = [1]: expected increasing"),
        (fams.sufficiency_gap, {"sample_weight": [1, -1, 1]}, "sample_weight, row 1 is -1"),
        (fams.sufficiency_gap, {"sample_weight": [1, 1, math.inf]}, "sample_weight, row 2 is inf"),
        (fams.sufficiency_gap, {"sample_weight": [0, 0, 0]}, "sample_weight is zero in every row"),
        (fams.sufficiency_test, {"permutations": 0}, "permutations = 0: expected a whole"),
        (fams.sufficiency_test, {"seed": -1}, "seed = -1: expected a whole number"),
        (fams.sufficiency_interval, {"resamples": 0}, "resamples = 0: expected"),
        (fams.sufficiency_interval, {"confidence": 1}, "confidence = 1: expected a number above"),
        (fams.calibration_table, {"confidence": "95%"}, "confidence = '95%': expected a number"),
        (fams.group_accuracies, {"threshold": 2}, "threshold = 2: expected a number from 0 to 1"),
        (fams.sufficiency_gap_squared, {"sensitive_features": [1, 2, 3]}, "no subgroup has two"),
        (
            fams.sufficiency_gap_authors,
            {"sensitive_features": [1, 1, 1], "skip_first_group": True},
            "skip_first_group = True: expected a second subgroup",
        ),
    ],
)
def test_settings_that_cannot_be_used(metric, setting, says):
    given = {**GOOD, **setting}
    y, score = given.pop("y_true"), given.pop("y_score")
    with pytest.raises(ValueError) as caught:
        metric(y, score, **given)
    assert says in str(caught.value)


def test_settings_of_the_rest_that_cannot_be_used():
    with pytest.raises(ValueError, match=r"clip = 0: expected a number from 1e-300 to 0\.5"):
        fams.negative_log_likelihood([0], [0.5], clip=0)
    with pytest.raises(ValueError, match="rows = 0: expected a whole number from 1"):
        fams.noise_floor(0, 0.5)
    with pytest.raises(ValueError, match=r"rate = 1\.5: expected a number from 0 to 1"):
        fams.noise_floor(3, 1.5)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 10**12), tiny_to_one)
def test_the_noise_floor_is_never_above_one_standard_error(rows, rate):
    floor = fams.noise_floor(rows, rate)
    assert 0 <= floor <= math.sqrt(rate) * math.sqrt((1 - rate) / rows) * (1 + 1e-9)
