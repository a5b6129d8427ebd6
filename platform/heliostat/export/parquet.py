"""A run's outcomes as a Parquet table: a row an outcome, the columns of `export --jsonl`."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import Any

from heliostat.errors import StoreError
from heliostat.store.database.rows import Row
from heliostat.store.view import RunView

ROWS_AT_ONCE = 10_000
"""Rows of a group; no more are held in memory."""


def write_outcomes(view: RunView, path: Path) -> int:
    """Write the outcomes that the search saw into a new file and return their number.

    Items and values are the JSON texts that the digest is made of. Raises StoreError when the file
    exists or cannot be written, or pyarrow is not installed.
    """
    if path.exists():
        raise StoreError(f"{path} exists already; choose another name")
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise StoreError(
            "writing Parquet needs the package pyarrow: pip install 'heliostat[parquet]'"
        ) from None
    text = pa.string()
    schema = pa.schema(
        {
            "key": pa.list_(pa.int64()),
            "function": text,
            "item": text,
            "shared": pa.list_(text),
            "value": text,
            "failure_kind": text,
            "failure_message": text,
            "observed": pa.bool_(),
            "seconds": pa.float64(),
            "worker": text,
            "attempts": pa.int32(),
        },
        metadata={"run": view.id, "method": view.method, "digest": view.digest or ""},
    )
    partial = path.with_name(path.name + ".part")
    count = 0
    try:
        with pq.ParquetWriter(partial, schema) as writer:
            outcomes = iter(view.outcomes())
            while rows := list(islice(outcomes, ROWS_AT_ONCE)):
                writer.write_table(pa.Table.from_pylist([_cells(row) for row in rows], schema))
                count += len(rows)
        os.replace(partial, path)
    except (pa.ArrowException, OSError, OverflowError) as error:
        raise StoreError(f"cannot write {path}: {str(error).splitlines()[0]}") from error
    finally:
        partial.unlink(missing_ok=True)
    return count


def _cells(row: Row) -> dict[str, Any]:
    return {
        "key": row.key,
        "function": row.function,
        "item": row.item,
        "shared": row.shared,
        "value": row.value,
        "failure_kind": row.failure.kind if row.failure else None,
        "failure_message": row.failure.message if row.failure else None,
        "observed": row.observed,
        "seconds": row.seconds,
        "worker": row.worker,
        "attempts": row.attempts,
    }
