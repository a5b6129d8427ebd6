"""Conditional parameters: one that is there only while others have certain values.

A table says it beside the range, ``momentum = {low = 0.0, high = 0.99, when = {optimizer =
"sgd"}}``. Several names must all fit; several values, a list, are alternatives. What a condition
names may be conditional itself: then both have to hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heliostat.errors import ConfigError, did_you_mean
from heliostat_search.strategies.space import Choice, Dimension, Integer, Space, choice_text

Condition = Mapping[str, tuple[Any, ...]]
"""Name of another parameter: the values with which this one is there."""
Conditions = Mapping[str, Condition]
NO_CONDITIONS: Conditions = {}


def named_in(when: object, names: Iterable[str], above: str = "") -> dict[str, Any]:
    """Return {name: value or values} of a condition's table, whose names may be nested tables.

    Raises ConfigError for a name that is no parameter of the space.
    """
    known = list(names)
    if not isinstance(when, Mapping) or not when:
        raise ConfigError(f"when{above}", when, 'a table, such as {optimizer = "sgd"}')
    found: dict[str, Any] = {}
    for key, value in when.items():
        path = f"{above}.{key}".removeprefix(".")
        if path in known:
            found[path] = value
        elif isinstance(value, Mapping) and any(name.startswith(f"{path}.") for name in known):
            found |= named_in(value, known, f".{path}")
        else:
            expected = "a field that the space varies"
            raise ConfigError("when", path, expected, did_you_mean(path, known))
    return found


def in_order(names: Iterable[str], conditions: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the names in their order, but each after those that its condition names.

    Raises ConfigError when conditions lead back to where they began.
    """
    placed: dict[str, None] = {}

    def place(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            circle = " needs ".join((*above[above.index(name) :], name))
            raise ConfigError(f"{name}.when", circle, "conditions that do not go round in a circle")
        for other in conditions.get(name, ()):
            place(other, (*above, name))
        placed.setdefault(name)

    for name in names:
        place(name, ())
    return list(placed)


def read_values(name: str, dimension: Dimension, value: Any) -> tuple[Any, ...]:
    """Return the values of the parameter `name` that a condition means: one, or a list of them.

    Raises ConfigError for a value that the parameter does not take, or a range of real numbers.
    """
    if not isinstance(dimension, Choice | Integer):
        raise ConfigError(f"when.{name}", value, "a field with choices or of integers")
    several = isinstance(value, list | tuple) and not dimension.holds(value)
    values = tuple(value) if several else (value,)
    if not values:
        raise ConfigError(f"when.{name}", value, "at least one value")
    for one in values:
        if dimension.holds(one):
            continue
        if isinstance(dimension, Integer):
            expected, hint = f"integers from {dimension.low} to {dimension.last}", ""
            expected += f" in steps of {dimension.step}" if dimension.step else ""
        else:
            texts = [choice_text(choice) for choice in dimension.choices]
            expected = f"a choice of {name}: {', '.join(texts)}"
            hint = did_you_mean(choice_text(one), texts)
        raise ConfigError(f"when.{name}", one, expected, hint)
    return values


def check_conditions(space: Space, conditions: Conditions) -> None:
    """Raise ConfigError for conditions that do not fit the space."""
    for name, condition in conditions.items():
        if name not in space:
            raise ConfigError("when", name, "a parameter of the space", did_you_mean(name, space))
        for other, values in named_in(condition, space).items():
            read_values(other, space[other], values)
    in_order(space, conditions)


def is_active(condition: Condition, params: Mapping[str, Any]) -> bool:
    """Return whether a parameter is there with these, which hold all that are there before it."""
    return all(
        other in params and choice_text(params[other]) in map(choice_text, values)
        for other, values in condition.items()
    )
