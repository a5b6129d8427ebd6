"""The file system in memory that Ray keeps shared data in: whether this machine's has room."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
SHARED_BYTES = 256 << 20
"""Free bytes that a session needs; a container has 64 MB unless it is told otherwise."""
ALLOWED_SLOW = "RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE"
MEND = "give {} 256 MB or more (docker run --shm-size=1g)"


def too_small(path: Path = SHARED_MEMORY) -> str:
    """Return what is wrong with it and the mend; nothing where it will do, or slow files may."""
    if not path.exists() or os.environ.get(ALLOWED_SLOW):
        return ""
    free = shutil.disk_usage(path).free
    if free >= SHARED_BYTES:
        return ""
    return f"{path} has only {free / 1e6:.0f} MB free for shared data: {MEND.format(path)}"
