"""Names that outlive files: what a run folder calls its tasks and the types of its values.

A file may move and a function may be renamed; what was stored under its name has to be found years
later. So tasks and stored types carry a permanent name, and both directions stand here::

    @task("my_method.score")
    def score(block: Block, ctx: TaskContext) -> float: ...

    @stored("my_method.block")
    @dataclass(frozen=True)
    class Block: ...

The word before the first dot is the owner: a method's name, as a rule. A name that nobody has
registered yet is looked for in the modules that its owner says register its names; no module is
imported because stored text names it. A task without a permanent name goes by ``module:name``.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, is_dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from heliostat.errors import EncodingError, ExecutionError, MisuseError, PluginError, shown

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=type[Any])
T = TypeVar("T")

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}(\.[a-z][a-z0-9_]{0,63})+\Z")
EXAMPLE = '"my_method.block"'


def place_of(named: Any) -> str:
    """Return `module:name` of a function or class as it is defined."""
    module = getattr(named, "__module__", None)
    name = getattr(named, "__qualname__", None) or type(named).__name__
    return f"{module}:{name}"


@dataclass
class _Register(Generic[T]):
    """One name for one thing, in both directions."""

    what: str
    named: dict[str, T] = field(default_factory=dict)
    names: dict[T, str] = field(default_factory=dict)

    def check(self, name: object, decorator: str) -> None:
        """Refuse a decorator without its name: what is decorated is taken for the name then."""
        if callable(name):
            raise PluginError(
                f"{decorator} needs a permanent name above {place_of(name)}: write "
                f'@{decorator}("my_method.{_snake(getattr(name, "__name__", "word"))}")'
            )

    def add(self, name: object, thing: T) -> None:
        if not isinstance(name, str) or not _NAME.match(name):
            raise PluginError(
                f"{self.what} {place_of(thing)}: {shown(name)} is no permanent name; expected the "
                f"owner's name, a dot and a word of lower-case letters, digits and '_': {EXAMPLE}"
            )
        if "<locals>" in place_of(thing):
            raise PluginError(
                f"{self.what} {name!r} is {place_of(thing)}, which other processes cannot find; "
                "define it at module level"
            )
        earlier = self.names.get(thing)
        if earlier not in (None, name):
            raise PluginError(
                f"{self.what} {place_of(thing)} is called {name!r} and {earlier!r}; give it one "
                "permanent name"
            )
        other = self.named.get(name)
        if other is not None and other is not thing:
            if place_of(other) != place_of(thing):
                raise PluginError(
                    f"the name {name!r} is given twice: to {place_of(other)} and to "
                    f"{place_of(thing)}; give each {self.what} a name of its own"
                )
            del self.names[other]  # its module was loaded again
        self.named[name] = thing
        self.names[thing] = name

    def drop(self, name: str) -> None:
        if name in self.named:
            del self.names[self.named.pop(name)]

    def find(self, name: str) -> T | None:
        """Return what has a name, after asking the owner of the name for it."""
        if name not in self.named and _NAME.match(name):
            for load in _owners:
                load(name.partition(".")[0])
        return self.named.get(name)


_tasks: _Register[Callable[..., Any]] = _Register("task")
_types: _Register[type[Any]] = _Register("stored type")
_owners: list[Callable[[str], None]] = []


def ask(load: Callable[[str], None]) -> None:
    """Let `load(owner)` import what registers the names of an owner, the first word of each."""
    _owners[:] = [load]


def why_no_task(function: Callable[..., Any]) -> str:
    """Return what keeps a function from being called as ``task(item, ctx)``; nothing if it can."""
    plain = "write a plain function task(item, ctx) that returns its value"
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return f"which is async, and nobody awaits it; {plain}"
    if inspect.isgeneratorfunction(function):
        return f"which is a generator, and nobody runs its lines; {plain}"
    try:
        inspect.signature(function).bind(None, None)
    except TypeError as error:
        return f"which cannot be called with an item and a context ({error}); {plain}"
    except ValueError:  # compiled: its arguments cannot be read
        return ""
    return ""


def task(name: str) -> Callable[[F], F]:
    """Give a task its permanent name, ``"method.verb"``; runs store it in place of its path.

    Raises PluginError for a name that is taken, naming both places.
    """

    _tasks.check(name, "task")

    def give(function: F) -> F:
        if wrong := why_no_task(function):
            raise PluginError(f"task {name!r} is {place_of(function)}, {wrong}")
        _tasks.add(name, function)
        return function

    return give


def stored(name: str) -> Callable[[C], C]:
    """Give a dataclass, pydantic model, named tuple or enum the name that its values carry.

    Raises PluginError for a name that is taken, naming both places.
    """

    _types.check(name, "stored")

    def give(kind: C) -> C:
        if not _is_stored(kind):
            raise PluginError(
                f"stored type {place_of(kind)}: expected a dataclass, pydantic model, named tuple "
                "or enum; write @stored above @dataclass"
            )
        _types.add(name, kind)
        return kind

    return give


def registered() -> dict[str, str]:
    """Return the module of what has each name; a task and a type of one name share a module."""
    modules = {name: thing.__module__ for name, thing in _types.named.items()}
    return modules | {name: thing.__module__ for name, thing in _tasks.named.items()}


def forget(taken: Iterable[str]) -> None:
    """Take names back, of tasks and types, from those who may not have them."""
    for name in taken:
        _tasks.drop(name)
        _types.drop(name)


# Types


def type_name(kind: type[Any], where: str) -> str:
    """Return the permanent name of a type; `where` says whose value asks, for the error.

    Raises EncodingError for a type that has none; one that inherits has to have its own.
    """
    name = _types.names.get(kind)
    if name is None:
        raise EncodingError(
            f"{where} is a {kind.__qualname__}, which has no permanent name to be stored under; "
            f'put @heliostat.stored("my_method.{_snake(kind.__name__)}") above {place_of(kind)}'
        )
    return name


def type_named(name: str) -> type[Any]:
    """Return the type of a permanent name; raises EncodingError when nobody here has it."""
    kind = _types.find(name)
    if kind is None:
        raise EncodingError(
            f"stored text names {shown(name)}, a type that nothing here registers; install the "
            "plugin that it belongs to, or import its module where names are registered "
            "(MethodSpec.names)"
        )
    return kind


# Tasks


def task_name(function: Callable[..., Any]) -> str:
    """Return the name that stands for a task in items, journal and digest.

    Its permanent one, else ``module:name``. Raises MisuseError for a function that another process
    could not find.
    """
    try:
        known = _checked.get(function)
    except TypeError:  # it cannot be hashed, so it is no function
        return _checked_name(function)
    if known is None:
        known = _checked[function] = _checked_name(function)
    return known


_checked: dict[Callable[..., Any], str] = {}
_callable: set[Callable[..., Any]] = set()


def checked_task(function: Callable[..., Any]) -> str:
    """Return `task_name` of a function; raises MisuseError if no worker could call it as a task."""
    name = task_name(function)
    if function not in _callable:
        if wrong := why_no_task(function):
            raise MisuseError(f"task {name} is {place_of(function)}, {wrong}")
        _callable.add(function)
    return name


def _checked_name(function: Callable[..., Any]) -> str:
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", None)
    if module is None or name is None or "<" in name or "." in name:
        raise MisuseError(
            f"a task must be a function at module level, got {name or function!r}; "
            "lambdas, methods, partials and local functions cannot be found by other processes"
        )
    if module == "__main__":
        raise MisuseError(
            f"task {name} is defined in the script that was started; move it to a module that "
            "workers can import"
        )
    permanent = _tasks.names.get(function)
    if permanent is not None:
        return permanent
    try:
        found = task_named(f"{module}:{name}")
    except ExecutionError as error:
        raise MisuseError(str(error)) from error
    if found is not function:
        raise MisuseError(
            f"task {module}:{name} is another function than the one given here, and workers would "
            "run that one; functools.wraps keeps the name of what it wraps, so put the decorator "
            "above the definition (@), or define a function of its own name that calls it"
        )
    return f"{module}:{name}"


def task_named(name: str, module: str = "") -> Callable[..., Any]:
    """Return the task of a name; `module` is where the process that asks for it has found it.

    Raises ExecutionError when there is none here.
    """
    path, colon, attribute = name.partition(":")
    function: Any = None
    try:
        if colon:
            function = getattr(importlib.import_module(path), attribute)
        else:
            if module and name not in _tasks.named:
                importlib.import_module(module)
            function = _tasks.find(name)
    except (ImportError, AttributeError) as error:
        raise ExecutionError(f"task {name} cannot be imported here: {error}") from error
    if function is None:
        raise ExecutionError(
            f"task {name} is not known here; install the plugin that it belongs to"
        )
    if not callable(function):
        raise ExecutionError(f"task {name} is not a function")
    return function  # type: ignore[no-any-return]


def has_task(name: str) -> bool:
    """Return whether a permanent name is a task's, as far as its owner's modules say."""
    return _tasks.find(name) is not None


def module_of_task(name: str) -> str:
    """Return the module that a task lies in, which may be another one tomorrow."""
    path, colon, _ = name.partition(":")
    return path if colon else str(task_named(name).__module__)


def _is_stored(kind: type[Any]) -> bool:
    return (
        is_dataclass(kind)
        or issubclass(kind, Enum)
        or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
        or hasattr(kind, "model_fields")
    )


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
