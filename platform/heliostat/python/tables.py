"""Tables handed over in Python, stored beside the runs by hash: `RUNS/tables/HASH.parquet`.

A run names the file as it names any data set, so the command line resumes it, verifies it and runs
it again, and equal tables give equal files. An index of pandas is no column and is left out.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from heliostat.errors import ConfigError, DataError, StoreError, shown, told
from heliostat.plugins.input_files import file_hash

FOLDER = "tables"
FAMILY = "parquet"
"""The data set that reads such a file."""
HASH_DIGITS = 16
"""Digits of the SHA-256 that name a file; the run's record has all of them."""
TARGET = "target"
"""What the targets of a pair (X, y) without a name are called, and its inputs x0, x1, ..."""
_ROWS_A_GROUP = 1_000_000
_ONE_TARGET = "one target column; two tables go in as a list, [a, b]"


def is_frame(value: Any) -> bool:
    """Return whether a value is a data frame: of pandas, polars, pyarrow or what speaks Arrow."""
    if isinstance(value, type):
        return False
    return _of_pandas(value) or (
        hasattr(value, "__arrow_c_stream__")
        and any(hasattr(value, name) for name in ("columns", "column_names", "schema"))
    )


def is_arrays(value: Any) -> bool:
    """Return whether a value is a table of arrays: columns by name, (X, y), or one of two axes."""
    if isinstance(value, Mapping):
        return len(value) > 1 and all(_is_column(one) for one in value.values())
    if isinstance(value, tuple):  # two tables are a list of them
        return len(value) == 2 and _is_array(value[0]) and _is_targets(value[1], len(value[0]))
    return _is_array(value) and (len(value.shape) > 1 or bool(value.dtype.names))


def described(value: Any) -> str:
    """Return a table in words: what it is and how large."""
    shape = getattr(value, "shape", None)
    size = " of {} rows and {} columns".format(*shape) if shape and len(shape) == 2 else ""
    return f"a {type(value).__name__}{size}"


def is_column_alone(value: Any) -> bool:
    """Return whether a value is one column, a Series or an array of one axis, and no names."""
    if isinstance(value, type | str) or is_frame(value) or not _speaks_of_cells(value):
        return False
    shape = getattr(value, "shape", None)
    if shape is not None and len(shape) != 1:
        return False
    cells = value.tolist() if hasattr(value, "tolist") else list(value)
    return not (cells and all(isinstance(cell, str) for cell in cells))  # names of data sets


