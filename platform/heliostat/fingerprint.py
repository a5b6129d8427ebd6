"""Which code made a run: the hash of every source file of method, searches, tasks and core."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from heliostat.numerics import LIBRARIES

SUFFIXES = (".py", ".so", ".pyd", ".c", ".cc", ".cpp", ".cxx", ".h", ".hpp")
METHODS = "heliostat_methods"
"""The built-in methods: none of them imports another, so each is a package by itself."""
_BY_VERSION = frozenset(LIBRARIES.values())


def packages_of(modules: Iterable[str]) -> list[str]:
    """Return the outermost packages that these modules belong to, each once.

    What every run records by its version is left out: the standard library, and the libraries that
    `heliostat.numerics` names.
    """
    found: dict[str, None] = {}
    for module in modules:
        package, _, rest = module.partition(".")
        if package == METHODS and rest:
            package = f"{METHODS}.{rest.partition('.')[0]}"
        if package and package not in sys.stdlib_module_names and package not in _BY_VERSION:
            found[package] = None
    return list(found)


def sources(packages: Iterable[str]) -> dict[str, str]:
    """Return {package/relative path: SHA-256} of the source files of these packages or modules."""
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for package in sorted(set(packages))
        for name, path in _files(package)
    }


def without_source(packages: Iterable[str], files: Mapping[str, str]) -> list[str]:
    """Return the packages that none of these files belong to: no change of theirs is noticed."""
    there = {name.partition("/")[0] for name in files}
    return [package for package in sorted(set(packages)) if package not in there]


def _files(package: str) -> list[tuple[str, Path]]:
    found: dict[str, Path] = {}
    file, folders = _origin(package)
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            hidden = any(part.startswith(".") for part in inside.parts)  # cannot be imported
            if path.suffix in SUFFIXES and not hidden and path.is_file():
                found.setdefault(f"{package}/{inside.as_posix()}", path)
    if file is not None and not folders:
        found[package] = file
    return list(found.items())


def _origin(package: str) -> tuple[Path | None, list[Path]]:
    """Return the file of a module, or the folders of a package: several if it is a namespace."""
    try:
        spec = None if package == "__main__" else importlib.util.find_spec(package)
    except (ImportError, ValueError, AttributeError):  # a module made by hand has no spec
        spec = None
    if spec is not None and spec.submodule_search_locations is not None:
        return None, [Path(folder) for folder in spec.submodule_search_locations]
    # a script that starts a run has no import spec
    file = spec.origin if spec else getattr(sys.modules.get(package), "__file__", None)
    return (Path(file) if file is not None and Path(file).is_file() else None), []


def fingerprint(files: Mapping[str, str]) -> str:
    """Return one hash for all source files."""
    text = "\n".join(f"{name} {files[name]}" for name in sorted(files))
    return hashlib.sha256(text.encode()).hexdigest()


def first_difference(stored: Mapping[str, str], now: Mapping[str, str]) -> str | None:
    """Return the first file that differs, in order of names, or None."""
    for name in sorted({*stored, *now}):
        if stored.get(name) != now.get(name):
            if name not in now:
                return f"{name} (gone)"
            return name if name in stored else f"{name} (new)"
    return None
