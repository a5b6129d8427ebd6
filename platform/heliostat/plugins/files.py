"""Plugins that are named without being installed: a module, an object in one, or a file.

A file is imported under its own name; its folder goes to the end of the path, behind all that is
installed, in the driver and in workers.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from heliostat.errors import ConfigError
from heliostat.plugins.modules import find_module, missing_part

_SUFFIX = ".py"


def is_file(entry: str) -> bool:
    """Return whether an entry names a file: `coin.py`, `./coin.py`, `coin.py:plugin`."""
    path = _parts(entry)[0]
    return path.endswith(_SUFFIX) or os.sep in path


def absolute(entry: str) -> str:
    """Return the entry as it is meant from here; processes elsewhere have other folders."""
    if not is_file(entry):
        return entry
    path, inside = _parts(entry)
    return os.path.abspath(path) + inside


def module_of(entry: str) -> str:
    """Return the module, or module:object, that an entry names; the folder of a file is reached."""
    if not is_file(entry):
        return entry
    path, inside = _parts(entry)
    folder = os.path.dirname(os.path.abspath(path))
    if folder not in sys.path and os.path.isdir(folder):
        sys.path.append(folder)
        importlib.invalidate_caches()
    return Path(path).stem + inside


def check(entry: str, field: str) -> None:
    """Raise ConfigError for an entry that names nothing that can be imported."""
    path, _ = _parts(entry)
    if not is_file(entry):
        missing = missing_part(path)
        if missing is not None:
            raise ConfigError(field, entry, "a module that Python finds, or a file", missing)
        return
    name = Path(path).stem
    if not os.path.isfile(path) or not path.endswith(_SUFFIX):
        raise ConfigError(field, entry, "a Python file that is there")
    if not name.isidentifier():
        raise ConfigError(field, entry, "a file whose name is a name of Python", "rename it")
    found = find_module(module_of(path))
    origin = None if found is None else found.origin
    if origin is None or not os.path.samefile(origin, path):
        expected = "a file whose name no other module has"
        raise ConfigError(field, entry, expected, f"{name} is {origin or 'built in'}; rename it")


def _parts(entry: str) -> tuple[str, str]:
    """Return the module or path, and `:object` where the entry has one."""
    path, colon, inside = entry.partition(":")
    return path, colon + inside
