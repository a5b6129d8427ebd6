"""The arguments of the calls from Python: each of its kind, before anything is done with one.

A number of another library becomes Python's. What is no argument of the call is a field of the
method, so a field that has the name of an argument would be lost: such a call is refused.
"""

from __future__ import annotations

import functools
import inspect
import operator
import os
from collections.abc import Callable, Container, Mapping
from contextlib import suppress
from contextvars import ContextVar
from numbers import Real
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from heliostat.errors import ConfigError

if TYPE_CHECKING:
    from heliostat.contract.method import MethodSpec

P = ParamSpec("P")
R = TypeVar("R")
Check = Callable[[str, Any], Any]
"""Returns the value of an argument as the call takes it; raises ConfigError."""

_options: ContextVar[Mapping[str, Any]] = ContextVar("_options", default=MappingProxyType({}))
"""The arguments that a call was given and that a method's field may be called like."""


def checked(**own: Check) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a call take arguments of their kinds alone; `own` are checks that it has of its own."""

    def of(call: Callable[P, R]) -> Callable[P, R]:
        parameters = inspect.signature(call).parameters
        first = next(iter(parameters))
        checks = {name: check for name, check in {**CHECKS, **own}.items() if name in parameters}

        @functools.wraps(call)
        def with_checks(*args: P.args, **kwargs: P.kwargs) -> R:
            if args and first in kwargs:  # a field of that name, which Python takes for the first
                hint = f"a field of that name goes in as config={{{first!r}: ...}}"
                raise ConfigError(first, kwargs[first], "it once", hint)
            for name, check in checks.items():
                if name in kwargs:
                    kwargs[name] = check(name, kwargs[name])
            said = {name: kwargs[name] for name in OPTIONS if name in kwargs and name in parameters}
            before = _options.set(said)
            try:
                return call(*args, **kwargs)
            finally:
                _options.reset(before)

        return with_checks

    return of


def refuse_two_meanings(spec: MethodSpec, said: Container[str]) -> None:
    """Raise ConfigError for an option that is called like a field that `said` does not set."""
    for name, value in _options.get().items():
        if name in spec.config.model_fields and name not in said:
            raise ConfigError(
                name,
                value,
                f"one meaning: {name} is an option of this call and a field of {spec.name}",
                f"give the field as config={{{name!r}: ...}}; {name}=... beside it is the option",
            )


def _of(kind: type | tuple[type, ...], expected: str, *, optional: bool = False) -> Check:
    def check(name: str, value: Any) -> Any:
        if isinstance(value, kind) or (optional and value is None):
            return value
        raise ConfigError(name, value, expected)

    return check


def _integer(least: int, expected: str, *, optional: bool = False, text: str = "") -> Check:
    def check(name: str, value: Any) -> Any:
        if (optional and value is None) or (text and isinstance(value, str) and value == text):
            return value
        try:
            number = operator.index(value)
        except (TypeError, ValueError):  # of an array, ValueError or TypeError
            raise ConfigError(name, value, expected) from None
        if isinstance(value, bool) or number < least:
            raise ConfigError(name, value, expected)
        return number

    return check


def _truth(name: str, value: Any) -> bool:
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):  # numpy's
        return bool(value)
    raise ConfigError(name, value, "True or False")


def _seconds(name: str, value: Any) -> float:
    with suppress(OverflowError):  # an integer of hundreds of digits
        if isinstance(value, Real) and not isinstance(value, bool):
            seconds = float(value)
            if 0 <= seconds < float("inf"):
                return seconds
    raise ConfigError(name, value, "zero or more seconds")


def _folder(name: str, value: Any) -> Any:
    path = os.fspath(value) if isinstance(value, os.PathLike) else value
    if path is None or (isinstance(path, str) and "\0" not in path):
        return None if path is None else Path(path)
    raise ConfigError(name, value, "a folder of runs, as a text or Path")


def _tags(name: str, value: Any) -> dict[str, str]:
    return {key: _tag_text(f"{name}[{key!r}]", one) for key, one in _tag_items(name, value)}


def any_tags(name: str, value: Any) -> dict[str, str | None]:
    """Return tags to look for, where None is any value."""
    return {
        key: None if one is None else _tag_text(f"{name}[{key!r}]", one)
        for key, one in _tag_items(name, value)
    }


def _tag_items(name: str, value: Any) -> list[tuple[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, Mapping):
        raise ConfigError(name, value, "a mapping of texts, such as {'paper': 'draft'}")
    for key in value:
        if not isinstance(key, str):
            raise ConfigError(name, key, "texts as names of tags")
    return list(value.items())


def _tag_text(name: str, value: Any) -> str:
    if isinstance(value, str | Real):
        return str(value)
    raise ConfigError(name, value, "a text or a number")


def _texts(name: str, value: Any) -> Any:
    several = value if isinstance(value, list | tuple) else [value]
    if all(isinstance(one, str) for one in several):
        return value
    raise ConfigError(name, value, "a text, or a list of texts")


_SPACE = "a mapping from fields to what they may be, such as {'rate': {'low': 0.1, 'high': 1.0}}"
_TEXT = _of(str, "a text")
TEXT_IF_ANY = _of(str, "a text, or None", optional=True)
LIMIT = _integer(0, "zero or more runs", optional=True)
_WHOLE = _integer(1, "a positive integer")
CHECKS: dict[str, Check] = {
    "preset": TEXT_IF_ANY,
    "seed": _integer(0, "a non-negative integer", optional=True),
    "workers": _integer(
        1, 'a positive number, "serial", or None for all cores', optional=True, text="serial"
    ),
    "address": TEXT_IF_ANY,
    "runs": _folder,
    "lookahead": _integer(1, "a positive integer", optional=True),
    "numerics": TEXT_IF_ANY,
    "report": _truth,
    "name": _TEXT,
    "note": _TEXT,
    "tags": _tags,
    "progress": _truth,
    "min_nodes": _integer(1, "one node or more"),
    "wait": _seconds,
    "allow_code_change": _truth,
    "retry": _texts,
    "may_pause": _truth,
    "space": _of(Mapping, _SPACE),
    "trials": _WHOLE,
    "parallel": _WHOLE,
    "sampler": _TEXT,
    "objectives": _texts,
    "cost": _texts,
    "tuning": _of(Mapping, "a mapping of fields of the tuning, or None", optional=True),
}
"""How each argument is checked; what the calls share has one meaning in all of them."""
_OF_TUNING = ("space", "trials", "parallel", "sampler", "objectives", "cost", "tuning")
OPTIONS = tuple(name for name in CHECKS if name not in _OF_TUNING)
"""Arguments that say how a run executes, whose names a method's field may have as well."""
