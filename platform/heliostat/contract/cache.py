"""This machine's folder for what is computed once and kept: compiled kernels and tables."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "HELIOSTAT_CACHE"


def default_cache_dir() -> Path:
    """Return the folder that the user named, or else the one of the system; it may not exist."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given)
    import platformdirs

    return Path(platformdirs.user_cache_dir("heliostat"))
