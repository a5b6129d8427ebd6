"""This machine's folder for what is computed once and kept: compiled kernels and tables.

Every cache of a process lies below one folder, and which one is decided here: the folder that the
user named, or that of the system, or a private temporary one where that cannot be written. A home
that is missing or read-only therefore costs time at most, and never a run.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import tempfile
from functools import lru_cache
from pathlib import Path

CACHE_VARIABLE = "HELIOSTAT_CACHE"
"""Names the folder of all caches."""


def default_cache_dir() -> Path:
    """Return the folder of all caches of this process; it may not exist, but can be written."""
    return usable(_wanted())


def usable(wanted: Path) -> Path:
    """Return a folder of caches, or the private temporary one where it cannot be written."""
    return wanted if can_be_written(wanted) else private_folder()


def told_of_another(folder: Path) -> str:
    """Return what a user has to know of a folder that had to be used in place of the usual one."""
    wanted = _wanted()
    if folder == wanted.absolute() or not _is_private(folder):
        return ""
    return (
        f"the cache folder {wanted} cannot be written; what is compiled is kept in {folder}, for "
        f"as long as that lasts ({CACHE_VARIABLE} names another folder)"
    )


def prepare_caches(folder: Path) -> None:
    """Set the variables of libraries that keep caches of their own, before they load."""
    # torch makes a folder in /tmp as soon as its compiler is imported
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder / "torch")
    if _is_private(folder):  # elsewhere they know themselves
        os.environ.setdefault("MPLCONFIGDIR", str(folder / "matplotlib"))
        os.environ.setdefault("TRITON_CACHE_DIR", str(folder / "triton"))


def for_other_nodes(folder: Path) -> str:
    """Return a folder as every node understands it: another node's user has another home."""
    home = _home()
    if home is not None and folder.is_relative_to(home):
        return str(Path("~") / folder.relative_to(home))
    return str(folder)


def on_this_node(text: str) -> Path:
    """Return the folder that `for_other_nodes` said, or the private one where it is of no use."""
    return usable(Path(os.path.expanduser(text)))


def _wanted() -> Path:
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given)
    import platformdirs

    try:
        return Path(platformdirs.user_cache_dir("heliostat"))
    except RuntimeError:  # no HOME, and a user whom the system does not know
        return Path("~/.cache/heliostat")


def _home() -> Path | None:
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home if home.is_absolute() and home != Path("/") else None


def can_be_written(folder: Path) -> bool:
    """Return whether a folder can be written, or made where it is not there yet."""
    if str(folder).startswith("~"):  # nobody's home, left as it was written
        return False
    try:
        for place in (folder.absolute(), *folder.absolute().parents):
            if os.path.lexists(place):
                return place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    except (OSError, ValueError):  # too long for a path, or a NUL in it
        pass
    return False


def private_folder() -> Path:
    """Return this user's folder below the one for temporary files, which nobody else can enter.

    Its name is the same for all processes of a user, so that they find each other's kernels. Where
    somebody else has taken the name, this process makes one that it removes at its end.
    """
    folder = Path(tempfile.gettempdir()) / _private_name()
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
        if own and not found.st_mode & 0o077:
            return folder
    except OSError:
        pass
    return _of_this_process(os.getpid())


def _private_name() -> str:
    return f"heliostat-cache-{os.getuid()}"


def _is_private(folder: Path) -> bool:
    # by name first: to know the temporary folder Python writes a file into it
    named = folder.name.startswith(_private_name())
    return named and folder.parent == Path(tempfile.gettempdir())


@lru_cache(maxsize=1)
def _of_this_process(pid: int) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"{_private_name()}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
