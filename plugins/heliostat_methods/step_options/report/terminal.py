"""What a terminal shows of a run: the price and its checks, sensitivities, a sweep, or a book."""

from __future__ import annotations

import textwrap
from typing import Any

from heliostat.contract import next_command
from heliostat_methods.step_options.report.book_terminal import describe_book
from heliostat_methods.step_options.report.wording import (
    AGREEMENT,
    ENGINES,
    SWEPT,
    WIDTH,
    bias_text,
    contract_sentence,
    effort_text,
    error_text,
    price_text,
    sensitivity_rows,
    sweep_rows,
    verdict,
)

SHOWN_VALUES = 40
"""Rows of a sweep."""


def describe(result: dict[str, Any], run_id: str) -> str:
    """Return what a terminal shows at the end of a run."""
    if "rows" in result:
        return describe_book(result, run_id)
    engines = result["engines"]
    first = engines[0]
    price = price_text(result["price"], result["abs_error"])
    lines = textwrap.wrap(contract_sentence(result["contract"]), WIDTH)
    lines += [
        "",
        f"price     {price}   error {error_text(first)}{bias_text(first)}",
        f"          by {first['engine']}: {ENGINES[first['engine']]}",
    ]
    if "effort" in result:
        lines.append(f"effort    {effort_text(result)}")
    lines += _sensitivity_lines(result)
    if len(engines) > 1:
        wide = max(13, *(len(error_text(row)) for row in engines)) + 2
        prices = [price_text(row["price"], row["abs_error"]) for row in engines]
        long = max(15, max(map(len, prices)) + 1)
        lines += ["", f"{'engine':<19}{'price':<{long}}{'error':<{wide}}{'difference':<12}"]
        for row, price in zip(engines, prices, strict=True):
            difference = f"{row['difference']:+.1e}" if "difference" in row else ""
            line = f"{row['engine']:<19}{price:<{long}}{error_text(row):<{wide}}{difference:<12}"
            lines.append((line + verdict(row)).rstrip())
        lines += textwrap.wrap(AGREEMENT, WIDTH)
    if "ladder" in result:
        ladder = result["ladder"]
        across = f"{len(ladder['vols'])} vols x {len(ladder['spots'])} spots"
        lines += ["", f"ladder of {across}: {next_command('report', run_id)}"]
    if "sweep" in result:
        lines += ["", *_sweep_lines(result["sweep"], run_id)]
    return "\n".join(lines)


def _sensitivity_lines(result: dict[str, Any]) -> list[str]:
    """Return a line for each sensitivity; a long value has its meaning in a line of its own."""
    rows = sensitivity_rows(result)
    if not rows:
        return []
    wide = max(len(row.title) for row in rows) + 2
    space = 20 if any(row.error for row in rows) else 16
    lines = [""]
    for row in rows:
        value = row.value + (f" +- {row.error}" if row.error else "")
        said = f"{row.unit:<11}{row.meaning}"
        if len(value) < space:
            lines.append(f"{row.title:<{wide}}{value:<{space}}{said}".rstrip())
        else:
            lines += [f"{row.title:<{wide}}{value}", f"{'':<{wide + space}}{said}"]
    return lines


def _sweep_lines(sweep: dict[str, Any], run_id: str) -> list[str]:
    rows = sweep_rows(sweep)
    lines = [f"sweep over {sweep['variable']}, by {sweep['engine']}"]
    for row in [[sweep["variable"], *SWEPT], *rows[:SHOWN_VALUES]]:
        value, price, error, *slopes = row
        line = f"{value:<11} {price:<15} {error:<11} " + "".join(f"{x:<14}" for x in slopes)
        lines.append(line.rstrip())
    if len(rows) > SHOWN_VALUES:
        command = next_command("show", run_id, "--json")
        lines.append(f"{len(rows) - SHOWN_VALUES} more values: {command}")
    return lines
