"""Columns as subgroups: what is missing is refused by its row, whatever holds the column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from heliostat_methods.fams.groups.coding import subgroups

pd = pytest.importorskip("pandas")
pa = pytest.importorskip("pyarrow")

MISSING: dict[str, Callable[[], Any]] = {
    "list with NaN": lambda: ["a", np.nan, "b", "b"],
    "list with None": lambda: ["a", None, "b", "b"],
    "list with NaN of numbers": lambda: [1.0, float("nan"), 2.0, 2.0],
    "tuple": lambda: ("a", float("nan"), "b", "b"),
    "list with NA": lambda: ["a", pd.NA, "b", "b"],
    "list with NaT": lambda: [pd.Timestamp(0), pd.NaT, pd.Timestamp(1), pd.Timestamp(1)],
    "object": lambda: np.array(["a", np.nan, "b", "b"], dtype=object),
    "dates": lambda: np.array(["2020-01-01", "NaT", "2021-01-01", "2021-01-01"], "M8[D]"),
    "categories": lambda: pd.Series(["a", None, "b", "b"], dtype="category"),
    "string": lambda: pd.Series(["a", pd.NA, "b", "b"], dtype="string"),
    "string of pyarrow": lambda: pd.Series(["a", pd.NA, "b", "b"], dtype="string[pyarrow]"),
    "boolean": lambda: pd.Series([True, pd.NA, False, False], dtype="boolean"),
    "Int64": lambda: pd.Series([1, pd.NA, 2, 2], dtype="Int64"),
    "array of pyarrow": lambda: pa.array(["a", None, "b", "b"]),
    "chunks of pyarrow": lambda: pa.chunked_array([["a", None], ["b", "b"]]),
    "numbers of pyarrow": lambda: pa.array([1, None, 2, 2]),
}


@pytest.mark.parametrize("kind", MISSING)
def test_a_missing_value_is_refused_by_its_row(kind):
    values = MISSING[kind]()
    for given in (values, {"race": values}):
        with pytest.raises(ValueError, match="row 1 is missing; name its group"):
            subgroups(given)
    if not kind.startswith("list with NaT"):
        with pytest.raises(ValueError, match=r"\['race'\], row 1 is missing"):
            subgroups(pd.DataFrame({"race": pd.Series(values)}))


@pytest.mark.parametrize(
    "made",
    [
        lambda columns: columns,
        pd.DataFrame,
        pa.table,
        lambda columns: pa.RecordBatch.from_pydict(columns),
        lambda columns: pd.DataFrame(columns, dtype="string"),
    ],
)
def test_tables_of_all_kinds_say_the_same(made):
    found = subgroups(made({"race": ["b", "a", "b"], "sex": ["F", "F", "M"]}))
    assert found.names == ("race=a, sex=F", "race=b, sex=F", "race=b, sex=M")
    assert found.codes.tolist() == [1, 0, 2]


def test_two_columns_of_one_name_are_refused():
    frame = pd.DataFrame([["a", "b"], ["c", "d"]], columns=["race", "race"])
    table = pa.table([["a"], ["b"]], names=["race", "race"])
    for given in (frame, table, {"1": ["a"], 1: ["b"]}):
        with pytest.raises(ValueError, match=r"has two columns called '(race|1)'; rename one"):
            subgroups(given)


def test_lists_of_rows_and_of_unequal_rows():
    assert subgroups([["a", 1], ["b", 1]]).names == ("column 0=a, column 1=1",
                                                      "column 0=b, column 1=1")  # fmt: skip
    with pytest.raises(ValueError, match="rows of different lengths"):
        subgroups([["a", 1], ["b"]])
    with pytest.raises(ValueError, match="is empty"):
        subgroups([])
