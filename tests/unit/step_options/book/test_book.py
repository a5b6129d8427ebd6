"""Books as files: CSV and Parquet of the same contracts are the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heliostat.errors import DataError
from heliostat_methods.step_options.book.pricing import price_rows
from heliostat_methods.step_options.book.rows import read_book

CSV = """id,kind,spot,strike,rate,maturity,vol,barriers,rates,gamma,knock
one,call,100,100,0.05,1,0.3,90,2;0,0.05,out
well,put,100,105.5,0.05,0.75,0.25,85;125,3;0;12,,in
past,call,-3,100,0.05,1,0.3,90,2;0,0,out
word,call,100,100,0.05,1,abc,90,2;0,0,out
short,call,100,100,0.05,1,0.3,85;125,2;0,0,out
"""
COLUMNS: dict[str, list[Any]] = {
    "id": ["one", "well", "past", "word", "short"],
    "kind": ["call", "put", "call", "call", "call"],
    "spot": [100.0, 100.0, -3.0, 100.0, 100.0],
    "strike": [100.0, 105.5, 100.0, 100.0, 100.0],
    "rate": [0.05] * 5,
    "maturity": [1.0, 0.75, 1.0, 1.0, 1.0],
    "vol": ["0.3", "0.25", "0.3", "abc", "0.3"],
    "barriers": [[90.0], [85.0, 125.0], [90.0], [90.0], [85.0, 125.0]],
    "rates": [[2.0, 0.0], [3.0, 0.0, 12.0], [2.0, 0.0], [2.0, 0.0], [2.0, 0.0]],
    "gamma": [0.05, None, 0.0, 0.0, 0.0],
    "knock": ["out", "in", "out", "out", "out"],
}


def written(folder: Path, columns: dict[str, list[Any]]) -> Path:
    path = folder / "book.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet_gives_the_prices_of_csv(tmp_path: Path) -> None:
    (tmp_path / "book.csv").write_text(CSV)
    text = price_rows(read_book(tmp_path / "book.csv"))
    table = price_rows(read_book(written(tmp_path, COLUMNS)))
    assert table.ids == text.ids == ("one", "well")
    assert table.lines == text.lines == (2, 3)
    np.testing.assert_array_equal(table.numbers, text.numbers)
    assert table.lists == text.lists


def test_bad_rows_of_a_parquet_file_are_named(tmp_path: Path) -> None:
    problems = price_rows(read_book(written(tmp_path, COLUMNS))).problems
    assert [(p.line, p.id, p.field) for p in problems] == [
        (4, "past", "spot"), (5, "word", "vol"), (6, "short", "rates"),
    ]  # fmt: skip
    assert "abc" in problems[1].message


def test_absent_number_is_the_default_and_a_required_one_is_asked_for(tmp_path: Path) -> None:
    absent = {**COLUMNS, "gamma": [0.05, float("nan"), 0.0, 0.0, 0.0]}
    whole = price_rows(read_book(written(tmp_path, COLUMNS)))
    again = price_rows(read_book(written(tmp_path, absent)))
    np.testing.assert_array_equal(again.numbers, whole.numbers)
    missing = {**COLUMNS, "strike": [float("nan"), 105.5, 100.0, 100.0, 100.0]}
    first = price_rows(read_book(written(tmp_path, missing))).problems[0]
    assert (first.line, first.field) == (2, "strike")


@pytest.mark.parametrize(
    "columns, message",
    [({"kind": ["call"], "spot": [1.0]}, "no column 'strike'"),
     ({**COLUMNS, "gama": [0.0] * 5, "gamma": None}, "did you mean 'gamma'"),
     ({**COLUMNS, "Knock": ["out"] * 5, "knock": None}, "did you mean 'knock'"),
     ({name: values[:0] for name, values in COLUMNS.items()}, "no rows")],
)  # fmt: skip
def test_parquet_that_is_no_book(
    tmp_path: Path, columns: dict[str, list[Any]], message: str
) -> None:
    columns = {name: values for name, values in columns.items() if values is not None}
    with pytest.raises(DataError, match=message):
        read_book(written(tmp_path, columns))


def test_other_columns_are_carried_and_two_of_a_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "book.csv"
    path.write_text(CSV.replace("id,", "desk,id,", 1).replace("\none", "\neq,one"))
    rows = read_book(path)
    assert rows.carried == ("desk",)
    assert rows.part(0, 1).columns == rows.columns[1:]  # what prices it, and nothing else
    path.write_text(CSV.replace("id,", "knock,", 1))
    with pytest.raises(DataError, match="two columns called 'knock'"):
        read_book(path)


def test_file_that_only_has_the_name_of_parquet(tmp_path: Path) -> None:
    (tmp_path / "book.parquet").write_text(CSV)
    with pytest.raises(DataError, match=r"book\.parquet is no Parquet file"):
        read_book(tmp_path / "book.parquet")
