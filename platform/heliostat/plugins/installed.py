"""Installed plugins as their distributions declare them; nothing is imported here.

The standard library's `entry_points()` ends with an error when one installed file is malformed, so
every distribution is read by itself and a malformed one is found with its problem.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from importlib import metadata

_NAME = r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,126}[A-Za-z0-9_])?\Z"


class Declared(NamedTuple):
    """One line under an entry point group; `problem` says why it can never be loaded.

    A file in which no lines can be told apart is one that has its distribution's name and no group.
    """

    name: str
    value: str
    group: str
    distribution: str
    version: str
    problem: str = ""

    def load(self) -> Any:
        """Import the module and return it, or the object in it that the line names."""
        from importlib import metadata

        return metadata.EntryPoint(self.name, self.value, self.group).load()


def declared(prefix: str) -> list[Declared]:
    """Return what installed distributions declare under groups with this prefix, by name.

    Of a distribution that is found twice, the first on the path counts, as for imports.
    """
    if not _anywhere(prefix):
        return []
    from importlib import metadata  # help shows no plugin where there is none, and is quick

    found: list[Declared] = []
    seen: list[str] = []
    for distribution in metadata.distributions():
        try:
            text = distribution.read_text("entry_points.txt") or ""
        except (OSError, ValueError):  # unreadable, or no UTF-8: it cannot be said whose it is
            continue
        if prefix not in text:
            continue
        name, version = _identity(distribution)
        plain = plain_name(name)
        if plain not in seen:
            seen.append(plain)
            found += _lines(distribution, prefix, name, version)
    return sorted(found, key=lambda d: (d.name, d.distribution, d.value))


def _anywhere(prefix: str) -> bool:
    """Return whether any file of entry points may hold the prefix: a look at their bytes.

    Where distributions are found in another way than in folders of the path, any may.
    """
    if any(hasattr(f, "find_distributions") and f is not PathFinder for f in sys.meta_path):
        return True
    wanted = prefix.encode()
    for folder in dict.fromkeys(sys.path):
        try:
            if not os.path.isdir(folder or "."):
                if os.path.isfile(folder):  # an archive
                    return True
                continue
            with os.scandir(folder or ".") as entries:
                abouts = [e.path for e in entries if e.name.endswith((".dist-info", ".egg-info"))]
        except OSError:
            continue
        for about in abouts:
            try:
                with open(os.path.join(about, "entry_points.txt"), "rb") as file:
                    if wanted in file.read():
                        return True
            except OSError:
                continue
    return False


def plain_name(distribution: str) -> str:
    """Return a distribution's name as installers compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _identity(distribution: metadata.Distribution) -> tuple[str, str]:
    folder = os.path.basename(str(getattr(distribution, "_path", "unknown")))
    try:
        return distribution.metadata["Name"] or folder, distribution.metadata["Version"] or ""
    except Exception:  # damaged METADATA: another library's parser, on a stranger's file
        return folder, ""


def _lines(
    distribution: metadata.Distribution, prefix: str, name: str, version: str
) -> Iterator[Declared]:
    try:
        points = list(distribution.entry_points)
    except Exception:  # as above; what it meant to say of whom is lost
        problem = "entry_points.txt is malformed; expected lines such as name = module:object"
        yield Declared(name, "", "", name, version, problem)
        return
    for point in points:
        if point.group.startswith(prefix):
            yield Declared(point.name, point.value, point.group, name, version, _problem(point))


def _problem(point: metadata.EntryPoint) -> str:
    if not re.match(_NAME, point.name):
        return f"{point.name!r} is no plugin name; expected letters, digits, '_', '-' and '.'"
    if not point.pattern.match(point.value):
        return f"{point.value!r} is no entry point; expected module or module:object"
    return ""
