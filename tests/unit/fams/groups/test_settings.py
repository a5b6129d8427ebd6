import pytest

from heliostat.contract.config import validate
from heliostat.errors import ConfigError
from heliostat_methods.fams.config import FAMSConfig
from heliostat_methods.fams.groups.recipes import RECIPES
from heliostat_methods.fams.groups.settings import GroupSettings


def test_bands_are_cuts_or_a_number_of_them():
    found = validate(GroupSettings, {"by": ["age", "bmi"], "bands": {"age": [25, 35], "bmi": 10}})
    assert found.bands == {"age": (25.0, 35.0), "bmi": 10}


def test_every_field_is_described():
    assert all(field.description for field in GroupSettings.model_fields.values())


@pytest.mark.parametrize("given", ["race", ["race"], ("race",), {"by": "race"}])
def test_names_alone_are_what_is_crossed(given):
    found = validate(FAMSConfig, {"groups": given}).groups
    assert found == GroupSettings(by=("race",))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"by": ["age"], "bands": {"aeg": [1]}}, r"groups.bands = 'aeg': .*did you mean 'age'\?"),
        (
            {"bands": {"age": [3, 2]}},
            r"groups.bands\['age'\] = \(3.0, 2.0\): expected numbers that incr",
        ),
        ({"bands": {"age": []}}, "bands"),
        ({"bands": {"age": 1}}, "bands"),
        ({"merge": "parents"}, "merge = 'parents'"),
        ({"min_group_size": 0}, "min_group_size = 0"),
        ({"buy": ["age"]}, "buy.*by"),
    ],
)
def test_settings_out_of_range_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        validate(GroupSettings, values)


def test_every_recipe_names_the_attributes_that_it_cuts():
    assert all(name in recipe.by for recipe in RECIPES.values() for name in recipe.bands)
