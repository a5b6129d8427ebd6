import datetime as dt
import sys
from decimal import Decimal

import numpy as np
import pytest

from heliostat.errors import DataError
from heliostat_methods.parts.csv_table import csv_dataset
from heliostat_methods.parts.frame_table import frame_dataset
from heliostat_methods.parts.parquet_table import parquet_dataset

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

DAY = dt.date(2024, 2, 29)


@pytest.fixture
def write(tmp_path):
    def write(columns, name="table.parquet"):
        path = tmp_path / name
        pq.write_table(pa.table(columns), path)
        return path

    return write


def test_every_type_of_a_cell_becomes_a_number(write):
    count = 20
    zone = dt.timezone(dt.timedelta(hours=2))
    columns = {
        "small": pa.array([i % 7 for i in range(count)], pa.int8()),
        "large": pa.array([2**53 + i % 2 for i in range(count)], pa.uint64()),
        "half": pa.array([i / 4 for i in range(count)], pa.float32()),
        "price": pa.array([Decimal(i) / 8 for i in range(count)], pa.decimal128(10, 3)),
        "lift": pa.array([i % 3 == 0 for i in range(count)]),
        "day": pa.array([DAY + dt.timedelta(days=i) for i in range(count)]),
        "at": pa.array([dt.datetime(1970, 1, 1, 2, i, tzinfo=zone) for i in range(count)]),
        "clock": pa.array([dt.time(0, i) for i in range(count)], pa.time32("s")),
        "took": pa.array([dt.timedelta(minutes=i) for i in range(count)]),
        "city": pa.array([f"c{i % 2}" for i in range(count)]).dictionary_encode(),
        "coded": pa.DictionaryArray.from_arrays(
            pa.array([0, 1] * 10, pa.uint32()), pa.array(["u", "v"], pa.large_string())
        ),
        "texts": pa.array([str(i) for i in range(count)]),
        "y": pa.array([i * 0.1 for i in range(count)]),
    }
    data = parquet_dataset(write({k: v for k, v in columns.items() if k != "large"}))
    assert data.columns == (
        "small", "half", "price", "lift", "day", "at", "clock", "took",
        "city = c0", "city = c1", "coded = u", "coded = v", "texts",
    )  # fmt: skip
    assert data.inputs[3].tolist() == [
        3, 0.75, 0.375, 1, 19782 + 3, 180, 180, 180, 0, 1, 0, 1, 3]  # fmt: skip
    assert data.targets.tolist() == [i * 0.1 for i in range(count)]
    assert data.name == "parquet:table.parquet"
    big = parquet_dataset(write({k: columns[k] for k in ("small", "large")}))
    assert big.labels == (str(2**53), str(2**53 + 1))


@pytest.mark.parametrize(
    "cells",
    [
        pa.array([2**53 + i for i in range(12)], pa.int64()),
        pa.array([None, *(2**63 + i for i in range(11))], pa.uint64()),
        pa.array([Decimal(2**60) + i for i in range(12)]),
        pa.array([1_700_000_000_000_000_000 + i for i in range(12)], pa.timestamp("ns")),
    ],
)
def test_values_that_float64_merges_are_refused_and_never_called_constant(write, cells):
    y = [i / 4 for i in range(12)]
    path = write({"id": cells, "x": y, "y": y})
    with pytest.raises(DataError, match=r"'id' holds .*float64 cannot tell apart.*\"drop\""):
        parquet_dataset(path)
    assert parquet_dataset(path, encode={"id": "drop"}).columns == ("x",)


def test_large_numbers_that_lie_apart_are_inputs(write):
    far = pa.array([1_700_000_000_000_000_000 + i * 10**12 + i for i in range(12)])
    data = parquet_dataset(write({"id": far, "y": [i / 4 for i in range(12)]}))
    assert data.inputs[:, 0].tolist() == [float(v) for v in far.to_pylist()]


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_times_beyond_the_range_of_nanoseconds_are_read(write, unit):
    days = [dt.datetime(9999, 12, 31), *(dt.datetime(1, 1, 1 + i) for i in range(11))]
    data = parquet_dataset(write({"t": pa.array(days, pa.timestamp(unit)), "y": range(12)}))
    epoch = dt.datetime(1970, 1, 1)
    assert data.inputs[:, 0].tolist() == [(day - epoch).total_seconds() for day in days]


