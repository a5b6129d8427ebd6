"""How a text file writes a table: found by looking at its first lines, unless it is set."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from heliostat_methods.parts.tables.cells import STYLES, Numerals, is_missing, plain_signs
from heliostat_methods.parts.tables.csv_rows import header_row, row_reader

DELIMITERS = (",", ";", "\t", "|", " ")
"""What is looked for between cells."""
MOST_LOOKED_AT = 10_000
"""Different texts of a column that are looked at for a style."""
_NAMES = {"\t": "tab", " ": "blank"}


@dataclass(frozen=True)
class Dialect:
    """What stands between cells, and how numbers are written."""

    delimiter: str
    style: Numerals

    def said(self) -> str:
        """Return it in words, or nothing where it is a comma and a decimal point."""
        if (self.delimiter, self.style) == (",", Numerals()):
            return ""
        between = _NAMES.get(self.delimiter, repr(self.delimiter))
        sign = {".": "decimal point", ",": "decimal comma"}.get(
            self.style.decimal, f"decimal {self.style.decimal!r}"
        )
        thousands = self.style.thousands
        grouped = f"thousands {_NAMES.get(thousands, repr(thousands))}" if thousands else ""
        return ", ".join(part for part in (f"delimiter {between}", sign, grouped) if part)


def find_delimiter(lines: Sequence[str]) -> str:
    """Return what stands between the cells of these first lines: what gives most rows one width.

    A blank only where no other one gives two columns; a comma if that does not either.
    """
    best, score = "", (0.0, 0)
    for delimiter in DELIMITERS:
        rows = _rows(lines, delimiter)
        width = len(rows[0]) if rows else 0
        if width < 2 or (delimiter == " " and best):
            continue
        # A trailing delimiter, or a header without the index column, is one cell more or less.
        fitting = sum(abs(len(row) - width) <= 1 for row in rows) / len(rows)
        if (fitting, width) > score:
            best, score = delimiter, (fitting, width)
    return best or ","


def _rows(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    reader = row_reader(lines, delimiter)
    try:
        rows.append(header_row(reader))
        rows.extend(row for row in reader if row)
    except csv.Error:  # a cell that goes on below the sample; what is wrong, the reader says
        pass
    return rows


def find_style(
    columns: Sequence[Sequence[str]], decimal: str | None, thousands: str | None
) -> tuple[Numerals, bool]:
    """Return how numbers are written in these columns of texts, and whether the sign is certain.

    What is given stays. A column speaks for a style if all its cells are numbers in it, at least
    one by a sign that only that style explains. Without a witness it is the decimal point.
    """
    if decimal is not None and thousands is not None:
        return Numerals(decimal, thousands), True
    found = [
        style
        for style in map(_style_of, columns)
        if style is not None
        and (decimal is None or style.decimal == decimal)
        and (thousands is None or style.thousands == thousands)
    ]
    signs = {style.decimal for style in found}
    if len(signs) > 1:  # some speak for the point and some for the comma
        return Numerals(decimal or ".", thousands or ""), True
    sign = next(iter(signs), decimal or ".")
    if thousands is None:
        certain = (style.thousands for style in found if style.thousands)
        # Without a witness for the sign, 1,234 may be either number, and 1 234 is but one.
        likely = ",.' " if signs or decimal else "' "
        thousands = next(certain, None) or _thousands_of(columns, sign, likely)
    return Numerals(sign, thousands), bool(signs or decimal)


def find_doubtful(columns: Sequence[Sequence[str]]) -> list[int]:
    """Return the columns in which each point may be a decimal one or part thousands: 1.234."""
    return [
        place
        for place, texts in enumerate(map(_texts, columns))
        if any("." in text for text in texts)
        and _all_numbers(texts, Numerals("."))
        and _may_be_groups(texts, ".")
    ]


def _thousands_of(columns: Sequence[Sequence[str]], sign: str, likely: str) -> str:
    """Return which of the `likely` signs stands between thousands, given the decimal sign."""
    for style in STYLES:
        if (
            style.decimal == sign
            and style.thousands
            and style.thousands in likely
            and any(
                _all_numbers(texts, style)
                and not _all_numbers(texts, Numerals(sign))
                and not _ungrouped(texts, style)
                for texts in map(_texts, columns)
            )
        ):
            return style.thousands
    return ""


def _style_of(cells: Sequence[str]) -> Numerals | None:
    """Return the one style in which all these cells are numbers, if signs decide it."""
    texts = _texts(cells)
    fitting = [style for style in STYLES if _all_numbers(texts, style)]
    if not fitting or not any(sign in text for text in texts for sign in ",.' "):
        return None
    # 1234.5 has no thousands, whatever they could be: the plain style is enough where it fits.
    for plain in (Numerals(".", ""), Numerals(",", "")):
        if plain in fitting and not _may_be_groups(texts, plain.decimal):
            return plain
    grouped = [style for style in fitting if style.thousands and _groups_needed(texts, style)]
    if len({style.decimal for style in grouped}) == 1:
        return grouped[0]
    return None


def _texts(cells: Sequence[str]) -> list[str]:
    bare = dict.fromkeys(plain_signs(cell.strip()) for cell in cells[:MOST_LOOKED_AT])
    return [text for text in bare if not is_missing(text)]


def _all_numbers(texts: Sequence[str], style: Numerals) -> bool:
    return bool(texts) and all(style.value(text) is not None for text in texts)


def _may_be_groups(texts: Sequence[str], sign: str) -> bool:
    """Return whether each `sign` could as well stand between thousands: 1,234 but not 0,5."""
    return _all_numbers(texts, Numerals("." if sign == "," else ",", sign))


def _groups_needed(texts: Sequence[str], style: Numerals) -> bool:
    """Return whether thousands are certainly parted: 1,234 may be a decimal comma."""
    between = style.thousands
    certain = any(
        text.count(between) > 1 or (between in text and (style.decimal in text or between in " '"))
        for text in texts
    )
    return certain and not _ungrouped(texts, style)


def _ungrouped(texts: Sequence[str], style: Numerals) -> bool:
    """Return whether a number from 1000 has nothing between its thousands."""
    return any(
        style.thousands not in text and len(text.lstrip("+-").partition(style.decimal)[0]) > 3
        for text in texts
    )
