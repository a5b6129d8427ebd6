"""Some columns of somebody's CSV or Parquet file, as texts, and where each row stands in it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heliostat.errors import ConfigError, DataError, did_you_mean

DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Columns:
    """Cells of the columns asked for, without outer blanks; a missing one is ''."""

    source: str
    cells: dict[str, list[str]]
    lines: Sequence[int]
    """The line of each row, in Parquet its number from 1."""
    unit: str = "line"

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.lines)

    def place(self, row: int, name: str) -> str:
        """Return where a cell stands: ``scores.csv line 7, column 'age'``."""
        return f"{self.source} {self.unit} {self.lines[row]}, column {name!r}"


def read_columns(path: Path, wanted: dict[str, str]) -> Columns:
    """Return columns of a file; `wanted`: column -> the option that names it.

    Parquet by the ending .parquet, everything else is CSV with a header line, in UTF-8, between
    commas, semicolons or tabs. Raises ConfigError for a column that is not there, naming the
    nearest, and DataError naming the line for what is no table.
    """
    if not path.is_file():
        raise ConfigError("FILE", str(path), "a CSV or Parquet file that exists")
    found = _parquet(path, wanted) if path.suffix.lower() == ".parquet" else _csv(path, wanted)
    if not len(found):
        raise DataError(f"{path.name} has no rows")
    return found


def _csv(path: Path, wanted: dict[str, str]) -> Columns:
    lines: list[int] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = _rows(path.name, file)
            header = next(rows, (0, []))[1]
            places = [(name, _place(path.name, header, name, wanted[name])) for name in wanted]
            cells: dict[str, list[str]] = {name: [] for name in wanted}
            for line, row in rows:
                if len(row) != len(header):
                    raise DataError(
                        f"{path.name} line {line} has {len(row)} cells, the header {len(header)}"
                    )
                lines.append(line)
                for name, at in places:
                    cells[name].append(row[at].strip())
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is no text in UTF-8: {error.reason}") from None
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}") from None
    return Columns(path.name, cells, lines)


def _rows(name: str, file: Any) -> Iterator[tuple[int, list[str]]]:
    """Yield rows that hold something with the lines on which they end, the header first."""
    first = file.readline()
    delimiter = max(DELIMITERS, key=first.count)
    file.seek(0)
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"{name} line {reader.line_num} is no valid CSV: {error}") from None


def _place(source: str, header: Sequence[str], name: str, option: str) -> int:
    names = [one.strip() for one in header]
    if name not in names:
        raise ConfigError(option, name, f"a column of {source}", did_you_mean(name, names))
    if names.count(name) > 1:
        raise DataError(f"{source}: two columns are called {name!r}")
    return names.index(name)


def _parquet(path: Path, wanted: dict[str, str]) -> Columns:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        need = f"{path.name} needs the package pyarrow: pip install 'heliostat[parquet]'"
        raise DataError(need) from None
    try:
        header = pq.read_schema(path).names
        for name, option in wanted.items():
            _place(path.name, header, name, option)
        table = pq.read_table(path, columns=list(wanted), use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path.name} is no Parquet file that can be read: {error}") from None
    cells = {name: [_text(one) for one in table.column(name).to_pylist()] for name in wanted}
    return Columns(path.name, cells, range(1, table.num_rows + 1), "row")


def _text(cell: Any) -> str:
    return "" if cell is None or cell != cell else str(cell).strip()
