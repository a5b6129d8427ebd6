import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliostat.errors import ConfigError, DataError
from heliostat_methods.parts.csv_table import csv_dataset, csv_inputs
from heliostat_methods.parts.tables.csv_file import Reading, read_csv
from heliostat_search.preprocessing import Preprocessing
from heliostat_search.splits import split

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
            "30 rows, inputs size, price; left out: city (text, 30 values in 30 rows); "
            'target rooms: classification, 9 classes; task="regression" changes it',
        ),
        (
            "size,rooms", "{i},{m}", {"task": "regression"},
            "30 rows, inputs size; target rooms: regression; "
            'task="classification" changes it',
        ),
        (
            "size,count", "{m},{i}", {},
            "30 rows, inputs size; target count: regression (30 different whole numbers); "
            'task="classification" changes it',
        ),
        ("size,cost", "{m},{i}.25", {}, "30 rows, inputs size; target cost: regression"),
        (
            "a,b,kind", "{i},{m},k{m}", {"columns": ["b"]},
            "30 rows, inputs b; left out: a; target kind: classification, 9 classes",
        ),
        (
            "a;place;cost", "{i},5;k{m};{m},25", {},
            "delimiter ';', decimal comma; 30 rows, inputs a, place (9 levels); "
            "target cost: regression",
        ),
        (
            ",".join(f"x{i}" for i in range(12)), ",".join(["{i}.5"] * 12), {},
            "30 rows, inputs x0, x1, x2, x3, x4, x5, x6, x7, ... (11 in all); "
            "target x11: regression",
        ),
    ],
)  # fmt: skip
def test_the_note_says_what_the_table_was_taken_for(write, header, row, options, note):
    path = write(header, *(row.format(i=i, m=i % 9 + 1) for i in range(30)))
    assert csv_dataset(path, **options).note == note


def test_quotes_blanks_a_byte_order_mark_and_other_delimiters_are_read(write):
    lines = ("x; y ;kind", *(f'{i}; {i}.5 ;"a;{i % 2}"' for i in range(10)), "", "")
    data = csv_dataset(write(*lines, encoding="utf-8-sig"))
    assert (data.columns, data.labels) == (("x", "y"), ("a;0", "a;1"))
    assert data.inputs[:, 1].tolist() == [i + 0.5 for i in range(10)]


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e999", "1_0", "12 kg", "0x10"])
def test_a_cell_that_is_no_number_is_named_by_line_and_column(write, cell):
    path = write("age,weight,name,cost", *ROWS, f'1,"{cell}",x,2')
    with pytest.raises(DataError, match=f"table.csv line 14, column 'weight' = {cell!r} is no f"):
        csv_dataset(path)
    assert csv_dataset(path, missing_cells=[cell]).inputs[12].tolist() == [1, 11, 1]
    named = csv_dataset(path, encode={"weight": "onehot"})
    assert f"weight = {cell}" in named.columns


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
        (("age,cost", *["1,2.5"] * 12), {"encode": {"agee": "drop"}}, "did you mean 'age'"),
        (("age,cost", *["1,2.5"] * 12), {"encode": {"cost": "drop"}}, "which is the target"),
        (("age,age", *["1,2"] * 12), {}, "columns 1 and 2 are both called 'age'"),
        (("age,,cost", *["1,2,3"] * 12), {}, "column 2 of the header has no name"),
        ((",age,cost", *["1,2,3"] * 12), {}, "column 1 of the header has no name"),
        (("1,2", *["1,2"] * 12), {}, "must name the columns"),
        (("age", *["1"] * 12), {}, "one column, 'age'; .*delimiter is ','"),
        (("# a, b", "age,cost", *["1,2"] * 12), {}, "line 2, column 'b' = 'cost' is no finite"),
        (("age;cost", *["1;2"] * 12), {"delimiter": ","}, "delimiter is ','"),
        (("age,cost", *["1,2"] * 11, "1,2,3"), {}, "line 13 has 3 cells, the header has 2"),
        (("age,cost", *["1,2"] * 11, "1"), {}, "line 13 has 1 cell, the header has 2"),
        (("age,cost,", *["1,2,"] * 11, "1,2,3"), {}, "column 3 of the header has no name"),
        (("a,cost,", *["1,2,"] * 900, "1,2,3"), {}, "line 902 holds '3' behind its last colu"),
        (("age,cost", *["1,2"] * 9), {}, "9 rows below the header, at least 10"),
        (("age,kind", *["1,red"] * 12), {}, "every row has kind = 'red'"),
        (("age,kind", *["1,3"] * 12), {}, "every row has kind = '3'"),
        (("age,cost", *["1,100000000.25"] * 12), {}, "every row has cost = 100000000.25"),
        (("age,cost", *["1,"] * 12), {}, "no cell of the target 'cost' holds anything"),
        (("age,kind", *["1,a", "2,b"] * 6), {"task": "regression"}, "line 2, column 'kind' = 'a'"),
        (("name,cost", *(f"n{i},{i}.5" for i in range(12))), {}, "name .text, 12 values in 12 row"),
        (("age,kind", *(f"{i},k{i}" for i in range(12))), {}, "'kind' has 12 different values in"),
        (("age,cost", *["1,2", "2,3"] * 6, "1,x"), {}, "line 14, column 'cost' = 'x'"),
        (("age,cost", *["3,2", "2,3"] * 6, "2,"), {"missing": "error"}, "14, column 'cost' is em"),
        (("age,cost", *["3,2", "2,3"] * 6, ",2"), {"missing": "error"}, "14, column 'age' is empt"),
        (("age,cost", *["3,2", ",3"] * 6), {"missing": "drop"}, "6 of 12 rows are left without"),
        (("day,cost", *["1/2/2024,2", "2/3/2024,3"] * 6), {}, "'day' .* set month_first"),
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
    with pytest.raises(DataError, match=r"not UTF-8 text: line 1 \(byte 4\) holds 0xf6"):
        csv_dataset(write("x,größe", *["1,2"] * 12, encoding="latin-1"))
    far = ["x,size", *["1,2"] * 100_000, "1,größe"]
    with pytest.raises(DataError, match=rf"line 100002 \(byte {7 + 4 * 100_000 + 4}\)"):
        csv_dataset(write(*far, encoding="latin-1"))
    with pytest.raises(DataError, match="UTF-16"):
        csv_dataset(write("x,y", *["1,2"] * 12, encoding="utf-16"))


