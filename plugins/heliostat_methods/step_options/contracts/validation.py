"""Refusing input that has no price: which field, what it was, what was expected, what to do."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.float64]


class InvalidInput(ValueError):
    """A contract, market or setting that cannot be used; names the field and the value."""

    def __init__(self, field: str, got: object, expected: str, hint: str = "") -> None:
        self.field, self.got, self.expected, self.hint = field, got, expected, hint
        shown = repr(got)
        shown = shown if len(shown) <= 120 else shown[:117] + "..."
        super().__init__(f"{field} = {shown}: expected {expected}" + (f"; {hint}" if hint else ""))


class Unsupported(InvalidInput):
    """Valid input that the chosen engine cannot price; the hint names engines that can."""


def number(field: str, value: object, *, above: float = -math.inf, least: float = -math.inf,
           below: float = math.inf) -> float:  # fmt: skip
    """Return a finite float within bounds: > above, >= least, < below."""
    if isinstance(value, bool | np.bool_):
        raise InvalidInput(field, value, "a number")
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InvalidInput(field, value, "a number") from None
    except OverflowError:
        raise InvalidInput(field, value, "a number that a float can hold") from None
    if not math.isfinite(found):
        raise InvalidInput(field, value, "a finite number")
    if not (found > above and found >= least and found < below):
        raise InvalidInput(field, value, _bounds(above, least, below))
    return found


def flag(field: str, value: object) -> bool:
    """Return true or false, and nothing that merely counts as one of them."""
    if not isinstance(value, bool | np.bool_):
        raise InvalidInput(field, value, "true or false")
    return bool(value)


def whole_number(field: str, value: object, *, least: int, most: int | None = None) -> int:
    """Return an integer within bounds, both included."""
    expected = f"an integer >= {least}" + ("" if most is None else f" and <= {most}")
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InvalidInput(field, value, expected)
    if value < least or (most is not None and value > most):
        raise InvalidInput(field, value, expected)
    return int(value)


def numbers(field: str, value: ArrayLike, *, above: float = -math.inf) -> float | Vector:
    """Return a finite float, or an array of finite floats, all > above."""
    try:
        truths = np.asarray(value).dtype == np.bool_
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InvalidInput(field, value, "a number or an array of numbers") from None
    if truths:
        raise InvalidInput(field, value, "a number or an array of numbers")
    if array.size == 0:
        raise InvalidInput(field, value, "at least one number")
    if array.ndim == 0:
        return number(field, value, above=above)
    wrong = ~(np.isfinite(array) & (array > above))
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        at = f"{field}[{', '.join(map(str, place))}]"
        raise InvalidInput(at, float(array[place]), _bounds(above, -math.inf, math.inf))
    return array


def charge_rate(field: str, value: object) -> float:
    """Return a rate in 1/year; +inf is a true knock-out."""
    try:
        if float(value) == math.inf:  # type: ignore[arg-type]
            return math.inf
    except (TypeError, ValueError, OverflowError):
        pass  # `number` says what is wrong with it
    return number(field, value)


def sequence(field: str, value: object) -> tuple[object, ...]:
    """Return the members of a list, tuple or array."""
    if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str):
        return tuple(value)
    raise InvalidInput(field, value, "a sequence of numbers")


def choice(field: str, value: object, choices: Iterable[str]) -> str:
    """Return the value when it is one of the choices."""
    ordered = list(choices)
    if isinstance(value, str) and value in ordered:
        return value
    close = difflib.get_close_matches(str(value), ordered, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else ""
    raise InvalidInput(field, value, "one of " + ", ".join(ordered), hint)


def increasing(field: str, values: Sequence[float]) -> None:
    """Refuse values that do not increase strictly."""
    for i in range(1, len(values)):
        if not values[i] > values[i - 1]:
            raise InvalidInput(field, tuple(values), "levels in increasing order, no two equal")


def _bounds(above: float, least: float, below: float) -> str:
    parts = [f"> {above:g}"] if above > -math.inf else []
    parts += [f">= {least:g}"] if least > -math.inf else []
    parts += [f"< {below:g}"] if below < math.inf else []
    return " ".join(["a finite number", " and ".join(parts)]).rstrip()


def nearest_file(path: Path) -> str:
    """Return a hint at the file beside `path` whose name is most like it, or nothing."""
    if not path.parent.is_dir():
        return ""
    names = sorted(p.name for p in path.parent.iterdir())
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.5)
    return f"did you mean {str(path.with_name(close[0]))!r}?" if close else ""
