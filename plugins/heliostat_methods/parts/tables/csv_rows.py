"""A CSV file cut into rows, piece by piece, and where a row stands in it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from heliostat.errors import DataError, nearest

PIECE = 500
"""Rows that are cut into cells at once: so many that their cells stay in the processor's cache."""


def missing_file(path: Path) -> str:
    """Return what is said of a path that is no file."""
    if path.is_dir():
        return f"{path} is a folder; a file was expected"
    if not path.parent.is_dir():
        return f"no file {path}: the folder {path.parent} does not exist"
    close = nearest(path.name, sorted(other.name for other in path.parent.iterdir()))
    return f"no file {path}" + (f"; did you mean {str(path.with_name(close))!r}?" if close else "")


@contextmanager
def decoding_errors(path: Path) -> Iterator[None]:
    """Raise DataError naming the byte where what is read in it is no UTF-8."""
    try:
        yield
    except UnicodeDecodeError:
        content = path.read_bytes()
        if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise DataError(f"{path.name} is UTF-16 text; save it as UTF-8") from None
        try:
            content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            if content[:2] == b"\x1f\x8b" or content[:4] == b"PK\x03\x04":
                raise DataError(
                    f"{path.name} is compressed or a spreadsheet; unpack it, or save it as CSV"
                ) from None
            line = content.count(b"\n", 0, error.start) + 1
            raise DataError(
                f"{path.name} is not UTF-8 text: line {line} (byte {error.start}) holds "
                f"0x{content[error.start]:02x}; save it as UTF-8"
            ) from None
        raise


def header_row(rows: Iterator[list[str]]) -> list[str]:
    """Return the row that names the columns, or [] if there is none.

    Blank lines, comments of one cell that begin with # and Excel's `sep=;` are skipped.
    """
    for row in rows:
        filled = [cell.strip() for cell in row if cell.strip()]
        if len(filled) == 1 and filled[0].lower().startswith(("#", "sep=")):
            continue
        if filled:
            return row
    return []


def row_reader(lines: Iterable[str], delimiter: str) -> Any:
    """Return Python's reader of rows; of several blanks between cells one counts."""
    return csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=delimiter == " ")


def pieces(path: Path, delimiter: str) -> Iterator[tuple[int, list[list[str]]]]:
    """Yield rows with the line on which they end, the header alone first; blank lines are none."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = row_reader(file, delimiter)
        try:
            yield reader.line_num, [header_row(reader)]
            while rows := list(islice(reader, PIECE)):
                yield reader.line_num, [row for row in rows if row]
        except csv.Error as error:
            raise DataError(
                f"{path.name} line {reader.line_num} is no valid CSV: {error}"
            ) from None


def rows_with_lines(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows below the header, each with the line on which it ends."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = row_reader(file, delimiter)
        header_row(reader)
        yield from ((reader.line_num, row) for row in reader if row)


@dataclass(frozen=True)
class Places:
    """Where a row stands; found by reading again, for it is asked for in errors alone."""

    path: Path
    delimiter: str

    def __call__(self, row: int) -> str:
        """Return the line on which a row ends."""
        with decoding_errors(self.path):
            found = next(islice(rows_with_lines(self.path, self.delimiter), row, None), None)
        return f"line {found[0]}" if found else f"row {row}"
