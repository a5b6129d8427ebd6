"""The kernels' metrics are the measures of the same name."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.evomal.learners.kernels.objectives import METRICS
from heliostat_methods.evomal.learners.output_slopes import metric_means
from heliostat_search.trainings.labels import label_rows
from heliostat_search.trainings.measures import measured


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(0, 10_000))
def test_kernels_and_measures_agree(classes, seed):
    rng = np.random.default_rng(seed)
    highest = max(classes, 2)
    labels = np.r_[np.arange(highest), rng.integers(highest, size=40)]
    outputs = rng.normal(size=(classes, len(labels))) * 3
    rows = label_rows(labels, "classification", classes, np.float64)
    kernels = metric_means(outputs, rows, True)
    assert kernels[1:] == pytest.approx(measured(METRICS[1:], outputs, rows))