def test_gaps_are_those_of_a_csv(write, tmp_path):
    numbers = [None if i == 4 else float(i) for i in range(12)]
    words = ["" if i == 5 else f"w{i % 2}" for i in range(12)]
    y = [None if i == 7 else i / 4 for i in range(12)]
    path = write({"n": numbers, "nan": [np.nan, *range(11)], "w": words, "y": y,
                  "none": pa.nulls(12), "marked": [-99, *range(11)]})  # fmt: skip
    text = tmp_path / "table.csv"
    rows = [",".join("" if v is None else str(v) for v in row)
            for row in zip(numbers, ["NaN", *range(11)], words, y, [""] * 12, [-99, *range(11)],
                           strict=True)]  # fmt: skip
    text.write_text("\n".join(["n,nan,w,y,none,marked", *rows]))
    how = {"target": "y", "missing_cells": ["-99"]}
    one, other = parquet_dataset(path, **how), csv_dataset(text, **how)
    assert one.columns == other.columns
    assert one.inputs.tolist() == other.inputs.tolist()
    assert one.targets.tolist() == other.targets.tolist()
    assert one.note == other.note
    assert "left out: none (empty)" in one.note


def test_lists_and_an_index_are_left_out(write):
    columns = {"x": list(range(12)), "pair": [[1, 2]] * 12, "y": [i / 4 for i in range(12)],
               "__index_level_0__": list(range(12))}  # fmt: skip
    data = parquet_dataset(write(columns), target="y")
    assert data.columns == ("x",)
    assert "pair (list<" in data.note
    assert "__index_level_0__ (index)" in data.note


@pytest.mark.parametrize("library", ["pandas", "pyarrow"])
def test_a_data_frame_is_a_table(library):
    module = pytest.importorskip(library)
    columns = {"x": [i / 3 for i in range(24)], "city": [f"c{i % 2}" for i in range(24)],
               "day": [DAY + dt.timedelta(days=i) for i in range(24)],
               "kind": ["a", None, "b"] * 8}  # fmt: skip
    make = module.table if library == "pyarrow" else module.DataFrame
    data = frame_dataset("mine", make(columns))
    assert data.columns == ("x", "city = c0", "city = c1", "day")
    assert data.inputs[1].tolist() == [2 / 3, 1, 0, 19784]
    assert (data.name, data.labels) == ("mine", ("a", "b"))
    assert "8 rows without target dropped" in data.note


def test_what_is_no_frame_is_refused():
    with pytest.raises(DataError, match=r"mine: a data frame of .* expected, got list"):
        frame_dataset("mine", [[1, 2]])
    with pytest.raises(DataError, match="two columns of numbers"):
        frame_dataset("mine", pa.table({"x": list(range(12))}))


def test_files_that_are_no_table_are_refused(write, tmp_path, monkeypatch):
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(DataError, match=r"bad.parquet is no Parquet file that can be read"):
        parquet_dataset(bad)
    with pytest.raises(DataError, match=r"did you mean '.*bad.parquet'"):
        parquet_dataset(tmp_path / "bed.parquet")
    with pytest.raises(DataError, match="9 rows, at least 10"):
        parquet_dataset(write({"x": list(range(9)), "y": list(range(9))}))
    good = {"x": list(range(12)), "y": ["a", "b"] * 6}
    with pytest.raises(DataError, match="row 1, column 'y' = 'a' is no number"):
        parquet_dataset(write(good), task="regression")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match=r"pip install 'heliostat\[parquet\]'"):
        parquet_dataset(write(good))


def test_encoded_texts_stay_as_they_are(write):
    codes = [("01", "1", "1,5")[i % 3] for i in range(12)]
    path = write({"code": codes, "y": [i / 4 for i in range(12)]})
    data = parquet_dataset(path, encode={"code": "onehot"})
    assert data.columns == ("code = 01", "code = 1", "code = 1,5")


def test_frames_that_cannot_be_used_say_why():
    pandas = pytest.importorskip("pandas")
    y = [i / 4 for i in range(12)]
    months = pandas.period_range("2024-01", periods=12, freq="M")
    with pytest.raises(DataError, match=r"an input and a target; left out: month \(.*in a cell\)"):
        frame_dataset("f", pandas.DataFrame({"month": months, "y": y}))
    mixed = pandas.DataFrame({"a": [1, "x"] * 6, "y": y})
    with pytest.raises(DataError, match=r"^f: Could not convert 'x' .*column a with type object$"):
        frame_dataset("f", mixed)
