"""A book of 100,000 step options with all sensitivities: rows per second of one core.

Beside it the same contracts one call each, and for knock-outs QuantLib's analytic barrier engine:
prices alone, and with the first-order sensitivities by central differences, since it gives none.
Each figure is measured in this process, on one thread, one after the other, in seconds of its core.
Ours begin with the text of a row and end with a price that has passed the gate and states its
error; QuantLib is handed numbers.

Run: ``python benchmarks/step_options_book.py [--rows 100000] [--json]`` (about a minute; needs
QuantLib).
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np
import QuantLib as ql
import torch

from heliostat_methods.step_options import price
from heliostat_methods.step_options.book.pricing import price_rows, terms_of
from heliostat_methods.step_options.book.rows import BookRows
from heliostat_methods.step_options.book.terms import BookSettings

COLUMNS = ("id", "kind", "spot", "strike", "rate", "dividend", "vol", "maturity", "barriers",
           "rates", "gamma", "quantity")  # fmt: skip
BLOCK = 500
STEPS = {"spot": 1e-2, "vol": 1e-4, "rate": 1e-5, "dividend": 1e-5}
Claims = dict[str, dict[str, Any]]


def claim(claims: Claims, name: str, ours: float, peer: float, unit: str) -> None:
    """Keep and print one comparison of rates, more being better."""
    claims[name] = {"ours": ours, "peer": peer, "ratio": ours / peer, "unit": unit}
    print(f"{name:<48} ours {ours:>9.5g}   peer {peer:>9.5g} {unit:<9} ratio {ours / peer:.4g}")


def book(rows: int, knock_outs: bool = False) -> BookRows:
    """Return a book of one and two barriers with all claims; knock-outs are down-and-out calls."""
    rng = np.random.default_rng(7)
    cells = []
    for i in range(rows):
        spot, vol = f"{rng.uniform(92, 115):.4f}", f"{rng.uniform(0.15, 0.45):.4f}"
        years = repr(int(rng.integers(30, 730)) / 365)
        rate, dividend = f"{rng.uniform(0, 0.06):.4f}", f"{rng.uniform(0, 0.04):.4f}"
        kind = ("call", "put", "digital")[i % 3]
        barriers, rates = ("90", "2;0") if i % 2 else ("80;125", "5;0;8")
        gamma = f"{rng.uniform(-0.05, 0.05):.3f}"
        if knock_outs:
            kind, barriers, rates, gamma = "call", "90", "inf;0", "0"
        strike = f"{rng.uniform(90, 115):.2f}"
        cells.append((str(i), kind, spot, strike, rate, dividend, vol, years, barriers, rates,
                      gamma, str(i % 7 - 3)))  # fmt: skip
    return BookRows(COLUMNS, tuple(range(2, rows + 2)), tuple(cells))


def per_second(rows: BookRows, settings: BookSettings) -> tuple[float, Any]:
    """Return rows of a book per second, and the prices of the first block."""
    blocks = [rows.part(i, i + BLOCK) for i in range(0, len(rows.lines), BLOCK)]
    first = price_rows(blocks[0], settings)  # kernels are compiled
    began = time.process_time()
    refused = sum(len(price_rows(block, settings).problems) for block in blocks)
    took = time.process_time() - began
    assert refused == 0
    return len(rows.lines) / took, first


def one_by_one(rows: BookRows) -> float:
    """Return contracts per second that are priced by a call each, with all sensitivities."""
    terms = list(terms_of(rows, BookSettings()).values())
    price(terms[0].option, terms[0].market, greeks=True)
    began = time.process_time()
    for one in terms:
        price(one.option, one.market, greeks=True)
    return len(terms) / (time.process_time() - began)


class Barriers:
    """QuantLib's analytic engine over quotes that move; 365 days are one year."""

    def __init__(self) -> None:
        self.today = ql.Date(1, 1, 2026)
        ql.Settings.instance().evaluationDate = self.today
        count = ql.Actual365Fixed()
        self.quotes = {name: ql.SimpleQuote(0.1) for name in ("spot", "vol", "rate", "dividend")}
        handles = {name: ql.QuoteHandle(quote) for name, quote in self.quotes.items()}
        flat = [ql.YieldTermStructureHandle(ql.FlatForward(self.today, handles[name], count))
                for name in ("dividend", "rate")]  # fmt: skip
        vol = ql.BlackVolTermStructureHandle(
            ql.BlackConstantVol(self.today, ql.NullCalendar(), handles["vol"], count)
        )
        process = ql.BlackScholesMertonProcess(handles["spot"], *flat, vol)
        self.engine = ql.AnalyticBarrierEngine(process)

    def price(self, row: dict[str, float], greeks: bool) -> list[float]:
        """Return the price, and with `greeks` delta, gamma, vega and both rhos by differences."""
        payoff = ql.PlainVanillaPayoff(ql.Option.Call, row["strike"])
        exercise = ql.EuropeanExercise(self.today + round(row["maturity"] * 365))
        option = ql.BarrierOption(ql.Barrier.DownOut, row["barriers"], 0.0, payoff, exercise)
        option.setPricingEngine(self.engine)
        for name, quote in self.quotes.items():
            quote.setValue(row[name])
        found = [option.NPV()]
        for name, step in STEPS.items() if greeks else ():
            sides = []
            for sign in (1, -1):
                self.quotes[name].setValue(row[name] + sign * step)
                sides.append(option.NPV())
            self.quotes[name].setValue(row[name])
            found.append((sides[0] - sides[1]) / (2 * step))
            if name == "spot":
                found.append((sides[0] - 2 * found[0] + sides[1]) / step**2)
        return found


