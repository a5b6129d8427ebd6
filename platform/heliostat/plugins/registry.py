"""Finding plugins: built-in ones from a static index, others by entry points, each by itself.

The index makes methods available where there is no installed distribution (packages shipped to a
bare cluster), and lets a command import only the method it needs. A plugin that nothing asks for is
not imported; one that fails to load becomes a row with its reason and never stops another. Which of
two plugins gets a name never depends on what was asked for first: a built-in one wins, then the
first by plugin name.
"""

from __future__ import annotations

import contextlib
import importlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import click
import pluggy
from pydantic import BaseModel

from heliostat.contract.commands import check_command
from heliostat.contract.hooks import Hooks
from heliostat.contract.method import MethodSpec
from heliostat.contract.part import PartRef, PartSpec
from heliostat.errors import PluginError, UnknownMethod, UnknownPart, told
from heliostat.names import COLLECTION, PROJECT
from heliostat.names import VERBS as CORE_VERBS
from heliostat.plugins.allowed import (
    Loadable,
    PluginRow,
    block,
    built_in,
    check_known,
    check_lists,
    loadable,
    unknown_among,
    why_blocked,
)
from heliostat.plugins.building import PartBuilder
from heliostat.plugins.importing import importing
from heliostat.plugins.known import COMMANDS, METHODS, PARTS, Known, remember
from heliostat.plugins.offers import check_hooks, listed
from heliostat.plugins.part_names import check_parts
from heliostat.process.guard import say
from heliostat.terminal import printable
from heliostat.values import names
from heliostat.worker.fingerprint import packages_of

BLOCK_FIELD = "plugins.block"
"""The field of a configuration file that lists plugins not to load."""


@dataclass(frozen=True)
class HookCall:
    """One plugin's implementation of a hook; it gets the arguments that it names."""

    plugin: str
    function: Callable[..., Any]
    names: tuple[str, ...]

    def __call__(self, **given: object) -> Any:
        """Call the implementation."""
        return self.function(**{name: given[name] for name in self.names})


class _Offered(NamedTuple):
    """What one plugin hands over."""

    methods: list[MethodSpec]
    parts: list[PartSpec]
    commands: list[click.Command]

    def labels(self) -> tuple[str, ...]:
        return (
            *(f"method {method.name}" for method in self.methods),
            *(f"{part.kind} {part.name}" for part in self.parts),
            *(f"command {command.name}" for command in self.commands),
        )


