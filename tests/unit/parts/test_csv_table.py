import numpy as np
import pytest

from heliostat.errors import DataError
from heliostat_methods.parts.csv_table import csv_dataset

ROWS = [f"{i},{i * 2},n{i},{i / 4}" for i in range(12)]


@pytest.fixture
def write(tmp_path):
    def write(*lines, name="table.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes("\n".join(lines).encode(encoding))
        return path

    return write


def test_a_table_of_numbers_is_a_regression_on_its_last_column(write):
    data = csv_dataset(write("age,weight,name,cost", *ROWS))
    assert (data.name, data.task, data.classes) == ("csv:table.csv", "regression", 1)
    assert data.columns == ("age", "weight")
    assert data.inputs.tolist() == [[i, i * 2] for i in range(12)]
    assert data.targets.tolist() == [i / 4 for i in range(12)]


def test_target_and_columns_can_be_chosen(write):
    data = csv_dataset(
        write("age,weight,name,cost", *ROWS), target="weight", task="regression", columns=["cost"]
    )
    assert (data.columns, data.targets[3]) == (("cost",), 6)


def test_text_labels_are_sorted_and_kept(write):
    data = csv_dataset(write("x,kind", *(f"{i},{'red' if i % 3 else 'blue'}" for i in range(12))))
    assert (data.task, data.classes, data.labels) == ("classification", 2, ("blue", "red"))
    assert data.targets[:4].tolist() == [0, 1, 1, 0]


def test_whole_number_labels_are_sorted_as_numbers(write):
    path = write("x,kind", *(f"{i},{[10, 9, -1, '9.0'][i % 4]}" for i in range(12)))
    data = csv_dataset(path)
    assert (data.task, data.labels) == ("classification", ("-1", "9", "10"))
    assert data.targets[:4].tolist() == [2, 1, 0, 1]
    assert csv_dataset(path, task="regression").targets[:4].tolist() == [10, 9, -1, 9]


def test_many_whole_numbers_are_a_regression(write):
    data = csv_dataset(write("x,count", *(f"{i / 2},{i}" for i in range(30))))
    assert data.task == "regression"


@pytest.mark.parametrize(
    ("header", "row", "options", "note"),
    [
        (
            "size,city,price,rooms", "{i}.5,c{i},{i},{m}", {},
            "30 rows, inputs size, price; left out: city (text); "
            'target rooms: classification, 9 classes; task="regression" changes it',
        ),
        (
            "size,rooms", "{i},{m}", {"task": "regression"},
            "30 rows, inputs size; target rooms: regression",
        ),
        (
            "size,count", "{m},{i}", {},
            '30 rows, inputs size; target count: regression; task="classification" changes it',
        ),
        ("size,cost", "{m},{i}.25", {}, "30 rows, inputs size; target cost: regression"),
        (
            "a,b,kind", "{i},{m},k{m}", {"columns": ["b"]},
            "30 rows, inputs b; left out: a; target kind: classification, 9 classes",
        ),
        (
            ",".join(f"x{i}" for i in range(12)), ",".join(["{i}"] * 12), {},
            "30 rows, inputs x0, x1, x2, x3, x4, x5, x6, x7, ... (11 in all); "
            'target x11: regression; task="classification" changes it',
        ),
    ],
)  # fmt: skip
def test_the_note_says_what_the_table_was_taken_for(write, header, row, options, note):
    path = write(header, *(row.format(i=i, m=i % 9 + 1) for i in range(30)))
    assert csv_dataset(path, **options).note == note


def test_quotes_blanks_a_byte_order_mark_and_other_delimiters_are_read(write):
    lines = ("x; y ;kind", *(f'{i}; {i}.5 ;"a;{i % 2}"' for i in range(10)), "", "")
    data = csv_dataset(write(*lines, encoding="utf-8-sig"), delimiter=";")
    assert (data.columns, data.labels) == (("x", "y"), ("a;0", "a;1"))
    assert data.inputs.dtype == np.float32


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("", "table.csv line 14, column 'weight' is empty"),
        ("nan", "table.csv line 14, column 'weight' = 'nan' is no finite number"),
        ("n/a", "table.csv line 14, column 'weight' = 'n/a' is no finite number"),
        ("1e99", "column 'weight' = '1e99' is no finite number"),
        ("1_0", "column 'weight' = '1_0' is no finite number"),
    ],
)
def test_a_cell_that_is_no_number_is_named_by_line_and_column(write, cell, message):
    with pytest.raises(DataError, match=message):
        csv_dataset(write("age,weight,name,cost", *ROWS, f"1,{cell},x,2"))


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        (
            ("age,cost", *["1,2.5"] * 12),
            {"target": "csot"},
            "no column 'csot'; did you mean 'cost'",
        ),
        (("age,cost", *["1,2.5"] * 12), {"columns": ["agee"]}, "did you mean 'age'"),
        (("age,cost", *["1,2.5"] * 12), {"columns": ["cost"]}, "'cost' is the target"),
        (("age,cost", *["1,2.5"] * 12), {"columns": ["age", "age"]}, "named twice"),
        (("age,cost", *["1,2.5"] * 12), {"columns": []}, "columns is empty"),
        (("age,age", *["1,2"] * 12), {}, "columns 1 and 2 are both called 'age'"),
        (("age,", *["1,2"] * 12), {}, "column 2 of the header has no name"),
        (("1,2", *["1,2"] * 12), {}, "must name the columns"),
        (("age;cost", *["1;2"] * 12), {}, "delimiter is ','"),
        (("age,cost", *["1,2"] * 11, "1,2,3"), {}, "line 13 has 3 cells, the header has 2"),
        (("age,cost", *["1,2"] * 9), {}, "9 rows below the header, at least 10"),
        (("age,kind", *["1,red"] * 12), {}, "every row has kind = 'red'"),
        (("age,kind", *["1,3"] * 12), {}, "every row has kind = '3'"),
        (("age,kind", *["1,a", "2,b"] * 6, "3,"), {}, "line 14, column 'kind' is empty"),
        (("age,kind", *["1,a", "2,b"] * 6), {"task": "regression"}, "line 2, column 'kind' = 'a'"),
        (("name,cost", *["x,2", "y,3.5"] * 6), {}, "no column besides 'cost' holds numbers"),
        (("age,cost", *["1,2", "2,3"] * 6, "1,x"), {}, "line 14, column 'cost' = 'x'"),
        (('age,"cost', *["1,2"] * 12), {}, "no valid CSV"),
        (("",), {}, "is empty"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(write, lines, options, message):
    with pytest.raises(DataError, match=message):
        csv_dataset(write(*lines), **options)


def test_a_missing_file_gets_the_nearest_name_of_its_folder(write):
    path = write("x", name="weather.csv")
    with pytest.raises(DataError, match=r"no file .*wether.csv; did you mean '.*weather.csv'"):
        csv_dataset(path.with_name("wether.csv"))
    with pytest.raises(DataError, match=r"the folder .* does not exist"):
        csv_dataset(path.parent / "no" / "weather.csv")
    with pytest.raises(DataError, match="is a folder"):
        csv_dataset(path.parent)


def test_other_encodings_are_refused_with_the_byte(write):
    path = write("x,größe", *["1,2"] * 12, encoding="latin-1")
    with pytest.raises(DataError, match="not UTF-8 text: byte 4"):
        csv_dataset(path)
