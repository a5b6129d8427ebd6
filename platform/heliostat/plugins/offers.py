"""What a plugin's hooks are and return, checked when it is loaded; specs judge themselves."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

import pluggy
from pydantic import BaseModel

from heliostat.contract.hooks import Hooks
from heliostat.errors import PluginError, did_you_mean
from heliostat.names import PROJECT

MOST = 10_000
"""Offers that are read from one hook: a generator that never ends would hold up every command."""

OBSERVING = ("heliostat_run_started", "heliostat_batch_committed", "heliostat_run_finished")
"""Hooks whose return value is ignored."""


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