def quantlib(rows: BookRows, greeks: bool) -> tuple[float, list[list[float]]]:
    """Return contracts per second, and what is found of each."""
    numbers = [name for name in COLUMNS if name not in ("id", "kind", "rates")]
    table = [
        {name: float(cell) for name, cell in zip(COLUMNS, cells, strict=True) if name in numbers}
        for cells in rows.cells
    ]
    engine = Barriers()
    began = time.process_time()
    found = [engine.price(row, greeks) for row in table]
    return len(table) / (time.process_time() - began), found


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="last line as JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    claims: Claims = {}
    rows = book(arguments.rows)
    rate, _ = per_second(rows, BookSettings())
    print(f"{arguments.rows:,} rows, price and all sensitivities: "
          f"{arguments.rows / rate:.1f} s of one core")  # fmt: skip
    claim(claims, "a book with all sensitivities vs a call each", rate,
          one_by_one(rows.part(0, 200)), "rows/s")  # fmt: skip
    bare, _ = per_second(rows.part(0, 20_000), BookSettings(greeks=False))
    claim(claims, "a book with delta and gamma vs with all", bare, rate, "rows/s")
    knocked = book(5_000, knock_outs=True)
    walls, first = per_second(knocked, BookSettings())
    plain, _ = per_second(knocked, BookSettings(greeks=False))
    peer, prices = quantlib(knocked, greeks=False)
    peer_greeks, slopes = quantlib(knocked, greeks=True)
    name = "knock-outs, price, delta, gamma vs QuantLib's price"
    claim(claims, name, plain, peer, "rows/s")
    claim(claims, "knock-outs, all (17) vs QuantLib's five by bumps", walls, peer_greeks, "rows/s")
    off = np.max(np.abs(first.column("price") - [row[0] for row in prices[:BLOCK]]))
    vega = np.max(np.abs(first.column("vega") - [row[3] for row in slopes[:BLOCK]]))
    print(f"largest difference from QuantLib: price {off:.1e}, vega {vega:.1e}")
    if arguments.json:
        print(json.dumps(claims))


if __name__ == "__main__":
    main()
