"""Which names a new plugin may have, and what follows from a name."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from dataclasses import dataclass

from heliostat.errors import ConfigError

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_EXPECTED = "a lower-case letter, then at most 39 lower-case letters, digits and '_'"


@dataclass(frozen=True)
class Names:
    """The names of a plugin: its method's, and those of the distribution, package and class."""

    name: str

    @property
    def distribution(self) -> str:
        """What pip installs, and the folder it is written to."""
        return f"heliostat-plugin-{self.name.replace('_', '-')}"

    @property
    def package(self) -> str:
        """What Python imports."""
        return f"heliostat_plugin_{self.name}"

    @property
    def klass(self) -> str:
        """What its classes begin with."""
        return "".join(word.capitalize() for word in self.name.split("_"))


def checked(name: str, taken: Iterable[str]) -> Names:
    """Return the names that follow from a method's name; raises ConfigError for one that cannot be.

    `taken` are names that exist already.
    """
    if _NAME.match(name) is None or name.endswith("_") or "__" in name:
        near = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_").lstrip("0123456789_")
        near = near.removeprefix("heliostat_plugin_")[:40].rstrip("_")
        usable = bool(near) and near != name and not keyword.iskeyword(near) and _NAME.match(near)
        raise ConfigError("NAME", name, _EXPECTED, f"for example {near!r}" if usable else "")
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        expected = "a name that is no keyword of Python"
        raise ConfigError("NAME", name, expected, f"for example '{name}_search'")
    if name in set(taken):
        expected = "a name that no method or plugin has (see: heliostat plugins)"
        raise ConfigError("NAME", name, expected, f"for example 'my_{name}'")
    return Names(name)
