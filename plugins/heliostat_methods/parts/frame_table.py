"""A data frame as a data set, for use as a library: of pandas, polars, or any that speaks Arrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heliostat.errors import DataError
from heliostat_methods.parts.datasets import ArrayDataset
from heliostat_methods.parts.tables.dataset import Choices, table_dataset
from heliostat_methods.parts.tables.inputs import Encoding, Missing
from heliostat_methods.parts.tables.parquet_file import arrow, arrow_table
from heliostat_search.preprocessing import MOST_LEVELS


def frame_dataset(
    name: str,
    frame: Any,
    target: str | None = None,
    task: str = "auto",
    columns: Sequence[str] | None = None,
    encode: Mapping[str, Encoding] | None = None,
    most_levels: int = MOST_LEVELS,
    missing: Missing = "median",
    missing_cells: Sequence[str] = (),
    groups: Sequence[str] = (),
) -> ArrayDataset:
    """Return a data frame as the data set `name`; parameters are those of `csv_dataset`.

    `frame` is anything with `__arrow_c_stream__`. Raises DataError for anything else, and without
    the package pyarrow.
    """
    pa = arrow(name)
    if not hasattr(frame, "__arrow_c_stream__"):
        raise DataError(
            f"{name}: a data frame of pandas (2.2), polars or pyarrow expected, got "
            f"{type(frame).__name__}"
        )
    try:
        read = pa.table(frame)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"{name}: {'; '.join(map(str, error.args))}") from None
    return table_dataset(
        name,
        arrow_table(pa, name, read, frozenset(missing_cells), encode or ()),
        Choices(target, task, columns, encode, most_levels, missing, missing_cells, groups),
    )
