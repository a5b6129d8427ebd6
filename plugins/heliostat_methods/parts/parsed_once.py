"""Arrays that took long to read, kept in this machine's cache folder by what they were read from.

The key is the SHA-256 of the file and the version of the reader, so another file, or a reader that
reads otherwise, never finds them. Nothing is unpickled. A cache that cannot be written or read is
as good as none.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.contract.cache import default_cache_dir
from heliostat_methods.parts.distributions import sha256_of

Arrays = Mapping[str, NDArray[Any]]


def parsed_once(file: Path, reader: str, read: Callable[[], Arrays]) -> Arrays:
    """Return what `read` makes of a file: kept from an earlier time, or read now and kept.

    `reader` names the reader and its version: what it makes depends on them and on the file alone.
    """
    kept = default_cache_dir() / "datasets" / f"{reader}-{sha256_of(file)[:32]}.npz"
    found = _loaded(kept)
    if found is None:
        found = read()
        _keep(kept, found)
    return found


def _loaded(kept: Path) -> Arrays | None:
    if not kept.is_file():
        return None
    try:
        with np.load(kept, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    # A file that was cut or changed is read anew; numpy fails in many ways over one.
    except Exception:
        return None


def _keep(kept: Path, arrays: Arrays) -> None:
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=kept.parent, suffix=".part")
        try:
            with os.fdopen(number, "wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
            os.replace(name, kept)  # whole or not at all, whoever else writes it
        except BaseException:
            os.unlink(name)
            raise