def lines_of(**columns):
    """Return a table of twelve rows or more, whose cells are given by column."""
    return (",".join(columns), *map(",".join, zip(*columns.values(), strict=True)))


N = [f"{i}" for i in range(12)]
Y = [f"{i % 5}.5" for i in range(12)]


def test_unix_times_and_shifted_targets_keep_every_second(write):
    # In float32 neighbours of 1.7e9 are 128 apart, those of 1e8 are 8 apart.
    times = [str(1_700_000_000 + i) for i in range(12)]
    shifted = [f"{100_000_000 + i / 8}" for i in range(12)]
    data = csv_dataset(write(*lines_of(time=times, level=shifted)))
    assert data.inputs[:, 0].tolist() == [1.7e9 + i for i in range(12)]
    parts = split(data, np.random.default_rng(0))
    rows = parts.train.rows
    order = np.argsort(rows)
    assert (np.diff(parts.train.inputs[order, 0]) > 0).all()
    assert (np.diff(parts.train.targets[order]) > 0).all()
    restored = parts.target_scale.undo(parts.train.targets)
    assert restored == pytest.approx(1e8 + rows / 8, abs=1e-4)


def test_whole_numbers_beyond_float64_are_classes_of_their_own(write):
    kinds = [str(2**53 + i % 2) for i in range(12)]
    data = csv_dataset(write(*lines_of(x=N, kind=kinds)))
    assert data.labels == (str(2**53), str(2**53 + 1))
    assert data.targets.tolist() == [i % 2 for i in range(12)]
    huge = [str(2**64 + i % 2) for i in range(12)]
    with pytest.raises(DataError, match="float64 cannot tell apart"):
        csv_dataset(write(*lines_of(x=N, kind=huge)))


def test_numbers_are_read_to_the_last_bit(write):
    exact = [0.1, 1 / 3, 2.5e-308, 123456789.123456789, 9007199254740993.0, 5e-324]
    cells = [repr(exact[i % 6]) for i in range(12)]
    data = csv_dataset(write(*lines_of(x=cells, y=Y)))
    assert data.inputs[:, 0].tolist() == [exact[i % 6] for i in range(12)]


def test_constant_inputs_are_left_out_with_a_note(write):
    data = csv_dataset(write(*lines_of(x=N, same=["3"] * 12, word=["on"] * 12, y=Y)))
    assert data.columns == ("x",)
    assert "left out: same (constant 3), word (constant 'on')" in data.note


def test_values_that_float32_merges_are_told(write):
    cells = [*N[:11], "1e12"]
    note = csv_dataset(write(*lines_of(x=cells, y=Y))).note
    assert "input x: 10 values cannot be told from their neighbours in float32" in note
    target = csv_dataset(write(*lines_of(x=N, y=[*Y[:11], "1e12"]))).note
    assert "the target: 4 values cannot be told" in target


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["yes", "No"], [1, 0]),
        (["TRUE", "false"], [1, 0]),
        (["y", "n"], [1, 0]),
        (["2024-02-29", "2024-03-01"], [19782, 19783]),
        (["29.02.2024", "01.03.2024"], [19782, 19783]),
        (["29/02/2024", "01/03/2024"], [19782, 19783]),
        (["02/29/2024", "03/01/2024"], [19782, 19783]),
        (["1970-01-02 00:00:01", "1970-01-01T12:00:00.25"], [86401, 43200.25]),
        (["1970-01-01T02:00+02:00", "1970-01-01 00:00Z"], [0, 0.0]),
        (["06:30", "23:59:59"], [23400, 86399]),
        (["1 234", "12"], [1234, 12]),
        (["1'234.5", "12"], [1234.5, 12]),
        (["1,234.5", "12"], [1234.5, 12]),
        (["1.234,5", "12"], [1234.5, 12]),
        (["-0,5", "12"], [-0.5, 12]),
        (["1,234,567", "12"], [1234567, 12]),
        ([".5", "+5."], [0.5, 5]),
    ],
)
def test_cells_become_numbers(write, cells, numbers):
    mine = [f'"{cells[i % 2]}"' for i in range(12)]
    plain = ["12", "7", "5"] * 4  # says nothing of the decimal sign
    if len(set(numbers)) == 1:
        mine[0], numbers = '"1970-01-01 00:00:05Z"', [5, 0]
        data = csv_dataset(write(*lines_of(x=mine, n=N, y=plain)))
        assert data.inputs[:2, 0].tolist() == numbers
        return
    data = csv_dataset(write(*lines_of(x=mine, y=plain)))
    assert data.inputs[:2, 0].tolist() == numbers


