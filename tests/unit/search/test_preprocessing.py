"""Encoding by the training part, held against scikit-learn's ColumnTransformer."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from heliostat.errors import DataError
from heliostat_search.preprocessing import BLOCK, Preprocessing, RawColumn, RawInputs

NAMES = ("bern", "kyiv", "oslo", "riga", "rome")


def peer(numbers, cities, train, most):
    """Return what scikit-learn makes of the rows, fitted on those of `train`."""
    table = np.empty((len(numbers), 3), dtype=object)
    table[:, 0] = numbers
    table[:, 1] = table[:, 2] = [NAMES[c] for c in cities]
    transformer = ColumnTransformer(
        [
            ("number", SimpleImputer(strategy="median", add_indicator=True), [0]),
            (
                "onehot",
                OneHotEncoder(max_categories=most + 1, handle_unknown="infrequent_if_exist",
                              sparse_output=False),
                [1],
            ),
            (
                "ordinal",
                OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
                [2],
            ),
        ]
    )  # fmt: skip
    return transformer.fit(table[train]).transform(table).astype(float)


@st.composite
def tables(draw):
    count = draw(st.integers(8, 40))
    number = st.one_of(st.just(float("nan")), st.floats(-1e6, 1e6, width=32))
    numbers = draw(st.lists(number, min_size=count, max_size=count))
    cities = draw(st.lists(st.integers(0, 4), min_size=count, max_size=count))
    train = draw(st.sets(st.integers(0, count - 1), min_size=4))
    return np.array(numbers), np.array(cities), np.array(sorted(train))


@given(tables(), st.integers(1, 5))
@settings(deadline=None, max_examples=60)
def test_features_are_those_of_scikit_learn(table, most):
    numbers, cities, train = table
    if np.isnan(numbers[train]).all() or (
        np.isnan(numbers).any() and not np.isnan(numbers[train]).any()
    ):
        return  # scikit-learn drops the column, or refuses gaps that it has not seen
    counts = np.bincount(cities[train], minlength=5)
    present = counts[counts > 0]
    if len(present) > most and len(set(present.tolist())) < len(present):
        return  # which of equally frequent levels is rarer is a convention of each
    raw = RawInputs(
        (
            RawColumn("n", numbers),
            RawColumn("one", cities, "onehot", NAMES, most),
            RawColumn("place", cities, "ordinal", NAMES),
        )
    )
    fitted = raw.fit(train)
    assert raw.encoded(fitted).tolist() == peer(numbers, cities, train, most).tolist()


@given(tables(), st.integers(1, 5), st.booleans())
@settings(deadline=None, max_examples=60)
def test_what_is_kept_as_json_treats_new_rows_alike(table, most, gaps):
    numbers, cities, train = table
    if gaps:
        cities = np.where(np.arange(len(cities)) % 3 == 0, -1, cities)
    raw = RawInputs(
        (
            RawColumn("n", numbers),
            RawColumn("one", cities, "onehot", NAMES, most),
            RawColumn("place", cities, "ordinal", NAMES),
        )
    )
    fitted = raw.fit(train)
    kept = Preprocessing.from_plain(json.loads(json.dumps(fitted.plain())))
    names = [None if c < 0 else NAMES[c] for c in cities]
    again = kept.apply({"n": numbers.tolist(), "one": names, "place": names, "more": names})
    assert again.tolist() == raw.encoded(fitted).tolist()
    assert kept.features == fitted.features
    assert np.isfinite(again).all()


def test_levels_that_are_equally_frequent_keep_their_order():
    column = RawColumn("c", np.array([3, 2, 1, 0]), "onehot", NAMES, 2)
    assert column.fit(np.arange(4)).features == ("c = bern", "c = kyiv", "c (other)")


def test_a_level_that_is_new_is_other_or_nothing():
    raw = RawInputs((RawColumn("c", np.array([0, 1, 2, 0, 1]), "onehot", NAMES, 1),))
    assert raw.fit(np.arange(3)).apply({"c": ["rome"]}).tolist() == [[0, 1]]
    alone = RawInputs((RawColumn("c", np.array([0, 1, 2, 0, 1]), "onehot", NAMES, 3),))
    assert alone.fit(np.arange(3)).apply({"c": ["rome"]}).tolist() == [[0, 0, 0]]


def test_data_that_plain_did_not_write_are_refused():
    with pytest.raises(DataError, match="no preprocessing"):
        Preprocessing.from_plain({"columns": [{"how": "number"}], "mean": [], "deviation": []})
    with pytest.raises(DataError, match="nothing is known to fill it"):
        kept = {"columns": [{"name": "x", "how": "number"}], "mean": [], "deviation": []}
        Preprocessing.from_plain(kept).apply({"x": [None]})


def test_rows_of_every_block_are_encoded():
    count = BLOCK + 3
    numbers = np.arange(count, dtype=np.float64)
    numbers[[0, BLOCK, count - 1]] = np.nan
    places = np.arange(count) % 4 - 1
    levels = ("a", "b", "c")
    raw = RawInputs((RawColumn("x", numbers), RawColumn("k", places, "onehot", levels=levels)))
    fitted = raw.fit(np.arange(count))
    rows = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, count - 1]
    cells = {"x": numbers[rows], "k": [(*levels, None)[place] for place in places[rows]]}
    assert raw.encoded(fitted)[rows].tolist() == fitted.apply(cells).tolist()


def test_marks_of_missing_cells_outlive_plain_data():
    raw = RawInputs((RawColumn("x", np.array([1.0, np.nan, 4.0])),), ("-9", "none"))
    again = Preprocessing.from_plain(raw.fit(np.arange(3)).plain())
    assert again.missing_cells == ("-9", "none")
    assert again.apply({"x": [-9, "none", None, 3]}).tolist() == [[2.5, 1]] * 3 + [[3, 0]]
    assert "missing_cells" not in RawInputs(raw.columns).fit(np.arange(3)).plain()


def test_encoding_takes_little_more_memory_than_its_result():
    count = 8 * BLOCK
    levels = tuple("abcdefgh")
    column = RawColumn("k", np.arange(count) % 9 - 1, "onehot", levels=levels)
    raw = RawInputs((column, RawColumn("x", np.zeros(count))))
    fitted = raw.fit(np.arange(count))
    tracemalloc.start()
    result = raw.encoded(fitted)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.3 * result.nbytes
