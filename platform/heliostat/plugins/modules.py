"""Where modules are, found without importing any: not even the packages that they lie in."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec

from heliostat.errors import nearest


def find_module(name: str) -> ModuleSpec | None:
    """Return where a module is, or None for one that is not there."""
    found: ModuleSpec | None = None
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        inside = None if found is None else found.submodule_search_locations
        if count > 1 and inside is None:
            return None
        found = _find(".".join(parts[:count]), inside)
        if found is None:
            return None
    return found


def missing_part(name: str) -> str | None:
    """Return what is missing of a module's name, with the nearest that is there, None if nothing.

    A module that was made by hand is there as well.
    """
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        part = ".".join(parts[:count])
        if part not in sys.modules and find_module(part) is None:
            close = nearest(parts[count - 1], _beside(parts[: count - 1]))
            hint = f"; did you mean {'.'.join([*parts[: count - 1], close])!r}?" if close else ""
            return f"there is no {part!r} on the path{hint}"
    return None


def _find(name: str, inside: Sequence[str] | None) -> ModuleSpec | None:
    loaded = getattr(sys.modules.get(name), "__spec__", None)
    if isinstance(loaded, ModuleSpec):
        return loaded
    for finder in sys.meta_path:
        try:
            found = finder.find_spec(name, inside)
        except Exception:  # a stranger's finder, or a name that no module can have
            continue
        if found is not None:
            return found
    return None


def _beside(package: list[str]) -> list[str]:
    import pkgutil

    folders: Sequence[str] | None = None
    if package:
        found = find_module(".".join(package))
        folders = (found and found.submodule_search_locations) or []
    return [module.name for module in pkgutil.iter_modules(folders)]
