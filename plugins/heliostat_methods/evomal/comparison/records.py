"""Records of an outcome as plain data, and back.

A run stores ``plain(record)``, which any later version and any other tool can read; ``read`` is the
one way back. A record says by ``absent()`` which of its fields are left out.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter

from heliostat import PartRef

T = TypeVar("T")


def plain(value: Any) -> Any:
    """Return frozen dataclasses as dicts by field and tuples as lists, all the way down."""
    if isinstance(value, PartRef):  # stored as itself
        return value
    if is_dataclass(value) and not isinstance(value, type):
        left_out = value.absent() if hasattr(value, "absent") else ()
        names = [f.name for f in fields(value) if f.name not in left_out]
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def read(kind: type[T], data: Any) -> T:
    """Return the record that ``plain`` wrote, also of a version that wrote fewer or more fields.

    Raises pydantic's ``ValidationError`` for data of another shape.
    """
    return TypeAdapter(kind).validate_python(data)
