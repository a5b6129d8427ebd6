"""Files that a user names: regular ones, since a FIFO or a device would be waited for for ever."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

_KINDS = {
    stat.S_IFIFO: "it is a FIFO",
    stat.S_IFSOCK: "it is a socket",
    stat.S_IFCHR: "it is a device",
    stat.S_IFBLK: "it is a device",
}


def regular_file(path: Path) -> Path:
    """Return the path to be opened; raises OSError for what is neither a file nor a folder."""
    kind = _KINDS.get(stat.S_IFMT(path.stat().st_mode))
    if kind is not None:
        raise OSError(errno.EINVAL, f"{kind}, and no regular file", str(path))
    return path
