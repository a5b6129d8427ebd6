"""Which code made a run: the hash of every source file of method, searches and core."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path


def sources(packages: Iterable[str]) -> dict[str, str]:
    """Return {package/relative path: SHA-256} of the Python files of these packages or modules."""
    found: dict[str, str] = {}
    for package in sorted(set(packages)):
        origin, is_package = _origin(package)
        if origin is None:
            continue
        if not is_package:
            files = [(package, origin)]
        else:
            root = origin.parent
            files = [
                (f"{package}/{path.relative_to(root).as_posix()}", path)
                for path in sorted(root.rglob("*.py"))
            ]
        for name, path in files:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _origin(package: str) -> tuple[Path | None, bool]:
    if package == "__main__":  # a script that starts a run has no import spec
        file = getattr(sys.modules["__main__"], "__file__", None)
        return (None if file is None else Path(file)), False
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None, False
    return Path(spec.origin), spec.submodule_search_locations is not None


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
