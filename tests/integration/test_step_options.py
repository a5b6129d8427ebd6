"""The method through the command line: a contract, a book, a target, disagreement, bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PLUGIN = {"HELIOSTAT_LOAD": "heliostat_methods.step_options.method"}
RUN = ("run", "step_options")


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder of compiled kernels for all tests of this file."""
    return str(tmp_path_factory.mktemp("kernels"))


@pytest.fixture
def run(cli: Any, kernels: str) -> Any:
    cli.environment |= {**PLUGIN, "HELIOSTAT_CACHE": kernels}
    return cli


def overrides(**values: object) -> list[str]:
    return [part for name, value in values.items() for part in ("-o", f"{name}={value}")]


def test_smoke_agrees_with_the_closed_form(run: Any) -> None:
    account = run.json(*RUN, "--preset", "smoke", "--workers", "serial")
    engines = {row["engine"]: row for row in account["result"]["engines"]}
    assert engines["laplace"]["price"] == pytest.approx(12.627845, abs=1e-6)
    assert engines["laplace"]["agrees"]


def test_contract_with_all_sensitivities(run: Any) -> None:
    account = run.json(*RUN, *overrides(rates="[2, 0]", gamma=0.05), "--workers", "serial")
    result = account["result"]
    assert result["price"] == pytest.approx(13.24193655653, rel=1e-10)  # AS02
    assert result["delta"] == pytest.approx(0.68756763977, rel=1e-9)
    assert result["sensitivities"]["vega"] == pytest.approx(31.03792951, rel=1e-8)


def test_sweep(run: Any) -> None:
    more = overrides(sweep="spot", sweep_values="[70, 100, 130]")
    result = run.json(*RUN, *more, "--workers", "serial")["result"]
    assert result["sweep"]["price"] == pytest.approx([0.319021, 12.627845, 37.215851], abs=1e-6)


BOOK = """id,kind,spot,strike,rate,dividend,vol,maturity,barriers,rates,gamma,knock
AS02,call,100,100,0.05,0,0.3,1,90,2;0,0.05,out
AD01,call,100,100,0.05,0,0.3,1,90;120,5;0;5,0,out
no spot,call,-3,100,0.05,0,0.3,1,90,2;0,0.05,out
AM02,put,100,105,0.04,0.01,0.25,0.75,85;125,3;0;12,0.02,out
word,call,100,abc,0.05,0,0.3,1,90,2;0,0.05,out
in,call,100,100,0.05,0,0.3,1,90,2;0,0.05,in
short,call,100
beyond,call,85,100,0.05,0.02,0.3,1,90,5;0,0.03,out
"""


def test_book_prices_good_rows_and_names_bad_ones(run: Any) -> None:
    (run.folder / "book.csv").write_text(BOOK)
    account = run.json(*RUN, *overrides(book="book.csv", book_block=3), "--workers", "serial")
    result = account["result"]
    prices = {row[1]: row[2] for row in result["rows"]}
    assert prices["AS02"] == pytest.approx(13.24193655653, rel=1e-10)
    assert prices["AD01"] == pytest.approx(2.199347276569, rel=1e-10)
    assert prices["AM02"] == pytest.approx(5.329551433024, rel=1e-10)
    assert prices["beyond"] == pytest.approx(2.55353147827, rel=1e-10)
    assert prices["in"] + prices["AS02"] == pytest.approx(14.2312547860, rel=1e-8)  # vanilla
    bad = [(row["line"], row["field"]) for row in result["bad_rows"]]
    assert bad == [(4, "spot"), (6, "strike"), (8, "row")]
    again = run.json(*RUN, *overrides(book="book.csv", book_block=3), "--workers", "serial")
    assert again["digest"] == account["digest"]


@pytest.mark.parametrize(
    "text, message",
    [("kind,spot\ncall,3\n", "no column 'strike'"), ("", "no rows"),
     (BOOK.replace("gamma,", "gama,"), "gamma")],
)  # fmt: skip
def test_a_file_that_is_no_book(run: Any, text: str, message: str) -> None:
    (run.folder / "book.csv").write_text(text)
    done = run(*RUN, *overrides(book="book.csv"), "--workers", "serial")
    assert done.returncode == 2, done.stderr
    assert message in done.stderr and "Traceback" not in done.stderr
    done = run(*RUN, *overrides(book="bok.csv"), "--workers", "serial")
    assert done.returncode == 2 and "book.csv" in done.stderr


@pytest.mark.parametrize(
    "field, value, message",
    [
        ("strike", -1, "strike = -1"), ("rates", "[1]", "2 rates"), ("method", "laplac", "laplace"),
        ("barriers", "[110, 90]", "increasing"), ("vol", 0, "vol = 0"), ("n_paths", 0, "n_paths"),
        ("maturity", "nan", "maturity"), ("gamma", "[0.1, 0.2]", "gamma"),
        ("heston", "{v0=0.09, kappa=1.5, theta=0.06, xi=0.4, corr=-2}", "corr"),
        ("target_se", 1e-3, "mc_bridge"), ("sweep", "spot", "sweep_values"),
    ],
)  # fmt: skip
def test_bad_input_is_an_error_without_a_traceback(
    run: Any, field: str, value: object, message: str
) -> None:
    done = run(*RUN, *overrides(**{field: value}), "--workers", "serial")
    assert done.returncode == 2, done.stderr
    assert message in done.stderr and "Traceback" not in done.stderr


def test_target_standard_error_after_a_kill(run: Any) -> None:
    more = overrides(method="mc_bridge", target_se=2e-3, chunk=16384, greeks="false")
    whole = run.json(*RUN, *more, "--workers", "serial")
    assert whole["result"]["std_error"] <= 2e-3
    assert whole["result"]["engines"][0]["details"]["reached"]
    killed = run(*RUN, *more, "--workers", "serial", HELIOSTAT_FAULT="kill-after-commits=5")
    assert killed.returncode == -9
    resumed = run.json("resume", "last", "--workers", "serial")
    assert resumed["digest"] == whole["digest"]
    assert resumed["result"] == whole["result"]
    assert resumed["replayed"] > 0


LIAR = """
import dataclasses
import sys
import types
from heliostat.cli import main
from heliostat_methods.step_options import laplace, pricing

def price(option, market, greeks=False):
    honest = laplace.price_laplace(option, market)
    return dataclasses.replace(honest, price=honest.price * 1.001)

liar = types.ModuleType("heliostat_methods.step_options.liar")
liar.price = price
sys.modules[liar.__name__] = liar
pricing.ENGINES["occupation"] = ("liar", "price")
main(sys.argv[1:])
"""


def test_disagreement_is_an_error(run: Any) -> None:
    """One engine is replaced by one that is wrong by a thousandth and says it is exact."""
    arguments = [*RUN, *overrides(cross_check='["occupation"]'), "--workers", "serial"]
    done = subprocess.run(
        [sys.executable, "-c", LIAR, *arguments],
        cwd=run.folder,
        env=run.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 4, done.stderr
    assert "occupation and laplace disagree" in done.stderr


def test_report_holds_the_figures(run: Any) -> None:
    account = run.json(*RUN, "--preset", "paper", "--workers", "serial")
    run("report", account["run"])
    (page,) = Path(run.folder).rglob("report.html")
    text = page.read_text(encoding="utf-8")
    for title in ("Price against strike", "Kernel from the centre", "Error against effort"):
        assert title in text
    figures = account["result"]["figures"]
    double = next(s for s in figures["sweeps"] if s["variable"] == "spot")["lines"][1]["price"]
    assert 0 < double.index(max(double)) < len(double) - 1  # the double call is humped
    assert json.dumps(figures)
