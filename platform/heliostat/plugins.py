"""Finding plugins: built-in ones from a static index, others by entry points, each by itself.

The index makes methods available where there is no installed distribution (packages shipped to a
bare cluster), and lets a command import only the method it needs. A plugin that fails to load
becomes a row with its reason and never stops another.
"""

from __future__ import annotations

import importlib
import os
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from typing import Any

import pluggy

from heliostat.errors import PluginError, UnknownMethod, UnknownPart, did_you_mean
from heliostat.hookspecs import GROUP, PROJECT, Hooks
from heliostat.methods import MethodSpec
from heliostat.parts import PartSpec

BUILT_IN: dict[str, str] = {
    "parts": "heliostat_methods.parts.plugin",
    "evomal": "heliostat_methods.evomal.method",
    "step_options": "heliostat_methods.step_options.method",
}
"""Name of each built-in plugin and the module that implements its hooks."""

METHODS: tuple[str, ...] = ("evomal", "step_options")
"""Built-in plugins that offer the method of the same name."""

VERBS: dict[str, tuple[str, str]] = {
    "losses": ("evomal", "List, show, plot, compare and export losses of past runs."),
}
"""Verbs of built-in plugins, with the plugin and the help, so that help imports none of them."""

LOAD_VARIABLE = "HELIOSTAT_LOAD"
"""Modules to load as plugins without installing them: names with commas between them."""

SELECT_VARIABLE = "HELIOSTAT_PLUGINS"
"""Third-party plugins to load: names with commas between them, or `none`; all when unset."""


@dataclass
class PluginRow:
    """What became of one plugin."""

    name: str
    source: str
    version: str = ""
    state: str = "loaded"
    seconds: float = 0.0
    reason: str = ""
    traceback: str = field(default="", repr=False)


@dataclass(frozen=True)
class HookCall:
    """One plugin's implementation of a hook; it gets the arguments that it names."""

    plugin: str
    function: Callable[..., Any]
    names: tuple[str, ...]

    def __call__(self, **given: object) -> Any:
        """Call the implementation."""
        return self.function(**{name: given[name] for name in self.names})


