"""Rows of a book: engines, models, quantities, sums, output, ladders, and rows without a price."""

from __future__ import annotations

import csv
import io
import math
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliostat.errors import DataError
from heliostat_methods.step_options import (
    BlackScholesMarket,
    InvalidInput,
    StepOption,
    down_step,
    price,
)
from heliostat_methods.step_options.book.agreement import allowed, z_score
from heliostat_methods.step_options.book.ladder import Ladder, climb
from heliostat_methods.step_options.book.output import (
    FOUND,
    as_csv,
    as_parquet,
    output_columns,
    output_rows,
)
from heliostat_methods.step_options.book.pricing import BadRow, BookPrices, price_rows
from heliostat_methods.step_options.book.rows import BookRows, read_book
from heliostat_methods.step_options.book.terms import BookSettings
from heliostat_methods.step_options.book.totals import add_up
from heliostat_methods.step_options.book.units import UNITS

HEAD = "id,kind,spot,strike,rate,vol,maturity,barriers,rates"
ROW = "call,100,100,0.05,0.3,1,90,2;0"
QUICK = BookSettings(paths=1 << 12)
AS01 = 13.44329170434


def book(text: str, more: str = "") -> BookRows:
    table = list(csv.reader(io.StringIO(f"{HEAD}{more}\n{text}")))
    lines = tuple(range(2, len(table) + 1))
    return BookRows(tuple(table[0]), lines, tuple(tuple(row) for row in table[1:]))


def one(cells: str, more: str = "", settings: BookSettings = QUICK) -> BookPrices:
    return price_rows(book(f"x,{cells}\n", more), settings)


def refusal(cells: str, more: str = "", settings: BookSettings = QUICK) -> BadRow:
    (problem,) = one(cells, more, settings).problems
    return problem


def test_each_row_takes_the_engine_that_can_price_it() -> None:
    more = ",amortisation,window,form,beta,v0,kappa,theta,xi,corr"
    plain = ROW.replace("0.3", "")  # Heston takes the place of vol
    rows = book(
        f"plain,{ROW},,,,,,,,,\nsimple,{ROW},simple,,,,,,,,\nlate,{ROW},delayed,0.1,,,,,,,\n"
        f"cev,{ROW},,,cev,0.5,,,,,\nheston,{plain},,,,,0.09,1.5,0.06,0.4,-0.6\n", more,
    )  # fmt: skip
    found = price_rows(rows, QUICK)
    assert found.problems == ()
    assert dict(zip(found.ids, found.engines, strict=True)) == {
        "plain": "laplace", "simple": "occupation", "late": "occupation", "cev": "pde",
        "heston": "mc_bridge",
    }  # fmt: skip
    prices = dict(zip(found.ids, found.column("price"), strict=True))
    assert prices["plain"] == pytest.approx(AS01, rel=1e-9)
    assert prices["simple"] == pytest.approx(13.242126755, rel=1e-8)  # AX1
    assert prices["late"] == pytest.approx(12.589492139, rel=1e-8)  # AX4
    heston = found.ids.index("heston")
    assert found.column("std_error")[heston] > 0
    assert np.isnan(found.column("vega")[heston]) and np.isnan(found.column("std_error")[0])


def test_a_row_may_name_its_engine() -> None:
    found = price_rows(book(f"a,{ROW},occupation\nb,{ROW},\nc,{ROW},auto\n", ",method"), QUICK)
    assert found.engines == ("occupation", "laplace", "laplace")
    np.testing.assert_allclose(found.column("price"), AS01, rtol=1e-9)
    preferred = one(ROW, settings=BookSettings(method="spectral"))
    assert preferred.engines == ("spectral",)


