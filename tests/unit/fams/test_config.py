"""What a configuration of the method refuses, and in which words."""

from __future__ import annotations

import pytest

from heliostat import ConfigError
from heliostat.cli.fields import field_texts
from heliostat.contract import validate
from heliostat.contract.config import plain, without_none
from heliostat_methods.fams.config import FAMSConfig
from heliostat_methods.fams.estimators.by_name import ESTIMATORS
from heliostat_methods.fams.estimators.names import NAMES


def test_every_estimator_has_its_name_in_the_order_of_tables():
    assert tuple(ESTIMATORS) == NAMES


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"methods": ["fams", "balanced"], "reference": "fams"},
            r"methods\[1\] = 'balanced': expected the name of an estimator; did you mean "
            r"'balanced_erm'",
        ),
        ({"methods": ["erm", "erm"]}, r"methods = \['erm', 'erm'\]: expected each name once"),
        ({"methods": ["fams"]}, r"reference = 'erm': expected one of `methods`"),
        (
            {"methods": ["erm"], "lambdas": [1.0]},
            r"lambdas = \[1.0\]: expected nothing where fams is not compared",
        ),
        ({"fams": {"lam": -1}}, r"fams.lam = -1"),
        ({"fams": {"eps": -0.1}}, r"fams.eps = -0.1"),
        ({"fams": {"divergence": "tv"}}, r"fams.divergence = 'tv'"),
        ({"n_bins": 0}, r"n_bins = 0"),
        ({"seeds": 0}, r"seeds = 0"),
        ({"validation": 0}, r"validation = 0"),
        ({"rows_per_group": -1}, r"rows_per_group = -1"),
        ({"rows_per_group": "none"}, r"rows_per_group = 'none': expected a valid integer"),
        ({"groups": {"min_group_size": 0}}, r"groups.min_group_size = 0"),
        ({"criterion": "auc"}, r"criterion = 'auc'"),
    ],
)
def test_a_bad_field_is_named_with_its_value(values: dict[str, object], message: str):
    with pytest.raises(ConfigError, match=message):
        validate(FAMSConfig, values)


def test_all_rows_up_to_half_can_be_set_and_are_kept_in_a_file() -> None:
    found = validate(FAMSConfig, {"rows_per_group": 0})
    assert without_none(plain(found))["rows_per_group"] == 0


def test_bands_are_described_as_what_need_not_be_set() -> None:
    told = {one.name: one.default for one in field_texts(FAMSConfig)}
    assert told["groups.bands"] == "{}"
    assert "required" not in told.values()
