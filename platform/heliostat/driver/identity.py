"""What makes a resumed run the same run: its configuration, its inputs and its code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from heliostat.contract.config import extendable_fields, part_refs, plain
from heliostat.contract.instructions import level_text
from heliostat.contract.method import MethodSpec, migrated
from heliostat.driver import configuration
from heliostat.driver.summary import add_label
from heliostat.errors import IdentityChanged
from heliostat.names import COLLECTION
from heliostat.plugins.allowed import PluginRow
from heliostat.plugins.building import builders_in
from heliostat.plugins.registry import Registry
from heliostat.store.journal import Journal
from heliostat.store.record import RunRecord, UsedPlugin
from heliostat.terminal import printable
from heliostat.worker import fingerprint


@dataclass(frozen=True)
class Code:
    """The packages that decide what a run computes, and the hash of each of their files."""

    packages: tuple[str, ...]
    files: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """One hash for all files."""
        return fingerprint.fingerprint(self.files)

    @property
    def without_source(self) -> list[str]:
        """Packages of which no file was found."""
        return fingerprint.without_source(self.packages, self.files)

    def record(self) -> dict[str, Any]:
        """Return the fields of a run's record that hold it."""
        return {
            "packages": self.packages,
            "sources": dict(self.files),
            "fingerprint": self.fingerprint,
        }


def code_of(packages: Iterable[str]) -> Code:
    """Return the code of these packages as it is now."""
    names = tuple(dict.fromkeys(packages))
    return Code(names, fingerprint.sources(names))


def packages_of(
    plugins: Registry, method: MethodSpec, config: Any, inputs: Mapping[str, str] | None = None
) -> list[str]:
    """Return the packages of core, method and parts, and of what builds products of other runs."""
    refs = [ref for _, ref in part_refs(config)]
    return plugins.packages_of(method, plain(config), refs, builders_in(inputs or {}))


class CodeOfRun:
    """A run's code; it grows by the package of a task when one from elsewhere is first asked for.

    `note(kind, text)` takes the warning about a package without source.
    """

    def __init__(self, code: Code, journal: Journal, note: Callable[[str, str], None]) -> None:
        self._code, self._journal, self._note = code, journal, note
        self._tell_of(code.without_source)

    def meet(self, module: str) -> None:
        """Record the code of a task's module, so that a resume compares it too."""
        found = fingerprint.packages_of([module], [COLLECTION])
        new = [package for package in found if package not in self._code.packages]
        if new:
            self._code = Code(
                (*self._code.packages, *new), {**self._code.files, **fingerprint.sources(new)}
            )
            self._journal.defer(**self._code.record())
            self._tell_of(set(new) & set(self._code.without_source))

    def _tell_of(self, packages: Iterable[str]) -> None:
        for package in packages:
            self._note("warning", f"no source of {package} was found, so a resume cannot tell "
                       "whether its code changed")  # fmt: skip
            add_label(self._journal, f"the code of {package} is not part of the run's identity")


def used_plugins(rows: Iterable[PluginRow]) -> tuple[UsedPlugin, ...]:
    """Return the plugins that were loaded."""
    return tuple(
        UsedPlugin(printable(row.name), printable(row.distribution), printable(row.version))
        for row in rows
        if row.state == "loaded"
    )


def version_that_began(began: RunRecord, now: Iterable[PluginRow]) -> str:
    """Return the words for the version that began a run, with the plugins that have another now."""
    here = {used.name: used for used in used_plugins(now)}
    other = []
    for used in began.plugins:
        found = here.get(used.name, UsedPlugin(used.name, "nothing", ""))
        if used.version and used != found:
            then = f"{used.distribution} {used.version}"
            other.append(f"{then}; here is {found.distribution} {found.version}".rstrip())
    return "the version that began the run" + (f" ({', '.join(other)})" if other else "")


def check_config(method: MethodSpec, stored: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise IdentityChanged for the first field that differs, unless it was allowed to grow."""
    may_grow = extendable_fields(method.config)
    for name in sorted(may_grow):
        old, new = stored.get(name), now.get(name)
        if isinstance(old, int | float) and isinstance(new, int | float) and new >= old:
            stored = {**stored, name: new}
    change = configuration.first_change(stored, now)
    if change is not None:
        path, was, value = change
        hint = (
            "it may only grow"
            if path in may_grow
            else "start a new run for another configuration"
            + (f" (extendable: {', '.join(sorted(may_grow))})" if may_grow else "")
        )
        raise IdentityChanged(f"configuration field {path}", repr(was), repr(value), hint)


def check_file(method: MethodSpec, stored: dict[str, Any], file: dict[str, Any]) -> None:
    """Raise IdentityChanged for the first field in which a run's config.toml is not its record.

    A number that grew in the file may be a bit that flipped: to let one grow is said by option.
    """
    change = configuration.first_change(stored, file)
    if change is not None:
        path, was, value = change
        hint = "restore it, or start a new run for another configuration"
        if path in extendable_fields(method.config):
            hint = f"restore it, and let it grow with: heliostat resume RUN -o {path}={value}"
        raise IdentityChanged(f"configuration field {path}", repr(was), repr(value), hint)


def check_numerics(began: RunRecord, level: str) -> None:
    """Raise IdentityChanged when a run was begun at another instruction level than this one."""
    here = level_text(level)
    if began.numerics not in ("", here):
        then = began.numerics.partition(" ")[0]
        hint = (
            f"use --numerics {then}"
            if then != level
            else "use a CPU with these instructions, or begin runs with --numerics portable"
        )
        raise IdentityChanged("the instruction level (numerics)", began.numerics, here, hint)


def carried_over(method: MethodSpec, began: RunRecord, now: Iterable[PluginRow]) -> dict[str, Any]:
    """Return a run's configuration as of the method's version now; raises IdentityChanged."""
    found = migrated(method, began.config, began.method_version)
    if found is None:
        raise IdentityChanged(
            f"the version of method {method.name}",
            began.method_version,
            method.version,
            f"install {version_that_began(began, now)}",
        )
    return found


def check_code(began: RunRecord, code: Code, allowed: bool, now: Iterable[PluginRow]) -> str | None:
    """Return the first file that is not as when the run began; raises IdentityChanged for it."""
    changed = fingerprint.first_difference(began.sources, code.files)
    if changed is not None and not allowed:
        raise IdentityChanged(
            f"the code ({changed})",
            fingerprint.fingerprint(began.sources)[:12],
            code.fingerprint[:12],
            f"use {version_that_began(began, now)}, or pass --allow-code-change",
        )
    return changed
