import numpy as np

from heliostat.contract.part import Dataset
from heliostat_methods.parts.datasets import diabetes
from heliostat_methods.parts.diabetes_binary import diabetes_binary


def test_patients_have_an_age_in_years_and_a_sex():
    data = diabetes_binary()
    assert isinstance(data, Dataset)
    assert data.inputs.shape == (442, 10)
    assert (data.attributes["age"].min(), data.attributes["age"].max()) == (19, 79)
    assert np.unique(data.attributes["sex"]).tolist() == [1, 2]
    assert (data.inputs[:, data.columns.index("age")] == data.attributes["age"]).all()


def test_half_of_the_patients_are_above_the_median():
    data = diabetes_binary()
    assert np.bincount(data.targets).tolist() == [221, 221]
    assert (data.targets == (diabetes().targets > 140.5)).all()
