"""A space to search: names with ranges of numbers or choices, and its form in Optuna.

As tables, for a TOML file::

    learning_rate = {low = 1e-4, high = 1.0, log = true}
    population = {low = 10, high = 50, step = 5}
    reject = {choices = ["exact", "early"]}
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heliostat.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

KEYS = ("low", "high", "log", "step", "choices")


@dataclass(frozen=True)
class Real:
    """Real numbers from `low` to `high`, both included; with `step` only low + k * step."""

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def __post_init__(self) -> None:
        _check_range(self.low, self.high, self.log, self.step)

    def holds(self, value: object) -> bool:
        """Return whether a value lies in the range."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        inside = self.low <= value <= self.high
        return inside and (self.step is None or _is_whole((value - self.low) / self.step))

    def distribution(self) -> BaseDistribution:
        """Return Optuna's form."""
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def plain(self) -> dict[str, Any]:
        """Return the table."""
        return _without_defaults(low=self.low, high=self.high, log=self.log, step=self.step)


@dataclass(frozen=True)
class Integer:
    """Integers from `low` to `high`, both included, `step` apart."""

    low: int
    high: int
    log: bool = False
    step: int | None = None

    def __post_init__(self) -> None:
        for name in ("low", "high", "step"):
            value = getattr(self, name)
            if value is not None and type(value) is not int:
                raise ConfigError(name, value, "an integer, since the values are integers")
        _check_range(self.low, self.high, self.log, self.step)

    def holds(self, value: object) -> bool:
        """Return whether a value lies in the range."""
        if type(value) is not int or not self.low <= value <= self.high:
            return False
        return (value - self.low) % (self.step or 1) == 0

    def distribution(self) -> BaseDistribution:
        """Return Optuna's form."""
        from optuna.distributions import IntDistribution

        return IntDistribution(self.low, self.high, log=self.log, step=self.step or 1)

    def plain(self) -> dict[str, Any]:
        """Return the table."""
        return _without_defaults(low=self.low, high=self.high, log=self.log, step=self.step)


@dataclass(frozen=True)
class Choice:
    """One of some values, in no order; a value may be a list or a table."""

    choices: tuple[Any, ...]

    def __post_init__(self) -> None:
        if len(self.choices) < 2:
            raise ConfigError("choices", list(self.choices), "at least two values")
        texts = [choice_text(value) for value in self.choices]
        for number, text in enumerate(texts):
            if text in texts[:number]:
                raise ConfigError("choices", self.choices[number], "different values")

    def holds(self, value: object) -> bool:
        """Return whether a value is one of the choices."""
        return choice_text(value) in [choice_text(choice) for choice in self.choices]

    def distribution(self) -> BaseDistribution:
        """Return Optuna's form, whose choices are the JSON texts of the values."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution([choice_text(value) for value in self.choices])

    def plain(self) -> dict[str, Any]:
        """Return the table."""
        return {"choices": list(self.choices)}


Dimension = Real | Integer | Choice
Space = Mapping[str, Dimension]


def choice_text(value: Any) -> str:
    """Return a choice as Optuna holds it: a text that equal values share and others do not.

    A string stands as it is unless it reads as JSON; anything else as JSON with sorted keys.
    """
    # a text as it is where JSON would only put quotes round it and nothing else reads the same
    if isinstance(value, str) and not _reads_as_json(value):
        return value
    return json.dumps(value, sort_keys=True)


def to_optuna(dimension: Dimension, value: Any) -> Any:
    """Return a parameter's value as Optuna holds it."""
    return choice_text(value) if isinstance(dimension, Choice) else value


def from_optuna(dimension: Dimension, value: Any) -> Any:
    """Return the value of a parameter that Optuna holds so."""
    if isinstance(dimension, Choice):
        return next(choice for choice in dimension.choices if choice_text(choice) == value)
    return value


def is_dimension(table: Mapping[str, Any]) -> bool:
    """Return whether a table says a range or choices, rather than holding further tables."""
    return any(key in table for key in KEYS) and not any(
        isinstance(value, Mapping) for value in table.values()
    )


def read_dimension(table: Mapping[str, Any], *, integers: bool) -> Dimension:
    """Return the dimension that a table says; raises ConfigError naming its wrong key.

    A range holds integers where `integers`, else real numbers.
    """
    for key in table:
        if key not in KEYS:
            raise ConfigError(
                key, table[key], "low, high, log, step or choices", did_you_mean(key, KEYS)
            )
    if "choices" in table:
        if len(table) > 1:
            other = next(key for key in table if key != "choices")
            raise ConfigError(other, table[other], "nothing beside choices")
        if not isinstance(table["choices"], list | tuple):
            raise ConfigError("choices", table["choices"], "a list of values")
        return Choice(tuple(table["choices"]))
    for key in ("low", "high"):
        if key not in table:
            raise ConfigError(key, None, "a number; a range needs low and high")
    log = table.get("log", False)
    if not isinstance(log, bool):
        raise ConfigError("log", log, "true or false")
    low, high, step = table["low"], table["high"], table.get("step")
    for key, value in (("low", low), ("high", high), ("step", step)):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not number:
            raise ConfigError(key, value, "a number")
    if integers:
        return Integer(low, high, log, step)
    return Real(float(low), float(high), log, None if step is None else float(step))


def _check_range(low: float, high: float, log: bool, step: float | None) -> None:
    for name, value in (("low", low), ("high", high)):
        if not math.isfinite(value):
            raise ConfigError(name, value, "a finite number")
    if not low < high:
        raise ConfigError("high", high, f"more than low = {low:g}")
    if log and low <= 0:
        raise ConfigError("low", low, "a positive number, since log = true")
    if step is None:
        return
    if log:
        raise ConfigError("step", step, "no step beside log = true")
    if not (math.isfinite(step) and step > 0):
        raise ConfigError("step", step, "a positive number")
    if not _is_whole((high - low) / step):
        raise ConfigError("step", step, f"a step that leads from low = {low:g} to high = {high:g}")


def _is_whole(ratio: float) -> bool:
    return abs(ratio - round(ratio)) <= 1e-9 * max(1.0, abs(ratio))


def _without_defaults(**values: Any) -> dict[str, Any]:
    return {k: v for k, v in values.items() if v is not None and v is not False}


def _reads_as_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
