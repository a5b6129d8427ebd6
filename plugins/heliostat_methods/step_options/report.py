"""What is shown of a run: the price and its checks, sensitivities, figures, or a book's rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heliostat.report.sections import Plot, Section, Series, Table, Text
from heliostat.runs import RunView

SHOWN_ROWS = 20
LABELS = {"spot": "price of the underlying", "gamma": "floating rate of the barrier, 1/year",
          "rate": "interest rate, 1/year", "strike": "strike"}  # fmt: skip
CLAIM = (
    "The paper's abstract says that its prices are functions of these four, consistent with other "
    "mathematical methods. Its parameter values were not available, so the shapes are shown with "
    "our own: S = K = 100, r = 0.05, q = 0, vol 0.3, one year, rate 5, floating rate 0.02."
)


def describe(result: dict[str, Any], run_id: str) -> str:
    """Return what a terminal shows at the end of a run."""
    if "rows" in result:
        lines = [f"{len(result['rows'])} contracts priced, {len(result['bad_rows'])} rows refused"]
        lines += [f"  line {bad['line']}: {bad['message']}" for bad in result["bad_rows"][:10]]
        lines.append(f"prices: heliostat export {run_id} --product prices.csv")
        return "\n".join(lines)
    lines = [f"price {result['price']:.12g}  (error {result['abs_error']:.2g})"]
    if result["delta"] is not None:
        lines.append(f"delta {result['delta']:.10g}")
    if result["gamma"] is not None:
        lines.append(f"gamma {result['gamma']:.10g}")
    for name, value in result["sensitivities"].items():
        lines.append(f"  {name:<24}{_number(value)}")
    if len(result["engines"]) > 1:
        lines += ["", "engine                  price            error       difference"]
        for row in result["engines"]:
            error = row["std_error"] if row["std_error"] is not None else row["abs_error"]
            difference = f"{row['difference']:+.2e}" if "difference" in row else ""
            note = "" if row.get("agrees", True) else "  biased: a sum over the rate's indicator"
            lines.append(
                f"{row['engine']:<22}{row['price']:>14.9g}{error:>14.2e}   {difference}{note}"
            )
    return "\n".join(lines)


def report(view: RunView) -> Sequence[Section]:
    """Return the sections of the HTML report."""
    result = view.result
    if result is None:
        return [Section("No result yet", [Text(f"The run is {view.state}.")])]
    if "rows" in result:
        return [_book(result)]
    sections = [_price(result, view.metrics(()))]
    if "sweep" in result:
        sweep = result["sweep"]
        lines = [Series("price", sweep["values"], sweep["price"])]
        plot = Plot("Sweep", sweep["variable"], "price", lines)
        sections.append(Section(f"Sweep over {sweep['variable']}", [plot]))
    if "figures" in result:
        sections += _figures(result["figures"])
    return sections


def _price(result: dict[str, Any], metrics: dict[str, list[tuple[int, float]]]) -> Section:
    contract = [[name, _number(value)] for name, value in result["contract"].items()
                if value is not None]  # fmt: skip
    rows = [
        [row["engine"], row["price"], row["std_error"], row["abs_error"], row.get("difference"),
         row.get("allowed"), row["n_evals"]]
        for row in result["engines"]
    ]  # fmt: skip
    content: list[Text | Table | Plot] = [
        Table(
            ["engine", "price", "standard error", "error bound", "difference", "allowed",
             "evaluations"],
            rows,
            "Differences are to the first engine; mc_naive has a bias that it does not state.",
        ),
        Table(["contract", ""], contract, "Years, continuous rates."),
    ]  # fmt: skip
    greeks = [["delta", _number(result["delta"])], ["gamma", _number(result["gamma"])]]
    greeks += [[name, _number(value)] for name, value in result["sensitivities"].items()]
    shown = [row for row in greeks if row[1]]
    if shown:
        content.append(Table(["sensitivity", "value"], shown, "Exact derivatives, no bumps."))
    if "price" in metrics and len(metrics["price"]) > 1:
        steps = [s for s, _ in metrics["price"]]
        values, errors = [v for _, v in metrics["price"]], [v for _, v in metrics["error"]]
        low = [v - 2 * e for v, e in zip(values, errors, strict=True)]
        high = [v + 2 * e for v, e in zip(values, errors, strict=True)]
        content.append(Plot("Monte Carlo", "chunk", "price", [
            Series("price", steps, values, low, high)
        ], note="Band: two standard errors."))  # fmt: skip
    return Section("Price", content)


def _figures(figures: dict[str, Any]) -> list[Section]:
    sweeps: list[Text | Table | Plot] = [Text(CLAIM)]
    for sweep in figures["sweeps"]:
        lines = [Series(line["label"], sweep["values"], line["price"]) for line in sweep["lines"]]
        label = LABELS[sweep["variable"]]
        sweeps.append(Plot(f"Price against {label.split(',')[0]}", label, "price", lines))
    kernel = figures["kernel"]
    content: list[Text | Table | Plot] = [
        Plot(
            "Kernel from the centre of the well, one year",
            "z = ln(S / L) / vol",
            "density",
            [Series("all states", kernel["z"], kernel["density"]),
             Series("bound states only", kernel["z"], kernel["bound"])],
            note="Outside the well the bound states alone are wrong: the continuum is needed.",
        ),
        Plot(
            "Bound states of the well", "z = ln(S / L) / vol", "psi",
            [Series(f"energy {e:.4g}", kernel["z"], psi)
             for e, psi in zip(kernel["energies"], kernel["states"], strict=True)],
        ),
    ]  # fmt: skip
    curves = [
        Series(line["engine"], line["evaluations"], line["error"], style="points")
        for line in figures["convergence"]
    ]
    convergence = Plot(
        "Error against effort", "nodes, grid points or paths", "absolute error", curves,
        log_x=True, log_y=True, note="mc_naive levels off at its bias.",
    )  # fmt: skip
    return [
        Section("Price as a function", sweeps),
        Section("Kernel and bound states", content),
        Section("Convergence of the engines", [convergence]),
    ]


def _book(result: dict[str, Any]) -> Section:
    bad = [[b["line"], b["id"], b["field"], b["message"]] for b in result["bad_rows"]]
    content: list[Text | Table | Plot] = [
        Text(f"{len(result['rows'])} contracts priced, {len(bad)} rows refused."),
        Table(result["columns"], result["rows"][:SHOWN_ROWS], f"The first {SHOWN_ROWS} rows."),
    ]
    if bad:
        content.append(Table(["line", "id", "field", "reason"], bad[:200], "Rows without a price."))
    return Section("Book", content)


def _number(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(_number(v) for v in value)
    return f"{value:.10g}" if isinstance(value, int | float) else str(value)
