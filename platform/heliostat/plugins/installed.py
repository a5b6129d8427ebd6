"""Installed plugins as their distributions declare them; nothing is imported here.

The standard library's `entry_points()` ends with an error when one installed file is malformed, so
every distribution is read by itself and a malformed one is found with its problem.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Any

_SECTION = re.compile(r"\[(?P<group>[^\]]*)\]\s*\Z")
_VALUE = re.compile(
    r"(?P<module>[^\W\d]\w*(\.[^\W\d]\w*)*)"
    r"(\s*:\s*(?P<attribute>[^\W\d]\w*(\.[^\W\d]\w*)*))?\s*(\[.*\])?\Z"
)
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,126}[A-Za-z0-9_])?\Z")


@dataclass(frozen=True)
class Declared:
    """One line under an entry point group; `problem` says why it can never be loaded."""

    name: str
    value: str
    group: str
    distribution: str
    version: str
    problem: str = ""

    def load(self) -> Any:
        """Import the module and return it, or the object in it that the line names."""
        match = _VALUE.match(self.value)
        if match is None:
            raise ValueError(_not_a_value(self.value))
        found: Any = importlib.import_module(match["module"])
        for name in (match["attribute"] or "").split("."):
            found = getattr(found, name) if name else found
        return found


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
            found += _lines(text, prefix, name, version)
    return sorted(found, key=lambda d: (d.name, d.distribution, d.value))


def plain_name(distribution: str) -> str:
    """Return a distribution's name as installers compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _identity(distribution: metadata.Distribution) -> tuple[str, str]:
    folder = str(getattr(distribution, "_path", "unknown")).rpartition("/")[2]
    try:
        return distribution.metadata["Name"] or folder, distribution.metadata["Version"] or ""
    except Exception:  # damaged METADATA: another library's parser, on a stranger's file
        return folder, ""


def _lines(text: str, prefix: str, distribution: str, version: str) -> Iterator[Declared]:
    group = ""
    for line in map(str.strip, text.splitlines()):
        if not line or line[0] in "#;":
            continue
        section = _SECTION.match(line)
        if section is not None:
            group = section["group"].strip()
        elif group.startswith(prefix):
            name, equals, value = (part.strip() for part in line.partition("="))
            problem = ""
            if not equals:
                problem = f"{line!r} is no entry point; expected name = module or module:object"
            elif not _NAME.match(name):
                problem = f"{name!r} is no plugin name; expected letters, digits, '_', '-' and '.'"
            elif not _VALUE.match(value):
                problem = _not_a_value(value)
            yield Declared(name, value, group, distribution, version, problem)


def _not_a_value(value: str) -> str:
    return f"{value!r} is no entry point; expected module or module:object"
