"""The files of a run folder: regular files and folders, whatever else somebody put there.

A run folder may come from anywhere. A link in it would let a command write over a file of the
user's, a FIFO would keep it waiting for ever, so neither is opened.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from heliostat.errors import StoreError

_SAFE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def check_entries(folder: Path) -> None:
    """Raise StoreError for an entry that is no regular file or folder, naming it.

    The run folder itself may be reached through a link.
    """
    try:
        for inside in (folder, folder / "artifacts"):
            if inside != folder and not inside.is_dir():
                continue
            with os.scandir(inside) as entries:
                for entry in entries:
                    mode = entry.stat(follow_symlinks=False).st_mode
                    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                        raise _refused(Path(entry.path), mode)
    except FileNotFoundError:
        return  # a driver replaces its files while others look
    except OSError as error:
        raise StoreError(f"cannot read {folder}: {error.strerror}") from error


def open_regular(path: Path, flags: int) -> int:
    """Return the descriptor of a regular file; raises StoreError for a link, a FIFO or a device.

    Other reasons stay the OSError that they are.
    """
    try:
        descriptor = os.open(path, flags | _SAFE, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise _refused(path, path.lstat().st_mode) from error
        raise
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise _refused(path, mode)
    return descriptor


def read_regular(path: Path) -> bytes:
    """Return the content of a regular file; raises as `open_regular` does."""
    with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
        return file.read()


def write_fresh(path: Path, content: bytes) -> None:
    """Put a file in place whole, by way of a new one beside it, whatever had the name before."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE, 0o666)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()  # half a file would keep a full disk full
        raise


def _refused(path: Path, mode: int) -> StoreError:
    kinds = {stat.S_IFLNK: "a link", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
    kind = kinds.get(stat.S_IFMT(mode), "a folder" if stat.S_ISDIR(mode) else "a device")
    return StoreError(
        f"{path} is {kind}; a run folder holds regular files and folders alone, so this one is "
        "not used"
    )
