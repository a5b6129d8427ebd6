"""What a terminal shows of a book: how many rows, their value, groups, checks, bad rows first."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import Any

from heliostat.contract import next_command
from heliostat_methods.step_options.report.wording import WIDTH, number, price_text

SHOWN_BAD, SHOWN_GROUPS, MOST_NAMES = 10, 20, 4
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
        lines.append(f"          by {engines_text(result)}")
        lines += ["", *_totals(result)]
    lines += check_lines(result)
    if "ladder" in result:
        ladder = result["ladder"]
        lines.append(
            f"ladder of {counted(ladder['rows'], 'row')}: {next_command('report', run_id)}"
        )
    if result["carried"]:
        lines.append(f"carried along: {', '.join(result['carried'])}")
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
        z = [row["z"] for row in rows if "z" in row]
        text = f"cross check by {engine}: {able} of {checked['sampled']} sampled rows"
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
        failed = sum("failure" in row for row in rows)
        text += f"; {failed} failed" if failed else ""
        lines += textwrap.wrap(text, WIDTH, subsequent_indent="  ")
    return lines


def _totals(result: Mapping[str, Any]) -> list[str]:
    totals = result["totals"]
    columns, by = totals["columns"], totals["by"]
    shown = [name for name in TOTALS if name in columns]
    places = [columns.index(name) for name in shown]
    named = [", ".join(map(str, row[: len(by)])) if by else "all" for row in totals["rows"]]
    named = ["all", *named[1:]]
    width = min(max(map(len, [*named, " by " + ", ".join(by)])), 20) + 2
    head = f"{'by ' + ', '.join(by) if by else '':<{width}}{'rows':>7}"
    lines = [head + "".join(f"{name:>11}" for name in shown)]
    for name, row in list(zip(named, totals["rows"], strict=True))[: SHOWN_GROUPS + 1]:
        cells = [number(row[i], 5) if row[i] is not None else "-" for i in places]
        line = f"{name[: width - 2]:<{width}}{row[len(by)]:>7,}"
        lines.append(line + "".join(f"{cell:>11}" for cell in cells))
    if len(named) > SHOWN_GROUPS + 1:
        lines.append(f"{len(named) - SHOWN_GROUPS - 1} more groups: product totals.csv")
    lacking = without_text(result)
    return [*lines, *textwrap.wrap(lacking, WIDTH), ""]