def test_decimal_commas_are_found_by_looking_and_can_be_set(write):
    lines = ("a;b;y", *["7;0;3,5", "8;1;4,25"] * 6)
    data = csv_dataset(write(*lines))
    assert data.inputs[:2].tolist() == [[7, 0], [8, 1]]
    assert data.targets[:2].tolist() == [3.5, 4.25]
    assert data.note.startswith("delimiter ';', decimal comma; 12 rows")
    again = csv_dataset(write(*lines), delimiter=";", decimal=",")
    assert again.targets.tolist() == data.targets.tolist()
    tabs = csv_dataset(write(*(line.replace(";", "\t") for line in lines)))
    assert tabs.note.startswith("delimiter tab, decimal comma")


def test_a_comma_that_may_be_either_sign_is_refused(write):
    path = write("a;y", *["1,234;2", "5,678;3"] * 6)
    with pytest.raises(DataError, match=r"'a' = '1,234' may be 1234 with .* or 1.234 with"):
        csv_dataset(path)
    assert csv_dataset(path, decimal=",").inputs[0, 0] == 1.234
    assert csv_dataset(path, decimal=".", thousands=",").inputs[0, 0] == 1234
    # Another column decides.
    other = csv_dataset(write("a;b;y", *["1,234;0,5;2", "5,678;1,5;3"] * 6))
    assert other.inputs[0].tolist() == [1.234, 0.5]
    point = csv_dataset(write("a;b;y", *["1,234;0.5;2", "5,678;1.5;3"] * 6))
    assert point.inputs[0].tolist() == [1234, 0.5]


def test_a_point_that_may_part_thousands_is_refused_among_semicolons(write):
    path = write("a;y", *["1.234;2", "5.678;3"] * 6)
    with pytest.raises(DataError, match=r"'a' = '1.234' may be 1.234 with .* or 1234 with decim"):
        csv_dataset(path)
    assert csv_dataset(path, decimal=".").inputs[0, 0] == 1.234
    assert csv_dataset(path, decimal=",").inputs[0, 0] == 1234
    whole = write("a;y", *["1.000;2", "2.000;3"] * 6)
    with pytest.raises(DataError, match=r"may be 1 with decimal = '.' or 1000"):
        csv_dataset(whole)
    later = write("a;y", *["1.234;2"] * 1000, "1.5;3")
    assert csv_dataset(later).inputs[[0, -1], 0].tolist() == [1.234, 1.5]
    other = write("a;b;y", *["1.234;0.5;2", "5.678;1.5;3"] * 6)
    assert csv_dataset(other).inputs[0].tolist() == [1.234, 0.5]
    german = write("a;b;y", *["1.234;0,5;2", "5.678;1,5;3"] * 6)
    assert csv_dataset(german).inputs[0].tolist() == [1234, 0.5]
    assert csv_dataset(write("a,y", *["1.234,2", "5.678,3"] * 6)).inputs[0, 0] == 1.234


@st.composite
def written_tables(draw):
    """Return (delimiter, style, columns of numbers) of a table, and how it is written."""
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    decimal, thousands = draw(
        st.sampled_from([(".", ""), (",", ""), (".", ","), (",", "."), (".", " "), (",", "'")])
    )
    rows = draw(st.integers(10, 25))
    kind = st.sampled_from([0, 1, 3])
    columns = []
    for _ in range(draw(st.integers(2, 4))):
        digits = draw(kind)
        numbers = st.integers(-(10 ** draw(st.integers(1, 9))), 10**7)
        columns.append(
            [n / 10**digits if digits else n
             for n in draw(st.lists(numbers, min_size=rows, max_size=rows))]
        )  # fmt: skip
    return delimiter, decimal, thousands, columns


def written(value, decimal, thousands):
    whole, _, rest = f"{value:,}".partition(".")
    text = whole.replace(",", thousands) + (decimal + rest if rest else "")
    return f'"{text}"'


