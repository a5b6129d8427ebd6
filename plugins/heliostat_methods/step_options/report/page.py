"""What is shown of a run: the price and its checks, sensitivities, figures, or a book's rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heliostat.contract import RunView
from heliostat.report import HeatMap, Plot, Section, Series, Table, Text
from heliostat_methods.step_options.report.book_page import book_sections
from heliostat_methods.step_options.report.partial import partial, price_plot
from heliostat_methods.step_options.report.wording import (
    AGREEMENT,
    ENGINES,
    SWEPT,
    contract_rows,
    contract_sentence,
    effort_text,
    error_text,
    price_text,
    sensitivity_rows,
    sweep_rows,
    verdict,
)

LABELS = {"spot": "price of the underlying", "gamma": "floating rate of the barrier, 1/year",
          "rate": "interest rate, 1/year", "strike": "strike"}  # fmt: skip
CLAIM = (
    "The paper's abstract says that its prices are functions of these four, consistent with other "
    "mathematical methods. Its parameter values were not available, so the shapes are shown with "
    "our own: S = K = 100, r = 0.05, q = 0, vol 0.3, one year, rate 5, floating rate 0.02."
)
KERNEL = (
    "The kernel is the density of arriving at a price one year later, weighted by what is left of "
    "the claim: the potential of a double barrier at 80 and 125 with a rate of 1/year outside. "
    "z = ln(S / 80) / vol; vol 0.3, drift and discount taken out."
)


def report(view: RunView) -> Sequence[Section]:
    """Return the sections of the HTML report."""
    result = view.result
    if result is None:
        return partial(view)
    if "rows" in result:
        return book_sections(result)
    sections = [_price(result), _sensitivities(result), _engines(result, view.metrics(()))]
    sections = [section for section in sections if section.content]
    if "ladder" in result:
        sections.append(Section("Ladder", [_ladder(result["ladder"])]))
    if "sweep" in result:
        sweep = result["sweep"]
        lines = [Series("price", sweep["values"], sweep["price"])]
        plot = Plot("Sweep", sweep["variable"], "price", lines)
        table = Table([sweep["variable"], *SWEPT], sweep_rows(sweep), f"By {sweep['engine']}.")
        sections.append(Section(f"Sweep over {sweep['variable']}", [plot, table]))
    if "figures" in result:
        sections += _figures(result["figures"])
    return sections


def _price(result: dict[str, Any]) -> Section:
    first = result["engines"][0]
    random = first["std_error"] is not None
    error = first["std_error"] if random else first["abs_error"]
    kind = "a standard error of" if random else "an error of at most"
    text = (
        f"{price_text(result['price'], result['abs_error'])} in units of the underlying's price, "
        f"with {kind} {error:.1e}, by {first['engine']}: {ENGINES[first['engine']]}."
    )
    rows = [list(row) for row in contract_rows(result["contract"])]
    if "effort" in result:
        rows.append(["effort", effort_text(result)])
    words = Text(contract_sentence(result["contract"]))
    return Section("Price", [words, Text(text), Table(["contract and market", ""], rows)])


def _ladder(ladder: dict[str, Any]) -> HeatMap:
    return HeatMap(
        "Price when spot and vol move", "price of the underlying", "volatility", ladder["spots"],
        ladder["vols"], ladder["values"], note=f"By {ladder['engine']}; darker is worth more.",
    )  # fmt: skip


def _sensitivities(result: dict[str, Any]) -> Section:
    rows = sensitivity_rows(result)
    if not rows:
        return Section("Sensitivities", [])
    random = any(row.error for row in rows)
    caption = "Derivatives of the price, exact: no bumps. For a change by 1, not by a per cent."
    if result["engines"][0]["engine"] == "pde":
        caption = "Slope and curvature of the price on the grid."
    if random:
        caption = "Derivatives of the price estimated from paths, with standard errors."
    columns = ["sensitivity", "value", "unit", "meaning"]
    table = [[row.title, row.value, row.unit, row.meaning] for row in rows]
    if random:
        columns.insert(2, "standard error")
        table = [[*line[:2], row.error, *line[2:]] for line, row in zip(table, rows, strict=True)]
    return Section("Sensitivities", [Table(columns, table, caption)])


def _engines(result: dict[str, Any], metrics: dict[str, list[tuple[int, float]]]) -> Section:
    content: list[Text | Table | Plot] = []
    if len(result["engines"]) > 1:
        rows = [
            [row["engine"], ENGINES[row["engine"]], price_text(row["price"], row["abs_error"]),
             error_text(row), f"{row['difference']:+.1e}" if "difference" in row else "",
             verdict(row)]
            for row in result["engines"]
        ]  # fmt: skip
        content.append(Table(
            ["engine", "what it is", "price", "error", "difference", "verdict"], rows, AGREEMENT
        ))  # fmt: skip
    content += price_plot(metrics)
    return Section("Engines", content)


def _figures(figures: dict[str, Any]) -> list[Section]:
    sweeps: list[Text | Table | Plot] = [Text(CLAIM)]
    for sweep in figures["sweeps"]:
        lines = [Series(line["label"], sweep["values"], line["price"]) for line in sweep["lines"]]
        label = LABELS[sweep["variable"]]
        sweeps.append(Plot(f"Price against {label.split(',')[0]}", label, "price", lines))
    kernel = figures["kernel"]
    spot = kernel["spot"]
    content: list[Text | Table | Plot] = [Text(KERNEL)]
    for start in kernel["starts"]:
        top = max(start["density"])
        content.append(Plot(
            f"From {start['label']}, one year later",
            "price of the underlying", "density, charged, 1 per unit of z",
            [Series("bound states and continuum", spot, start["density"]),
             Series("bound states only", spot, start["bound"]),
             *_walls(kernel["barriers"], top)],
            note=start["note"],
        ))  # fmt: skip
    content.append(Plot(
        "Bound states of the well", "price of the underlying", "wave function psi",
        [*(Series(f"energy {e:.4g}/year", spot, psi)
           for e, psi in zip(kernel["energies"], kernel["states"], strict=True)),
         *_walls(kernel["barriers"], 1.0)],
        note="A state's share of the kernel decays at its energy; outside it falls exponentially.",
    ))  # fmt: skip
    curves = [
        Series(line["engine"], line["evaluations"], line["error"], style="points")
        for line in figures["convergence"]
    ]
    convergence = Plot(
        "Error against effort", "evaluations: contour nodes, grid points, or paths",
        "absolute error", curves, log_x=True, log_y=True,
        note="laplace falls exponentially, pde like 1/evaluations, sampling engines like their "
        "square root or faster (rqmc); mc_naive levels off at its bias.",
    )  # fmt: skip
    return [
        Section("Price as a function", sweeps),
        Section("Kernel and bound states", content),
        Section("Convergence of the engines", [convergence]),
    ]


def _walls(barriers: list[float], top: float) -> list[Series]:
    """Return the barriers as upright lines."""
    return [Series(f"barrier {b:g}", [b, b], [0.0, top]) for b in barriers]
