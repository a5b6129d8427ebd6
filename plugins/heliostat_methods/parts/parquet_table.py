"""A Parquet file as a data set, `parquet:PATH`; needs pyarrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from heliostat_methods.parts.datasets import ArrayDataset
from heliostat_methods.parts.tables.dataset import Choices, table_dataset
from heliostat_methods.parts.tables.inputs import Encoding, Missing
from heliostat_methods.parts.tables.parquet_file import read_parquet
from heliostat_search.preprocessing import MOST_LEVELS


def parquet_dataset(
    path: Path,
    target: str | None = None,
    task: str = "auto",
    columns: Sequence[str] | None = None,
    encode: Mapping[str, Encoding] | None = None,
    most_levels: int = MOST_LEVELS,
    missing: Missing = "median",
    missing_cells: Sequence[str] = (),
    groups: Sequence[str] = (),
) -> ArrayDataset:
    """Return a Parquet file as a data set; parameters are those of `csv_dataset`."""
    return table_dataset(
        f"parquet:{path.name}",
        read_parquet(path, frozenset(missing_cells), encode or ()),
        Choices(target, task, columns, encode, most_levels, missing, missing_cells, groups),
    )
