"""What a plugin hands over, checked field by field when it is loaded.

The hooks' declared types are promises that nothing else keeps: a wrong field found here names the
plugin; found later, in the middle of a run, it would look like a mistake of the core.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

import click
import pluggy
from pydantic import BaseModel

from heliostat.contract.hooks import Hooks
from heliostat.contract.method import MethodSpec, Metric, ProductSpec
from heliostat.contract.part import PartSpec
from heliostat.errors import PluginError, did_you_mean
from heliostat.names import PROJECT, is_method_name

MOST = 10_000
"""Offers that are read from one hook: a generator that never ends would hold up every command."""

OBSERVING = ("heliostat_run_started", "heliostat_batch_committed", "heliostat_run_finished")
"""Hooks whose return value is ignored."""

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_PART_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}\Z")
_COMMAND_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}\Z")

_LOWER = "a lower-case letter, then at most 63 lower-case letters, digits and '_'"


def check_hooks(manager: pluggy.PluginManager, plugin: object) -> None:
    """Raise PluginError for a misspelt or unmarked hook, for wrappers, and for no hook at all."""
    known = [hook for hook in vars(Hooks) if hook.startswith(f"{PROJECT}_")]
    callers = manager.get_hookcallers(plugin) or []
    for caller in callers:
        if not caller.has_spec():
            raise PluginError(f"no hook {caller.name!r}; {did_you_mean(caller.name, known)}")
        for implementation in caller.get_hookimpls():
            if implementation.wrapper or implementation.hookwrapper:
                raise PluginError(f"{caller.name} is a wrapper; hooks here are called plainly")
            _check_called_plainly(caller.name, implementation.function)
    used = [caller.name for caller in callers]
    for hook in known:
        if hook not in used and callable(getattr(plugin, hook, None)):
            raise PluginError(f"{hook} is not marked; put @heliostat.hookimpl above it")
    if not used:
        raise PluginError(f"implements no hook; expected one of {', '.join(known)}")


def _check_called_plainly(hook: str, function: Callable[..., Any]) -> None:
    """Raise PluginError for a function whose call runs nothing: it would do nothing, mutely."""
    plain = "write a plain function"
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise PluginError(f"{hook} is an async function, which nobody awaits; {plain}")
    if hook in OBSERVING and inspect.isgeneratorfunction(function):
        raise PluginError(f"{hook} is a generator, whose lines nobody runs; {plain}, without yield")


def listed(hook: str, value: Any, kind: type[Any]) -> list[Any]:
    """Return what a hook gave as a list; raises PluginError when it is no list of that kind."""
    wanted = f"expected a list of {kind.__name__}"
    if isinstance(value, str | bytes | Mapping | BaseModel | kind) or not isinstance(
        value, Iterable
    ):
        raise PluginError(f"{hook} returned a {type(value).__name__}; {wanted}")
    found = list(islice(value, MOST + 1))
    if len(found) > MOST:
        raise PluginError(f"{hook} returned more than {MOST} offers; {wanted}")
    for offer in found:
        if not isinstance(offer, kind):
            raise PluginError(
                f"{hook} returned a {type(offer).__name__}, not a {kind.__name__}; {wanted}"
            )
    return found


def check_method(spec: MethodSpec) -> None:
    """Raise PluginError naming the first field of a method that is not what it should be."""
    said = _Saying(f"method {_short(spec.name)}")
    said.unless(is_method_name(spec.name), "name", spec.name, _LOWER)
    for name in ("summary", "paper", "unit", "names"):
        said.unless(isinstance(getattr(spec, name), str), name, getattr(spec, name), "text")
    said.unless(_is_model(spec.config), "config", spec.config, "a subclass of MethodConfig")
    said.unless(callable(spec.search), "search", spec.search, "a function (config, run)")
    for name in ("report", "describe", "methods_run", "migrate"):
        value = getattr(spec, name)
        said.unless(value is None or callable(value), name, value, "a function or None")
    said.mapping("outputs", spec.outputs, lambda v: isinstance(v, Metric), "a Metric")
    for name, metric in spec.outputs.items():
        good = metric.direction in ("min", "max", None)
        field = f"outputs[{_short(name)}].direction"
        said.unless(good, field, metric.direction, '"min", "max" or None')
    said.mapping("presets", spec.presets, lambda v: isinstance(v, Mapping), "a configuration")
    for product in said.sequence("products", spec.products):
        good = isinstance(product, ProductSpec) and callable(product.build)
        said.unless(good, "products", product, "a ProductSpec with a function build")
    for command in said.sequence("commands", spec.commands):
        check_command(command)
    version = spec.version
    whole = isinstance(version, int) and not isinstance(version, bool) and version >= 1
    said.unless(whole, "version", version, "a whole number from 1")


def check_part(spec: PartSpec) -> None:
    """Raise PluginError naming the first field of a part that is not what it should be."""
    said = _Saying(f"{_short(spec.kind)} {_short(spec.name)}")
    said.unless(_matches(_IDENTIFIER, spec.kind), "kind", spec.kind, _LOWER)
    expected = "at most 64 letters, digits, '_', '.', '+' and '-'"
    said.unless(_matches(_PART_NAME, spec.name), "name", spec.name, expected)
    said.unless(callable(spec.build), "build", spec.build, "a function")
    said.unless(isinstance(spec.summary, str), "summary", spec.summary, "text")
    said.unless(_is_model(spec.config), "config", spec.config, "a subclass of pydantic.BaseModel")
    said.unless(isinstance(spec.prefix, bool), "prefix", spec.prefix, "True or False")
    good = spec.inputs is None or callable(spec.inputs)
    said.unless(good, "inputs", spec.inputs, "a function or None")


def check_command(command: object) -> None:
    """Raise PluginError unless it is a command that can be called by its name."""
    if not isinstance(command, click.Command):
        raise PluginError(f"a {type(command).__name__} is no click.Command")
    said = _Saying("command")
    expected = "a lower-case letter, then letters, digits, '_' and '-'"
    said.unless(_matches(_COMMAND_NAME, command.name), "name", command.name, expected)


class _Saying:
    """Builds the message about one offer."""

    def __init__(self, what: str) -> None:
        self._what = what

    def unless(self, good: bool, field: str, value: object, expected: str) -> None:
        if not good:
            raise PluginError(f"{self._what}: {field} = {_short(value)}: expected {expected}")

    def mapping(self, field: str, value: Any, good: Callable[[Any], bool], expected: str) -> None:
        self.unless(isinstance(value, Mapping), field, value, f"{expected} by name")
        for name, entry in value.items():
            self.unless(isinstance(name, str), field, name, "text as a name")
            self.unless(good(entry), f"{field}[{_short(name)}]", entry, expected)

    def sequence(self, field: str, value: Any) -> list[Any]:
        self.unless(isinstance(value, list | tuple), field, value, "a list")
        return list(value)


def _is_model(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.match(value) is not None


def _short(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # a stranger's object
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else text[:77] + "..."