@given(written_tables())
@settings(deadline=None, max_examples=150,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
def test_a_number_is_read_as_it_was_written_or_refused(write, table):
    delimiter, decimal, thousands, columns = table
    names = [f"c{i}" for i in range(len(columns))]
    lines = [delimiter.join(written(v, decimal, thousands) for v in row)
             for row in zip(*columns, strict=True)]  # fmt: skip
    path = write(delimiter.join(names), *lines)
    read = read_csv(path, Reading(delimiter, decimal, thousands))
    for name, column in zip(names, columns, strict=True):
        assert read.numbers(name).tolist() == [float(v) for v in column]
    found = read_csv(path)
    for name, column in zip(names, columns, strict=True):
        try:
            numbers = found.numbers(name).tolist()
        except DataError:
            continue
        # A comma among commas and a point that all cells have three digits behind are the usual
        # decimal point, which the first line of a run says.
        if delimiter == ";" or (decimal, thousands) != (",", "."):
            assert numbers == [float(v) for v in column]


@pytest.mark.parametrize(
    "lines",
    [
        ("sep=;", "x;y", *(f"{n};{y}" for n, y in zip(N, Y, strict=True))),
        ("# weather of 2024", "", "x,y", *map(",".join, zip(N, Y, strict=True))),
        ("x y", *map(" ".join, zip(N, Y, strict=True))),
        ("x|y", *map("|".join, zip(N, Y, strict=True))),
        ('"x","y"', *(f'"{n}","{y}"' for n, y in zip(N, Y, strict=True))),
        (" x , y ", *(f" {n} , {y} " for n, y in zip(N, Y, strict=True))),
    ],
    ids=["sep", "comment", "blanks", "bars", "quotes", "outer blanks"],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_other_ways_of_writing_a_table_are_the_same_table(tmp_path, lines, end):
    path = tmp_path / "table.csv"
    path.write_bytes(end.join(lines).encode())
    data = csv_dataset(path)
    assert data.columns == ("x",)
    assert data.inputs[:, 0].tolist() == [float(n) for n in N]
    assert data.targets.tolist() == [float(y) for y in Y]


def test_a_decimal_comma_behind_the_first_thousand_rows_is_found(write):
    rows = [f"{i};{i % 7}" for i in range(1500)] + ["3,5;2", "4,5;3"]
    data = csv_dataset(write("a;y", *rows))
    assert data.inputs[-2:, 0].tolist() == [3.5, 4.5]
    assert data.inputs[7, 0] == 7


@pytest.mark.parametrize("cell", ["", "NA", "n/a", "NaN", "null", "?", " ", "-99"])
def test_missing_numbers_are_filled_and_marked(write, cell):
    weights = ["10", cell, *["20"] * 5, *["40"] * 5]
    data = csv_dataset(write(*lines_of(x=N, weight=weights, y=Y)), missing_cells=["-99"])
    assert data.columns == ("x", "weight", "weight (missing)")
    assert data.inputs[1, 1:].tolist() == [20, 1]
    assert data.inputs[2, 1:].tolist() == [20, 0]
    assert "filled: weight (1 of 12, by the median)" in data.note


def test_whole_numbers_stay_exact_beside_missing_cells(write):
    kinds = [str(2**53 + i % 2) if i else "NA" for i in range(13)]
    data = csv_dataset(write(*lines_of(x=[*N, "12"], kind=kinds)))
    assert data.labels == (str(2**53), str(2**53 + 1))
    assert "1 row without target dropped" in data.note
    assert data.inputs[0, 0] == 1


def test_rows_with_missing_cells_can_be_dropped(write):
    weights = ["10", "?", *["20"] * 5, *["40"] * 5]
    data = csv_dataset(write(*lines_of(x=N, weight=weights, y=Y)), missing="drop")
    assert (data.columns, len(data.inputs)) == (("x", "weight"), 11)
    assert "1 row with missing cells dropped" in data.note


def test_text_is_one_hot_rare_levels_are_other_and_encode_decides(write):
    cities = ["rome", "bern", "bern", "rome", "oslo", "bern", "kyiv", "rome", *["bern"] * 4]
    path = write(*lines_of(x=N, city=cities, y=Y))
    data = csv_dataset(path, most_levels=2)
    assert data.columns == ("x", "city = bern", "city = rome", "city (other)")
    assert data.inputs[:5, 1:].tolist() == [[0, 1, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    ordered = csv_dataset(path, encode={"city": "ordinal"})
    assert ordered.inputs[:5, 1].tolist() == [3, 0, 0, 3, 2]
    dropped = csv_dataset(path, encode={"city": "drop"})
    assert dropped.columns == ("x",)
    assert "city (encode = drop)" in dropped.note
    number = csv_dataset(path, encode={"x": "onehot"}, columns=["x"])
    assert number.columns == tuple(f"x = {i}" for i in range(12))


def test_levels_and_medians_are_learned_on_the_training_part_alone(write):
    cities = [f"c{i % 4}" for i in range(60)]
    weights = [str(i) if i % 3 else "" for i in range(60)]
    target = [f"{i % 7}.5" for i in range(60)]
    data = csv_dataset(write(*lines_of(city=cities, weight=weights, y=target)))
    rows = split(data, np.random.default_rng(5)).train.rows
    # What stands outside of the training part is changed to something unheard of.
    for i in set(range(60)) - set(rows.tolist()):
        cities[i], weights[i] = f"new{i}", "1e6"
    changed = csv_dataset(write(*lines_of(city=cities, weight=weights, y=target)),
                          encode={"city": "onehot"})  # fmt: skip
    one, other = (split(d, np.random.default_rng(5)) for d in (data, changed))
    assert other.preprocessing.plain() == one.preprocessing.plain()
    assert other.train.inputs.tobytes() == one.train.inputs.tobytes()
    known = [float(weights[i]) for i in rows if weights[i]]
    assert one.preprocessing.columns[1].fill == np.median(known)


def test_new_rows_are_prepared_by_what_a_run_kept(write):
    cities = [f"c{i % 4}" if i % 9 else "" for i in range(60)]
    weights = [str(i * i) if i % 3 else "NA" for i in range(60)]
    target = [f"{i % 7}.5" for i in range(60)]
    data = csv_dataset(write(*lines_of(city=cities, weight=weights, y=target)))
    parts = split(data, np.random.default_rng(1))
    kept = json.loads(json.dumps(parts.preprocessing.plain()))
    table = {
        "city": [cities[i] or None for i in parts.test.rows],
        "weight": [None if weights[i] == "NA" else float(weights[i]) for i in parts.test.rows],
    }
    again = Preprocessing.from_plain(kept).apply(table)
    assert again == pytest.approx(parts.test.inputs, rel=1e-6, abs=1e-6)
    with pytest.raises(DataError, match="no column 'weight'; did you mean 'wieght'"):
        Preprocessing.from_plain(kept).apply({"city": ["c1"], "wieght": [1]})
    with pytest.raises(DataError, match="'weight' holds 'x'"):
        Preprocessing.from_plain(kept).apply({"city": ["c1"], "weight": ["x"]})


@pytest.mark.parametrize(
    ("header", "row", "left"),
    [
        (",x,y", "{i},{m},{m}.5", "left out: the first column (index)"),
        ("Unnamed: 0,x,y", "{i},{m},{m}.5", "left out: Unnamed: 0 (index)"),
        (",x,y", "name {i},{m},{m}.5", "left out: the first column (index)"),
        ("x,y", "name {i},{m},{m}.5", "left out: the first column (index)"),
        ("x,y,", "{m},{m}.5,", "left out: the last column (no name and no cell)"),
        ("x,y", "{m},{m}.5,", "left out: the last column (no name and no cell)"),
        ("x,y,", "{m},{m}.5", ""),
        ("x,gone,y", "{m},,{m}.5", "left out: gone (empty)"),
    ],
)
def test_an_index_and_trailing_delimiters_are_recognised(write, header, row, left):
    data = csv_dataset(write(header, *(row.format(i=i + 5, m=i % 7) for i in range(20))))
    assert data.columns == ("x",)
    assert data.targets[:3].tolist() == [0.5, 1.5, 2.5]
    assert left in data.note


def test_a_column_of_text_that_explains_half_of_the_target_is_used(write):
    rng = np.random.default_rng(2)
    names = ["bern", "kyiv", "oslo", "rome"]
    size, place = rng.normal(size=200), rng.integers(0, 4, 200)
    price = size + np.array([2, -1, 0, -1])[place]  # the city's variance is 1.5, the size's 1
    cells = {"size": map(repr, size.tolist()), "city": [names[i] for i in place],
             "price": map(repr, price.tolist())}  # fmt: skip
    path = write(*lines_of(**cells))
    left = []
    for encode in ({}, {"city": "drop"}):
        parts = split(csv_dataset(path, encode=encode), np.random.default_rng(0))
        fit, *_ = np.linalg.lstsq(parts.train.inputs, parts.train.targets)
        left.append(np.mean((parts.test.inputs @ fit - parts.test.targets) ** 2))
    assert left[0] < 1e-8
    assert left[1] > 0.4


def test_more_classes_than_half_the_rows_are_a_regression(write):
    data = csv_dataset(write(*lines_of(x=N, n=[str(i % 7) for i in range(12)])))
    assert data.task == "regression"
    assert "target n: regression (7 different whole numbers in 12 rows)" in data.note
    assert csv_dataset(write(*lines_of(x=N, n=[str(i % 6) for i in range(12)]))).classes == 6


def test_a_target_of_dates_is_a_regression_in_days(write):
    days = [f"2024-01-{i + 1:02d}" for i in range(12)]
    data = csv_dataset(write(*lines_of(x=N, day=days)))
    assert data.targets[0] == 19723
    assert "target day: regression, in days since 1970-01-01" in data.note


def test_classes_are_called_by_their_names(write):
    kinds = ["rare", *["often"] * 11]
    data = csv_dataset(write(*lines_of(x=N, kind=kinds)))
    with pytest.raises(DataError, match=r"class 'rare' \(number 1\) has 1 samples, too few"):
        split(data, np.random.default_rng(0))


def test_imbalance_and_rows_in_both_parts_are_told(write):
    rows = [f"{i},{i * i},{'rare' if i % 15 == 0 else 'often'}" for i in range(60)]
    data = csv_dataset(write("a,b,kind", *rows, *rows[20:40]))
    told = split(data, np.random.default_rng(0)).remarks
    (balance, *copies) = told
    assert "class 'rare' (number 1) has 5 of 80 rows" in balance
    parts = split(data, np.random.default_rng(0))
    train = {tuple(data.inputs[r]) for r in parts.train.rows}
    for part, name in ((parts.valid, "validation"), (parts.test, "test")):
        count = sum(tuple(data.inputs[r]) in train for r in part.rows)
        assert count
        assert any(text.startswith(f"{count} of {len(part)} {name} rows") for text in copies)


def test_levels_and_values_that_the_training_part_lacks_are_told(write):
    first = csv_dataset(
        write(*lines_of(x=[str(i) for i in range(60)], y=[f"{i % 7}.5" for i in range(60)]))
    )
    rows = split(first, np.random.default_rng(0)).train.rows.tolist()
    cities = [("bern", "rome")[i % 2] if i in rows or i % 3 else "oslo" for i in range(60)]
    flags = ["0" if i in rows else "1" for i in range(60)]
    cells = {"x": [str(i) for i in range(60)], "city": cities, "flag": flags,
             "y": [f"{i % 7}.5" for i in range(60)]}  # fmt: skip
    told = split(csv_dataset(write(*lines_of(**cells))), np.random.default_rng(0)).remarks
    new = cities.count("oslo")
    assert told == (
        "constant in the training part, so never used: flag",
        f"city: {new} of 24 rows of validation and test hold levels that the training part lacks",
    )


def test_a_table_of_many_rows_is_read_as_python_reads_it(write):
    # Many pieces, numbers and gaps changing their kind on the way.
    rng = np.random.default_rng(3)
    count = 4_500
    whole = [str(i) for i in rng.integers(-9, 9, count)]
    late = [str(i) for i in rng.integers(0, 9, count - 1)] + ["0.25"]
    gaps = ["" if i % 100 == 99 else repr(float(x)) for i, x in enumerate(rng.normal(size=count))]
    words = ["3"] * (count - 5) + ["a", "b", "a", "b", "a"]
    y = [repr(float(x)) for x in rng.normal(size=count)]
    path = write(*lines_of(whole=whole, late=late, gaps=gaps, words=words, y=y))
    data = csv_dataset(path, encode={"words": "onehot"})
    assert data.columns == ("whole", "late", "gaps", "gaps (missing)", *(
        f"words = {w}" for w in "3ab"))  # fmt: skip
    assert data.inputs[:, 0].tolist() == [float(c) for c in whole]
    assert data.inputs[:, 1].tolist() == [float(c) for c in late]
    assert data.targets.tolist() == [float(c) for c in y]
    gone = np.array([c == "" for c in gaps])
    assert data.inputs[~gone, 2].tolist() == [float(c) for c in gaps if c]
    assert data.inputs[:, 3].tolist() == gone.tolist()
    assert data.inputs[-5:, 4:].tolist() == [[0, 1, 0], [0, 0, 1], [0, 1, 0], [0, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize(
    ("first", "row", "said"),
    [
        ("5.1,3.5,setosa", "{i}.5,3.{i},{kind}", "'setosa' is a cell of its column"),
        ("39,State-gov,77516,<=50K", "{i},State-gov,{i},<=50K", "'<=50K' is a cell"),
        ("1,2024-01-03,no", "{i},2024-02-0{m},no", "'no' is a cell"),
        ("7,n3,no", "{i},n{i},no", "it must name the columns"),
    ],
)
def test_a_first_row_of_data_is_no_header(write, first, row, said):
    rows = [
        row.format(i=i, m=1 + i % 9, kind="setosa" if i % 2 else "virginica") for i in range(12)
    ]
    with pytest.raises(DataError, match=said):
        csv_dataset(write(first, *rows))


def test_years_may_be_names_of_columns(write):
    rows = [f"c{i},{i},{i * 2}.5" for i in range(12)]
    data = csv_dataset(write("country,1990,1991", *rows))
    assert (data.columns, len(data.targets)) == (("1990",), 12)


@pytest.mark.parametrize("task", ["auto", "regression"])
def test_whole_numbers_that_float64_merges_are_no_numbers(write, task):
    near = [str(2**53 + i) for i in range(12)]
    path = write(*lines_of(id=near, x=N, y=Y))
    with pytest.raises(DataError, match=r"column 'id' holds whole .*encode = \{id = \"onehot\"\}"):
        csv_dataset(path)
    named = csv_dataset(path, encode={"id": "onehot"})
    assert named.columns[:12] == tuple(f"id = {one}" for one in near)
    if task == "regression":
        with pytest.raises(DataError, match="column 'id' holds whole"):
            csv_dataset(path, target="id", task=task)
    far = [str(2**53 + i * 10**13 + i) for i in range(12)]
    assert csv_dataset(write(*lines_of(id=far, y=Y))).inputs[:, 0].tolist() == list(map(float, far))


def test_what_helps_is_what_can_be_set(write):
    odd = [*N[:-1], "inf"]
    with pytest.raises(DataError, match=r'encode = \{"my col" = "onehot"\}'):
        csv_dataset(write(*lines_of(**{"my col": odd, "y": Y})))
    kinds = [str(i % 3) for i in range(11)] + ["inf"]
    path = write(*lines_of(x=N, kind=kinds))
    with pytest.raises(DataError, match=r'= "classification" takes it') as caught:
        csv_dataset(path)
    assert "encode" not in str(caught.value)
    assert csv_dataset(path, task="classification").labels == ("0", "1", "2", "inf")
    huge = [str(2**64 + i % 2) for i in range(12)]
    path = write(*lines_of(x=N, kind=huge))
    assert csv_dataset(path, task="classification").labels == (str(2**64), str(2**64 + 1))
    assert csv_dataset(path, target="x", encode={"kind": "onehot"}).columns == (
        f"kind = {2**64}", f"kind = {2**64 + 1}")  # fmt: skip


def test_marks_of_missing_cells_are_compared_as_numbers(write):
    cells = ["-99", "-99.0", "-9.9e1", *N[:9]]
    data = csv_dataset(write(*lines_of(x=cells, y=Y)), missing_cells=["-99"])
    assert data.columns == ("x", "x (missing)")
    assert data.inputs[:4, 1].tolist() == [1, 1, 1, 0]


def test_new_rows_know_what_marked_a_missing_cell(write):
    cells = ["-99", *N[:-1]]
    how = {"missing_cells": ["-99", "none"]}
    data = csv_dataset(write(*lines_of(x=cells, y=Y)), **how)
    fitted = data.raw.fit(np.arange(12))
    kept = json.loads(json.dumps(fitted.plain()))
    gap = [np.median([float(x) for x in N[:-1]]), 1]
    new = write("x,z", "-99.0,1", "none,1", "5,1")
    assert csv_inputs(new, kept).tolist() == [gap, gap, [5, 0]]
    assert fitted.apply({"x": [-99, "none", 5]}).tolist() == [gap, gap, [5, 0]]


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("lift", "7", "line 2, column 'lift' holds 7; the run took it for yes or no"),
        ("size", "yes", "holds 'yes'; the run took it for numbers"),
        ("size", "2024-01-01", "holds 2024-01-01; the run took it for numbers"),
        ("built", "20240101", "holds 20240101; the run took it for days"),
        ("built", "no", "holds 'no'; the run took it for days"),
    ],
)
def test_new_rows_of_another_kind_are_refused(write, column, cell, said):
    days = [f"2024-01-{i + 1:02}" for i in range(12)]
    yes = ["yes" if i % 2 else "no" for i in range(12)]
    data = csv_dataset(write(*lines_of(size=N, built=days, lift=yes, y=Y)))
    kept = data.raw.fit(np.arange(12)).plain()
    row = {"size": "1", "built": "2024-02-29", "lift": "no"}
    good = csv_inputs(write(",".join(row), ",".join(row.values())), kept)
    assert good.tolist() == [[1, 19782, 0]]
    assert csv_inputs(write("size,built,lift", "1,2024-02-29,0"), kept).tolist() == good.tolist()
    row[column] = cell
    with pytest.raises(DataError, match=said):
        csv_inputs(write(",".join(row), ",".join(row.values()), ",".join(row.values())), kept)


@pytest.mark.parametrize(
    ("delimiter", "cells", "said", "values"),
    [
        (";", ["0.125", "0.250"], "decimal point", [0.125, 0.25]),
        (";", ["0,125", "0,250"], "decimal comma", [0.125, 0.25]),
        (";", ["1\u00a0234", "22\u00a0500"], "thousands blank", [1234, 22500]),
        (";", ["1\u202f234,5", "22\u202f500,5"], "decimal comma, thousands blank",
         [1234.5, 22500.5]),
        (",", ["1\u2019234", "22\u2019500"], 'thousands "\'"', [1234, 22500]),
        (",", ["\u22121.5", "2.5"], "", [-1.5, 2.5]),
        (" ", ["  1.5 ", "22.5"], "delimiter blank", [1.5, 22.5]),
    ],
)  # fmt: skip
def test_numbers_as_other_programs_write_them(write, delimiter, cells, said, values):
    rows = [f"{cells[i % 2]}{delimiter}{i}" for i in range(12)]
    data = csv_dataset(write(f"x{delimiter}y", *rows))
    assert data.inputs[:2, 0].tolist() == values
    assert said in data.note


def test_an_index_may_be_shuffled_or_have_gaps(write):
    rows = [f"{i * 7 % 12 + i % 12 // 11 * 9},{i},{i / 4}" for i in range(12)]
    for name in ("", "Unnamed: 0"):
        data = csv_dataset(write(f"{name},x,y", *rows))
        assert data.columns == ("x",)
        assert "(index)" in data.note


def test_empty_columns_of_a_spreadsheet_are_left_out(write):
    data = csv_dataset(write("x;y;;", *(f"{i};{i}.5;;" for i in range(12))))
    assert (data.columns, data.targets[1]) == (("x",), 1.5)
    assert "the last 2 columns (no name and no cell)" in data.note


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"decimal": ".", "thousands": "."}, "thousands"),
        ({"decimal": ",", "thousands": ","}, "thousands"),
        ({"delimiter": '"'}, "delimiter"),
        ({"delimiter": "\n"}, "delimiter"),
        ({"delimiter": "a"}, "delimiter"),
        ({"delimiter": ""}, "delimiter"),
    ],
)
def test_signs_that_cannot_part_cells_are_refused(write, settings, field):
    with pytest.raises(ConfigError, match=rf"^{field} = "):
        csv_dataset(write(*lines_of(x=N, y=Y)), **settings)


