"""A run's metrics as event files that TensorBoard opens; nothing of it is needed to write them.

An event file is a sequence of records: length, check of the length, message, check of the message.
The message is a protocol buffer, of which a scalar needs four fields (tensorflow/core, event.proto
and summary.proto; record format in tensorflow/core/lib/io/record_writer.h).
"""

from __future__ import annotations

import math
import shutil
import struct
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from heliostat.errors import StoreError, key_text
from heliostat.store.view import RunView

VERSION = b"brain.Event:2"
_POLYNOMIAL = 0x82F63B78  # CRC-32C (Castagnoli), bits reversed
_WHOLE, _DOUBLE, _BYTES, _FLOAT = 0, 1, 2, 5  # wire types of protocol buffers


def write_events(view: RunView, folder: Path) -> Path:
    """Write a run's metrics into a new folder below `folder`, and a sub-search's below that.

    All events bear the time at which the run began. Raises StoreError when the run reported none,
    or the folder exists or cannot be written.
    """
    scopes = view.scopes()
    if not scopes:
        raise StoreError(f"run {view.id} reported no metrics")
    path = folder / view.id
    if path.exists():
        raise StoreError(f"{path} exists already; choose another folder")
    partial = folder / f".{view.id}.part"
    try:
        for scope in scopes:
            below = partial / key_text(scope) if scope else partial
            below.mkdir(parents=True, exist_ok=True)
            name = f"events.out.tfevents.{int(view.created)}.heliostat"
            points = (
                (step, name, value)
                for name, values in view.metrics(scope).items()
                for step, value in values
            )
            with open(below / name, "wb") as file:
                file.writelines(_events(view.created, points))
        partial.rename(path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return path


def _events(time: float, points: Iterable[tuple[int, str, float]]) -> Iterator[bytes]:
    at = _field(1, _DOUBLE, struct.pack("<d", time))
    yield _record(at + _bytes(3, VERSION))
    for step, name, value in points:
        scalar = _bytes(1, name.encode()) + _field(2, _FLOAT, _single(value))
        yield _record(at + _field(2, _WHOLE, _whole(step)) + _bytes(5, _bytes(1, scalar)))


def _record(message: bytes) -> bytes:
    length = struct.pack("<Q", len(message))
    return length + _check(length) + message + _check(message)


def _check(content: bytes) -> bytes:
    """Return the masked CRC-32C of a record's part."""
    value = crc32c(content)
    return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def crc32c(content: bytes) -> int:
    """Return the CRC-32C of some bytes."""
    table, value = _table(), 0xFFFFFFFF
    for byte in content:
        value = table[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


@cache
def _table() -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        return value

    return tuple(map(entry, range(256)))


def _field(number: int, kind: int, content: bytes) -> bytes:
    return _whole(number << 3 | kind) + content


def _bytes(number: int, content: bytes) -> bytes:
    return _field(number, _BYTES, _whole(len(content)) + content)


def _whole(value: int) -> bytes:
    """Return a number in groups of seven bits, negative ones in 64 bits."""
    value &= (1 << 64) - 1
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def _single(value: float) -> bytes:
    try:
        return struct.pack("<f", value)
    except OverflowError:  # TensorBoard's scalars have single precision
        return struct.pack("<f", math.copysign(math.inf, value))
