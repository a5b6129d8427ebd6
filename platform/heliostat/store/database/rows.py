"""Outcomes as rows of the journal, and keys as bytes.

A key is stored as the big-endian bytes of its integers, so that SQLite's order of blobs is the
order of keys.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from heliostat.errors import CorruptStore, Key
from heliostat.store.database import schema
from heliostat.values.outcome import Failure


def pack_key(key: Key) -> bytes:
    """Return the bytes of a key, whose order is the order of keys."""
    return _packing(len(key)).pack(*key)


@lru_cache(maxsize=32)
def _packing(length: int) -> struct.Struct:
    return struct.Struct(f">{length}Q")


def unpack_key(blob: bytes) -> Key:
    """Return the key of these bytes."""
    return struct.unpack(f">{len(blob) // 8}Q", blob)


class Row(NamedTuple):
    """One journaled outcome; texts are canonical encodings, or the marker of an artifact."""

    key: Key
    function: str
    item: str
    shared: tuple[str, ...]
    value: str | None
    failure: Failure | None
    observed: bool = False
    seconds: float = 0.0
    worker: str = ""
    attempts: int = 1
    depth: int = 0
    """How many of the key's first numbers are its scope."""

    def line(self) -> str:
        """Return the line that enters the digest."""
        kind = self.failure.kind if self.failure else None
        parts = [list(self.key), self.function, self.item, list(self.shared), self.value, kind]
        return json.dumps(parts, separators=(",", ":")) + "\n"

    def columns(self) -> tuple[object, ...]:
        """Return what the journal holds of it."""
        return (
            pack_key(self.key),
            self.function,
            self.item,
            json.dumps(self.shared) if self.shared else "[]",
            self.value,
            None if self.failure is None else json.dumps(self.failure.__dict__),
            int(self.observed),
            self.seconds,
            self.worker,
            self.attempts,
            self.depth,
        )


def read_key(path: Path, table: str, column: str, blob: bytes) -> Key:
    """Return the key that a column holds; raises CorruptStore for other bytes."""
    try:
        return unpack_key(blob)
    except struct.error as error:
        raise schema.wrong(path, table, column, _A_KEY, blob) from error


def read_row(path: Path, columns: Sequence[Any]) -> Row:
    """Return the outcome that a row holds; raises CorruptStore naming the column at fault."""
    key, function, item, shared, value, failed, observed, seconds, worker, attempts, depth = columns
    try:
        hashes = () if shared == "[]" else _hashes_in(shared)
        failure = None if failed is None else _failure_in(failed)
        return Row(
            unpack_key(key),
            function,
            item,
            hashes,
            value,
            failure,
            bool(observed),
            seconds,
            worker,
            attempts,
            depth,
        )
    except (ValueError, struct.error) as error:
        raise _damaged_row(path, columns) from error


_A_KEY = "a key, 8 bytes a number"


def _damaged_row(path: Path, columns: Sequence[Any]) -> CorruptStore:
    key, _, _, shared, _, failed, *_ = columns
    place = "key", _A_KEY, key
    with suppress(struct.error):
        unpack_key(key)
        place = "failure", "a JSON object with kind and message", failed
        try:
            _hashes_in(shared)
        except ValueError:
            place = "shared", "a JSON list of hashes", shared
    return schema.wrong(path, "outcome", *place)


def _hashes_in(text: str) -> tuple[str, ...]:
    """Return the list of texts that a column holds; raises ValueError for any other text."""
    found = _json(text)
    if not (isinstance(found, list) and all(isinstance(one, str) for one in found)):
        raise ValueError
    return tuple(found)


def _failure_in(text: str) -> Failure:
    """Return the failure that a column holds; raises ValueError for any other text."""
    fields = _json(text)
    try:
        failure = Failure(**fields)
    except TypeError:
        raise ValueError from None
    if not all(isinstance(value, str) for value in fields.values()):
        raise ValueError
    return failure


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