@pytest.mark.parametrize(
    ("cells", "more", "field", "told"),
    [
        (f"{ROW},laplac", ",method", "method", "did you mean 'laplace'"),
        (f"{ROW},metropolis,delayed,0.1", ",method,amortisation,window", "amortisation",
         "use method='occupation'"),
        (f"{ROW},cev,", ",form,beta", "beta", "a number"),
        (f"{ROW},cve,1", ",form,beta", "form", "did you mean 'cev'"),
        (f"{ROW},cev,0.5,0.1", ",form,beta,v0", "form", "one model in a row"),
        (f"{ROW},maybe", ",allow_accrual", "allow_accrual", "true or false"),
        (f"{ROW},nan", ",quantity", "quantity", "a number"),
        (f"{ROW},inf", ",quantity", "quantity", "a finite number"),
        ("call,100,100,0.05,,1,90,2;0", "", "vol", "a number"),
        ("call,100,100,0.05,0.3,1,90,nan;0", "", "rates[0]", "a finite number"),
        ("call,100,100,0.05,0.3,1,,2", "", "barriers", "at least one level"),
        ("call,100,100,0.05,,1,90,2;0,none.csv", ",surface", "surface", "one of"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_priced_is_named(cells: str, more: str, field: str, told: str) -> None:
    problem = refusal(cells, more)
    assert (problem.line, problem.id, problem.field) == (2, "x", field)
    assert told in problem.message


def test_a_naive_price_is_only_given_when_it_is_asked_for() -> None:
    from heliostat_methods.step_options import PiecewiseMarket

    market = PiecewiseMarket(1.0, (0.5,), (0.05, 0.05), (0.0, 0.0), (0.2, 0.4))
    settings = BookSettings(piecewise=market, paths=1 << 10, steps=8)
    more = ",amortisation,method"
    problem = refusal(f"{ROW},simple,", more, settings)
    assert "states no bias" in problem.message
    assert one(f"{ROW},simple,mc_naive", more, settings).engines == ("mc_naive",)


def test_parameters_of_the_configuration_hold_where_a_row_says_no_other() -> None:
    given = {"v0": "0.09", "kappa": "1.5", "theta": "0.06", "xi": "0.4", "corr": "-0.6"}
    settings = BookSettings(given=given, paths=1 << 10, steps=2)
    assert one(ROW, settings=settings).engines == ("mc_bridge",)


def test_where_an_engine_is_wrong_another_one_takes_over_and_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from heliostat_methods.step_options.closed_form import spectral
    from heliostat_methods.step_options.contracts.result import Result

    def wrong(option: Any, market: Any, greeks: bool = False, **more: Any) -> Result:
        return Result(math.nan if option.strike == 100 else 1e9, "spectral", 0.0)

    monkeypatch.setattr(spectral, "price_spectral", wrong)
    text = f"a,{ROW},spectral\nb,{ROW.replace('100,100', '100,105')},spectral\nc,{ROW},\n"
    found = price_rows(book(text, ",method"), QUICK)
    assert found.problems == () and "spectral" not in found.engines
    assert found.column("price")[0] == pytest.approx(AS01, rel=1e-9)
    assert [line for line, _ in found.taken_over] == [2, 3]
    assert found.taken_over[0][1].startswith("spectral found nan, which is no price")


def test_a_row_without_any_engine_that_passes_is_refused_and_the_others_are_summed() -> None:
    # its barrier is a price that no float holds: nothing can be said of it
    text = f"a,{ROW},0\nb,{ROW},900\nc,{ROW.replace('0.05', '1e5')},0\n"
    rows = book(text, ",gamma")
    found = price_rows(rows, QUICK)
    assert [(p.line, p.field) for p in found.problems] == [(3, "gamma"), (4, "rate")]
    (whole,) = add_up(rows, [found])
    assert whole.sums["value"] == pytest.approx(AS01) and (whole.priced, whole.bad) == (1, 2)


def test_equal_contracts_are_priced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from heliostat_methods.step_options.book import pricing

    asked: list[int] = []
    together = pricing.price_together

    def counting(contracts: Any, greeks: bool) -> Any:
        asked.append(len(contracts))
        return together(contracts, greeks)

    monkeypatch.setattr(pricing, "price_together", counting)
    text = f"a,{ROW},3\nb,{ROW},-2\nc,{ROW.replace('0.3', '0.2')},1\n"
    found = price_rows(book(text, ",quantity"))
    assert asked == [2]
    prices = found.column("price")
    assert prices[0] == prices[1] != prices[2]
    assert list(found.quantity) == [3.0, -2.0, 1.0]


PUT = ROW.replace("call", "put")
DESKS = f"a,{ROW},eq,10\nb,{PUT},fx,-3\nc,{ROW},eq,2\nd,x,1,1,1,1,1,1,1,fx,1\n"


def test_totals_are_quantity_times_numbers_by_group() -> None:
    rows = book(DESKS, ",desk,quantity")
    found = price_rows(rows)
    whole, eq, fx = add_up(rows, [found], ["desk"])
    assert [(t.group, t.priced, t.bad) for t in (whole, eq, fx)] == [
        ((), 3, 1), (("eq",), 2, 0), (("fx",), 1, 1),
    ]  # fmt: skip
    option, market = down_step("call", 100, 1, 90, 2), BlackScholesMarket(100, 0.05, 0, 0.3)
    call = price(option, market, greeks=True)
    put = price(down_step("put", 100, 1, 90, 2), market, greeks=True)
    assert eq.sums["value"] == pytest.approx(12 * call.price)
    assert fx.sums["value"] == pytest.approx(-3 * put.price)
    for name in ("vega", "d_rate", "vanna", "theta"):
        expected = 12 * call.sensitivities[name] - 3 * put.sensitivities[name]
        assert whole.sums[name] == pytest.approx(expected, rel=1e-6)
    assert whole.sums["abs_error"] == pytest.approx(
        12 * found.column("abs_error")[0] + 3 * found.column("abs_error")[1]
    )


def test_what_a_row_does_not_have_is_left_out_of_the_sum_and_counted() -> None:
    rows = book(f"a,{ROW},\nb,{ROW},occupation\n", ",method")
    (whole,) = add_up(rows, [price_rows(rows)])
    assert whole.without["vega"] == 1 and whole.sums["vega"] == pytest.approx(32.9, abs=2)
    assert "value" not in whole.without
    assert whole.sums["value"] == pytest.approx(2 * AS01)
    assert not any(math.isnan(x) for x in whole.sums.values())


def test_the_output_repeats_the_terms_and_carries_other_columns_along(tmp_path: Path) -> None:
    rows = book(f"007,{ROW},ann,0.02,2\n", ",trader,gamma,quantity")
    parts = [price_rows(rows)]
    columns = output_columns(rows)
    assert columns[:4] == ["line", "id", "kind", "spot"]
    assert "trader" in columns and "gamma" in columns and "gamma_greek" in columns
    (line,) = csv.DictReader(io.StringIO(as_csv(columns, output_rows(rows, parts)).decode()))
    assert (line["id"], line["trader"], line["gamma"]) == ("007", "ann", "0.02")
    option = down_step("call", 100, 1, 90, 2, gamma=0.02)
    exact = price(option, BlackScholesMarket(100, 0.05, 0, 0.3), greeks=True)
    assert float(line["price"]) == pytest.approx(exact.price)
    assert float(line["value"]) == pytest.approx(2 * exact.price)
    assert float(line["gamma_greek"]) == pytest.approx(exact.gamma)
    below, above = map(float, line["d_rates"].split(";"))
    assert [below, above] == pytest.approx(list(exact.sensitivities["d_rates"]))
    path = tmp_path / "out.parquet"
    path.write_bytes(as_parquet(rows, parts, UNITS))
    table = pq.read_table(path)
    assert table.column_names == columns
    assert table["id"].to_pylist() == ["007"] and table["std_error"].to_pylist() == [None]
    assert table["spot"].to_pylist() == [100.0] and table["barriers"].to_pylist() == ["90"]
    assert table["price"][0].as_py() == float(line["price"])
    assert table["d_rates"][0].as_py() == [below, above]
    assert table.schema.field("vega").metadata == {b"unit": b"price"}
    assert {FOUND[name] for name in UNITS} <= set(columns)


def test_a_parquet_book_keeps_its_types_and_must_stay_what_it_was(tmp_path: Path) -> None:
    path = tmp_path / "book.parquet"
    columns = {"kind": ["call", "put"], "spot": [-1, 100], "strike": [100, 100], "vol": [0.3, 0.3],
               "maturity": [1, 1], "barriers": [[90.0], [80.0, 120.0]],
               "rates": [[2.0, 0.0], [1.0, 0.0, 1.0]], "day": [date(2026, 1, 2)] * 2}  # fmt: skip
    pq.write_table(pa.table(columns), path)
    rows = read_book(path)
    parts = [price_rows(rows)]
    (tmp_path / "out.parquet").write_bytes(as_parquet(rows, parts, UNITS, path))
    out = pq.read_table(tmp_path / "out.parquet")
    assert out.select(list(columns)).to_pylist() == pa.table(columns).slice(1).to_pylist()
    pq.write_table(pa.table({**columns, "spot": [100, 100]}), path)
    with pytest.raises(DataError, match="not what it was"):
        as_parquet(rows, parts, UNITS, path)


def test_the_output_of_a_parquet_book_can_be_a_book_again(tmp_path: Path) -> None:
    rows = book(f"a,{ROW},7\n", ",delta")
    path = tmp_path / "again.parquet"
    path.write_bytes(as_parquet(rows, [price_rows(rows)], UNITS))
    again = read_book(path)
    assert price_rows(again).column("price")[0] == price_rows(rows).column("price")[0]
    assert {"book.price", "book.delta", "book.book.delta"} <= set(output_columns(again))


def test_a_ladder_is_the_sum_of_prices_with_spot_and_vol_moved() -> None:
    rungs = Ladder((0.85, 0.9, 1.0, 1.1), (-0.1, 0.0))
    rows = book(
        f"a,{ROW},2,,out\nb,{ROW},-1,,in\nc,{ROW},3,pde,out\n"
        f"d,{ROW.replace('2;0', 'inf;0')},1,,out\n", ",quantity,method,knock",
    )  # fmt: skip
    contracts = [(2.0, 2.0, "out", "laplace"), (-1.0, 2.0, "in", "laplace"),
                 (3.0, 2.0, "out", "pde"), (1.0, math.inf, "out", "laplace")]  # fmt: skip
    found = climb(rows, rungs)
    assert found.left_out == ()
    for i, up in enumerate(rungs.vols):
        for j, factor in enumerate(rungs.spots):
            market = BlackScholesMarket(100 * factor, 0.05, 0.0, 0.3 + up)
            exact = sum(
                n * price(down_step("call", 100, 1, 90, rate, knock=knock), market, engine).price
                for n, rate, knock, engine in contracts
            )
            assert found.values[i, j] == pytest.approx(exact, rel=1e-9)
    cev = book(f"a,{ROW},cev,0.5\nb,{ROW},,\n", ",form,beta")
    assert climb(cev, rungs).left_out == (2,)
    assert climb(cev, Ladder((1.0,), (-0.3,))).left_out == (2, 3)  # no vol is left


def test_a_ladder_samples_as_the_rows_do() -> None:
    rows = book(f"a,{ROW},mc_bridge\n", ",method")
    few = BookSettings(paths=1 << 8, seed=3)
    found = climb(rows, Ladder((1.0,), (0.0,), few)).values[0, 0]
    assert found == price_rows(rows, few).column("price")[0]


@pytest.mark.parametrize("engine", ["laplace", "pde", "mc_bridge"])
def test_on_a_barrier_both_sides_are_in_the_output_and_in_no_sum(engine: str) -> None:
    rows = book(f"a,{ROW.replace('100,100', '90,100')},{engine}\nb,{ROW},{engine}\n", ",method")
    part = price_rows(rows, QUICK)
    on, off = (
        {k: float(v or "nan") for k, v in line.items() if "gamma" in k or "delta" in k}
        for line in csv.DictReader(io.StringIO(
            as_csv(output_columns(rows), output_rows(rows, [part])).decode()
        ))
    )  # fmt: skip
    # gamma jumps by 2 rate price / (vol spot)^2
    jump = 2 * 2.0 * part.column("price")[0] / (0.3 * 90) ** 2
    slack = {"laplace": 1e-8, "pde": 0.05, "mc_bridge": 0.2}[engine]
    assert on["gamma_below"] - on["gamma_above"] == pytest.approx(jump, rel=slack)
    assert on["gamma_greek"] == pytest.approx((on["gamma_below"] + on["gamma_above"]) / 2)
    assert math.isnan(off["gamma_below"]) and math.isnan(off["delta_above"])
    (whole,) = add_up(rows, [part])
    assert "gamma_below" not in whole.sums and "gamma_below" not in whole.without


def test_a_row_that_is_refused_later_is_in_no_sum() -> None:
    rows = book(f"a,{ROW}\nb,{ROW}\n")
    part = price_rows(rows).refusing([BadRow(3, "b", "cross_check", "differs")])
    assert (part.ids, [p.line for p in part.problems]) == (("a",), [3])
    (whole,) = add_up(rows, [part])
    assert (whole.priced, whole.bad) == (1, 1) and whole.sums["value"] == pytest.approx(AS01)


def test_a_difference_is_counted_in_standard_errors() -> None:
    random, exact = {"std_error": 0.01, "abs_error": 0.02}, {"std_error": None, "abs_error": 1e-12}
    assert z_score(0.03, allowed(random, exact)) == pytest.approx(3.0, rel=1e-9)
    assert z_score(-9e-12, allowed(exact, exact)) == pytest.approx(-4.5 * 4.5)
    assert (z_score(0.0, 0.0), z_score(1.0, 0.0)) == (0.0, math.inf)


box = {"spot": st.floats(1e-2, 1e5), "strike": st.floats(-3, 3), "rate": st.floats(-0.5, 0.5),
       "vol": st.floats(1e-3, 3.0), "maturity": st.floats(1e-4, 50.0)}  # fmt: skip
"""The strike, as the levels below, in standard deviations from the spot."""


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    kind=st.sampled_from(["call", "put", "digital", "unit", "asset"]),
    knock=st.sampled_from(["out", "in"]), gamma=st.floats(-0.5, 0.5),
    numbers=st.fixed_dictionaries(box),
    levels=st.lists(st.floats(-3, 3), min_size=1, max_size=4, unique=True),
    rates=st.lists(st.one_of(st.floats(0, 1e3), st.just(math.inf)), min_size=5, max_size=5),
)  # fmt: skip
def test_a_row_is_priced_as_a_contract_by_itself_or_refused_as_it_is(
    kind: str, knock: str, gamma: float, numbers: dict[str, float], levels: list[float],
    rates: list[float],
) -> None:  # fmt: skip
    deviation = min(numbers["vol"] * math.sqrt(numbers["maturity"]), 3.0)
    numbers["strike"] = numbers["spot"] * math.exp(numbers["strike"] * deviation)
    barriers = tuple(numbers["spot"] * math.exp(x * deviation) for x in sorted(levels))
    charged = tuple(rates[: len(levels) + 1])
    cells = {**{name: repr(value) for name, value in numbers.items()}, "kind": kind,
             "barriers": ";".join(map(repr, barriers)), "rates": ";".join(map(repr, charged)),
             "gamma": repr(gamma), "knock": knock, "id": "x"}  # fmt: skip
    found = price_rows(BookRows(tuple(cells), (2,), (tuple(cells.values()),)))
    try:
        option = StepOption(kind, numbers["strike"], numbers["maturity"], barriers, charged, gamma,
                            knock=knock)  # fmt: skip
        market = BlackScholesMarket(numbers["spot"], numbers["rate"], 0.0, numbers["vol"])
        exact = price(option, market, greeks=True)
    except InvalidInput as error:
        (problem,) = found.problems
        assert problem.field == error.field
        return
    assert found.problems == () and found.engines == (exact.method,)
    scale = max(1e-9 * (numbers["spot"] + numbers["strike"]), 2 * exact.abs_error_estimate)
    scale = 1e-9 if kind in ("unit", "digital") else scale
    assert found.column("price")[0] == pytest.approx(exact.price, rel=1e-9, abs=scale)
    for name in ("vega", "d_rate", "theta"):
        if name in exact.sensitivities:
            value = exact.sensitivities[name]
            slack = 1e-6 * abs(exact.sensitivities["vega"])
            slack += 1e-8 * (numbers["spot"] + numbers["strike"])
            assert found.column(name)[0] == pytest.approx(value, rel=1e-4, abs=slack)
