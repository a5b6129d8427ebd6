"""What a pricing shows: price, sensitivities, engines, sweeps, figures, books."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from in_process import InProcess

from heliostat.contract.sections import HeatMap, Plot, Section, Table, Text
from heliostat.report.heat import draw_heat
from heliostat.store.folder import RunFolder
from heliostat.store.view import RunView
from heliostat_methods.step_options import price
from heliostat_methods.step_options.config import StepOptionsConfig
from heliostat_methods.step_options.figures.kernel_and_states import kernel_figure
from heliostat_methods.step_options.figures.price_functions import SWEEPS, contracts
from heliostat_methods.step_options.report.book_terminal import check_lines
from heliostat_methods.step_options.report.page import report
from heliostat_methods.step_options.report.terminal import describe
from heliostat_methods.step_options.report.wording import contract_sentence

BOOK = """id,kind,spot,strike,rate,maturity,vol,barriers,rates,desk
soft,call,100,100,0.05,1,0.3,90,5;0,eq
bad,call,100,100,0.05,1,-0.3,90,5;0,eq
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
    account = here.json(
        "run", "step_options", "-o", "book=book.csv", "--workers", "serial", "--no-report",
        "-o", "by=desk", "-o", "cross_check=occupation", "-o",
        "ladder={spots=[0.9, 1.0], vols=[-0.05, 0.0, 0.05]}",
    )  # fmt: skip
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
    (words, text), (table,) = (of_kind(sections["Price"], kind) for kind in (Text, Table))
    assert words.body.startswith("A call struck at 100, 1 year to run, charged 5/year below 90")
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
    assert lines[:3] == [
        "A call struck at 100, 1 year to run, charged 5/year below 90 (barrier grows at",
        "0.02 a year). Underlying 100, interest 0.05, dividend 0, volatility 0.3.", "",
    ]  # fmt: skip
    assert lines[3].startswith("price ") and "std" in lines[3] and "by mc_bridge" in lines[4]
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("delta") and " +- " in line for line in lines)
    assert any(line.startswith("laplace") and line.endswith("agrees") for line in lines)


def test_a_book_shows_prices_and_the_rows_without_one(book: Any) -> None:
    view, sections = book
    (refused,), (prices,) = (of_kind(sections[name], Table) for name in ("Book", "Rows"))
    assert [row[1] for row in prices.rows] == ["soft"]
    assert [row[:3] for row in refused.rows] == [[3, "bad", "vol"]]
    sums, units = of_kind(sections["Totals by desk"], Table)
    assert [row[0] for row in sums.rows] == ["all", "eq"] and len(sums.rows[0]) == len(sums.columns)
    assert ["vega", "vega", "price", "for vol + 1; 1/100 for a vol point"] in list(units.rows)
    text = describe(view.result, view.id)
    assert text.startswith("1 contract priced, 1 row refused\n  line 3: vol = -0.3")
    assert text.endswith(f"heliostat export {view.id} --product prices.csv")
    assert "carried along: desk" in text
    assert max(len(line) for line in text.splitlines() if "heliostat" not in line) <= 80


def test_a_book_shows_its_ladder_and_what_other_engines_say(book: Any) -> None:
    view, sections = book
    (heat,) = of_kind(sections["Ladder"], HeatMap)
    assert (list(heat.x), list(heat.y)) == ([0.9, 1.0], [-0.05, 0.0, 0.05])
    assert heat.values[1][1] == pytest.approx(view.result["price"])
    assert draw_heat(heat).startswith("<svg")
    (checked,) = of_kind(sections["Cross check"], Table)
    assert [row[4] for row in checked.rows] == ["occupation"] and checked.rows[0][-1] == "agrees"
    text = describe(view.result, view.id)
    assert "cross check by occupation: 1 of 1 sampled rows, all agree; largest z" in text


def test_a_book_of_the_first_version_is_shown_too() -> None:
    stored = {
        "columns": ["line", "id", "price", "delta", "gamma", "abs_error"],
        "rows": [[2, "soft", 12.5, 0.5, 0.01, 1e-9]], "price": 12.5, "abs_error": 1e-9,
        "bad_rows": [{"line": 3, "id": "", "field": "vol", "message": "vol = -1"}],
    }  # fmt: skip

    class Stored:
        result = stored

    text = describe(stored, "old")
    assert text.startswith("1 contract priced, 1 row refused\n  line 3: vol = -1")
    titles = [section.title for section in report(Stored())]  # type: ignore[arg-type]
    assert titles == ["Book", "Totals", "Rows"]


