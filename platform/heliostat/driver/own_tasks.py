"""Which functions are tasks of a run's method, as far as can be told without running them.

A run folder names the functions that made its outcomes, and it may come from anywhere: evaluating
them again must not become a way to call any function of any module.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterable
from types import FunctionType, ModuleType
from typing import Any

from heliostat.contract.config import part_refs, validate
from heliostat.contract.method import MethodSpec, migrated
from heliostat.contract.part import PartRef
from heliostat.errors import ConfigError, CorruptStore, StoreError, shown
from heliostat.plugins.registry import Registry
from heliostat.store.view import RunView
from heliostat.values.names import has_task

CONTEXT = "TaskContext"
CONTEXT_NAMES = ("ctx", "context")


def packages_of_run(view: RunView, plugins: Registry) -> list[str]:
    """Return the packages that belong to a run: the core's, its method's and those of its parts."""
    method = plugins.method(view.method)
    try:
        return plugins.packages_of(method, view.config, _refs(view, method))
    except (KeyError, TypeError, ValueError) as error:  # a method reads what it never wrote
        found = f"{type(error).__name__}: {error}"
        expected = f"a configuration of {method.name}"
        raise CorruptStore(f"run {view.id}: its configuration", expected, found) from error


def _refs(view: RunView, method: MethodSpec) -> list[PartRef]:
    values = migrated(method, view.config, view.method_version)
    try:
        config = validate(method.config, view.config if values is None else values)
    except ConfigError:
        return []  # of a version that nobody can read any more: nothing is known of its parts
    return [ref for _, ref in part_refs(config)]


def check_tasks(view: RunView, names: Iterable[str], packages: Iterable[str]) -> None:
    """Raise StoreError for the first function that is no task of the run's method.

    A task is a function of two arguments, the second of which is the context, defined at module
    level in one of the run's packages, or in a module that the method's own modules use.
    """
    inside = tuple(packages)
    for name in sorted({*names}):
        problem = _problem(name, inside)
        if problem:
            raise StoreError(
                f"run {view.id} names {shown(name)} as a task, which {problem}; nothing was "
                f"evaluated, for it is no task of method {view.method}"
            )


def _problem(name: str, packages: tuple[str, ...]) -> str:
    """Return why the function of that name is no task, or nothing when it is one."""
    if ":" not in name:
        return "" if has_task(name) else "nothing here registers"
    module, _, attribute = name.partition(":")
    parts = [*module.split("."), attribute]
    if not all(part.isidentifier() and not part.startswith("__") for part in parts):
        return "is no name of a function"
    if not (_within(module, packages) or _used(module, attribute, packages)):
        return "lies outside the packages of the method and its parts"
    try:
        function = vars(importlib.import_module(module)).get(attribute)
    except ImportError as error:
        return f"cannot be imported here ({error})"
    if not isinstance(function, FunctionType) or function.__module__ != module:
        return "is no function of that module"
    return "" if _takes_context(function) else "does not take an item and a TaskContext"


def _within(module: str, packages: Iterable[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _used(module: str, attribute: str, packages: tuple[str, ...]) -> bool:
    """Return whether a loaded module of these packages holds that module or function."""
    loaded = sys.modules.get(module)
    if loaded is None or module.partition(".")[0] in sys.stdlib_module_names:
        return False
    function = vars(loaded).get(attribute)
    for name, user in list(sys.modules.items()):
        if not isinstance(user, ModuleType) or not _within(name, packages):
            continue
        held = vars(user).values()
        if any(value is loaded or (value is function and value is not None) for value in held):
            return True
    return False


def _takes_context(function: Any) -> bool:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if len(parameters) < 2 or any(p.kind not in plain for p in parameters[:2]):
        return False
    needed = [p for p in parameters[2:] if p.default is p.empty and p.kind in plain]
    needed += [p for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    context = parameters[1]
    annotation = context.annotation
    said = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return not needed and (context.name in CONTEXT_NAMES or CONTEXT in said)
