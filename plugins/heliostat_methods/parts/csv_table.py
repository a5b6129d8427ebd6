"""A CSV file as a data set, `csv:PATH`: read as it comes, or refused with line and column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.parts.datasets import ArrayDataset
from heliostat_methods.parts.tables.cells import Numerals
from heliostat_methods.parts.tables.csv_file import Reading, read_csv
from heliostat_methods.parts.tables.dataset import Choices, table_dataset
from heliostat_methods.parts.tables.inputs import Encoding, Missing
from heliostat_methods.parts.tables.new_rows import prepared
from heliostat_search.preprocessing import MOST_LEVELS, Preprocessing


def csv_inputs(
    path: Path, kept: Mapping[str, Any], reading: Reading | None = None
) -> NDArray[np.float64]:
    """Return the rows of a CSV file as inputs of a model, (rows, features), scaled.

    `kept`: what a run has learned of its training part, `labels.data.preprocessing` of a loss.
    Columns are found by name; the target need not be there. Raises DataError for a column that is
    absent or holds something else.
    """
    fitted = Preprocessing.from_plain(kept)
    reading = Reading() if reading is None else reading
    written = fitted.written
    likely = Numerals(str(written.get("decimal", ".")), str(written.get("thousands", "")))
    numbers = {column.name for column in fitted.columns if column.how == "number"}
    reading = replace(
        reading,
        is_name=lambda name: name not in numbers,
        missing=reading.missing | frozenset(fitted.missing_cells),
        month_first=(
            written.get("month_first") if reading.month_first is None else reading.month_first
        ),
        likely=likely if "decimal" in written else None,
    )
    return prepared(read_csv(path, reading, min_rows=1), fitted)


def csv_dataset(
    path: Path,
    target: str | None = None,
    task: str = "auto",
    columns: Sequence[str] | None = None,
    encode: Mapping[str, Encoding] | None = None,
    most_levels: int = MOST_LEVELS,
    missing: Missing = "median",
    missing_cells: Sequence[str] = (),
    delimiter: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    month_first: bool | None = None,
    groups: Sequence[str] = (),
) -> ArrayDataset:
    """Return a CSV file as a data set; the first line names the columns.

    `target`: column to predict, the last one by default. `task` "auto" means classification when
    the target holds text, or at most 20 different whole numbers and half as many as rows;
    otherwise regression. `columns`: inputs, by default all others that can say anything. `encode`:
    how a column becomes numbers, its cells taken for texts; other text is one-hot with at most
    `most_levels` levels and "other".
    `missing`: what is done where a cell is missing (`missing_cells` are further texts that mean
    so). `groups`: columns that become `attributes` of the result; they stay inputs unless `columns`
    or the encoding "drop" leaves them out. Delimiter, decimal sign and what stands between
    thousands are found by looking. `note` of the result says what the table was taken for, `labels`
    the names of its classes.
    """
    named = {} if encode is None else encode
    reading = Reading(
        delimiter, decimal, thousands, frozenset(missing_cells), month_first,
        is_name=named.__contains__,
    )  # fmt: skip
    return table_dataset(
        f"csv:{path.name}",
        read_csv(path, reading),
        Choices(target, task, columns, encode, most_levels, missing, missing_cells, groups),
    )