@pytest.mark.parametrize(
    ("header", "row", "settings", "new", "value"),
    [
        ("x,y", "1.{}00,{}", {"decimal": ","}, "1.500,0", 1500),
        ("x,y", '"1.{}00,5",{}', {}, "1.500,0", 1500),
        ("x;y", "1.{}00,5;{}", {}, "1.500;0", 1500),
        ("x;y", "0,{}5;{}", {}, "1,250;0", 1.25),
        ("x;y", "0,{}5;{}", {}, "1.25;0", 1.25),
        ("x,y", "{}/2/2024,{}", {"month_first": True}, "3/4/2024,0", 19786),
        ("x,y", "{}/2/2024,{}", {"month_first": False}, "3/4/2024,0", 19816),
        ("x,y", "2/{}1/2024,{}", {}, "3/4/2024,0", 19786),
        ("x;y", "1.{}00;{}", {"decimal": "."}, "1.500;0", 1.5),
    ],
)
def test_new_rows_that_may_be_read_in_two_ways_are_read_as_the_run_s_were(
    write, header, row, settings, new, value
):
    lines = [row.format(i % 2 + 1, i) for i in range(30)]
    data = csv_dataset(write(header, *lines), **settings)
    kept = json.loads(json.dumps(data.raw.fit(np.arange(30)).plain()))
    assert csv_inputs(write(header, new), kept).tolist() == [[value]]


