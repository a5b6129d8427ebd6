"""A space to search: names with ranges of numbers or choices, and its form in Optuna.

As tables, for a TOML file::

    learning_rate = {low = 1e-4, high = 1.0, log = true}
    population = {low = 10, high = 50, step = 5}
    reject = {choices = ["exact", "early"]}
    momentum = {low = 0.0, high = 0.99, when = {optimizer = "sgd"}}    # see `conditions`

With a step the values are low, low + step, ... up to high. A sampler is asked for the number of
steps, since Optuna's own grid loses its last value where the step is no short decimal.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from heliostat.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

KEYS = ("low", "high", "log", "step", "choices")
LARGEST = 2**53
NEAR = Fraction(1, 10**6)
"""The part of a step by which low + k * step may miss `high` and still be taken for it: steps such
as a third of the range are written in a few decimals."""
ROUND_OFF = Fraction(1, 10**9)
"""The part of a step by which a value may differ from low + k * step and still be that."""


@dataclass(frozen=True)
class Real:
    """Real numbers from `low` to `high`, both included; with `step` only low + k * step."""

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def __post_init__(self) -> None:
        _check_range(self.low, self.high, self.log, self.step)
        largest = max(abs(self.low), abs(self.high))
        if self.step is not None and self.step < 4 * math.ulp(largest):
            raise ConfigError("step", self.step, f"a step to numbers that differ near {largest:g}")

    @property
    def count(self) -> int:
        """How many values a range with a step has."""
        return 1 + math.floor(self._steps(self.high) + NEAR)

    @property
    def last(self) -> float:
        """The largest value: `high`, unless the steps end below it."""
        return self.high if self.step is None else self.value(self.count - 1)

    def value(self, k: int) -> float:
        """Return low + k * step as the decimals say, and `high` where it is that but for them."""
        low, high, step = _exact(self.low), _exact(self.high), _exact(self.step or 0)
        last = self.count - 1
        missed = abs((high - low) / step - last)
        if missed <= ROUND_OFF:  # a part of pi, say, with zero in the middle of its values
            step = (high - low) / last
        return self.high if k == last and missed <= NEAR else float(low + k * step)

    def steps(self, value: float) -> int:
        """Return how many steps lead from `low` to the value nearest to this one."""
        return min(max(round(self._steps(value)), 0), self.count - 1)

    def holds(self, value: object) -> bool:
        """Return whether a value lies in the range."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        inside = self.low <= value <= self.high
        if not inside or self.step is None:
            return inside
        return abs(value - self.value(self.steps(value))) <= float(ROUND_OFF) * self.step

    def distribution(self) -> BaseDistribution:
        """Return what a sampler is asked for: the number, or the number of steps."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.step is not None:
            return IntDistribution(0, self.count - 1)
        return FloatDistribution(self.low, self.high, log=self.log)

    def shown(self) -> BaseDistribution:
        """Return Optuna's form of the values themselves, with the step where it has all of them."""
        from optuna.distributions import FloatDistribution

        step, last = self.step, self.last
        if step is not None:
            whole = (_exact(last) - _exact(self.low)) % _exact(step) == 0
            # what Optuna forgives is 1e-8 of a step
            fine = math.ulp(max(abs(self.low), abs(last))) < 1e-9 * step
            step = step if whole and fine else None
        return FloatDistribution(self.low, last, log=self.log, step=step)

    def plain(self) -> dict[str, Any]:
        """Return the table."""
        return _without_defaults(low=self.low, high=self.high, log=self.log, step=self.step)

    def _steps(self, value: float) -> Fraction:
        return (_exact(value) - _exact(self.low)) / _exact(self.step or 0)


