"""What a terminal shows of a book: how many rows, their value, groups, checks, bad rows first."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import Any

from heliostat.contract import next_command
from heliostat_methods.step_options.report.wording import WIDTH, number, price_text

SHOWN_BAD, SHOWN_GROUPS, MOST_NAMES = 10, 20, 4
MOST_NAME, VALUE_WIDTH, SUM_WIDTH = 14, 12, 11
"""Columns of the sums: with `rows` in 8 they fill a terminal. A number may have 7 columns beside
its digits: sign, point, exponent and the blank before it."""
NO_CELL = "(none)"
TOTALS = ("value", "delta", "gamma", "vega", "theta")
"""Sums that a terminal shows of each group."""


def describe_book(result: Mapping[str, Any], run_id: str) -> str:
    """Return what a terminal shows at the end of a book."""
    result = completed(result)
    priced, bad = result["count"], result["bad"]
    lines = [f"{counted(priced, 'contract')} priced, {counted(bad, 'row')} refused"]
    for row in result["bad_rows"][:SHOWN_BAD]:
        text = f"  line {row['line']}: {row['message']}"
        lines += textwrap.wrap(text, WIDTH, subsequent_indent="    ")
    if bad > SHOWN_BAD:
        command = next_command("export", run_id, "--product", "bad_rows.csv")
        lines.append(f"  {bad - SHOWN_BAD} more: {command}")
    for line, text in result["taken_over"][:SHOWN_BAD]:
        lines += textwrap.wrap(f"  line {line}: {text}", WIDTH, subsequent_indent="    ")
    if priced:
        value = price_text(result["price"], result["abs_error"])
        lines += ["", f"value     {value}   all errors added {result['abs_error']:.1e}"]
        lines += textwrap.wrap(f"by {engines_text(result)}", WIDTH, initial_indent=" " * 10,
                               subsequent_indent=" " * 13)  # fmt: skip
        lines += ["", *_totals(result)]
    lines += check_lines(result)
    if "ladder" in result:
        ladder = result["ladder"]
        out = f", {len(ladder['left_out']):,} left out" if ladder["left_out"] else ""
        lines.append(
            f"ladder of {counted(ladder['rows'], 'row')}{out}: {next_command('report', run_id)}"
        )
    if result["carried"]:
        names = ", ".join(name or "(no name)" for name in result["carried"])
        lines += textwrap.wrap(f"carried along: {names}", WIDTH, subsequent_indent="  ")
    lines.append(f"prices: {next_command('export', run_id, '--product', result['table'])}")
    return "\n".join(lines)


def completed(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a book's result with what runs of the first version do not have."""
    if "totals" in result:
        return result
    columns = ["rows", "bad rows", "value", "abs_error"]
    priced, bad = len(result["rows"]), len(result["bad_rows"])
    row = [priced, bad, result["price"], result["abs_error"]]
    totals = {"by": [], "columns": columns, "rows": [row], "without": {}}
    return {**result, "count": priced, "bad": bad, "engines": {"laplace": priced},
            "taken_over": [], "carried": [], "table": "prices.csv", "totals": totals}  # fmt: skip


def counted(n: int, what: str) -> str:
    """Return a number of things: 1 row, 2 rows."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def engines_text(result: Mapping[str, Any]) -> str:
    """Return which engines priced how many rows."""
    engines = sorted(result["engines"].items(), key=lambda item: (-item[1], item[0]))
    if len(engines) == 1:
        return str(engines[0][0])
    return ", ".join(f"{name} ({n:,})" for name, n in engines)


def without_text(result: Mapping[str, Any]) -> str:
    """Return which sums lack how many rows; empty where all rows are in all sums."""
    lacking: dict[int, list[str]] = {}
    for name, n in result["totals"]["without"].items():
        if name != "std_error":
            lacking.setdefault(n, []).append(name)
    parts = []
    for n, names in sorted(lacking.items()):
        shown = ", ".join(names[:MOST_NAMES])
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        parts.append(f"{shown}{more} without {counted(n, 'row')}")
    return f"{'; '.join(parts)}, whose engines do not say them" if parts else ""


def check_lines(result: Mapping[str, Any]) -> list[str]:
    """Return what further engines said of a sample of rows, a line each."""
    if "cross_check" not in result:
        return []
    checked = result["cross_check"]
    lines = []
    for engine, able in checked["able"].items():
        rows = [row for row in checked["checks"] if row["other"] == engine]
        naive = [row["z"] for row in rows if "z" in row and _is_naive(row)]
        z = [row["z"] for row in rows if "z" in row and not _is_naive(row)]
        text = f"cross check by {engine}: {able} of {checked['sampled']} sampled rows"
        if not able:
            text += ": it priced them itself or cannot"
        if z:
            worst = max(z, key=abs)
            disagree = sum(not row["agrees"] for row in rows if "z" in row)
            said = "all agree"
            if disagree:
                said = f"{disagree} {'disagrees and is' if disagree == 1 else 'disagree and are'}"
                said += " refused"
            text += f", {said}; largest z {worst:+.3g}"
            if len(z) > 1 and all(map(math.isfinite, z)):
                text += f", root mean square {math.sqrt(sum(x * x for x in z) / len(z)):.3g}"
        if naive:
            text += f"; {counted(len(naive), 'row')} of mc_naive, which states no bias: "
            text += f"largest z {max(naive, key=abs):+.3g}"
        failed = sum("failure" in row for row in rows)
        text += f"; {failed} failed" if failed else ""
        lines += textwrap.wrap(text, WIDTH, subsequent_indent="  ")
    return lines


def verdict_of(row: Mapping[str, Any]) -> str:
    """Return what a check of a row says."""
    if _is_naive(row):
        return "shown, since mc_naive states no bias"
    return "agrees" if row["agrees"] else "differs"


def _is_naive(row: Mapping[str, Any]) -> bool:
    return "mc_naive" in (row["engine"], row["other"])


def _totals(result: Mapping[str, Any]) -> list[str]:
    totals = result["totals"]
    columns, by = totals["columns"], totals["by"]
    shown = [name for name in TOTALS if name in columns]
    places = [columns.index(name) for name in shown]
    named = [", ".join(str(cell) or NO_CELL for cell in row[: len(by)]) for row in totals["rows"]]
    named = ["by " + ", ".join(by) if by else "", "all", *named[1:]]
    most = MOST_NAME
    if max(map(len, named)) > most:  # the last sum makes room; totals.csv has it
        shown, places, most = shown[:-1], places[:-1], most + SUM_WIDTH
    width = min(max(map(len, named)), most) + 2
    named = [name if len(name) <= most else name[: most - 2] + ".." for name in named]
    wide = [VALUE_WIDTH if name == "value" else SUM_WIDTH for name in shown]
    head = "".join(f"{name:>{n}}" for name, n in zip(shown, wide, strict=True))
    lines = [f"{named.pop(0):<{width}}{'rows':>8}{head}"]
    for name, row in list(zip(named, totals["rows"], strict=True))[: SHOWN_GROUPS + 1]:
        cells = [number(row[i], n - 7) if row[i] is not None else "-"
                 for i, n in zip(places, wide, strict=True)]  # fmt: skip
        line = f"{name:<{width}}{row[len(by)]:>8,}"
        lines.append(line + "".join(f"{c:>{n}}" for c, n in zip(cells, wide, strict=True)))
    if len(named) > SHOWN_GROUPS + 1:
        lines.append(f"{len(named) - SHOWN_GROUPS - 1} more groups: product totals.csv")
    lacking = without_text(result)
    return [*lines, *textwrap.wrap(lacking, WIDTH), ""]
