"""A table as HTML: numbers to the right, absent values as a dash, all digits as a tooltip."""

from __future__ import annotations

import math
from numbers import Real

from heliostat.contract.sections import Table
from heliostat.report.typeset import cell, escape


def drawn(table: Table) -> str:
    """Return the table; a column of numbers has its head on the right as well."""
    caption = f"<caption><span>{escape(table.caption)}</span></caption>" if table.caption else ""
    wide = max([len(table.columns), *(len(row) for row in table.rows)])
    heads = []
    numeric_columns = []
    for column in range(wide):
        values = [row[column] for row in table.rows if column < len(row)]
        values = [value for value in values if value is not None]
        numeric = bool(values) and all(_is_number(value) for value in values)
        name = escape(table.columns[column]) if column < len(table.columns) else ""
        numeric_columns.append(numeric)
        heads.append(f'<th scope="col"{_css("n" if numeric else "")}>{name}</th>')
    rows = []
    for row in table.rows:
        cells = [
            _cell(value, numeric) for value, numeric in zip(row, numeric_columns, strict=False)
        ]
        cells += ["<td></td>"] * (wide - len(row))
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'<figure class="scroll"><table>{caption}<thead><tr>{"".join(heads)}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></figure>"
    )


def _cell(value: object, numeric: bool) -> str:
    """Return one cell; a float that was rounded carries all its digits as a tooltip."""
    shown = cell(value)
    if not _is_number(value):
        # An absent value stands where the others of its column do.
        names = ("n none" if numeric else "none") if value is None else ""
        return f"<td{_css(names)}>{escape(shown)}</td>"
    exact = str(value) if isinstance(value, float) and math.isfinite(value) else shown
    full = f' title="{escape(exact)}"' if len(exact) > len(shown) else ""
    return f"<td{_css('n')}{full}>{escape(shown)}</td>"


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _css(names: str) -> str:
    return f' class="{names}"' if names else ""
