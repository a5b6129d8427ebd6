"""Which code made a run: the content of the source files that can change its result.

Those are the core's rooms that values pass through, the searches, and a method without what only
shows its results. Files are compared by content: one that moved is no other code.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from heliostat.worker.numerics import LIBRARIES

SUFFIXES = (".py", ".so", ".pyd", ".c", ".cc", ".cpp", ".cxx", ".h", ".hpp")
CORE = "heliostat"
DECIDING = ("values", "contract", "engine", "worker", "store")
"""The core's rooms that can change a result; the others bring work there and show what came."""
SHOWING = ("report", "commands")
"""Modules or folders at the root of a method that show results: no part of a run's identity."""
HANDING_OVER = ("__init__", "method", "plugin")
"""Modules at the root of a method that may import what shows; from another it makes results."""
_BY_VERSION = frozenset(LIBRARIES.values())


def packages_of(modules: Iterable[str], collections: Iterable[str] = ()) -> list[str]:
    """Return the outermost packages that these modules belong to, each once.

    A collection is a package of packages, none of which imports another, so each of them counts by
    itself. What every run records by its version is left out: the standard library, and the
    libraries that `heliostat.worker.numerics` names.
    """
    found: dict[str, None] = {}
    for module in modules:
        package, _, rest = module.partition(".")
        if package in collections and rest:
            package = f"{package}.{rest.partition('.')[0]}"
        if package and package not in sys.stdlib_module_names and package not in _BY_VERSION:
            found[package] = None
    return list(found)


def sources(packages: Iterable[str]) -> dict[str, str]:
    """Return {package/relative path: SHA-256} of what can change a result in these packages."""
    found: dict[str, str] = {}
    for package in sorted(set(packages)):
        files = {name: path.read_bytes() for name, path in _files(package)}
        for name in _deciding(package, files):
            found[name] = hashlib.sha256(files[name]).hexdigest()
    return found


def without_source(packages: Iterable[str], files: Mapping[str, str]) -> list[str]:
    """Return the packages that none of these files belong to: no change of theirs is noticed."""
    there = {name.partition("/")[0] for name in files}
    return [package for package in sorted(set(packages)) if package not in there]


def _deciding(package: str, files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield the files of a package without those that only show what was found."""
    root = {name: name.removeprefix(f"{package}/").split("/")[0].split(".")[0] for name in files}
    if package == CORE:
        yield from (name for name in files if root[name] in DECIDING)
        return
    used = _imports_of(package)
    makes = any(
        used.search(content)
        for name, content in files.items()
        if root[name] not in (*SHOWING, *HANDING_OVER)
    )
    yield from (name for name in files if makes or root[name] not in SHOWING)


def _imports_of(package: str) -> re.Pattern[bytes]:
    """Return what finds an import of a showing module: report or commands of this package."""
    own, shown = re.escape(package), "|".join(SHOWING)
    return re.compile(
        rf"^\s*(from\s+({own})?\.({shown})\b|from\s+({own}|\.)\s+import\s[^\n]*\b({shown})\b"
        rf"|import\s+{own}\.({shown})\b)".encode(),
        re.MULTILINE,
    )


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
    """Return one hash for the contents of all source files, wherever they lie."""
    return hashlib.sha256("\n".join(sorted({*files.values()})).encode()).hexdigest()


def first_difference(stored: Mapping[str, str], now: Mapping[str, str]) -> str | None:
    """Return the first file, in order of names, whose content the other side has nowhere."""
    for name in sorted({*stored, *now}):
        gone = name in stored and stored[name] not in now.values()
        new = name in now and now[name] not in stored.values()
        if gone and name not in now:
            return f"{name} (gone)"
        if new and name not in stored:
            return f"{name} (new)"
        if gone or new:
            return name
    return None
