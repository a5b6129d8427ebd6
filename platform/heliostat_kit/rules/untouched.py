"""Whether a plugin replaced something in Heliostat when it was imported.

What one plugin assigns to Heliostat's modules changes the runs of every other one, so all that they
hold is compared by identity before and after the import.
"""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

import heliostat
import heliostat_kit

_OWN = (heliostat, heliostat_kit)
_MEMBERS = (FunctionType, classmethod, staticmethod, property)


def platform_now() -> dict[str, tuple[Any, Any]]:
    """Return what Heliostat's modules and classes hold, by dotted name; loads all of them."""
    for package in _OWN:
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            with contextlib.suppress(ImportError):  # an extra that is not installed
                importlib.import_module(found.name)
    return dict(_held())


def replaced_since(before: Mapping[str, tuple[Any, Any]]) -> list[str]:
    """Return a sentence for each thing that is another one than before."""
    now = dict(_held())
    return [
        f"{name} {_became(now[name][0]) if name in now else 'was deleted'}"
        for name, (value, state) in before.items()
        if name not in now or now[name][0] is not value or now[name][1] != state
    ]


def _held() -> Iterator[tuple[str, tuple[Any, Any]]]:
    own = {package.__name__ for package in _OWN}
    modules = {
        name: module
        for name, module in sys.modules.items()
        if isinstance(module, ModuleType) and name.partition(".")[0] in own
    }
    for module_name, module in sorted(modules.items()):
        for name, value in list(vars(module).items()):
            if name.startswith("__"):
                continue
            yield f"{module_name}.{name}", (value, _state(name, value))
            if isinstance(value, type) and value.__module__ == module_name:
                for member, held in list(vars(value).items()):
                    if isinstance(held, _MEMBERS):
                        yield f"{module_name}.{name}.{member}", (held, _state(member, held))


def _state(name: str, value: Any) -> Any:
    """Return what of a value can change while it stays the same object."""
    if isinstance(value, FunctionType):
        return value.__code__, value.__defaults__
    if name.isupper() and isinstance(value, dict | list | set):
        return type(value)(value)
    return None


def _became(value: Any) -> str:
    module, name = getattr(value, "__module__", ""), getattr(value, "__qualname__", "")
    if not (isinstance(module, str) and isinstance(name, str) and name):
        return f"is now a {type(value).__name__}"
    return f"is now {name} of module {module}"
