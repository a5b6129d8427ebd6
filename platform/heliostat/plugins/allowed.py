"""Which plugins there are and which of them may be imported, decided before any is.

Importing a plugin runs its code, so allow-list and block-list are looked at first.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from operator import attrgetter
from types import ModuleType
from typing import Any, NamedTuple

from heliostat.distributions import malformed
from heliostat.errors import ConfigError, did_you_mean
from heliostat.names import COLLECTION, FAMILY, GROUP
from heliostat.plugins import files
from heliostat.plugins.installed import Declared, declared, plain_name
from heliostat.terminal import printable

LOAD_VARIABLE = "HELIOSTAT_LOAD"
"""Plugins to load without installing them: modules, module:object or files, commas between."""

SELECT_VARIABLE = "HELIOSTAT_PLUGINS"
"""Installed plugins that may be loaded: names or distributions with commas between, or `none`."""
NONE = "none"
"""In that list it is no plugin's name, whatever a plugin calls itself."""

BLOCK_VARIABLE = "HELIOSTAT_BLOCK"
"""Plugins not to load, by name or distribution; processes started from here obey it too."""


_obeys = False


class PluginRow:
    """What became of one plugin.

    `state`: found (not imported yet), loaded, blocked, failed, incompatible, or malformed for a
    file of which nobody can say whether it names a plugin. `offers` are the names of what it hands
    over, such as ``loss focal``. No dataclass, since help makes these rows
    and needs nothing else that dataclasses cost.
    """

    def __init__(self, name: str, distribution: str, version: str = "") -> None:
        self.name, self.distribution, self.version = name, distribution, version
        self.state, self.seconds, self.reason = "found", 0.0, ""
        self.offers: tuple[str, ...] = ()
        self.error: BaseException | None = None

    def account(self) -> dict[str, Any]:
        """Return the row as plain values, fit for a terminal."""
        return {
            "name": printable(self.name),
            "version": printable(self.version),
            "distribution": printable(self.distribution),
            "state": self.state,
            "seconds": round(self.seconds, 3),
            "reason": printable(self.reason),
            "offers": [printable(offer) for offer in self.offers],
        }


class Loadable(NamedTuple):
    """A plugin that is not built in: its row, and how it is imported if its state is found.

    `value` is the module or module:object that it is; `named` says that the user named it.
    """

    row: PluginRow
    load: Callable[[], Any]
    value: str
    named: bool = False


def built_in() -> ModuleType:
    """Return the list of the plugins that ship with Heliostat; importing it imports none of them.

    `PLUGINS` {name: module}, `METHODS`, `VERBS` {verb: (plugin, help)}, `ALWAYS`, `KINDS` {kind of
    part: plugins}.
    """
    return importlib.import_module(COLLECTION)


def installed() -> list[str]:
    """Return the names of the plugins besides the built-in ones that would be imported."""
    rows = [other.row for other in loadable(built_in().PLUGINS)]
    return [printable(row.name) for row in rows if row.state == "found"]


def loadable(taken: Iterable[str]) -> Iterator[Loadable]:
    """Yield what HELIOSTAT_LOAD names, then what is installed, in order of names."""
    owners = dict.fromkeys(taken, "heliostat")
    for value in _loaded():
        row = PluginRow(value, LOAD_VARIABLE)
        _decide(row, owners)
        yield Loadable(row, partial(_imported, value), value, named=True)
    every = declared(FAMILY)
    for found in every:
        row = PluginRow(found.name or found.value, found.distribution, found.version)
        if found.group not in (GROUP, ""):
            row.state, row.reason = "incompatible", _other_version(found)
        elif found.problem:
            row.state, row.reason = "failed", found.problem
        elif why := _why_not_allowed(row, every):
            row.state, row.reason = "blocked", why
        else:
            _decide(row, owners)
        yield Loadable(row, found.load, found.value)


def malformed_rows() -> list[PluginRow]:
    """Return a row for each malformed file of entry points in which no plugin is seen."""
    rows = []
    for file in malformed():
        if FAMILY not in file.text:
            folder = os.path.basename(os.path.dirname(file.path)).rpartition(".")[0]
            name, _, version = folder.partition("-")
            row = PluginRow(name, name, version)
            row.state, row.reason = "malformed", f"{file.path}: {file.problem}"
            rows.append(row)
    return rows


def why_blocked(name: str, distribution: str) -> str:
    """Return why a plugin may not be loaded, or nothing when it may."""
    plain = plain_name(distribution)
    listed = [e for e in _names_in(BLOCK_VARIABLE) if e == name or plain_name(e) == plain]
    return (
        f"{listed[0]!r} is blocked by --no-plugin, {BLOCK_VARIABLE} or [plugins]" if listed else ""
    )


