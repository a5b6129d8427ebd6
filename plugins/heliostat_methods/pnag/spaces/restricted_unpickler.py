"""Reading the pickles of nas-bench-graph without running anything that they name.

A pickle may call any function it names. The two names that these files use stand here for our own
stand-ins, which make 64-bit floats; everything else is refused.
"""

from __future__ import annotations

import io
import pickle
import struct
from typing import Any

from heliostat.errors import DataError


class _Float64Kind:
    """Stand-in for `numpy.dtype`: little-endian 64-bit floats, and nothing else."""

    def __init__(self, kind: object, align: object = False, copy: object = False) -> None:
        if kind != "f8":
            raise DataError(f"a number of kind {kind!r:.40}; only 64-bit floats (f8) are read")

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or state[1] != "<":
            raise DataError("a number that is not stored as a little-endian 64-bit float")


def _float64(kind: object, data: object) -> float:
    """Stand-in for `numpy.core.multiarray.scalar`."""
    if not isinstance(kind, _Float64Kind) or not isinstance(data, bytes) or len(data) != 8:
        raise DataError("a number that is not a 64-bit float of 8 bytes")
    value: float = struct.unpack("<d", data)[0]
    return value


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "scalar"): _float64,
    ("numpy._core.multiarray", "scalar"): _float64,
    ("numpy", "dtype"): _Float64Kind,
}


class _Restricted(pickle.Unpickler):
    """An unpickler that knows the names of `_ALLOWED` alone."""

    def find_class(self, module: str, name: str) -> Any:
        found = _ALLOWED.get((module, name))
        if found is None:
            raise DataError(f"it names {module}.{name}, which is never loaded from a file")
        return found

    def persistent_load(self, pid: Any) -> Any:
        raise DataError("it refers to objects outside the file")


def read_numbers(content: bytes, source: str) -> object:
    """Return the plain values (dict, list, str, int, float) that a pickle holds.

    Raises DataError naming `source` for a damaged file, and for one that names anything besides
    NumPy's 64-bit float scalars.
    """
    try:
        return _Restricted(io.BytesIO(content)).load()
    except DataError as error:
        raise DataError(f"{source} is not read: {error}") from None
    # A damaged pickle can fail in nearly any way: with KeyError, UnicodeDecodeError, MemoryError.
    except Exception as error:
        raise DataError(f"{source} is no readable pickle ({type(error).__name__})") from None
