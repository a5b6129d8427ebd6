"""What a run leaves to predict with takes rows as the data set has them, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.fams.estimators.scaling import Scaling
from heliostat_methods.fams.gaussian.network import GaussianMLP
from heliostat_methods.fams.training.prior import Model, Prior

NETWORK = GaussianMLP.initial((5, 3, 1), seed=1)
MEAN, LOG_VARIANCE = (x[0].astype(np.float32) for x in NETWORK.arrays())
MODEL = Model(
    Prior((5, 3, 1), MEAN, LOG_VARIANCE), Scaling(np.zeros(5), np.ones(5)), 2, 0.1, 3, ("no", "yes")
)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.ones((5, 1)), r"inputs has shape \(5, 1\), expected \(rows, 5\)"),
        (np.ones((4, 3)), r"inputs has shape \(4, 3\), expected \(rows, 5\)"),
        (np.ones(5), r"inputs has shape \(5,\), expected \(rows, 5\)"),
        (np.ones((1, 1, 5)), r"inputs has shape \(1, 1, 5\), expected \(rows, 5\)"),
        (3.0, r"inputs has shape \(\), expected \(rows, 5\)"),
        ([[1.0] * 5, [1.0] * 4], "inputs has rows of several lengths, expected 5"),
        ([[0.0] * 5, [0, 0, np.nan, 0, 0]], "inputs, row 1, column 2 is nan, expected a finite"),
        ([[0, 0, 0, 0, -np.inf]], "inputs, row 0, column 4 is -inf, expected a finite number"),
        ([["a", "b", "c", "d", "e"]], "inputs, row 0, column 0 is 'a', expected a finite number"),
        ([[0, None, 0, 0, 0]], "inputs, row 0, column 1 is None, expected a finite number"),
        (np.ones((1, 5)) * 1j, "inputs, row 0, column 0 is 1j, expected a finite number"),
        ([[0, 0, 0, 10**400, 0]], "inputs, row 0, column 3 is 1000"),
    ],
)
def test_inputs_that_are_no_rows_of_the_data_set_are_refused(inputs: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MODEL.scores(inputs)


def test_a_missing_value_of_pandas_is_refused() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({name: pandas.array([1, 2], "Int64") for name in "abcde"})
    assert MODEL.scores(frame).tolist() == MODEL.scores([[1] * 5, [2] * 5]).tolist()
    frame.loc[1, "c"] = pandas.NA
    with pytest.raises(ValueError, match="inputs, row 1, column 2 is "):
        MODEL.scores(frame)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.floats(width=64), min_size=5, max_size=5), max_size=4))
def test_any_rows_give_probabilities_or_a_refusal(rows: list[list[float]]) -> None:
    inputs = np.array(rows, np.float64).reshape(-1, 5)
    if np.isfinite(inputs).all():
        found = MODEL.scores(inputs)
        assert found.shape == (len(rows),)
        assert np.all((found >= 0) & (found <= 1))
    else:
        with pytest.raises(ValueError, match=r"inputs, row \d, column \d is (nan|-?inf)"):
            MODEL.scores(inputs)
