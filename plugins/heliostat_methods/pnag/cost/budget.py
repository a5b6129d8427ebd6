"""Budgets as people write them: 12ms, 350MMAdds, 2.5Mparams.

Latency is kept in seconds; multiply-adds and parameters as counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, get_args

from heliostat.errors import ConfigError, nearest

Quantity = Literal["latency", "madds", "params"]
QUANTITIES: tuple[str, ...] = get_args(Quantity)
EXAMPLES = "a cost such as 12ms, 350MMAdds or 2.5Mparams"

_SCALES = {"": Decimal(1), "k": Decimal(10) ** 3, "M": Decimal(10) ** 6, "G": Decimal(10) ** 9}
_TIMES = {"s": Decimal(1), "ms": Decimal(10) ** -3, "us": Decimal(10) ** -6}
_UNITS: dict[str, tuple[Quantity, Decimal]] = {
    **{unit: ("latency", scale) for unit, scale in _TIMES.items()},
    **{f"{prefix}MAdds": ("madds", scale) for prefix, scale in _SCALES.items()},
    **{f"{prefix}params": ("params", scale) for prefix, scale in _SCALES.items()},
}
_NUMBER = r"(\d+(?:\.\d*)?(?:[eE][+-]?\d{1,3})?|\.\d+)"
_TEXT = re.compile(rf"\s*{_NUMBER}\s*([A-Za-z\u00b5\u03bc]*)\s*\Z", re.ASCII)
_COUNTED = re.compile(r"([kMG]?)((?i:madds|params))\Z", re.ASCII)
_NAMES = {"madds": "MAdds", "params": "params"}
_LONGEST = 64


@dataclass(frozen=True)
class Budget:
    """A bound on cost: seconds of latency, multiply-adds or parameters."""

    quantity: Quantity
    value: float

    def __post_init__(self) -> None:
        if self.quantity not in QUANTITIES:
            raise ConfigError("quantity", self.quantity, f"one of {', '.join(QUANTITIES)}")
        if not 0 < self.value < float("inf"):
            raise ConfigError("budget", self.value, "a finite cost above 0")

    def write(self) -> str:
        """Return the text that `read_budget` reads back to the last bit."""
        return write(self)


def read_budget(text: str, quantity: Quantity | None = None) -> Budget:
    """Return the budget that a text says; `quantity`: what the run's costs are, if that is known.

    A number alone, or with k, M or G alone, is of the run's quantity; 350M is 350MMAdds where none
    is known. Raises ConfigError for anything else, and for a unit of another quantity.
    """
    found = _TEXT.match(text) if len(text) <= _LONGEST else None
    if found is None:
        raise ConfigError("budget", text, EXAMPLES)
    number, written = found.groups()
    unit = _unit(text, written, quantity)
    kind, scale = _UNITS[unit]
    if quantity is not None and kind != quantity:
        raise ConfigError("budget", text, f"{_named(quantity)}, which this run's costs are")
    return Budget(kind, float(Decimal(number) * scale))


def read_any_budget(text: str, usual: str) -> Budget:
    """Return the budget that a text says; a number without a unit is of the `usual` quantity.

    Other than `read_budget`, which a run's own quantity binds, it takes a unit of any quantity.
    """
    own: Any = usual if usual in QUANTITIES else None
    try:
        return read_budget(text, own)
    except ConfigError as error:
        try:
            return read_budget(text)
        except ConfigError as other:
            # a number that is no cost, in whatever unit, is told as such
            raise (error if isinstance(other.got, str) else other) from None


def write(budget: Budget) -> str:
    """Return a budget's text, such as 12ms, in the largest unit that leaves at least 1 of it."""
    exact = Decimal(repr(budget.value))
    units = [(scale, unit) for unit, (kind, scale) in _UNITS.items() if kind == budget.quantity]
    fitting = [(scale, unit) for scale, unit in units if scale <= exact]
    scale, unit = max(fitting) if fitting else min(units)
    number = (exact / scale).normalize()
    plain = format(number, "f") if -6 <= number.adjusted() < 15 else str(number)
    return f"{plain}{unit}"


def _unit(text: str, written: str, quantity: Quantity | None) -> str:
    """Return the unit that is meant; ConfigError where none is known by what is written."""
    written = written.replace("\u00b5", "u").replace("\u03bc", "u")
    counted = _COUNTED.match(written)
    if written in _TIMES:
        return written
    if counted is not None:
        return counted[1] + _NAMES[counted[2].lower()]
    if written == "" and quantity == "latency":
        return "s"
    if written in _SCALES and quantity in ("madds", "params"):
        return written + ("MAdds" if quantity == "madds" else "params")
    if written in ("M", "G") and quantity is None:
        return f"{written}MAdds"
    close = nearest(written, _UNITS) if written else None
    hint = f"did you mean {close}?" if close else f"units: {', '.join(_UNITS)}"
    raise ConfigError("budget", text, EXAMPLES, hint)


def _named(quantity: str) -> str:
    return {"latency": "a time", "madds": "multiply-adds", "params": "parameters"}[quantity]
