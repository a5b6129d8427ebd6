"""Drawn glyphs kept in this machine's cache folder, and mapped into memory instead of read.

The key is the SHA-256 of all that decides a pixel: the font's bytes, face, size, scale,
supersampling, the characters in their order, and the versions of what draws. So another font or
setting never finds them. A cache that cannot be written or read is as good as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heliostat.contract.cache import default_cache_dir
from heliostat_methods.strokegan.fonts.errors import FontError

LAYOUT = 1
"""Goes up when pictures are drawn otherwise than before."""

Glyphs = NDArray[np.uint8]


def digest_of_file(file: Path) -> str:
    """Return the SHA-256 of a file; raises `FontError` where it cannot be read."""
    try:
        with file.open("rb") as opened_file:
            return hashlib.file_digest(opened_file, "sha256").hexdigest()
    except OSError as error:
        raise FontError(f"font file {file} cannot be read: {error.strerror or error}") from None


def glyph_key(
    font: str, settings: Sequence[float], chars: Sequence[str], engine: Sequence[str]
) -> str:
    """Return the key of some pictures: `font` is the file's SHA-256."""
    parts = [LAYOUT, font, list(settings), "".join(chars), list(engine)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def kept_glyphs(key: str, shape: tuple[int, int, int], draw: Callable[[Glyphs], None]) -> Glyphs:
    """Return pictures (N, px, px), read-only: kept from an earlier time, or drawn now and kept.

    `draw` fills an array of that shape.
    """
    kept = default_cache_dir() / "glyphs" / f"{key[:32]}.npy"
    found = _mapped(kept, shape)
    if found is None:
        drawn = np.empty(shape, np.uint8)
        draw(drawn)
        drawn.flags.writeable = False
        _keep(kept, drawn)
        found = _mapped(kept, shape)
        return drawn if found is None else found
    return found


def _mapped(kept: Path, shape: tuple[int, int, int]) -> Glyphs | None:
    try:
        found = np.load(kept, mmap_mode="r", allow_pickle=False)
    # A file that was cut or changed is drawn anew; numpy fails in many ways over one.
    except Exception:
        return None
    return found if found.shape == shape and found.dtype == np.uint8 else None


def _keep(kept: Path, pictures: Glyphs) -> None:
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=kept.parent, suffix=".part")
        try:
            # Written, not mapped: a full disk is an error here and would end the process there.
            with os.fdopen(number, "wb") as file:
                np.save(file, pictures)
            os.replace(name, kept)  # whole or not at all, whoever else writes it
        except BaseException:
            os.unlink(name)
            raise