FORMS = {
    "whole": st.integers(-999, 99_999).map(str),
    "point": st.integers(0, 999_999).map(lambda n: f"{n / 1000:.3f}"),
    "comma": st.integers(0, 999).map(lambda n: f'"{n},{n % 7}"'),
    "groups": st.integers(1, 999).map(lambda n: f'"{n},{n:03}"'),
    "name": st.sampled_from(["1,5", "2,250", "1.500.000", "x", "7", "01", "yes"]).map(
        '"{}"'.format
    ),
    "truth": st.sampled_from(["yes", "no"]),
    "date": st.dates().map(lambda day: f"{day.month}/{day.day}/{day.year:04}"),
    "day": st.dates().map(lambda day: f"{day.day}.{day.month}.{day.year:04}"),
    "gap": st.sampled_from(["", "NA", "3", "4.5"]),
}


@given(st.data(), st.lists(st.sampled_from(sorted(FORMS)), min_size=1, max_size=4))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_row_alone_is_what_it_was_in_its_table_or_refused(write, data, forms):
    rows = [[data.draw(FORMS[form]) for form in forms] for _ in range(12)]
    names = [f"{form}{i}" for i, form in enumerate(forms)]
    encode = {name: "ordinal" for name in names if name.startswith("name")}
    lines = [",".join([*row, f"{i}.5"]) for i, row in enumerate(rows)]
    try:
        table = csv_dataset(write(",".join([*names, "y"]), *lines), encode=encode)
    except DataError:
        return
    kept = json.loads(json.dumps(table.raw.fit(np.arange(12)).plain()))
    for row, inputs in zip(rows[:3], table.inputs, strict=False):
        try:
            alone = csv_inputs(write(",".join(names), ",".join(row)) if len(names) > 1
                               else write(f"{names[0]},z", f"{row[0]},1"), kept)  # fmt: skip
        except DataError:
            continue
        assert alone.tolist() == [inputs.tolist()]