class Registry:
    """The plugins of this process, loaded when first asked for."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(Hooks)
        self._rows: dict[str, PluginRow] = {}
        self._methods: dict[str, MethodSpec] = {}
        self._parts: dict[tuple[str, str], PartSpec] = {}
        self._owners: dict[str, str] = {}
        self._third_party_seen = False

    def method(self, name: str) -> MethodSpec:
        """Return a method; raises UnknownMethod, or PluginError when its plugin failed."""
        if name in METHODS:
            self._load_built_in(name)
        if name not in self._methods:
            self._load_third_party()
        if name in self._methods:
            return self._methods[name]
        row = self._rows.get(name)
        if row is not None and row.state != "loaded":
            raise PluginError(f"plugin {name} could not be loaded: {row.reason}")
        raise UnknownMethod(name, self.method_names())

    def method_names(self) -> list[str]:
        """Return the names of all methods, loading third-party plugins but no built-in method."""
        self._load_third_party()
        return sorted({*METHODS, *self._methods})

    def part(self, kind: str, name: str) -> PartSpec:
        """Return the part of that kind and name; raises UnknownPart."""
        self._load_parts()
        found = self._parts.get((kind, name))
        if found is None and ":" in name:
            family = self._parts.get((kind, name.partition(":")[0]))
            found = family if family is not None and family.prefix else None
        if found is None:
            raise UnknownPart(kind, name, [n for k, n in sorted(self._parts) if k == kind])
        return found

    def parts(self, kind: str | None = None) -> list[PartSpec]:
        """Return all parts, or those of one kind, in order of kind and name."""
        self._load_parts()
        return [self._parts[key] for key in sorted(self._parts) if kind in (None, key[0])]

    def packages_of(self, method: MethodSpec) -> list[str]:
        """Return the packages whose sources belong to the identity of a run of this method."""
        module = self._owners.get(method.name) or method.search.__module__
        own = module.rpartition(".")[0] or module
        return ["heliostat", "heliostat_search", "heliostat_methods.parts", own]

    def register(self, plugin: object, name: str) -> None:
        """Register a plugin object by hand (tests, notebooks)."""
        self._register(name, plugin, PluginRow(name, "registered"))

    def rows(self) -> list[PluginRow]:
        """Return one row a plugin, after trying to load all of them."""
        for name in BUILT_IN:
            self._load_built_in(name)
        self._load_third_party()
        return list(self._rows.values())

    def hook_implementations(self, hook: str) -> list[HookCall]:
        """Return the loaded plugins' implementations of a hook, to be called one by one.

        One that raises would end a call of the whole hook, the others included.
        """
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        return [HookCall(i.plugin_name, i.function, tuple(i.argnames)) for i in implementations]

    def load_verb(self, name: str) -> None:
        """Load the plugin that may offer a verb: the built-in one, or else all."""
        if name in VERBS:
            self._load_built_in(VERBS[name][0])
        else:
            self.rows()

    def _load_parts(self) -> None:
        self._load_built_in("parts")
        self._load_third_party()

    def _load_built_in(self, name: str) -> None:
        if name in self._rows:
            return
        module = BUILT_IN[name]
        row = PluginRow(name, "built in", _version("heliostat"))
        self._load(row, lambda: importlib.import_module(module))
        if row.state == "failed":  # unlike a third party's, this is a broken installation
            raise PluginError(f"built-in plugin {name} could not be loaded: {row.reason}")

    def _load_third_party(self) -> None:
        if self._third_party_seen:
            return
        self._third_party_seen = True
        for module in filter(None, os.environ.get(LOAD_VARIABLE, "").split(",")):
            self._load_module(module.strip())
        selection = os.environ.get(SELECT_VARIABLE)
        allowed = None if selection is None else set(selection.replace(" ", "").split(","))
        for entry in sorted(metadata.entry_points(group=GROUP), key=lambda e: (e.name, e.value)):
            distribution = entry.dist.name if entry.dist is not None else entry.value
            version = entry.dist.version if entry.dist is not None else ""
            row = PluginRow(entry.name, distribution, version)
            if entry.name in self._rows or entry.name in BUILT_IN:
                row.state, row.reason = "failed", f"the name {entry.name!r} is taken"
                self._rows[f"{entry.name} ({distribution})"] = row
            elif allowed is not None and entry.name not in allowed:
                row.state, row.reason = "blocked", f"not in {SELECT_VARIABLE}"
                self._rows[entry.name] = row
            else:
                self._load(row, entry.load)

    def _load_module(self, module: str) -> None:
        self._load(PluginRow(module, LOAD_VARIABLE), lambda: importlib.import_module(module))

    def _load(self, row: PluginRow, load: Any) -> None:
        began = time.perf_counter()
        try:
            self._register(row.name, load(), row)
        except (Exception, SystemExit) as error:
            row.state, row.reason = "failed", f"{type(error).__name__}: {error}"
            row.traceback = traceback.format_exc()
            self._rows[row.name] = row
            if self._manager.has_plugin(row.name):
                self._manager.unregister(name=row.name)
        row.seconds = time.perf_counter() - began

    def _register(self, name: str, plugin: object, row: PluginRow) -> None:
        self._manager.register(plugin, name)
        self._check_hook_names(plugin)
        methods = self._offers(plugin, "heliostat_methods", MethodSpec)
        parts = self._offers(plugin, "heliostat_parts", PartSpec)
        for method in methods:
            if method.name in self._methods or (method.name in METHODS and name != method.name):
                raise PluginError(f"method {method.name!r} is offered by another plugin already")
        for method in methods:
            self._methods[method.name] = method
            self._owners[method.name] = getattr(plugin, "__name__", method.search.__module__)
        for part in parts:
            self._parts.setdefault((part.kind, part.name), part)
        self._rows[name] = row

    def _check_hook_names(self, plugin: object) -> None:
        known = [hook for hook in vars(Hooks) if hook.startswith(f"{PROJECT}_")]
        for caller in self._manager.get_hookcallers(plugin) or ():
            if not caller.has_spec():
                raise PluginError(f"no hook {caller.name!r}; {did_you_mean(caller.name, known)}")

    def _offers(self, plugin: object, hook: str, kind: type[Any]) -> Sequence[Any]:
        implementation = getattr(plugin, hook, None)
        if implementation is None:
            return ()
        offered = implementation()
        wrong = [x for x in offered if not isinstance(x, kind)]
        if wrong:
            raise PluginError(f"{hook} returned a {type(wrong[0]).__name__}, not a {kind.__name__}")
        return tuple(offered)


@lru_cache(maxsize=1)
def registry() -> Registry:
    """Return the registry of this process."""
    return Registry()


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
