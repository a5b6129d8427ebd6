"""An array of pixels as the bytes of a PNG file, for a report's images.

References: PNG specification, third edition (W3C 2025): chunks, colour types 0 and 2, filter 0.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

from heliostat.contract.sections import PNG_BEGINS
from heliostat.errors import PluginError, shown

_GREY, _COLOURS = 0, 2
_BITS = 8


def png(pixels: Any) -> bytes:
    """Return the PNG of whole numbers 0 to 255: (height, width) grey or (height, width, 3) colours.

    pixels: a NumPy array of uint8, or what has its `dtype`, `shape` and `tobytes`. Equal pixels
    give equal bytes with equal zlib. Raises PluginError for another type or shape.
    """
    shape = tuple(getattr(pixels, "shape", ()))
    kind = str(getattr(pixels, "dtype", type(pixels).__name__))
    fits = len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)
    if kind != "uint8" or not fits or 0 in shape:
        raise PluginError(
            f"png: {kind} of shape {shown(shape)}, expected uint8 of shape (height, width) or "
            "(height, width, 3)"
        )
    height, width = int(shape[0]), int(shape[1])
    flat, row = pixels.tobytes(), width * (3 if len(shape) == 3 else 1)
    # a filter's number begins each row: 0 takes pixels as they are
    rows = b"".join(b"\0" + flat[at : at + row] for at in range(0, height * row, row))
    colours = _COLOURS if len(shape) == 3 else _GREY
    head = struct.pack(">IIBBBBB", width, height, _BITS, colours, 0, 0, 0)
    body = zlib.compress(rows, 9)
    return PNG_BEGINS + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
