"""A book of contracts as text: one a row of a CSV or Parquet file.

Columns that say a contract and its market are known by name; all others are carried along to the
output. A name that is nearly a known one is refused, since its values would be passed over.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from heliostat import stored
from heliostat.errors import DataError, did_you_mean, nearest

REQUIRED = ("kind", "spot", "strike", "maturity", "barriers", "rates")
CONTRACT = (*REQUIRED, "gamma", "anchor", "knock", "amortisation", "window", "allow_accrual")
MARKET = ("spot", "rate", "dividend", "vol")
HESTON = ("v0", "kappa", "theta", "xi", "corr")
SURFACE = ("surface", "form", "level", "beta", "shift")
OWN = ("id", "quantity", "method")
"""What says nothing of the contract: a name, how many of it, the engine that prices it."""
KNOWN = tuple(dict.fromkeys((*OWN, *CONTRACT, *MARKET, *HESTON, *SURFACE)))
CALLED = {
    "rate": ("r", "rf", "interest", "interest_rate", "risk_free", "risk_free_rate"),
    "dividend": ("q", "div", "div_yield", "dividend_yield", "yield"),
    "quantity": ("qty", "amount", "count", "position", "positions", "contracts", "lots", "units",
                 "size", "notional", "number"),
    "gamma": ("growth", "barrier_growth"),
    "knock": ("knock_type", "in_out", "knock_in_out"),
    "anchor": ("anchored", "barrier_anchor"),
    "window": ("parisian_window",),
}  # fmt: skip
"""Columns that may be left out, and what others call them: passed over, the default would hold."""
FIRST_LINE = 2
"""Of the rows of a Parquet file, counted as in a CSV file below its names."""
NEARLY = 0.85
"""Names as alike as this are taken for a slip of the pen."""


@stored("step_options.book_rows")
@dataclass(frozen=True)
class BookRows:
    """Rows of a book as text: their line in the file, and a cell for each column."""

    columns: tuple[str, ...]
    lines: tuple[int, ...]
    cells: tuple[tuple[str, ...], ...]

    @property
    def carried(self) -> tuple[str, ...]:
        """The columns that say nothing of the contract or its market."""
        return tuple(name for name in self.columns if name not in KNOWN)

    def only(self, lines: Collection[int]) -> BookRows:
        """Return the rows that stand in some lines."""
        keep = [i for i, line in enumerate(self.lines) if line in lines]
        return BookRows(self.columns, tuple(self.lines[i] for i in keep),
                        tuple(self.cells[i] for i in keep))  # fmt: skip

    def part(self, start: int, stop: int) -> BookRows:
        """Return some of the rows, with what prices them alone."""
        rows = BookRows(self.columns, self.lines[start:stop], self.cells[start:stop])
        if any(len(row) != len(self.columns) for row in rows.cells):
            # a row that lacks a cell must not become as long as columns that lack one
            return rows
        keep = [i for i, name in enumerate(self.columns) if name in KNOWN]
        cells = tuple(tuple(row[i] for i in keep) for row in rows.cells)
        return BookRows(tuple(self.columns[i] for i in keep), rows.lines, cells)


def read_book(path: Path, given: Collection[str] = ()) -> BookRows:
    """Return the rows of a CSV or Parquet file; raises DataError when it is no book at all.

    `given`: columns that the configuration says for all rows, so that the file need not.
    """
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
            _check_commas(path.name, table)
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{path.name} is no CSV file in UTF-8: {error}") from error
    if len(table) < 2:
        raise DataError(f"{path.name} has no rows below a line of column names")
    columns = table[0][1]
    _check_columns(path.name, columns, given)
    lines, cells = zip(*table[1:], strict=True)
    return BookRows(columns, tuple(lines), tuple(cells))


def _check_commas(file: str, table: list[tuple[int, tuple[str, ...]]]) -> None:
    """Refuse cells that are parted by something else."""
    if not table or len(table[0][1]) > 1:
        return
    (names,) = table[0][1]
    for mark, shown in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if mark in names:
            raise DataError(
                f"{file} parts its columns by {shown}; a book has commas between cells and "
                f"semicolons between the numbers of one cell"
            )


def _check_columns(file: str, columns: tuple[str, ...], given: Collection[str]) -> None:
    needed: tuple[str, ...] = REQUIRED
    if not {"vol", "v0", "surface"} & {*columns, *given} and "piecewise" not in given:
        needed = (*REQUIRED, "vol")
    for name in needed:
        if name not in columns:
            raise DataError(f"{file} has no column {name!r}; {did_you_mean(name, columns)}")
    for number, name in enumerate(columns):
        if name in columns[:number]:
            raise DataError(f"{file} has two columns called {name!r}; rename one")
        if name in KNOWN or name.startswith("d_"):  # a derivative, as an output calls it
            continue
        close = _meant(name, [known for known in KNOWN if known not in columns])
        if close:
            raise DataError(
                f"{file}: unknown column {name!r}; did you mean {close!r}? A column that is "
                f"only carried along needs a name less like it"
            )


def _meant(name: str, absent: Collection[str]) -> str | None:
    """Return the known column that another name stands for, if there is one."""
    plain = name.lower().replace(" ", "_")
    for known, others in CALLED.items():
        if plain in others and known in absent:
            return known
    close = difflib.get_close_matches(plain, absent, n=1, cutoff=NEARLY)
    return close[0] if close else None


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

    names = tuple(table.column_names)
    # by columns, since a table may have two of one name
    columns = [[text(v) for v in column.to_pylist()] for column in table.columns]
    return [(1, names), *enumerate(zip(*columns, strict=True), FIRST_LINE)]