@dataclass(frozen=True)
class Integer:
    """Integers from `low` to `high`, both included; with `step` only low + k * step."""

    low: int
    high: int
    log: bool = False
    step: int | None = None

    def __post_init__(self) -> None:
        for name in ("low", "high", "step"):
            value = getattr(self, name)
            if value is not None and type(value) is not int:
                raise ConfigError(name, value, "an integer, since the values are integers")
            if value is not None and abs(value) > LARGEST:
                raise ConfigError(name, value, "an integer of at most 2^53, as Optuna keeps them")
        _check_range(self.low, self.high, self.log, self.step)

    @property
    def count(self) -> int:
        """How many values the range has."""
        return 1 + (self.high - self.low) // (self.step or 1)

    @property
    def last(self) -> int:
        """The largest value: `high`, unless the steps end below it."""
        return self.value(self.count - 1)

    def value(self, k: int) -> int:
        """Return low + k * step."""
        return self.low + k * (self.step or 1)

    def holds(self, value: object) -> bool:
        """Return whether a value lies in the range."""
        if type(value) is not int or not self.low <= value <= self.high:
            return False
        return (value - self.low) % (self.step or 1) == 0

    def distribution(self) -> BaseDistribution:
        """Return what a sampler is asked for: the values themselves."""
        from optuna.distributions import IntDistribution

        return IntDistribution(self.low, self.last, log=self.log, step=self.step or 1)

    def shown(self) -> BaseDistribution:
        """Return Optuna's form of the values."""
        return self.distribution()

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
        """Return what a sampler is asked for: one of the texts of the values."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution([choice_text(value) for value in self.choices])

    def shown(self) -> BaseDistribution:
        """Return Optuna's form of the values, which are their texts."""
        return self.distribution()

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
    """Return what a sampler is told for a parameter's value; see `distribution`."""
    if isinstance(dimension, Real) and dimension.step is not None:
        return dimension.steps(value)
    return to_show(dimension, value)


def from_optuna(dimension: Dimension, value: Any) -> Any:
    """Return the value of a parameter that a sampler proposes so."""
    if isinstance(dimension, Real) and dimension.step is not None:
        return dimension.value(value)
    if isinstance(dimension, Choice):
        return next(choice for choice in dimension.choices if choice_text(choice) == value)
    return value


def to_show(dimension: Dimension, value: Any) -> Any:
    """Return a parameter's value as Optuna shows it; see `shown`."""
    return choice_text(value) if isinstance(dimension, Choice) else value


def is_dimension(table: Mapping[str, Any]) -> bool:
    """Return whether a table says a range or choices, rather than holding further tables only."""
    if "when" in table and not _holds_dimensions(table["when"]):
        return True
    return any(key in KEYS and not isinstance(value, Mapping) for key, value in table.items())


def _holds_dimensions(table: Any) -> bool:
    """Return whether a field that is called "when" is meant, or fields of such a section."""
    return isinstance(table, Mapping) and (
        is_dimension(table) or any(map(_holds_dimensions, table.values()))
    )


def divided(table: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a table says of its own field, and the tables of fields below it.

    ``[optimizer]`` with ``choices`` may hold ``[optimizer.momentum]``.
    """
    if not is_dimension(table):
        return {}, dict(table)
    below = {k: v for k, v in table.items() if isinstance(v, Mapping) and k != "when"}
    return {k: v for k, v in table.items() if k not in below}, below


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
    if not math.isfinite(high - low):
        raise ConfigError("high", high, f"a finite high - low; low = {low:g}")
    if log and low <= 0:
        raise ConfigError("low", low, "a positive number, since log = true")
    if step is None:
        return
    if log:
        raise ConfigError("step", step, "no step beside log = true")
    if not (math.isfinite(step) and step > 0):
        raise ConfigError("step", step, "a positive number")
    if step > (high - low) * (1 + 1e-9):
        raise ConfigError("step", step, f"at most high - low = {high - low:g}")


def _exact(number: float) -> Fraction:
    """Return a number as its shortest decimals say it: 0.1 is a tenth."""
    return Fraction(repr(number))


def _without_defaults(**values: Any) -> dict[str, Any]:
    return {k: v for k, v in values.items() if v is not None and v is not False}


def _reads_as_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