def test_encoded_cells_are_texts_as_they_stand(write):
    codes = [("01", "1", "1,5", "2024-01-02", "10")[i % 5] for i in range(20)]
    lines = [f'"{code}",{i % 3},{i}.500' for i, code in enumerate(codes)]
    path = write("code,x,y", *lines)
    assert csv_dataset(path, encode={"code": "onehot"}).columns[:-1] == tuple(
        f"code = {one}" for one in sorted(set(codes))
    )
    zips = [("01001", "10", "9")[i % 3] for i in range(20)]
    path = write("zip,x,y", *(f"{z},{i % 3},{i}.5" for i, z in enumerate(zips)))
    data = csv_dataset(path, encode={"zip": "ordinal"})
    assert "zip (0 9, 1 10, 2 01001)" in data.note


def test_a_new_row_may_hold_the_name_of_its_column(write):
    lines = [f"{('cat', 'dog')[i % 2]},{i}.5" for i in range(12)]
    kept = csv_dataset(write("cat,y", *lines)).raw.fit(np.arange(12)).plain()
    assert csv_inputs(write("cat,y", "cat,1"), kept).tolist() == [[1, 0]]


PEOPLE = ["race,sex,age,member,y"] + [
    f"{'BWB'[i % 3]},{'FM'[i % 2] if i != 5 else ''},{20 + i if i != 7 else ''},yes,{i % 2}"
    if i else "W,F,20,no,0"
    for i in range(20)
]  # fmt: skip


