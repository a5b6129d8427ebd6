"""Numbers in configurations: booleans and text are none, and whole numbers end somewhere.

Pydantic reads ``true`` as 1 and ``"2"`` as 2. A configuration that says one thing and computes
another is worse than an error, so what was written is compared with what it became: in any model,
whoever wrote it, and in the models within it. Text that is no number by itself, such as ``"10%"``,
was turned into one by a validator of the model's own, and passes. So do keys of tables, which are
text in every file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, RootModel
from pydantic.fields import FieldInfo

from heliostat.errors import ConfigError

LARGEST_SIZE = 10**12
"""Most that a whole number may be whose field has a lower bound of zero or more, and no upper one:
it counts something, and nobody counts further. A field that says `le` or `lt` is asked for itself.
"""
LARGEST = 2**63 - 1
"""Most that any other whole number may be without an upper bound of its own, also with a minus."""

NUMBER = (int, float, complex, Decimal, timedelta)


def check_numbers(
    written: Any, became: Any, path: str = "", field: FieldInfo | None = None
) -> None:
    """Raise ConfigError for the first number that was written as none, or is too large a one."""
    if isinstance(became, RootModel):
        check_numbers(written, became.root, path)
    elif isinstance(became, BaseModel) and isinstance(written, Mapping):
        for name, info in type(became).model_fields.items():
            for key in (name, info.alias, info.validation_alias):
                if isinstance(key, str) and key in written:
                    check_numbers(written[key], getattr(became, name), _below(path, key), info)
                    break
    elif is_dataclass(became) and isinstance(written, Mapping):
        for one in fields(became):
            if one.name in written:
                value = getattr(became, one.name)
                check_numbers(written[one.name], value, _below(path, one.name))
    elif isinstance(became, Mapping) and isinstance(written, Mapping):
        values = {str(key): value for key, value in became.items()}
        for key, value in written.items():
            check_numbers(value, values.get(str(key)), _below(path, key))
    elif isinstance(written, list | tuple):
        if isinstance(became, list | tuple) and len(became) == len(written):
            for i, pair in enumerate(zip(written, became, strict=True)):
                check_numbers(*pair, _below(path, i))
        elif isinstance(became, set | frozenset):
            for i, value in enumerate(written):
                kept = any(type(one) is type(value) and one == value for one in became)
                number = next((one for one in became if one == _number_of(value)), None)
                check_numbers(value, value if kept else number, _below(path, i))
    else:
        _check_number(written, became, path, field)


def _check_number(written: Any, became: Any, path: str, field: FieldInfo | None) -> None:
    if isinstance(became, bool) or not isinstance(became, NUMBER):
        return
    if isinstance(written, bool):
        raise ConfigError(path, written, "a number, not true or false")
    if isinstance(became, int | float) and _number_of(written) is not None:
        raise ConfigError(path, written, "a number, not text", "write it without quotation marks")
    if isinstance(became, int):
        least, most = _bounds(field)
        if not least <= became <= most:
            raise ConfigError(path, written, f"a whole number from {least} to {most}")


def _number_of(written: Any) -> float | None:
    """Return the number that pydantic reads from a boolean or from text, None for all else."""
    if not isinstance(written, bool | str | bytes):
        return None
    try:
        return float(written)
    except ValueError:
        return None


def _bounds(field: FieldInfo | None) -> tuple[float, float]:
    """Return the bounds of a whole number that its field leaves to the platform."""
    lower = None
    for bound in () if field is None else field.metadata:
        if hasattr(bound, "le") or hasattr(bound, "lt"):
            return float("-inf"), float("inf")  # judged by the model itself
        lower = getattr(bound, "ge", getattr(bound, "gt", lower))
    if isinstance(lower, int) and lower >= 0:
        usual = getattr(field, "default", None)
        return lower, max(LARGEST_SIZE, usual) if isinstance(usual, int) else LARGEST_SIZE
    return -LARGEST, LARGEST


def _below(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)
