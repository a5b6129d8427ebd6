"""The seal of a row: a hash over the table's name and all columns."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

SEAL_BYTES = 16


def seal(table: str, columns: Sequence[object]) -> bytes:
    """Return the seal of a row.

    `ascii` tells texts, bytes, numbers and None apart, ends each of them, and writes the same in
    every version of Python. A seal is no signature: it tells of accidents, not of intent.
    """
    text = ascii((table, *columns))
    return hashlib.blake2b(text.encode("ascii"), digest_size=SEAL_BYTES).digest()
