"""What the report shows of a book: value, ladder, checks, sums, rows, and rows without a price."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from heliostat.report import HeatMap, Picture, Plot, Section, Series, Table, Text
from heliostat_methods.step_options.report.book_terminal import (
    check_lines,
    completed,
    counted,
    engines_text,
    verdict_of,
    without_text,
)
from heliostat_methods.step_options.report.wording import SENSITIVITIES, number, price_text

SHOWN_ROWS, SHOWN_BAD, SHOWN_GROUPS = 20, 200, 200
_Content = list[Text | Table | Plot | HeatMap | Picture]


def book_sections(result: Mapping[str, Any]) -> list[Section]:
    """Return the sections of a book's report."""
    result = completed(result)
    sections = [_value(result)]
    if "ladder" in result:
        sections.append(_ladder(result["ladder"]))
    if "cross_check" in result:
        sections.append(_checks(result))
    sections += [_totals(result), _rows(result)]
    return [section for section in sections if section.content]


def _value(result: Mapping[str, Any]) -> Section:
    bad = [[b["line"], b["id"], b["field"], b["message"]] for b in result["bad_rows"]]
    content: _Content = [
        Text(f"{counted(result['count'], 'contract')} priced, {counted(result['bad'], 'row')} "
             "refused.")
    ]  # fmt: skip
    if result["count"]:
        value = price_text(result["price"], result["abs_error"])
        content.append(Text(
            f"They are worth {value} in units of the underlyings' prices, by "
            f"{engines_text(result)}. All errors added, random ones as two standard errors: "
            f"{result['abs_error']:.1e}."
        ))  # fmt: skip
        at = result["columns"].index("value" if "value" in result["columns"] else "price")
        shown = [row for row in result["rows"] if row[at] is not None]
        content.append(Plot(
            "Value of each row", "line of the file", "quantity x price",
            [Series("row", [float(row[0]) for row in shown], [row[at] for row in shown],
                    style="points")],
            note="What each row adds to the value of the book.",
        ))  # fmt: skip
    if result["taken_over"]:
        content.append(Table(["line", "why another engine priced it"],
                             result["taken_over"][:SHOWN_BAD]))  # fmt: skip
    if bad:
        content.append(Table(["line", "id", "field", "reason"], bad[:SHOWN_BAD],
                             "Rows without a price; they are in no sum."))  # fmt: skip
    return Section("Book", content)


def _ladder(ladder: Mapping[str, Any]) -> Section:
    said = f"Sums over {counted(ladder['rows'], 'row')}; darker is worth more."
    if ladder["left_out"]:
        lines = number(ladder["left_out"][:10])
        said += (f" {counted(len(ladder['left_out']), 'row')} are left out, which are not "
                 f"Black-Scholes or have no price on every rung (lines {lines}).")  # fmt: skip
    heat = HeatMap("Value when all spots and vols move", "factor on the spot", "added to the vol",
                   ladder["spots"], ladder["vols"], ladder["values"], note=said)  # fmt: skip
    return Section("Ladder", [heat])


def _checks(result: Mapping[str, Any]) -> Section:
    checks = [row for row in result["cross_check"]["checks"] if "z" in row]
    content: _Content = [Text(line) for line in check_lines(result)]
    series = []
    for engine in result["cross_check"]["able"]:
        rows = [row for row in checks if row["other"] == engine and math.isfinite(row["z"])]
        if rows:
            series.append(Series(engine, [float(row["line"]) for row in rows],
                                 [row["z"] for row in rows], style="points"))  # fmt: skip
    if series:
        content.append(Plot(
            "Differences from other engines", "line of the file", "standard errors (z)", series,
            note="Within 4.5 an engine agrees; a bound of an engine counts as 4.5.",
        ))  # fmt: skip
    table = [[row["line"], row["id"], row["engine"], number(row["price"]), row["other"],
              number(row["other_price"]), f"{row['z']:+.3g}",
              verdict_of(row)] for row in checks]  # fmt: skip
    head = ["line", "id", "engine", "price", "other", "its price", "z", "verdict"]
    return Section("Cross check", [*content, *([Table(head, table)] if table else [])])


def _totals(result: Mapping[str, Any]) -> Section:
    totals = result["totals"]
    by, columns = totals["by"], totals["columns"]
    plain = len(by) + 2
    rows = [[*row[:plain], *("" if x is None else number(x, 8) for x in row[plain:])]
            for row in totals["rows"][: SHOWN_GROUPS + 1]]  # fmt: skip
    said = "Sums of quantity times what one contract has; errors add up as if all had one sign."
    lacking = without_text(result)
    caption = said + (f" {lacking}." if lacking else "")
    named = [[SENSITIVITIES[name].title, name, SENSITIVITIES[name].unit,
              SENSITIVITIES[name].meaning]
             for name in SENSITIVITIES if name in columns]  # fmt: skip
    return Section("Totals" + (f" by {', '.join(by)}" if by else ""), [
        Table(columns, rows, caption),
        Table(["sensitivity", "column", "unit", "meaning"], named, "What the columns say."),
    ])  # fmt: skip


def _rows(result: Mapping[str, Any]) -> Section:
    carried = result["carried"]
    said = f"The first {SHOWN_ROWS} rows, of one contract each; value is quantity times price."
    said += f" Carried along to the output: {', '.join(carried)}." if carried else ""
    rows = result["rows"][:SHOWN_ROWS]
    return Section("Rows", [Table(result["columns"], rows, said)] if rows else [])
