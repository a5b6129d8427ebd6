"""The method through the command line: a contract, a book, a target, disagreement, bad input."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from in_process import InProcess

from heliostat_methods.step_options import BlackScholesMarket, down_step, price

RUN = ("run", "step_options")


@pytest.fixture
def run(here: InProcess) -> InProcess:
    return here


def overrides(**values: object) -> list[str]:
    return [part for name, value in values.items() for part in ("-o", f"{name}={value}")]


def test_smoke_agrees_with_the_closed_form(run: InProcess) -> None:
    account = run.json(*RUN, "--preset", "smoke", "--workers", "serial")
    engines = {row["engine"]: row for row in account["result"]["engines"]}
    assert engines["laplace"]["price"] == pytest.approx(12.627845, abs=1e-6)
    assert engines["laplace"]["agrees"]


def test_contract_with_all_sensitivities(run: InProcess) -> None:
    account = run.json(*RUN, *overrides(rates="[2, 0]", gamma=0.05), "--workers", "serial")
    result = account["result"]
    assert result["price"] == pytest.approx(13.24193655653, rel=1e-10)  # AS02
    assert result["delta"] == pytest.approx(0.68756763977, rel=1e-9)
    assert result["sensitivities"]["vega"] == pytest.approx(31.03792951, rel=1e-8)


def test_sweep(run: InProcess) -> None:
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


def test_book_prices_good_rows_and_names_bad_ones(run: InProcess) -> None:
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
def test_a_file_that_is_no_book(run: InProcess, text: str, message: str) -> None:
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


def test_target_standard_error_after_a_kill(run: InProcess, cli: Any) -> None:
    more = overrides(method="mc_bridge", target_se=2e-3, chunk=16384, greeks="false")
    whole = run.json(*RUN, *more, "--workers", "serial")
    assert whole["result"]["std_error"] <= 2e-3
    assert whole["result"]["engines"][0]["details"]["reached"]
    killed = cli(*RUN, *more, "--workers", "serial", HELIOSTAT_FAULT="kill-after-commits=5")
    assert killed.returncode == -9
    resumed = run.json("resume", "last", "--workers", "serial")
    assert resumed["digest"] == whole["digest"]
    assert resumed["result"] == whole["result"]
    assert resumed["replayed"] > 0


def test_kill_and_resume_of_a_multilevel_run(run: InProcess, cli: Any) -> None:
    more = overrides(method="mlmc", greeks="false")
    whole = run.json(*RUN, *more, "--workers", "serial")
    killed = cli(*RUN, *more, "--workers", "serial", HELIOSTAT_FAULT="kill-after-commits=12")
    assert killed.returncode == -9  # in a later round: the first one has three shards
    resumed = run.json("resume", "last", "--workers", "serial")
    assert (resumed["digest"], resumed["result"]) == (whole["digest"], whole["result"])
    assert 0 < resumed["replayed"] < whole["evaluated"]


SAMPLED = {
    "method": "rqmc",
    "cross_check": '["mc_bridge", "mlmc", "metropolis", "laplace"]',
    "n_paths": 1 << 15,
    "chunk": 1 << 12,
    "steps": 2,
}


@pytest.mark.ray
def test_engines_that_sample_give_the_same_bits_on_any_workers_and_in_a_library_call(
    run: InProcess, cli: Any, ray_node: Any
) -> None:
    serial = run.json(*RUN, *overrides(**SAMPLED), "--workers", "serial")
    one, two = (
        cli.json(*RUN, *overrides(**SAMPLED), "--workers", workers, "--address", ray_node.address)
        for workers in ("1", "2")
    )
    assert serial["digest"] == one["digest"] == two["digest"]
    assert serial["result"] == one["result"] == two["result"]
    option = down_step("call", 100.0, 1.0, 90.0, 5.0, gamma=0.02)
    market = BlackScholesMarket(100.0, 0.05, 0.0, 0.3)
    settings: dict[str, dict[str, Any]] = {
        "rqmc": {"n_steps": 2},
        "mc_bridge": {"n_steps": 2, "n_paths": 1 << 15, "chunk": 1 << 12},
        "mlmc": {"first_steps": 2},
        "metropolis": {},
    }
    rows = {row["engine"]: row for row in serial["result"]["engines"]}
    for method, more in settings.items():
        row = rows[method]
        found = price(option, market, method=method, seed=row["details"]["seed"], **more)
        assert (found.price, found.std_error) == (row["price"], row["std_error"])


def test_monte_carlo_greeks_have_standard_errors(run: InProcess) -> None:
    more = overrides(method="mc_bridge", n_paths=1 << 16, cross_check='["laplace"]')
    account = run.json(*RUN, *more, "--workers", "serial")
    exact = price(down_step("call", 100.0, 1.0, 90.0, 5.0, gamma=0.02),
                  BlackScholesMarket(100.0, 0.05, 0.0, 0.3), greeks=True)  # fmt: skip
    result = account["result"]
    for name in ("delta", "gamma"):
        error = result["sensitivities"][f"{name}_error"]
        assert abs(result[name] - getattr(exact, name)) < 4.5 * error + 2e-7
    for name in ("vega", "d_rate", "d_dividend"):
        error = result["sensitivities"][f"{name}_error"]
        assert abs(result["sensitivities"][name] - exact.sensitivities[name]) < 4.5 * error + 1e-5
    shown = run("show", account["run"]).stdout
    assert "delta" in shown and "delta_error" in json.dumps(result)


def test_parameters_by_intervals_on_paths_with_greeks(run: InProcess) -> None:
    table = "{times=[0.3, 0.7], rate=[0.02, 0.05, 0.07], dividend=[0, 0.03, 0.01],"
    more = overrides(
        method="mc_bridge", n_paths=1 << 15, steps=3, piecewise=table + " vol=[0.2, 0.35, 0.25]}",
        cross_check='["path_integral_grid", "rqmc", "mlmc"]',
    )  # fmt: skip
    result = run.json(*RUN, *more, "--workers", "serial")["result"]
    assert all(row.get("agrees", True) for row in result["engines"])
    assert result["sensitivities"]["delta_error"] < result["delta"] / 100


def test_effort_is_measured_on_request_and_is_no_part_of_the_digest(run: InProcess) -> None:
    more = overrides(method="mc_bridge", n_paths=1 << 12, chunk=1 << 10, greeks="false")
    plain = run.json(*RUN, *more, "--workers", "serial")
    assert "effort" not in plain["result"]
    told = run.json(*RUN, *more, *overrides(effort="true"), "--workers", "serial")
    found = told["result"]["measured"]
    assert told["result"]["effort"] == found["error"] ** 2 * found["seconds"] > 0
    assert told["digest"] == plain["digest"]
    assert "error^2 x seconds" in run("show", told["run"]).stdout
    again = run.json("resume", told["run"], "--workers", "serial")
    assert again["result"] == told["result"]  # replayed, not measured again
    (run.folder / "space.toml").write_text("strata = {choices = [1, 64]}\n")
    command = ("tune", "step_options", "--space", "space.toml", "--trials", "3",
               "--workers", "serial", *more, *overrides(effort="true"))  # fmt: skip
    tuned = run(*command)
    assert "objective: abs_error (min); by name: effort; no goal: price" in tuned.stderr
    result = run.json(*command, "--objective", "effort")["result"]
    assert result["objectives"] == [["effort", "min"]]
    assert result["best"]["values"] == min(t["values"] for t in result["trials"])


def test_models_without_greeks_have_a_price(run: InProcess) -> None:
    heston = "{v0=0.09, kappa=1.5, theta=0.06, xi=0.4, corr=-0.6}"
    more = overrides(method="mc_bridge", heston=heston, steps=4, n_paths=1 << 13)
    result = run.json(*RUN, *more, "--workers", "serial")["result"]
    assert result["price"] > 0 and result["delta"] is None


def test_a_basket_that_knocks_in_is_refused(run: InProcess) -> None:
    basket = (
        "{spots=[100], dividends=[0], vols=[0.2], correlation=[[1, 0.5], [0.5, 1]],"
        " weights=[0.5, 0.5]}"
    )
    more = overrides(method="mc_bridge", basket=basket, knock="in", n_paths=1 << 13)
    done = run(*RUN, *more, "--workers", "serial")
    assert done.returncode == 2 and "knock" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.ray
def test_a_worker_killed_while_it_prices_changes_no_bit(
    run: InProcess, cli: Any, ray_node: Any
) -> None:
    more = overrides(method="mc_bridge", steps=128, n_paths=1 << 18, chunk=1 << 14, greeks="false")
    serial = run.json(*RUN, *more, "--workers", "serial")
    started = cli.popen(*RUN, *more, "--workers", "2", "--address", ray_node.address, "--json")
    killed = None
    while killed is None and started.poll() is None:
        time.sleep(0.02)
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if " ".join(process.cmdline()).startswith("ray::_run_chunk"):
                    process.kill()
                    killed = process.pid
                    break
    out, err = started.communicate(timeout=300)
    assert killed is not None
    assert started.returncode == 0, err
    assert "a worker died" in err
    account = json.loads(out)
    assert (account["digest"], account["result"]) == (serial["digest"], serial["result"])


LIAR = """
import dataclasses
import sys
import types
from heliostat.cli import main
from heliostat_methods.step_options.closed_form import laplace
from heliostat_methods.step_options.engines import pricing