def stored_table(value: Any, root: Path, field: str) -> str:
    """Return the reference of the file that holds a table, written if it is not there yet.

    Raises DataError naming field and column for what cannot be stored.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        hint = "pip install 'heliostat[parquet]'"
        raise DataError(f"{field}: to store a table needs the package pyarrow: {hint}") from None
    columns: dict[str, Any] = {}
    for name, cells in _columns(value, field):
        where = f"{field}: column {name!r}"
        if name in columns:
            raise DataError(f"{where} is there twice")
        columns[name] = _arrow(pa, cells, where)
    lengths = {name: len(cells) for name, cells in columns.items()}
    first = next(iter(lengths), "")
    for name, length in lengths.items():
        if length != lengths[first]:
            raise DataError(
                f"{field}: column {name!r} has {length} rows, column {first!r} {lengths[first]}"
            )
    if len(columns) < 2 or not lengths[first]:
        raise DataError(f"{field}: {described(value)}: an input, a target and some rows needed")
    folder = root / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=".", suffix=".part")
        os.close(descriptor)
        try:
            # without metadata: a library's version is no part of a table
            table = pa.table(columns).replace_schema_metadata(None)
            pq.write_table(table, name, compression="zstd", row_group_size=_ROWS_A_GROUP)
            path = _in_place(Path(name), folder)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)
    except OSError as error:
        raise StoreError(f"cannot keep a table in {folder}: {error.strerror or error}") from error
    except pa.ArrowException as error:
        raise DataError(f"{field}: {described(value)} cannot be stored: {told(error)}") from None
    return f"{FAMILY}:{_from_here(path)}"


def _in_place(written: Path, folder: Path) -> Path:
    """Give a file the name of its hash; one that is there and whole stays."""
    sha256 = file_hash(written)
    path = folder / f"{sha256[:HASH_DIGITS]}.parquet"
    if not (path.is_file() and not path.is_symlink() and file_hash(path) == sha256):
        written.chmod(0o666 & ~_umask())
        os.replace(written, path)
    return path


def _umask() -> int:
    now = os.umask(0o022)
    os.umask(now)
    return now


def _from_here(path: Path) -> str:
    """Return a path from the present folder where it lies below: a run may move with its tables."""
    absolute, here = path.absolute(), Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)


def _columns(value: Any, field: str) -> Iterator[tuple[str, Any]]:
    if _of_pandas(value):
        for place, name in enumerate(value.columns):
            yield str(name), value.iloc[:, place]
    elif is_frame(value):
        import pyarrow as pa

        try:
            table = pa.table(value)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise DataError(f"{field}: {described(value)} is no table: {told(error)}") from None
        for place, name in enumerate(table.column_names):
            yield name, table.column(place)
    elif isinstance(value, Mapping):
        for name, cells in value.items():
            yield str(name), cells
    elif isinstance(value, tuple):
        yield from _inputs(value[0], field)
        yield from _targets(value[1], field)
    elif value.dtype.names:  # numpy's records
        for name in value.dtype.names:
            yield name, value[name]
    else:  # the last of its columns is the target
        *inputs, last = _inputs(value, field)
        yield from inputs
        yield TARGET, last[1]


def _targets(targets: Any, field: str) -> Iterator[tuple[str, Any]]:
    if isinstance(targets, list | tuple):
        if any(isinstance(one, list | tuple) for one in targets):
            raise ConfigError(field, "a pair (X, y), y a list of lists", _ONE_TARGET)
        yield TARGET, list(targets)
        return
    if not _is_one_column(targets):
        raise ConfigError(field, f"a pair (X, y), y of shape {tuple(targets.shape)}", _ONE_TARGET)
    if _of_pandas(targets):
        yield str(targets.columns[0]), targets.iloc[:, 0]
        return
    if len(targets.shape) > 1:
        targets = _array(targets).reshape(-1)
    yield str(getattr(targets, "name", None) or TARGET), targets


def _inputs(inputs: Any, field: str) -> Iterator[tuple[str, Any]]:
    if _of_pandas(inputs):
        yield from _columns(inputs, field)
        return
    array = _array(inputs)
    if array.ndim != 2:
        expected = "two axes, rows and columns; pictures go in by a part of their own"
        raise ConfigError(field, f"an array of shape {array.shape}", expected)
    for place in range(array.shape[1]):
        yield f"x{place}", array[:, place]


def _array(value: Any) -> Any:
    """Return an array of NumPy, with its mask if it has one: what is masked is missing."""
    import numpy as np

    return value if isinstance(value, np.ma.MaskedArray) else np.asarray(value)


def _unmasked(cells: Any) -> tuple[Any, Any]:
    """Return cells without NumPy's mask, and the mask; None where nothing is masked."""
    import numpy as np

    if isinstance(cells, np.ma.MaskedArray):
        return np.ma.getdata(cells), np.ma.getmaskarray(cells)
    if isinstance(cells, list | tuple):
        return [None if cell is np.ma.masked else cell for cell in cells], None
    return cells, None


def _arrow(pa: Any, cells: Any, where: str) -> Any:
    """Return a column as one Arrow array; texts are of one type, whichever library wrote them."""
    try:
        if not isinstance(cells, pa.Array | pa.ChunkedArray):
            axes = getattr(cells, "ndim", 1)
            if axes != 1:
                raise DataError(f"{where} has {axes} axes; one value a row expected")
            if hasattr(cells, "detach"):  # torch's
                cells = cells.detach().cpu().numpy()
            cells, mask = _unmasked(cells)
            cells = pa.array(cells, from_pandas=True, mask=mask)
        if isinstance(cells, pa.ChunkedArray):
            cells = cells.combine_chunks()
        if pa.types.is_large_string(cells.type) or pa.types.is_string_view(cells.type):
            cells = cells.cast(pa.string())
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        first = next(iter(str(error).splitlines()), "")
        raise DataError(f"{where} cannot be stored: {shown(first, 300)[1:-1]}") from None
    return cells


def _of_pandas(value: Any) -> bool:
    kind = type(value)
    return kind.__name__ == "DataFrame" and kind.__module__.partition(".")[0] == "pandas"


def _is_array(value: Any) -> bool:
    return hasattr(value, "__array__") and len(getattr(value, "shape", ())) > 0


def _is_targets(value: Any, rows: int) -> bool:
    """Return whether the second of a pair is targets of the first; of other tables, it is not."""
    if isinstance(value, list | tuple):  # as y.tolist() has them
        return len(value) > 0 and not any(_is_array(one) or is_frame(one) for one in value)
    return _is_array(value) and (_is_one_column(value) or len(value) == rows)


def _is_one_column(value: Any) -> bool:
    return len(value.shape) == 1 or value.shape[1:] == (1,)


def _is_column(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return len(value) > 0
    return _speaks_of_cells(value)


def _speaks_of_cells(value: Any) -> bool:
    return any(
        hasattr(value, name) for name in ("__array__", "__arrow_c_array__", "__arrow_c_stream__")
    )