def test_checks_that_disagree_are_told_with_their_rows() -> None:
    rows = [{"line": 2, "engine": "pde", "other": "rqmc", "z": 1.0, "agrees": True},
            {"line": 3, "engine": "pde", "other": "rqmc", "z": -9.0, "agrees": False},
            {"line": 4, "engine": "pde", "other": "rqmc", "failure": "ValueError"}]  # fmt: skip
    checked = {"sampled": 5, "of": 9, "able": {"rqmc": 3}, "checks": rows}
    assert check_lines({"cross_check": checked}) == [
        "cross check by rqmc: 3 of 5 sampled rows, 1 disagrees and is refused; largest z",
        "  -9, root mean square 6.4; 1 failed",
    ]


CONTRACTS = [
    ({"kind": "unit"}, "A claim of 1, 2 years to run, charged 5/year below 90."),
    ({"rates": [math.inf, 0.0]}, "knocked out below 90"),
    ({"barriers": [80.0, 120.0], "rates": [math.inf, 0.0, 3.0], "gamma": 0.1},
     "charged 3/year above 120, knocked out below 80 (barriers grow at 0.1 a year)"),
    ({"rates": [0.0, 0.0]}, "never charged"),
    ({"knock": "in"}, "paying what is lost when charged 5/year below 90"),
    ({"amortisation": "delayed", "window": 0.25}, "lost once 0.25 years were spent below 90"),
    ({"amortisation": "simple"}, "charged 5/year below 90 in equal parts of the claim"),
    ({"gamma": 0.1, "anchor": "maturity"}, "(level at maturity, barrier grows at 0.1 a year)"),
    ({"heston": {"v0": 0.09}}, "Heston variance v0 0.09."),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "words"), CONTRACTS)
def test_a_contract_is_a_sentence(changes: Any, words: str) -> None:
    assert words in contract_sentence(Priced().result["contract"] | changes)


def test_a_ladder_of_one_contract_is_a_heat_map() -> None:
    ladder = {"spots": [90.0, 100.0], "vols": [0.2], "engine": "laplace", "values": [[1.0, 2.0]]}
    sections = {s.title: s for s in report(Priced(ladder=ladder))}  # type: ignore[arg-type]
    (heat,) = of_kind(sections["Ladder"], HeatMap)
    assert heat.values == [[1.0, 2.0]] and "By laplace" in heat.note


def test_a_run_without_a_result_says_how_it_stands() -> None:
    class Stopped:
        result, state = None, "stopped"
        config = StepOptionsConfig().model_dump(mode="json")
        metrics = found = outcomes = staticmethod(lambda *task, **how: {})

    price, engines = report(Stopped())  # type: ignore[arg-type]
    assert price.title == "Price"
    assert engines.content == [
        Text("Asked for: laplace. They are compared when all have ended."),
    ]


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


def going_on(view: RunView) -> dict[str, Section]:
    """Return the sections as they were before the search had come to its end."""
    part = RunView(view.folder)
    vars(part)["result"] = None
    return {section.title: section for section in report(part)}


def test_a_price_that_is_still_being_made_shows_its_contract_paths_and_engines(shown: Any) -> None:
    view, sections = shown
    found = going_on(view)
    assert list(found) == ["Price", "Engines so far"]
    assert of_kind(found["Price"], Table)[0].rows == of_kind(sections["Price"], Table)[0].rows
    (plot,) = of_kind(found["Engines so far"], Plot)
    assert plot.title == "Price as paths come in"
    (table,) = of_kind(found["Engines so far"], Table)
    (checked,) = [one for one in view.result["engines"] if one["engine"] == "laplace"]
    assert table.rows[0][0] == "laplace"
    assert table.rows[0][3] == checked["abs_error"]
    said = [text.body for text in of_kind(found["Engines so far"], Text)]
    done = [row for row in view.outcomes(delivered=False) if row.function.endswith("run_shard")]
    assert said[0] == f"{len(done)} chunks of paths are done."


def test_a_book_that_is_still_being_priced_shows_its_rows(book: Any) -> None:
    view, _ = book
    found = going_on(view)
    section = found["Book so far"]
    (plot,) = of_kind(section, Plot)
    assert len(plot.series[0].x) == view.result["count"]
    (refused,) = of_kind(section, Table)
    assert len(refused.rows) == view.result["bad"]