def selection() -> dict[str, str]:
    """Return the variables that say which plugins may be loaded, for processes elsewhere."""
    names = (LOAD_VARIABLE, SELECT_VARIABLE, BLOCK_VARIABLE)
    return {name: os.environ[name] for name in names if name in os.environ}


def blocked_names() -> list[str]:
    """Return the names that are blocked."""
    return _names_in(BLOCK_VARIABLE)


def block(names: Iterable[str]) -> None:
    """Forbid plugins, here and in processes started from here, until this process ends."""
    os.environ[BLOCK_VARIABLE] = ",".join(dict.fromkeys([*blocked_names(), *names]))


def obey(selection: Mapping[str, str]) -> None:
    """Take over the lists of the process that this one works for, which has checked them."""
    global _obeys
    _obeys = True  # what is installed there may be missing here
    os.environ.update(selection)
    _loaded()  # the folders of files, from which tasks are imported


def check_lists(built_in: Iterable[str]) -> None:
    """Raise ConfigError for a name in one of the variables that names nothing: it would do nothing.

    Nothing is imported. The lists that another process checked are taken as they are.
    """
    if _obeys:
        return
    for entry in _names_in(LOAD_VARIABLE):
        files.check(entry, LOAD_VARIABLE)
    if os.environ.get(LOAD_VARIABLE):  # processes started from here may be in another folder
        os.environ[LOAD_VARIABLE] = ",".join(map(files.absolute, _names_in(LOAD_VARIABLE)))
    allowed = [name for name in _names_in(SELECT_VARIABLE) if name != NONE]
    for variable, listed in ((SELECT_VARIABLE, allowed), (BLOCK_VARIABLE, blocked_names())):
        check_known(listed, built_in, variable)


def check_known(
    listed: Iterable[str], built_in: Iterable[str], field: str, source: str = ""
) -> None:
    """Raise ConfigError for the first listed name that is no plugin's and no distribution's."""
    for name, known in unknown_among(listed, built_in):
        hint = did_you_mean(name, known)
        raise ConfigError(field, name, "the name of a plugin or its distribution", hint, source)


def unknown_among(
    listed: Iterable[str], built_in: Iterable[str]
) -> Iterator[tuple[str, list[str]]]:
    """Yield the names that are no plugin's and no distribution's, with all that are."""
    listed = list(listed)
    if not listed:
        return
    known = {*built_in, *_loaded()}
    for found in declared(FAMILY):
        known |= {found.name, found.distribution}
    plain = set(map(plain_name, known))
    for name in listed:
        if name not in known and plain_name(name) not in plain:
            yield name, sorted(known - {""})


def _why_not_allowed(row: PluginRow, every: Iterable[Declared]) -> str:
    """Return why the allow-list does not cover a plugin, or nothing when it does.

    A distribution may call its plugin as another's is called. So a name stands for one distribution
    only; where two claim it, the list has to name the distribution.
    """
    if os.environ.get(SELECT_VARIABLE) is None:
        return ""
    allowed = [name for name in _names_in(SELECT_VARIABLE) if name != NONE]
    by_distribution = set(map(plain_name, allowed))
    if plain_name(row.distribution) in by_distribution:
        return ""
    claim = sorted({found.distribution for found in every if found.name == row.name})
    if row.name not in allowed or by_distribution & set(map(plain_name, claim)):
        return f"not in {SELECT_VARIABLE}"
    if len(claim) == 1:
        return ""
    return (
        f"{len(claim)} distributions call a plugin {row.name!r} ({', '.join(claim)}); "
        f"put the name of the distribution into {SELECT_VARIABLE}"
    )


def _decide(row: PluginRow, owners: dict[str, str]) -> None:
    if row.name in owners:
        row.state = "failed"
        row.reason = f"the name {row.name!r} is taken by {owners[row.name]}"
        return
    reason = why_blocked(row.name, row.distribution)
    if reason:
        row.state, row.reason = "blocked", reason
    else:
        owners[row.name] = row.distribution


def _other_version(found: Declared) -> str:
    return (
        f"it is written for {found.group!r}, this version of Heliostat loads {GROUP!r}; "
        "look for another version of one of them"
    )


def _loaded() -> list[str]:
    """Return the modules, or module:object, that HELIOSTAT_LOAD names."""
    return [files.module_of(entry) for entry in _names_in(LOAD_VARIABLE)]


def _imported(value: str) -> Any:
    """Import a module and return it, or the object in it that is named."""
    module, _, inside = value.partition(":")
    found = importlib.import_module(module)
    return attrgetter(inside)(found) if inside else found


def _names_in(variable: str) -> list[str]:
    names = (name.strip() for name in os.environ.get(variable, "").split(","))
    return [name for name in names if name]
