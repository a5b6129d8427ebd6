"""What a plugin's hooks are and return, checked when it is loaded; specs judge themselves."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import pluggy
from pydantic import BaseModel

from heliostat.contract.hooks import Hooks
from heliostat.errors import PluginError, did_you_mean, nearest
from heliostat.names import PROJECT

MOST = 10_000
"""Offers that are read from one hook: a generator that never ends would hold up every command."""

OBSERVING = ("heliostat_run_started", "heliostat_batch_committed", "heliostat_run_finished")
"""Hooks whose return value is ignored."""

LIKE_PROJECT = "hel"
ALIKE = 0.85
"""How alike an unmarked function's name and a hook's are, from 0 to 1, for it to be one."""


def check_hooks(manager: pluggy.PluginManager, plugin: object) -> None:
    """Raise PluginError for a hook that would not be called, or not with what it expects.

    This comes before the plugin is registered: pluggy's own words are for whoever writes hooks.
    """
    known = [hook for hook in vars(Hooks) if hook.startswith(f"{PROJECT}_")]
    used = []
    for name in dir(plugin):
        options = manager.parse_hookimpl_opts(plugin, name)
        if options is None:
            _check_not_meant(plugin, name, known)
            continue
        hook = options.get("specname") or name
        if hook not in known:
            raise PluginError(f"no hook {hook!r}; {did_you_mean(hook, known)}")
        if options.get("wrapper") or options.get("hookwrapper"):
            raise PluginError(f"{hook} is a wrapper; hooks here are called plainly")
        function = getattr(plugin, name)
        _check_called_plainly(hook, function)
        _check_arguments(hook, function)
        used.append(hook)
    for hook in known:
        if hook not in used and callable(getattr(plugin, hook, None)):
            raise PluginError(f"{hook} is not marked; put @heliostat.hookimpl above it")
    if not used:
        raise PluginError(f"implements no hook; expected one of {', '.join(known)}")


def _check_not_meant(plugin: object, name: str, known: Sequence[str]) -> None:
    """Raise PluginError for an unmarked function of the plugin's own that is a hook but for a typo.

    A plugin may have functions of any other name, so the likeness has to be great.
    """
    if name in known or not name.startswith(LIKE_PROJECT):
        return
    function = getattr(plugin, name, None)
    own = getattr(plugin, "__name__" if inspect.ismodule(plugin) else "__module__", None)
    if not inspect.isroutine(function) or getattr(function, "__module__", None) != own:
        return
    close = difflib.get_close_matches(name, known, n=1, cutoff=ALIKE)
    if close:
        raise PluginError(
            f"{name} is no hook; did you mean {close[0]!r}, with @heliostat.hookimpl above it?"
        )


def _check_arguments(hook: str, function: Callable[..., Any]) -> None:
    """Raise PluginError for an argument that a hook is not given, or not in that way."""
    given = list(inspect.signature(getattr(Hooks, hook)).parameters)[1:]
    allowed = f"the arguments of {hook} are: {', '.join(given)}" if given else (
        f"{hook} has no arguments"
    )  # fmt: skip
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as error:
        raise PluginError(f"{hook} is no function whose arguments can be read: {error}") from error
    for one in parameters:
        if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
            continue  # of a decorator, as a rule; they stay empty
        if one.kind == one.KEYWORD_ONLY:
            what = f"{hook} takes {one.name} by keyword only, and hooks are given plain arguments"
            raise PluginError(f"{what}; leave out the '*': {allowed}")
        if one.name not in given and one.default is one.empty:
            close = nearest(one.name, given)
            hint = f"did you mean {close!r}? " if close else ""
            raise PluginError(f"{hook} has no argument {one.name!r}; {hint}{allowed}")
        if one.name in given and one.default is not one.empty:
            what = f"{hook} gives {one.name} a default, which it would always have"
            raise PluginError(f"{what}; leave it out: {allowed}")


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