class Registry:
    """The plugins of this process, loaded when first asked for."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(Hooks)
        self._built_in: dict[str, PluginRow] = {}
        self._others: list[PluginRow] = []
        self._loadable: list[Loadable] | None = None
        self._methods: dict[str, MethodSpec] = {}
        self._parts: dict[tuple[str, str], PartSpec] = {}
        self._commands: dict[str, click.Command] = {}
        self._owners: dict[str, tuple[str, str]] = {}
        self._known: dict[str, Known] = {}

    def method(self, name: str) -> MethodSpec:
        """Return a method; raises UnknownMethod, or PluginError when its plugin failed."""
        if name in built_in().METHODS:
            self._load_built_in(name)
        if name not in self._methods:
            self._load_offering(f"method {name}")
        if name in self._methods:
            return self._methods[name]
        self._refuse_what_was_lost("method", name)
        lost = [row.name for row in self._others if row.state == "failed"]
        hint = f"plugins that failed to load: {', '.join(lost)} (see: heliostat plugins)"
        raise UnknownMethod(name, self.method_names(), printable(hint) if lost else "")

    def load_names(self, owner: str) -> None:
        """Import what registers the permanent names of an owner, a method or the core.

        Nothing for a name that nobody here has: stored text may say anything. Raises PluginError
        for a module that cannot be imported.
        """
        if owner == PROJECT:
            importlib.import_module(PartRef.__module__)
            return
        try:
            method = self.method(owner)
        except PluginError:
            return
        module = method.names or method.search.__module__

        def failed(error: BaseException) -> PluginError:
            what = f"method {owner}: names = {module!r} cannot be imported"
            return PluginError(f"{what}: {told(error)}")

        with importing(None, failed):
            before = names.registered()
            importlib.import_module(module)
            self._refuse_borrowed(before)

    def method_names(self) -> list[str]:
        """Return the names of all methods, loading third-party plugins but no built-in method."""
        self._load_third_party()
        own = [name for name in built_in().METHODS if not why_blocked(name, PROJECT)]
        return sorted({*own, *self._methods})

    def part(self, kind: str, name: str) -> PartSpec:
        """Return the part of that kind and name; raises UnknownPart, or PluginError as `method`.

        Third-party plugins are imported only for a part that is not built in.
        """
        self._load_always()
        self._load_kind(kind)
        found = self._find_part(kind, name)
        if found is None:
            self._load_offering(f"{kind} {name.partition(':')[0]}")
            found = self._find_part(kind, name)
        if found is not None:
            return found
        self._refuse_what_was_lost(kind, name)
        raise UnknownPart(kind, name, [n for k, n in sorted(self._parts) if k == kind])

    def parts(self, kind: str | None = None) -> list[PartSpec]:
        """Return all parts, or those of one kind, in order of kind and name."""
        self._load_always()
        for one in built_in().KINDS if kind is None else (kind,):
            self._load_kind(one)
        self._load_third_party()
        return [self._parts[key] for key in sorted(self._parts) if kind in (None, key[0])]

    def build_part(self, kind: str, ref: PartRef) -> Any:
        """Build a part outside of a run, where a command needs one; products of runs it has not."""
        return PartBuilder(self, _no_product, None, Path())(kind, ref)

    def check_parts(self, config: BaseModel, source: str = "") -> None:
        """Raise ConfigError for the first part of a configuration that is not valid."""
        check_parts(config, self, source)

    def command(self, name: str) -> click.Command | None:
        """Return the verb of that name, loading the plugins that may offer it, or else all."""
        if name in built_in().VERBS:
            self._load_built_in(built_in().VERBS[name][0])
        else:
            self._load_offering(f"command {name}")
        return self._commands.get(name)

    def packages_of(
        self,
        method: MethodSpec,
        config: Mapping[str, Any],
        refs: Iterable[PartRef] = (),
        builders: Iterable[str] = (),
    ) -> list[str]:
        """Return the packages whose sources belong to the identity of a run of this method.

        These are the core's, the method's, and those of the parts that its configuration names;
        `builders` are the methods that build products of other runs. Tasks may lie elsewhere and
        are added when they are first asked for.
        """
        others = () if method.methods_run is None else method.methods_run(config)
        modules: list[str] = []
        for spec in (method, *map(self.method, [*others, *builders])):
            modules += self._modules_of(spec)
        for ref in refs:
            label = f"{ref.kind} {ref.name.partition(':')[0]}"
            modules.append(self._owners.get(label, ("", ""))[1])
        return packages_of(
            [PROJECT, "heliostat_search", *self._always_loaded(), *modules], [COLLECTION]
        )

    def register(self, plugin: object, name: str) -> None:
        """Register a plugin object by hand (tests, notebooks); raises PluginError."""
        if name in [*built_in().PLUGINS, *(row.name for row in self._others)]:
            raise PluginError(f"the plugin name {name!r} is taken")
        self._load_always()
        row = PluginRow(name, "registered")
        self._take(row, plugin, self._offered_by(row, plugin))
        self._others.append(row)

    def command_names(self) -> list[str]:
        """Return the names of the verbs of plugins: the built-in ones, and of those loaded."""
        return sorted({*built_in().VERBS, *self._commands})

    def third_party(self) -> list[PluginRow]:
        """Return one row for each plugin that is not built in; imports those not imported yet."""
        self._load_third_party()
        return list(self._others)

    def others(self) -> list[PluginRow]:
        """Return one row for each plugin that is not built in, imported or not."""
        self._third_party()
        return list(self._others)

    def loaded(self) -> list[PluginRow]:
        """Return one row for each plugin besides the built-in ones that was loaded so far."""
        return [row for row in self._others if row.state == "loaded"]

    def rows(self, *, load: bool = True) -> list[PluginRow]:
        """Return one row a plugin, after trying to load all of them, or without importing any."""
        if not load:
            others = [other.row for other in loadable(built_in().PLUGINS)]
            return [*map(_built_in_row, built_in().PLUGINS), *others]
        for name in built_in().PLUGINS:
            with contextlib.suppress(PluginError):
                self._load_built_in(name)
        self._load_third_party()
        return self._seen()

    def block(self, named: Iterable[str], field: str, source: str = "") -> None:
        """Forbid plugins by name or distribution, before they are imported.

        Raises PluginError for one that is loaded, and ConfigError naming the field for no plugin.
        """
        unwanted = list(named)
        check_known(unwanted, built_in().PLUGINS, field, source)
        for row in self._seen():
            if row.state == "loaded" and {row.name, row.distribution} & {*unwanted}:
                raise PluginError(f"plugin {row.name} is loaded already and cannot be blocked")
        block(unwanted)
        for row in self._others:
            if row.state == "found" and (reason := why_blocked(row.name, row.distribution)):
                row.state, row.reason = "blocked", reason

    def block_again(self, named: Sequence[str], source: str) -> None:
        """Forbid what a run forbade when it began; one that is gone since is told."""
        gone = [name for name, _ in unknown_among(named, built_in().PLUGINS)]
        for name in gone:
            say(f"{source} blocks plugin {name!r}, which is not installed here")
        self.block((name for name in named if name not in gone), BLOCK_FIELD, source)

    def hook_implementations(self, hook: str) -> list[HookCall]:
        """Return the plugins' implementations of a hook, to be called one by one.

        One that raises would end a call of the whole hook, the others included. Third-party
        plugins that may watch runs and those that HELIOSTAT_LOAD names are loaded for it, built-in
        ones only when something else asked for them. They come in order of names.
        """
        self._load_third_party(lambda other: other.named or self._known_of(other).may_watch)
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        order = {row.name: number for number, row in enumerate(self._others, 1)}
        implementations.sort(key=lambda implementation: order.get(implementation.plugin_name, 0))
        return [HookCall(i.plugin_name, i.function, tuple(i.argnames)) for i in implementations]

    def _find_part(self, kind: str, name: str) -> PartSpec | None:
        family = self._parts.get((kind, name.partition(":")[0]))
        return family if family is not None and (family.prefix or ":" not in name) else None

    def _load_always(self) -> None:
        for name in built_in().ALWAYS:
            self._load_built_in(name)

    def _load_kind(self, kind: str) -> None:
        """Load the built-in plugins that bring a kind of part, which others may add to."""
        for plugin in built_in().KINDS.get(kind, ()):
            self._load_built_in(plugin)

    @staticmethod
    def _always_loaded() -> list[str]:
        return [built_in().PLUGINS[name] for name in built_in().ALWAYS]

    def _load_built_in(self, name: str) -> None:
        if name in self._built_in:
            return
        row = self._built_in[name] = _built_in_row(name)
        if row.state == "blocked":
            return
        self._load(row, lambda: importlib.import_module(built_in().PLUGINS[name]))
        if row.state == "failed":  # unlike a third party's, this is a broken installation
            raise self._lost(f"built-in plugin {name}", row)

    def _third_party(self) -> list[Loadable]:
        """Return the plugins that are not built in, in the order in which names go to them."""
        if self._loadable is None:
            self._loadable = list(loadable(built_in().PLUGINS))
            self._others[:0] = [other.row for other in self._loadable]
        return self._loadable

    def _load_third_party(self, wanted: Callable[[Loadable], bool] = lambda other: True) -> None:
        with contextlib.suppress(PluginError):
            self._load_always()  # so that no plugin takes the name of a built-in part
            for kind in built_in().KINDS:
                self._load_kind(kind)
        for other in self._third_party():
            if other.row.state == "found" and wanted(other):
                self._load_other(other)

    def _load_offering(self, label: str) -> None:
        """Import the plugins that may offer something until it is found, and all when it is not."""

        def missing(other: Loadable) -> bool:
            return label not in self._owners

        self._load_third_party(lambda o: missing(o) and self._known_of(o).may_offer(label))
        self._load_third_party(missing)

    def _known_of(self, other: Loadable) -> Known:
        if other.row.name not in self._known:
            self._known[other.row.name] = Known(other.value)
        return self._known[other.row.name]

    def _load_other(self, other: Loadable) -> None:
        self._load(other.row, other.load, other)
        if other.row.state == "loaded":
            remember(other.value, other.row.offers)

    def _load(self, row: PluginRow, load: Callable[[], Any], other: Loadable | None = None) -> None:
        def failed(error: BaseException) -> None:
            row.state, row.error = "failed", error
            row.reason = str(error) if isinstance(error, PluginError) else told(error)

        began = time.perf_counter()
        row.state = "loading"
        with importing(row.name if row.distribution != PROJECT else None, failed):
            before = names.registered()
            plugin = load()
            self._refuse_borrowed(before, other)
            offered = self._offered_by(row, plugin)
        row.seconds = time.perf_counter() - began
        if row.state == "failed":
            return
        if other is not None:
            self._load_before(other)
        try:
            self._take(row, plugin, offered)
        except PluginError as error:
            failed(error)

    def _load_before(self, later: Loadable) -> None:
        """Import the plugins before this one that may offer the same: the first gets a name."""
        for other in self._third_party():
            if other is later:
                return
            if other.row.state == "found" and any(
                self._known_of(other).may_offer(label) for label in later.row.offers
            ):
                self._load_other(other)

    def _offered_by(self, row: PluginRow, plugin: object) -> _Offered:
        """Register a plugin with its hooks and return what it offers, if that is well formed."""
        check_hooks(self._manager, plugin)
        self._manager.register(plugin, row.name)
        try:
            offered = _Offered(
                self._offers(plugin, METHODS, MethodSpec),
                self._offers(plugin, PARTS, PartSpec),
                self._offers(plugin, COMMANDS, click.Command),
            )
            for command in offered.commands:
                check_command(command)
            offered.commands.extend(c for method in offered.methods for c in method.commands)
            row.offers = offered.labels()
        except BaseException:
            self._manager.unregister(plugin)
            raise
        return offered

    def _take(self, row: PluginRow, plugin: object, offered: _Offered) -> None:
        """Let what a plugin offers be found; raises PluginError for a name that is taken."""
        try:
            self._check_free(row.name, row.offers)
        except PluginError:
            self._manager.unregister(plugin)
            raise
        self._owners |= dict.fromkeys(row.offers, (row.name, _module_of(plugin)))
        self._methods |= {method.name: method for method in offered.methods}
        self._parts |= {(part.kind, part.name): part for part in offered.parts}
        self._commands |= {command.name: command for command in offered.commands if command.name}
        row.state = "loaded"

    def _offers(self, plugin: object, hook: str, kind: type[Any]) -> list[Any]:
        found: list[Any] = []
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            if implementation.plugin is plugin:
                found += listed(hook, implementation.function(), kind)
        return found

    def _check_free(self, plugin: str, offers: tuple[str, ...]) -> None:
        for label in offers:
            kind, _, name = label.partition(" ")
            owner = self._owners.get(label, ("", ""))[0]
            if kind == "method" and name in built_in().METHODS and plugin != name:
                owner = name
            if kind == "command" and (
                name in CORE_VERBS or built_in().VERBS.get(name, (plugin,))[0] != plugin
            ):
                owner = PROJECT
            if owner:
                raise PluginError(f"{kind} {name!r} is offered by {owner} already")
            if offers.count(label) > 1:
                raise PluginError(f"{kind} {name!r} is offered twice")

    def _refuse_borrowed(self, before: Mapping[str, str], other: Loadable | None = None) -> None:
        """Refuse names registered since that begin with the name of somebody else's method."""
        homes = {name: [module] for name, module in built_in().PLUGINS.items()}
        homes |= {name: self._modules_of(spec) for name, spec in self._methods.items()}
        homes[PROJECT] = [PROJECT]
        for name, module in names.registered().items():
            owner = name.partition(".")[0]
            if name in before:
                continue
            home = homes.get(owner)
            if home is None and other is not None:
                home = self._home_before(owner, other)
            if home is None or _package(module) in map(_package, home):
                continue
            names.forget([name])
            raise PluginError(
                f"the permanent name {name!r} in {module} begins with {owner!r}, which is "
                f"{_package(home[0])}'s; begin a name with the name of a method of your own"
            )

    def _home_before(self, owner: str, later: Loadable) -> list[str] | None:
        """Return the module of a plugin before this one that is known to offer a method."""
        for other in self._third_party():
            if other is later:
                return None
            offers = self._known_of(other).offers if other.row.state == "found" else None
            if f"method {owner}" in (offers or ()):
                return [other.value.partition(":")[0]]
        return None

    def _modules_of(self, spec: MethodSpec) -> list[str]:
        _, module = self._owners.get(f"method {spec.name}", ("", ""))
        return [m for m in (module, spec.search.__module__, spec.names) if m]

    def _seen(self) -> list[PluginRow]:
        own = [self._built_in[name] for name in built_in().PLUGINS if name in self._built_in]
        return [*own, *self._others]

    def _refuse_what_was_lost(self, kind: str, name: str) -> None:
        for row in self._seen():
            lost = row.state not in ("loaded", "found")
            if lost and (f"{kind} {name}" in row.offers or (kind == "method" and name == row.name)):
                raise self._lost(f"{kind} {name}: plugin {row.name}", row)

    @staticmethod
    def _lost(what: str, row: PluginRow) -> PluginError:
        state = {"failed": "could not be loaded"}.get(row.state, f"is {row.state}")
        told = f"{what} {state}: {row.reason}"
        error = PluginError(printable(f"{told} (see: heliostat plugins)"))
        error.__cause__ = row.error  # its traceback is what --debug shows
        return error


def _no_product(sha256: str) -> str:
    raise PluginError("products are built by the run that names them")


@lru_cache(maxsize=1)
def registry() -> Registry:
    """Return the registry of this process; raises ConfigError for a list that names nothing."""
    check_lists(built_in().PLUGINS)
    names.ask(lambda owner: registry().load_names(owner))
    return Registry()


def _built_in_row(name: str) -> PluginRow:
    row = PluginRow(name, PROJECT, _version())
    row.reason = why_blocked(name, PROJECT)
    row.state = "blocked" if row.reason else "found"
    return row


def _version() -> str:
    try:
        return metadata.version(PROJECT)
    except metadata.PackageNotFoundError:
        return ""


def _package(module: str) -> str:
    """Return the package that a name's owner is known by: in a collection, that of one method."""
    parts = module.split(".")
    return ".".join(parts[: 2 if parts[0] == COLLECTION else 1])


def _module_of(plugin: object) -> str:
    module = getattr(plugin, "__name__" if isinstance(plugin, ModuleType) else "__module__", "")
    return module if isinstance(module, str) else ""