def test_group_columns_become_attributes_and_stay_inputs(write):
    path = write(*PEOPLE)
    data = csv_dataset(path, groups=["race", "sex", "age", "member"])
    assert list(data.attributes) == ["race", "sex", "age", "member"]
    assert data.attributes["race"][:3].tolist() == ["W", "W", "B"]
    assert data.attributes["sex"][4:7].tolist() == ["F", "(missing)", "F"]
    assert data.attributes["age"][6] == 26
    assert np.isnan(data.attributes["age"][7])
    assert data.attributes["member"][:2].tolist() == ["no", "yes"]
    plain = csv_dataset(path)
    assert plain.attributes == {}
    assert (data.columns, data.note, data.about) == (plain.columns, plain.note, plain.about)
    assert data.inputs.tobytes() == plain.inputs.tobytes()


def test_group_columns_are_no_inputs_where_they_are_left_out(write):
    path = write(*PEOPLE)
    dropped = csv_dataset(path, groups=["race"], encode={"race": "drop"})
    assert not any("race" in name for name in dropped.columns)
    assert dropped.attributes["race"][:3].tolist() == ["W", "W", "B"]
    assert csv_dataset(path, groups=["race"], columns=["age"]).columns[0] == "age"


def test_group_columns_have_the_rows_that_are_left(write):
    data = csv_dataset(write(*PEOPLE), groups=["race", "age"], missing="drop")
    assert len(data.attributes["age"]) == len(data.inputs) == 18
    assert 27 not in data.attributes["age"]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["rase"], r"no column 'rase'; did you mean 'race'\?"),
        (["y"], "column 'y' is the target, so it makes no groups"),
        (["sex", "sex"], "column 'sex' is named twice in groups"),
    ],
)
def test_groups_that_name_no_attribute_are_refused(write, groups, message):
    with pytest.raises(DataError, match=message):
        csv_dataset(write(*PEOPLE), groups=groups)
