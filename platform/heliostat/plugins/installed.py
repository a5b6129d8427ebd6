"""Installed plugins as their distributions declare them; nothing is imported here.

A file of entry points that is malformed and names the plugins' group is found with its problem.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any, NamedTuple

from heliostat.distributions import (
    ENTRY_POINTS,
    EntryPointFile,
    Line,
    entry_point_file,
    is_object_reference,
)

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
        file = entry_point_file(distribution)
        if file is None or prefix not in file.text:
            continue
        name, version = _identity(distribution)
        plain = plain_name(name)
        if plain not in seen:
            seen.append(plain)
            found += _lines(file, prefix, name, version)
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
            path = os.path.join(about, ENTRY_POINTS)
            try:
                if not stat.S_ISREG(os.stat(path).st_mode):
                    continue
                with open(path, "rb") as file:
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


def _lines(file: EntryPointFile, prefix: str, name: str, version: str) -> Iterator[Declared]:
    if file.problem:  # what it meant to say of whom is lost
        yield Declared(name, "", "", name, version, f"{file.path} is malformed: {file.problem}")
        return
    for line in file.lines():
        if line.group.startswith(prefix):
            yield Declared(line.name, line.value, line.group, name, version, _problem(line))


def _problem(line: Line) -> str:
    if not re.match(_NAME, line.name):
        return f"{line.name!r} is no plugin name; expected letters, digits, '_', '-' and '.'"
    if not is_object_reference(line.value):
        return f"{line.value!r} is no entry point; expected module or module:object"
    return ""
