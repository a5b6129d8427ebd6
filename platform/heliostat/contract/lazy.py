"""Public names of a package that are loaded when they are first used.

A method's package is imported to list it, so that it must not load a numerical library by itself.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def lazy_names(
    package: str, homes: Mapping[str, str], elsewhere: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package whose names lie in its modules.

    ``homes``: the module of each name, below the package, ``{"Trainer": "training.trainer"}``;
    ``elsewhere``: that of a name of another package, in full::

        __getattr__, __dir__ = lazy_names(__name__, _HOME)
    """

    modules = {name: f"{package}.{home}" for name, home in homes.items()} | dict(elsewhere or {})

    def found(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(modules[name]), name)

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules})

    return found, names
