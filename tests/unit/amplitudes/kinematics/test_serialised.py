"""Points are the same after JSON, over every field; what is no point names its key."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.fields.symbols import SymbolField
from heliostat_methods.amplitudes.kinematics.random_points import (
    random_ads_point,
    random_gram_point,
)
from heliostat_methods.amplitudes.kinematics.serialised import (
    from_document,
    from_json,
    to_document,
    to_json,
)
from heliostat_methods.amplitudes.kinematics.spinors import spinor_points
from heliostat_methods.amplitudes.kinematics.standard import (
    standard_ads_point,
    standard_gram_point,
)

FIELDS = ("rational", "flint", "gf", "gf:101", "float64", "complex128", "mpmath:30")
Q = (np.array([3, 5]), np.array([2, 7]))


@pytest.mark.parametrize("field", FIELDS)
@settings(max_examples=6, deadline=None, derandomize=True)
@given(n=st.integers(3, 6), seed=st.integers(0, 2**32 - 1))
def test_points_come_back(field: str, n: int, seed: int) -> None:
    if field == "flint":
        pytest.importorskip("flint", reason="python-flint is not installed")
    for make in (random_gram_point, random_ads_point):
        point = make(n, np.random.default_rng(seed), field)
        back = from_json(to_json(point))
        assert back == point
        assert type(back) is type(point) and back.field.name == point.field.name


@pytest.mark.parametrize("field", ["complex128", "gf"])
def test_components_come_back_with_their_metric(field: str) -> None:
    point = spinor_points(1, 5, np.random.default_rng(0), field).point("--+++", Q)
    document = to_document(point)
    assert document["metric"] == ("+---" if field == "complex128" else "+-+-")
    assert from_json(to_json(point)) == point


def test_rationals_are_text() -> None:
    document = to_document(standard_ads_point(4))
    assert document["planar_norms"] == {"0,2": "23/2", "1,3": "53/6"}
    assert document["norms"] == ["2", "3", "5", "7"]
    assert to_document(standard_gram_point(4))["kk"][0] == ["0", "14", "7"]


def changed(kind: str = "gram", **values: Any) -> dict[str, Any]:
    point = standard_gram_point(4) if kind == "gram" else standard_ads_point(4)
    document = to_document(point) | values
    return {key: value for key, value in document.items() if value is not ...}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "point: list, expected an object with 'kind'"),
        ({}, "kind: None, expected one of gram, ads, four_vector"),
        (changed(kind="gram") | {"kind": "grma"}, "kind: 'grma', .*did you mean 'gram'"),
        (changed(field="rationals"), "^field: 'rationals', expected one of"),
        (changed(field=3), "field: 3, expected a name"),
        (changed(field="gf:12"), "field: prime: 12, expected a prime"),
        (changed(ee=...), "ee: missing in a point of kind 'gram'"),
        (changed(field=...), "field: missing in a point"),
        (changed(eek=[]), "eek: no key of a point of kind 'gram'; did you mean"),
        (changed(kk="x"), "kk: 'x', expected a list"),
        (changed(kk=["x"]), r"kk\[0\]: 'x', expected a list"),
        (changed(kk={"a": 1}), "kk: dict, expected a list"),
        (changed(kk=[]), "kk: 0 rows, expected 3"),
        (changed(ek=[["0", "1.5.2", "1"]]), r"ek\[0\]\[1\]: '1.5.2' is no rational number"),
        (changed(ek=[["0", 0.5, "1"]]), r"ek\[0\]\[1\]: 0.5, expected text such as '-3/7'"),
        (changed(ek=[["0", None, "1"]]), r"ek\[0\]\[1\]: None, expected text"),
        (changed(ek=[["0", True, "1"]]), r"ek\[0\]\[1\]: True, expected text"),
        (changed(ek=[["0", "1/0", "1"]]), r"ek\[0\]\[1\]: '1/0' is no rational"),
        (changed(ek=[["0", "1e999999999", "1"]]), r"ek\[0\]\[1\]: .*exponents have at most 4"),
        (changed(ek=[["0", "__import__('os')", "1"]]), r"ek\[0\]\[1\]: .* is no rational"),
        (changed("ads", planar_norms=[1]), "planar_norms: list, expected an object"),
        (changed("ads", planar_norms={"0-2": "1"}), "key '0-2', expected two legs such as '0,2'"),
        (changed("ads", planar_norms={"0,2": []}), r"planar_norms\[0,2\]: list, expected text"),
        (changed("ads", planar_norms={"0,2": "1"}), "planar_norms: no X_13"),
        (changed("ads", norms=["2"]), "norms: 1 legs, expected at least 3"),
    ],
)
def test_what_is_no_point_names_its_key(document: Any, message: str) -> None:
    with pytest.raises(InvalidPoint, match=message):
        from_json(json.dumps(document))


def test_components_need_text_for_a_metric() -> None:
    document = to_document(spinor_points(1, 3, np.random.default_rng(0), "gf").point("--+", Q))
    for metric, message in ((4, "metric: 4, expected text"), ("+-", "metric: 2 signs, expected 4")):
        with pytest.raises(InvalidPoint, match=message):
            from_document(document | {"metric": metric})
    with pytest.raises(InvalidPoint, match="momenta: 0 legs, expected at least 3"):
        from_document(document | {"momenta": []})


@pytest.mark.parametrize("text", ["", "{", "nul", "[" * 100_000, b"\xff\xfe{", '{"kind": NaN}'])
def test_text_that_is_no_json_of_a_point_is_refused(text: str | bytes) -> None:
    with pytest.raises(InvalidPoint, match=r"JSON: |kind: "):
        from_json(text)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    key=st.sampled_from(("kk", "ek", "ee", "field", "kind")),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=12,
    ),
)
def test_anything_else_is_a_point_or_is_refused(key: str, value: Any) -> None:
    try:
        from_json(json.dumps(changed(**{key: value}) if key != "kind" else {"kind": value}))
    except InvalidPoint:
        return


def test_symbols_and_batches_have_no_text() -> None:
    point = standard_gram_point(4)
    with pytest.raises(ValueError, match="field: 'symbols' has no text form"):
        to_json(point.over(SymbolField(["x"])))
    batch = point.over("float64").with_polarisations(
        tuple(tuple(np.ones(3) for _ in row) for row in point.ek), point.over("float64").ee
    )
    with pytest.raises(ValueError, match=r"numbers of shape \(3,\): expected one point"):
        to_json(batch)
