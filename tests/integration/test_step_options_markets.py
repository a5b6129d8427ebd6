"""Models beyond Black-Scholes through the command line: intervals, surfaces, who prices them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet
import pytest
from in_process import InProcess

RUN = ("run", "step_options", "--workers", "serial")
INTERVALS = "piecewise={times=[0.4], rate=[0.02, 0.06], dividend=[0.0, 0.01], vol=[0.2, 0.35]}"
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
        (("book=one.csv", INTERVALS), "Black-Scholes for a book"),
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