def price(option, market, greeks=False):
    honest = laplace.price_laplace(option, market)
    return dataclasses.replace(honest, price=honest.price * 1.001)

liar = types.ModuleType("heliostat_methods.step_options.liar")
liar.price = price
sys.modules[liar.__name__] = liar
pricing.ENGINES["occupation"] = ("liar", "price")
main(sys.argv[1:])
"""


def test_disagreement_is_an_error(cli: Any) -> None:
    """One engine is replaced by one that is wrong by a thousandth and says it is exact."""
    arguments = [*RUN, *overrides(cross_check='["occupation"]'), "--workers", "serial"]
    done = subprocess.run(
        [sys.executable, "-c", LIAR, *arguments],
        cwd=cli.folder,
        env=cli.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 4, done.stderr
    assert "occupation and laplace disagree" in done.stderr


def test_report_holds_the_figures(run: InProcess) -> None:
    account = run.json(*RUN, "--preset", "paper", "--workers", "serial")
    run("report", account["run"])
    (page,) = Path(run.folder).rglob("report.html")
    text = page.read_text(encoding="utf-8")
    for title in ("Price against strike", "Kernel and bound states", "Error against effort"):
        assert title in text
    figures = account["result"]["figures"]
    lines = next(s for s in figures["sweeps"] if s["variable"] == "spot")["lines"]
    double = next(line["price"] for line in lines if "80 to 125" in line["label"])
    assert 0 < double.index(max(double)) < len(double) - 1  # the double call is humped
    assert json.dumps(figures)


def test_tables_beside_an_engine_that_samples_are_by_one_that_can(run: InProcess) -> None:
    simple = overrides(method="mc_naive", amortisation="simple", gamma=0, n_paths=4096)
    more = overrides(sweep="spot", sweep_values="[95, 100]")
    more += ["-o", "ladder={spots=[0.95, 1], vols=[0]}"]
    found = run.json("run", "step_options", *simple, *more)["result"]
    assert found["sweep"]["engine"] == found["ladder"]["engine"] == "occupation"
    assert found["ladder"]["values"][0] == pytest.approx(found["sweep"]["price"], rel=1e-9)


def test_the_error_of_a_naive_price_says_that_its_bias_is_beside_it(run: InProcess) -> None:
    done = run("run", "step_options", *overrides(method="mc_naive", n_paths=4096))
    assert done.returncode == 0, done.stderr
    assert "std, beside a bias that is not known" in done.stdout
