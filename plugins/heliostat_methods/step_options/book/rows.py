"""A book of contracts as text: one a row of a CSV or Parquet file.

Columns: kind, spot, strike, maturity, vol, barriers, rates (several numbers with semicolons), and
if wanted id, rate, dividend, gamma, anchor, knock, allow_accrual.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from heliostat import stored
from heliostat.errors import DataError, did_you_mean, nearest

REQUIRED = ("kind", "spot", "strike", "maturity", "vol", "barriers", "rates")
OPTIONAL = ("id", "rate", "dividend", "gamma", "anchor", "knock", "allow_accrual")


@stored("step_options.book_rows")
@dataclass(frozen=True)
class BookRows:
    """Rows of a book as text: their line in the file, and a cell for each column."""

    columns: tuple[str, ...]
    lines: tuple[int, ...]
    cells: tuple[tuple[str, ...], ...]


def read_book(path: Path) -> BookRows:
    """Return the rows of a CSV or Parquet file; raises DataError when it is no book at all."""
    if not path.is_file():
        if path.exists():
            raise DataError(f"{path} is no regular file; a book is a CSV or Parquet file")
        close = None
        if path.parent.is_dir():
            close = nearest(path.name, sorted(p.name for p in path.parent.iterdir()))
        hint = f"; did you mean {str(path.with_name(close))!r}?" if close else ""
        raise DataError(f"no file {path}{hint}")
    if path.suffix.lower() in (".parquet", ".pq"):
        table = _parquet(path)
    else:
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file)
                table = [(reader.line_num, tuple(c.strip() for c in row)) for row in reader if row]
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{path.name} is no CSV file in UTF-8: {error}") from error
    if len(table) < 2:
        raise DataError(f"{path.name} has no rows below a line of column names")
    columns = table[0][1]
    for name in REQUIRED:
        if name not in columns:
            raise DataError(f"{path.name} has no column {name!r}; {did_you_mean(name, columns)}")
    for name in columns:
        if name not in (*REQUIRED, *OPTIONAL):
            known = did_you_mean(name, (*REQUIRED, *OPTIONAL))
            raise DataError(f"{path.name}: unknown column {name!r}; {known}")
    lines, cells = zip(*table[1:], strict=True)
    return BookRows(columns, tuple(lines), tuple(cells))


def _parquet(path: Path) -> list[tuple[int, tuple[str, ...]]]:
    """Return the table as text; lines are numbered as in a CSV file, the names being line 1."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise DataError(
            f"{path.name}: reading Parquet needs the package pyarrow: pip install "
            f"'heliostat[parquet]', or use CSV"
        ) from None
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path.name} is no Parquet file: {reason}") from error

    def text(value: object) -> str:
        if isinstance(value, list | tuple):
            return ";".join(map(str, value))
        # an absent number is NaN where a table came through a data frame
        return "" if value is None or value != value else str(value).strip()

    rows = [tuple(text(v) for v in row.values()) for row in table.to_pylist()]
    return [(1, tuple(table.column_names)), *enumerate(rows, 2)]
