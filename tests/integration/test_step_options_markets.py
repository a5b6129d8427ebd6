"""Models beyond Black-Scholes through the command line: intervals, surfaces, who prices them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet
import pytest
from in_process import InProcess

RUN = ("run", "step_options", "--workers", "serial")
INTERVALS = "piecewise={times=[0.4], rate=[0.02, 0.06], dividend=[0.0, 0.01], vol=[0.2, 0.35]}"
BASKET = (
    "basket={spots=[100], dividends=[0], vols=[0.2], correlation=[[1, 0.5], [0.5, 1]],"
    " weights=[0.5, 0.5]}"
)
LEVEL = "piecewise={times=[0.4], rate=[0.02, 0.07], dividend=[0.0, 0.05], vol=[0.3, 0.3]}"
SURFACE = ",70,100,140\n0,0.4,0.3,0.25\n0.5,0.36,0.28,0.24\n2,0.3,0.26,0.22\n"


@pytest.fixture
def run(here: InProcess) -> InProcess:
    return here


def options(*parts: str) -> list[str]:
    return [word for part in parts for word in ("-o", part)]


def test_parameters_by_intervals(run: InProcess) -> None:
    engines = 'cross_check=["pde", "mc_bridge"]'
    account = run.json(
        *RUN, *options("method=path_integral_grid", engines, "n_paths=65536", INTERVALS)
    )
    result = account["result"]
    assert all(row.get("agrees", True) for row in result["engines"])
    assert result["contract"]["piecewise"]["vol"] == [0.2, 0.35]
    shown = run("show", account["run"]).stdout
    assert "finite differences" in shown or "pde" in shown


def test_intervals_of_one_clock_take_the_closed_form(run: InProcess) -> None:
    result = run.json(*RUN, *options('cross_check="path_integral_grid"', LEVEL))["result"]
    assert result["engines"][0]["engine"] == "laplace"
    assert result["engines"][1]["agrees"]
    flat = run.json(*RUN, *options("rate=0.05", "dividend=0.03", "greeks=false"))["result"]
    assert result["price"] == pytest.approx(flat["price"], rel=1e-11)


def test_surface_from_a_file_is_known_by_its_content(run: InProcess) -> None:
    (run.folder / "one.csv").write_text(SURFACE)
    (run.folder / "deeper").mkdir()
    (run.folder / "deeper" / "two.csv").write_text(SURFACE)
    (run.folder / "other.csv").write_text(SURFACE.replace("0.28", "0.29"))
    digests = []
    for path in ("one.csv", "deeper/two.csv", "other.csv"):
        account = run.json(*RUN, *options("method=pde", f"local_vol.file={path}"))
        digests.append(account["digest"])
    assert digests[0] == digests[1] != digests[2]


def test_resume_refuses_a_surface_that_has_changed(run: InProcess, cli: Any) -> None:
    (run.folder / "one.csv").write_text(SURFACE)
    more = options("method=pde", 'cross_check="mc_bridge"', "n_paths=32768", "chunk=4096",
                   "local_vol.file=one.csv", "steps=4")  # fmt: skip
    killed = cli(*RUN, *more, HELIOSTAT_FAULT="kill-after-commits=3")
    assert killed.returncode == -9
    (run.folder / "one.csv").write_text(SURFACE.replace("0.28", "0.29"))
    refused = run("resume", "last", "--workers", "serial")
    assert refused.returncode != 0 and "Traceback" not in refused.stderr
    (run.folder / "one.csv").write_text(SURFACE)
    assert run.json("resume", "last", "--workers", "serial")["replayed"] > 0


def test_parametric_surface_agrees_with_paths(run: InProcess) -> None:
    more = options("method=pde", 'cross_check="mc_bridge"', "n_paths=65536", "steps=16",
                   "local_vol.form=cev", "local_vol.beta=0.2", "rates=[8, 0]")  # fmt: skip
    result = run.json(*RUN, *more)["result"]
    assert result["engines"][1]["agrees"]
    swept = run.json(
        *RUN,
        *options(
            "method=pde",
            "local_vol.form=cev",
            "local_vol.beta=0.2",
            "sweep=spot",
            "sweep_values=[80, 100]",
            "rates=[8, 0]",
        ),
    )["result"]["sweep"]
    assert swept["price"][1] == pytest.approx(result["price"], rel=1e-9)
    assert swept["price"][0] < swept["price"][1]


@pytest.mark.parametrize(
    "parts, message",
    [
        (("local_vol.form=cev", "local_vol.beta=0.5"), "knows local volatility; use method='pde'"),
        ((INTERVALS,), "use method='path_integral_grid'"),
        (("method=pde", "cross_check=metropolis", INTERVALS), "cross_check = 'metropolis'"),
        (("method=pde", "local_vol.file=ones.csv"), "did you mean 'one.csv'"),
        (("method=pde", "local_vol.file=bad.csv"), "line 3 volatility 2 = 'x'"),
        (("method=pde", "local_vol.form=cev"), "local_vol.beta"),
        (("method=pde", "local_vol.file=one.csv", "local_vol.beta=1"), "local_vol.beta = 1"),
        (("method=pde", "local_vol.fil=one.csv"), "did you mean 'file'"),
        (("method=pde", "local_vol.form=displaced", "local_vol.shift=-90"), "local_vol.shift"),
        (("method=pde", INTERVALS.replace("0.35", "-1")), "piecewise.vol[1] = -1"),
        (("method=pde", INTERVALS.replace("0.02, ", "")), "piecewise.rate"),
        (("method=pde", INTERVALS, "local_vol.file=one.csv"), "one of piecewise and local_vol"),
        (("method=path_integral_grid", INTERVALS, "sweep=vol", "sweep_values=[0.1, 0.2]"), "sweep"),
        (("book=one.csv", BASKET), "one underlying for each row of a book"),
        (("by=desk",), "a book beside it"),
        (("book=one.csv", "figures=true"), "one contract, not a book"),
        (("ladder={vols=[-0.5, 0.0]}",), "more than -0.3, since vol = 0.3"),
        (("ladder={spots=[1.0, 0.9]}",), "a number above 1"),
        (("book=one.csv", "cross_check_rows=3"), "engines in cross_check"),
        (("gamma=[0.0, 0.1]", "barriers=[80, 120]", "rates=[1, 0, 1]"), "use method='pde'"),
    ],
)
def test_bad_models_are_refused_before_the_run(
    run: InProcess, parts: tuple[str, ...], message: str
) -> None:
    (run.folder / "one.csv").write_text(SURFACE)
    (run.folder / "bad.csv").write_text(SURFACE.replace("0.28", "x"))
    done = run(*RUN, *options(*parts))
    assert done.returncode == 2, done.stderr
    assert message in done.stderr and "Traceback" not in done.stderr
    assert not run.runs.exists() or not list(run.runs.glob("*/run.db"))


def test_parquet_book(run: InProcess) -> None:
    text = (
        "id,kind,spot,strike,rate,maturity,vol,barriers,rates\n"
        "one,call,100,100,0.05,1,0.3,90,2;0\nbad,call,-1,100,0.05,1,0.3,90,2;0\n"
        "two,put,100,105,0.05,1,0.3,80;125,2;0;3\n"
    )
    (run.folder / "book.csv").write_text(text)
    columns = pyarrow.csv.read_csv(run.folder / "book.csv")
    pyarrow.parquet.write_table(columns, run.folder / "book.parquet")
    from_text = run.json(*RUN, *options("book=book.csv"))["result"]
    from_table = run.json(*RUN, *options("book=book.parquet"))["result"]
    assert from_table["rows"] == from_text["rows"]
    assert [(row["line"], row["field"]) for row in from_table["bad_rows"]] == [(3, "spot")]
    done = run("export", "last", "--product", "prices.parquet", "--output", "out.parquet")
    assert done.returncode == 0, done.stderr
    table = pyarrow.parquet.read_table(run.folder / "out.parquet")
    assert table["id"].to_pylist() == ["one", "two"]
    assert table.schema.field("strike").type == columns.schema.field("strike").type
    assert table["strike"].to_pylist() == [100, 105]
    assert table["price"].to_pylist() == [row[2] for row in from_text["rows"]]


MIXED = """id,desk,kind,spot,strike,rate,vol,maturity,barriers,rates,quantity,form,beta,surface,{}
soft,eq,call,100,100,0.05,0.3,1,90,5;0,10,,,,,,,,
cev,eq,call,100,100,0.05,0.3,1,90,5;0,1,cev,0.5,,,,,,
table,fx,call,100,100,0.05,,1,90,5;0,-2,,,one.csv,,,,,
lost,fx,call,100,100,0.05,,1,90,5;0,1,,,bad.csv,,,,,
heston,fx,call,100,100,0.05,,1,90,5;0,1,,,,0.09,1.5,0.06,0.4,-0.6
""".format("v0,kappa,theta,xi,corr")


def test_a_book_of_several_models_by_desk(run: InProcess) -> None:
    (run.folder / "one.csv").write_text(SURFACE)
    (run.folder / "bad.csv").write_text(SURFACE.replace("0.28", "x"))
    (run.folder / "book.csv").write_text(MIXED)
    more = options("book=book.csv", "by=desk", "n_paths=4096", "cross_check=mc_bridge", "steps=8")
    result = run.json(*RUN, *more)["result"]
    assert {row[1]: row[-1] for row in result["rows"]} == {
        "soft": "laplace", "cev": "pde", "table": "pde", "heston": "mc_bridge",
    }  # fmt: skip
    (bad,) = result["bad_rows"]
    assert (bad["line"], bad["field"]) == (5, "surface") and "'x'" in bad["message"]
    totals = {row[0]: row for row in result["totals"]["rows"]}
    at = result["totals"]["columns"].index("value")
    prices = {row[1]: row[2] for row in result["rows"]}
    assert totals["eq"][at] == pytest.approx(10 * prices["soft"] + prices["cev"])
    assert totals["fx"][at] == pytest.approx(-2 * prices["table"] + prices["heston"])
    assert result["price"] == pytest.approx(totals["eq"][at] + totals["fx"][at])
    checks = {row["id"]: row for row in result["cross_check"]["checks"]}
    assert set(checks) == {"soft", "cev", "table"}  # Heston's own engine is no check of it
    assert all(row["agrees"] for row in checks.values())
    assert result["totals"]["without"]["vega"] == 3


def test_a_model_of_the_configuration_is_that_of_a_books_rows(run: InProcess) -> None:
    (run.folder / "one.csv").write_text(SURFACE)
    head = "kind,spot,strike,rate,maturity,barriers,rates"
    (run.folder / "book.csv").write_text(f"{head}\ncall,100,100,0.05,1,90,5;0\n")
    row = run.json(*RUN, *options("book=book.csv", "local_vol.file=one.csv"))["result"]["rows"][0]
    single = run.json(*RUN, *options("method=pde", "local_vol.file=one.csv", "gamma=0"))["result"]
    assert row[2] == pytest.approx(single["price"], rel=1e-12)
    named = run.json(*RUN, *options("book=book.csv", INTERVALS))["result"]
    assert named["engines"] == {"path_integral_grid": 1}


def test_a_row_that_another_engine_contradicts_is_refused(
    run: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    from heliostat_methods.step_options.closed_form import occupation
    from heliostat_methods.step_options.contracts.result import Result

    (run.folder / "book.csv").write_text(
        "id,kind,spot,strike,rate,maturity,vol,barriers,rates\n"
        "one,call,100,100,0.05,1,0.3,90,2;0\ntwo,call,100,105,0.05,1,0.3,90,2;0\n"
    )
    right = occupation.price_occupation

    def liar(option: Any, market: Any, **more: Any) -> Result:
        found = right(option, market, **more)
        return replace(found, price=found.price * (1.001 if option.strike == 105 else 1.0))

    monkeypatch.setattr(occupation, "price_occupation", liar)
    more = options("book=book.csv", "cross_check=occupation")
    result = run.json(*RUN, *more)["result"]
    assert [row[1] for row in result["rows"]] == ["one"]
    (bad,) = result["bad_rows"]
    assert (bad["line"], bad["field"]) == (3, "cross_check") and "standard errors" in bad["message"]
    assert result["price"] == result["rows"][0][2]


def test_a_ladder_of_one_contract(run: InProcess) -> None:
    more = options("ladder={spots=[0.9, 1.0], vols=[-0.1, 0.0]}", "greeks=false")
    result = run.json(*RUN, *more)["result"]
    assert result["ladder"]["spots"] == [90.0, 100.0]
    assert result["ladder"]["values"][1][1] == pytest.approx(result["price"], rel=1e-12)


def test_what_a_reader_sees(run: InProcess) -> None:
    account = run.json(*RUN, *options('cross_check=["occupation", "mc_bridge"]', "n_paths=65536"))
    shown = run("show", account["run"]).stdout
    for words in ("by laplace: closed form", "units of the underlying that hedge", "vega",
                  "agrees", "5.8e-11 bound", "std"):  # fmt: skip
        assert words in shown
    page = Path(account["report"]).read_text()
    for words in ("interest rate", "Sensitivities", "barrier growth", "5/year below 90"):
        assert words in page
    random = run.json(*RUN, *options("method=mc_bridge", "n_paths=65536"))
    assert json.dumps(random["result"]["sensitivities"]).count("_error") >= 2
    assert "+-" in run("show", random["run"]).stdout
