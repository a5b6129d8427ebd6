"""Rows of the last time, kept in this machine's cache: a first page needs not read every run.

The file is checked like any stranger's: one that is not as it would be written is as good as none.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from heliostat.contract.cache import default_cache_dir
from heliostat.errors import StoreError
from heliostat.store.entries import read_regular, write_fresh

MOST_BYTES = 64_000_000
PAUSE_SECONDS = 10.0
"""Least time between two writings: a run that goes on changes its row all the time."""
_FORM = 1

R = TypeVar("R")


def place_for(root: Path) -> Path:
    """Return the file that keeps the rows of a folder of runs."""
    name = hashlib.sha256(os.fsencode(root.absolute())).hexdigest()[:32]
    return default_cache_dir() / "ui" / f"{name}.json"


class Remembered:
    """Rows with what their files looked like; without a path nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._written: float | None = None

    def load(self, kind: type[R]) -> Mapping[str, tuple[tuple[int, ...], R]]:
        """Return the rows of the last time, none from a file that is not as it was written."""
        if self._path is None:
            return {}
        try:
            if self._path.stat().st_size > MOST_BYTES:
                return {}
            found = json.loads(read_regular(self._path))
            if found["form"] != _FORM:
                return {}
            reader = TypeAdapter(dict[str, tuple[tuple[int, ...], kind]])  # type: ignore[valid-type]
            rows: Mapping[str, tuple[tuple[int, ...], R]] = reader.validate_python(found["rows"])
            return rows
        except (OSError, StoreError, ValueError, RecursionError, KeyError, TypeError):
            return {}

    def save(self, rows: Mapping[str, tuple[tuple[int, ...], Any]]) -> None:
        """Keep rows for the next time, where there is room for them; not every time."""
        now, before = time.monotonic(), self._written
        if self._path is None or (before is not None and now < before + PAUSE_SECONDS):
            return
        self._written = now
        kept = {
            run: (signature, asdict(row)) for run, (signature, row) in rows.items() if _is_text(run)
        }
        with suppress(OSError, ValueError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_fresh(self._path, json.dumps({"form": _FORM, "rows": kept}).encode())


def _is_text(name: str) -> bool:
    """Return whether a name of a folder is text, and not bytes that Python carries as such."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
