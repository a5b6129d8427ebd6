"""Installed plugins as their distributions declare them; nothing is imported here.

The standard library's `entry_points()` ends with an error when one installed file is malformed, so
every distribution is read by itself and a malformed one is found with its problem.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,126}[A-Za-z0-9_])?\Z")


@dataclass(frozen=True)
class Declared:
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
        return metadata.EntryPoint(self.name, self.value, self.group).load()


def declared(prefix: str) -> list[Declared]:
    """Return what installed distributions declare under groups with this prefix, by name.

    Of a distribution that is found twice, the first on the path counts, as for imports.
    """
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


def plain_name(distribution: str) -> str:
    """Return a distribution's name as installers compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _identity(distribution: metadata.Distribution) -> tuple[str, str]:
    folder = Path(str(getattr(distribution, "_path", "unknown"))).name
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
    if not _NAME.match(point.name):
        return f"{point.name!r} is no plugin name; expected letters, digits, '_', '-' and '.'"
    if not metadata.EntryPoint.pattern.match(point.value):
        return f"{point.value!r} is no entry point; expected module or module:object"
    return ""
