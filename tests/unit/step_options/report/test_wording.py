"""Words of a result: contracts and markets as sentences, digits that an error leaves, verdicts."""

from __future__ import annotations

from typing import Any

import pytest

from heliostat_methods.step_options.engines.pricing import ENGINES as PRICED_BY
from heliostat_methods.step_options.report.wording import (
    ENGINES,
    contract_rows,
    error_text,
    number,
    price_text,
    regions,
    sensitivity_rows,
    verdict,
)

CONTRACT: dict[str, Any] = {
    "kind": "call", "strike": 100.0, "maturity": 1.0, "barriers": [80.0, 125.0],
    "rates": [5.0, 0.0, 5.0], "gamma": 0.02, "anchor": "start", "knock": "out",
    "amortisation": "proportional", "window": None, "spot": 100.0, "rate": 0.05,
    "dividend": 0.0, "vol": 0.3,
}  # fmt: skip


def test_every_engine_has_a_description() -> None:
    assert set(ENGINES) == set(PRICED_BY)


def test_a_contract_in_words() -> None:
    assert dict(contract_rows(CONTRACT)) == {
        "claim": "call",
        "strike": "100",
        "maturity": "1 year",
        "barriers": "80, 125 today, growing at 0.02 a year",
        "charged": "5/year below 80; 0/year from 80 to 125; 5/year above 125",
        "weight": "exp(-sum of rate x time)",
        "underlying": "100",
        "interest rate": "0.05 a year, continuous",
        "dividend yield": "0 a year, continuous",
        "volatility": "0.3 per square root of a year",
    }


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        ({"maturity": 0.5}, "maturity", "0.5 years"),
        ({"anchor": "maturity"}, "barriers", "80, 125 at maturity, growing at 0.02 a year"),
        ({"amortisation": "simple"}, "weight", "max(1 - rate x time, 0)"),
        ({"amortisation": "delayed", "window": 0.1}, "weight",
         "1 while less than 0.1 years are spent"),
        ({"knock": "in"}, "weight", "one minus exp(-sum of rate x time)"),
        ({"heston": {"v0": 0.09, "xi": 0.4}}, "Heston variance", "v0 0.09, xi 0.4"),
        ({"local_vol": {"form": "file", "file": "surface.csv"}}, "local volatility",
         "table surface.csv"),
        ({"local_vol": {"form": "cev", "beta": 0.5, "level": None}}, "local volatility",
         "cev, beta 0.5, vol 0.3 at 100"),
        ({"basket": {"spots": [90.0], "vols": [0.2], "weights": [0.5, 0.5]}}, "further assets",
         "90, vols 0.2"),
        ({"piecewise": {"times": [0.5], "rate": [0.01, 0.02], "dividend": [0, 0],
                        "vol": [0.2, 0.3], "charge": [1, 0.5]}}, "years after",
         "rate 0.02, dividend 0, vol 0.3, charge x 0.5"),
    ],
)  # fmt: skip
def test_what_differs_is_said(change: dict[str, Any], name: str, words: str) -> None:
    assert dict(contract_rows({**CONTRACT, **change}))[name] == words


def test_claims_without_a_strike_show_none() -> None:
    for kind in ("unit", "asset"):
        assert "strike" not in dict(contract_rows({**CONTRACT, "kind": kind}))


def test_regions_name_their_ends() -> None:
    assert regions([90.0], [5.0, 0.0]) == ["5/year below 90", "0/year above 90"]


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [(11.31132519, 1e-3, "11.3113"), (11.31132519, 0.0, "11.3113251900"), (0.0, 1e-9, "0.0"),
     (123.456, 50.0, "1.2e+02")],
)  # fmt: skip
def test_a_price_has_the_digits_that_its_error_leaves(
    value: float, error: float, text: str
) -> None:
    assert price_text(value, error) == text


def test_numbers_in_words() -> None:
    assert number([1.0, 2.5, None]) == "1, 2.5, "
    assert number(1 / 3, 4) == "0.3333"
    assert number("as it is") == "as it is"


def test_an_error_says_of_which_kind_it_is() -> None:
    assert error_text({"std_error": 0.0123, "abs_error": 0.0246}) == "1.2e-02 std"
    assert error_text({"std_error": None, "abs_error": 1e-11}) == "1.0e-11 bound"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"engine": "pde"}, ""),
        ({"engine": "pde", "agrees": True}, "agrees"),
        ({"engine": "pde", "agrees": False}, "differs"),
        ({"engine": "mc_naive", "agrees": False}, "biased by its sum"),
    ],
)
def test_verdicts(row: dict[str, Any], said: str) -> None:
    assert verdict(row) == said


def test_sensitivities_keep_their_order_and_show_what_has_no_name_yet() -> None:
    result = {"delta": 0.5, "gamma": None,
              "sensitivities": {"speed": 1.0, "vega": 10.0, "vega_error": 0.25,
                                "d_levels": [1.0, 2.0]}}  # fmt: skip
    rows = sensitivity_rows(result)
    assert [row.title for row in rows] == ["delta", "vega", "barrier levels", "speed"]
    assert [row.error for row in rows] == ["", "2.5e-01", "", ""]
    assert rows[2].value == "1, 2"


def test_a_bias_stands_beside_the_standard_error() -> None:
    assert error_text({"std_error": 0.01, "abs_error": 0.02}) == "1.0e-02 std"
    assert error_text({"std_error": 0.01, "abs_error": 0.07}) == "1.0e-02 std, 5.0e-02 bias"
    assert error_text({"std_error": None, "abs_error": 0.07}) == "7.0e-02 bound"
