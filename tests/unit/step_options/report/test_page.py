"""What a pricing shows: price, sensitivities, engines, sweeps, figures, books."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from in_process import InProcess

from heliostat.contract.sections import Plot, Section, Table, Text
from heliostat.store.folder import RunFolder
from heliostat.store.view import RunView
from heliostat_methods.step_options import price
from heliostat_methods.step_options.figures.kernel_and_states import kernel_figure
from heliostat_methods.step_options.figures.price_functions import SWEEPS, contracts
from heliostat_methods.step_options.report.page import report
from heliostat_methods.step_options.report.terminal import describe

BOOK = """id,kind,spot,strike,rate,maturity,vol,barriers,rates
soft,call,100,100,0.05,1,0.3,90,5;0
bad,call,100,100,0.05,1,-0.3,90,5;0
"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(view, sections by title) of a Monte Carlo price with a check and a sweep."""
    here = InProcess(tmp_path_factory.mktemp("price"))
    account = here.json(
        "run", "step_options", "--preset", "smoke", "--workers", "serial", "--no-report",
        "-o", "n_paths=8192", "-o", "chunk=1024", "-o", "greeks=true",
        "-o", "sweep=spot", "-o", "sweep_values=[90, 100, 110]",
    )  # fmt: skip
    return opened(here, account)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same of a book with a row that has no price."""
    here = InProcess(tmp_path_factory.mktemp("book"))
    (here.folder / "book.csv").write_text(BOOK)
    account = here.json("run", "step_options", "-o", "book=book.csv", "--workers", "serial",
                        "--no-report")  # fmt: skip
    return opened(here, account)


def opened(here: InProcess, account: Any) -> tuple[RunView, dict[str, Section]]:
    view = RunView(RunFolder(here.runs / account["run"]))
    return view, {section.title: section for section in report(view)}


def of_kind(section: Section, kind: type) -> list[Any]:
    return [part for part in section.content if isinstance(part, kind)]


def test_the_sections_are_price_sensitivities_engines_and_sweep(shown: Any) -> None:
    assert list(shown[1]) == ["Price", "Sensitivities", "Engines", "Sweep over spot"]


def test_the_price_is_shown_with_its_error_and_its_contract(shown: Any) -> None:
    view, sections = shown
    (text,), (table,) = (of_kind(sections["Price"], kind) for kind in (Text, Table))
    assert f"with a standard error of {view.result['std_error']:.1e}, by mc_bridge" in text.body
    assert ["claim", "call"] in table.rows


def test_sensitivities_of_paths_have_standard_errors(shown: Any) -> None:
    view, sections = shown
    (table,) = of_kind(sections["Sensitivities"], Table)
    assert list(table.columns) == ["sensitivity", "value", "standard error", "unit", "meaning"]
    assert [row[0] for row in table.rows][:3] == ["delta", "gamma", "vega"]
    assert float(table.rows[0][1]) == pytest.approx(view.result["delta"], rel=1e-5)
    assert all(row[2] for row in table.rows)


def test_engines_are_told_by_difference_and_verdict(shown: Any) -> None:
    view, sections = shown
    (table,) = of_kind(sections["Engines"], Table)
    assert [row[0] for row in table.rows] == ["mc_bridge", "laplace"]
    assert [row[-1] for row in table.rows] == ["", "agrees"]
    (plot,) = of_kind(sections["Engines"], Plot)
    band = plot.series[0]
    assert band.y[-1] == view.result["price"]
    assert all(low < y < high for low, y, high in zip(band.low, band.y, band.high, strict=True))


def test_a_sweep_is_a_curve(shown: Any) -> None:
    (plot,) = of_kind(shown[1]["Sweep over spot"], Plot)
    assert list(plot.series[0].x) == [90, 100, 110]
    assert plot.series[0].y[0] < plot.series[0].y[1] < plot.series[0].y[2]


def test_a_terminal_shows_price_sensitivities_and_engines(shown: Any) -> None:
    view, _ = shown
    lines = describe(view.result, view.id).splitlines()
    assert lines[0].startswith("price ") and "std" in lines[0] and "by mc_bridge" in lines[0]
    assert any(line.startswith("delta") and " +- " in line for line in lines)
    assert any(line.startswith("laplace") and line.endswith("agrees") for line in lines)


def test_a_book_shows_prices_and_the_rows_without_one(book: Any) -> None:
    view, sections = book
    prices, refused = of_kind(sections["Book"], Table)
    assert [row[1] for row in prices.rows] == ["soft"]
    assert [row[:3] for row in refused.rows] == [[3, "bad", "vol"]]
    text = describe(view.result, view.id)
    assert text.startswith("1 contracts priced, 1 rows refused\n  line 3: vol = -0.3")
    assert text.endswith(f"heliostat export {view.id} --product prices.csv")


def test_a_run_without_a_result_says_how_it_stands() -> None:
    class Stopped:
        result, state = None, "stopped"

    (section,) = report(Stopped())  # type: ignore[arg-type]
    assert section.content == [Text("The run is stopped.")]


class Priced:
    """What a report reads of a run that priced a claim in closed form."""

    def __init__(self, **more: Any) -> None:
        contract = {
            "kind": "unit", "strike": 1.0, "maturity": 2.0, "barriers": [90.0],
            "rates": [5.0, 0.0], "gamma": 0.0, "anchor": "start", "knock": "out",
            "amortisation": "proportional", "window": None, "spot": 100.0, "rate": 0.05,
            "dividend": 0.0, "vol": 0.3,
        }  # fmt: skip
        engine = {"engine": "laplace", "price": 1.0, "abs_error": 1e-9, "std_error": None}
        self.result = {"price": 1.0, "abs_error": 1e-9, "delta": None, "gamma": None,
                       "sensitivities": {}, "contract": contract, "engines": [engine],
                       **more}  # fmt: skip

    def metrics(self, scope: Any) -> dict[str, Any]:
        return {}


def test_figures_show_prices_the_kernel_its_states_and_the_convergence() -> None:
    curves = [{"variable": name, "values": values,
               "lines": [{"label": label, "price": values} for label, _, _ in contracts()]}
              for name, values in SWEEPS.items()]  # fmt: skip
    convergence = [{"engine": "pde", "evaluations": [50, 100], "error": [1e-2, 3e-3]}]
    kernel = kernel_figure()
    priced = Priced(figures={"sweeps": curves, "kernel": kernel, "convergence": convergence})
    sections = {section.title: section for section in report(priced)}  # type: ignore[arg-type]
    assert list(sections) == ["Price", "Price as a function", "Kernel and bound states",
                              "Convergence of the engines"]  # fmt: skip
    prices = of_kind(sections["Price as a function"], Plot)
    assert prices[0].title == "Price against price of the underlying"
    assert len(prices) == 4 and all(len(plot.series) == 3 for plot in prices)
    (errors,) = of_kind(sections["Convergence of the engines"], Plot)
    assert errors.log_x and errors.log_y and list(errors.series[0].y) == [1e-2, 3e-3]
    states = of_kind(sections["Kernel and bound states"], Plot)[-1]
    names = [one.label for one in states.series]
    assert names[-2:] == ["barrier 80", "barrier 125"]
    assert len(names) == len(kernel["energies"]) + 2


def test_bound_states_carry_the_kernel_inside_the_well_and_not_outside() -> None:
    kernel = kernel_figure()
    spot = np.array(kernel["spot"])
    inside, outside = kernel["starts"]
    at = int(np.abs(spot - 100.0).argmin())
    assert inside["bound"][at] == pytest.approx(inside["density"][at], rel=0.2)
    beyond = int(np.abs(spot - 65.0).argmin())
    assert outside["bound"][beyond] < 0.5 * outside["density"][beyond]


def test_the_contracts_of_the_figures_are_ordered_by_what_they_charge() -> None:
    from heliostat_methods.step_options import BlackScholesMarket, StepOption

    market = BlackScholesMarket(100.0, 0.05, 0.0, 0.3)
    prices = [price(StepOption("call", 100.0, 1.0, barriers, rates, gamma=0.02), market).price
              for _, barriers, rates in contracts()]  # fmt: skip
    assert prices == sorted(prices, reverse=True)
