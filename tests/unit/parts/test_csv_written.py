import pytest

from heliostat.errors import DataError
from heliostat_methods.parts.csv_table import csv_dataset
from heliostat_search.splits import check_dataset

Y = [f"{i % 7}.5" for i in range(40)]


@pytest.fixture
def column(tmp_path):
    """Return the data set of a column beside a number and the target."""

    def column(cells, **settings):
        path = tmp_path / "table.csv"
        rows = [f"{cell},{i},{y}" for i, (cell, y) in enumerate(zip(cells, Y, strict=True))]
        path.write_text("\n".join(["a,x,y", *rows]))
        return csv_dataset(path, **settings)

    return column


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("2024-03-{:02}", "2024-02-30", "line 7, column 'a' = '2024-02-30' is no date or time"),
        ("2024-03-{:02}", "0000-00-00", "'0000-00-00' is no date or time, as most"),
        ("{}/3/2024", "unknown", "'unknown' is no date or time"),
        ("{:02}:30", "25:00", "'25:00' is no date or time"),
        ("2024-03-{:02}T10:00Z", "2024-03-05T10:00", "dates or times that are not all written"),
        ("{}/3/2024", "3/25/2024", "dates or times that are not all written in one way"),
    ],
)
def test_a_mistake_among_dates_is_no_category(column, good, bad, said):
    cells = [bad if i == 5 else good.format(i % 23 + 1) for i in range(40)]
    with pytest.raises(DataError, match=said):
        column(cells)
    assert column(cells, encode={"a": "drop"}).columns == ("x",)
    if "is no" in said:
        assert column(cells, missing_cells=[bad]).columns == ("a", "a (missing)", "x")


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("${}.50", "numbers with a unit, e.g. '$0.50'"),
        ("{} km", "numbers with a unit, e.g. '0 km'"),
        ("{}%", "numbers with a unit, e.g. '0%'"),
        ("1{}:30 PM", "like dates or times, e.g. '10:30 PM'"),
        ("1{}-Mar-2024", "like dates or times, e.g. '10-Mar-2024'"),
        ("1/3/2{}", "like dates or times, e.g. '1/3/20'"),
    ],
)
def test_numbers_that_are_taken_for_text_are_told(column, form, said):
    data = column([form.format(i % 5) for i in range(40)])
    assert f"; a taken for text: {said}" in data.note
    assert any(said in text for text in data.about["handled"])


def test_a_text_says_how_many_numbers_it_holds(column):
    dashes = ["-" if i % 4 == 1 else f"{i}.5" for i in range(40)]
    told = "a (text, 31 values in 40 rows; 30 cells are numbers, '-' is none)"
    assert told in column(dashes).note
    assert "a" in column(dashes, missing_cells=["-"]).columns
    few = ["-" if i % 4 == 1 else str(i % 4) for i in range(40)]
    assert "a taken for text: 30 cells are numbers, '-' is none" in column(few).note
    assert "taken for" not in column(few, encode={"a": "onehot"}).note
    assert "taken for" not in column(["M" if i % 2 else "F" for i in range(40)]).note


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "x,name\n1,Zürich\n".encode("latin-1"),
            r"line 2 \(byte 10\) holds 0xfc; save it as UTF-8",
        ),
        (b"\x1f\x8b\x08\x00\xff", "compressed or a spreadsheet"),
        (b"PK\x03\x04\xff\xfe", "compressed or a spreadsheet"),
        (b"a,b\n" + b"1,2\n" * 11 + b"1\n", r"line 13 has 1 cell, the header has 2 \(delimiter"),
    ],
)
def test_a_file_that_is_no_text_says_what_it_is(tmp_path, content, said):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said):
        csv_dataset(path)


def test_a_number_too_large_is_named_by_its_column(column):
    with pytest.raises(DataError, match=r"inputs row 3, column 'a' is 1e\+300, beyond 1e\+290"):
        check_dataset(column(["1e300" if i == 3 else str(i) for i in range(40)]))


def test_names_that_stand_in_the_file_again_are_named_by_line(tmp_path):
    path = tmp_path / "table.csv"
    rows = [f"{i},{i % 3},{i}.5" for i in range(15)]
    path.write_text("\n".join(["a,x,y", *rows, "a,x,y", *rows]))
    with pytest.raises(DataError, match="line 17 repeats the names of the first line; remove it"):
        csv_dataset(path)


def test_the_order_of_levels_is_told(column):
    sizes = [("small", "medium", "large")[i % 3] for i in range(40)]
    told = column(sizes, encode={"a": "ordinal"})
    assert "inputs a (0 large, 1 medium, 2 small), x;" in told.note
    assert told.inputs[:3, 0].tolist() == [2, 1, 0]


def test_levels_of_a_day_are_called_by_it(column):
    days = [f"2024-01-0{i % 2 + 1}" for i in range(40)]
    assert column(days, encode={"a": "onehot"}).columns == ("a = 2024-01-01", "a = 2024-01-02", "x")
    assert column(days, target="a", task="classification").labels == ("2024-01-01", "2024-01-02")
