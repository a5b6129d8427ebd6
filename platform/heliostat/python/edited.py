"""Code that was edited while a process has the older one loaded: a notebook lives longer than that.

A run records its code by the files as they are; what runs is what was imported. So a process that
has started a run refuses the next one once a module that it has loaded is another on disk.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from heliostat.errors import PluginError

_loaded_as: dict[str, str] = {}
"""The hash of each file when a run of this process first used it."""


def check_as_loaded(files: Mapping[str, str]) -> None:
    """Raise PluginError for the first file that changed since this process used it in a run.

    `files` are hashes by package and path, as a run's record has them.
    """
    for name, sha256 in files.items():
        if _loaded_as.get(name, sha256) != sha256 and _module(name) in sys.modules:
            raise PluginError(
                f"{name} was edited, and this process has the older code loaded; start Python "
                "anew (in a notebook: restart the kernel)"
            )
        _loaded_as[name] = sha256


def _module(name: str) -> str:
    """Return the module that a file `package/path.py` is."""
    return name.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
