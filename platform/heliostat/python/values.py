"""What Python hands over as a configuration, as a configuration file would hold it.

Tables become references to files that hold them, scalars of numpy become numbers, paths texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from enum import Enum
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from heliostat.contract.config import model_in, plain
from heliostat.contract.part import PartKind, PartRef
from heliostat.errors import ConfigError
from heliostat.python.tables import (
    described,
    is_arrays,
    is_column_alone,
    is_frame,
    stored_table,
)

DATASET = "dataset"
"""The kind of part that a table may stand for."""
_A_TABLE = "a table of rows and columns: a data frame, a mapping of arrays, or a pair (X, y)"


def as_configuration(
    model: type[BaseModel], values: Mapping[str, Any], root: Path, path: str = ""
) -> dict[str, Any]:
    """Return values for a model, with every table stored in the folder of runs `root`.

    Raises ConfigError naming the field for a table that no data set may stand for, and DataError
    naming the column for one that cannot be stored.
    """
    found = {}
    for name, value in values.items():
        info = model.model_fields.get(name)
        at = f"{path}.{name}" if path else name
        if info is not None and DATASET in _kinds(info):
            found[name] = _data(value, root, at)
            continue
        section = None if info is None else model_in(info.annotation)
        if section is not None and isinstance(value, Mapping):
            found[name] = as_configuration(section, value, root, at)
        else:
            found[name] = _plain(value, at, model)
    return found


def _data(value: Any, root: Path, path: str) -> Any:
    """Return a field that names data sets, or several, with references in place of tables."""
    named = value.get("name") if isinstance(value, Mapping) else None
    if is_frame(named) or is_arrays(named):  # a table with parameters, such as target
        value = {**value, "name": stored_table(named, root, path)}
    elif is_frame(value) or is_arrays(value):
        return stored_table(value, root, path)
    for one in (named, value):
        if is_column_alone(one):
            raise ConfigError(path, described(one), _A_TABLE, "this is one column")
    if isinstance(value, Mapping):
        return {str(key): _plain(one, f"{path}.{key}") for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_data(one, root, f"{path}[{place}]") for place, one in enumerate(value)]
    if isinstance(value, bool | int | float):  # of X.tolist(), say
        raise ConfigError(path, value, f"the name of a data set, or {_A_TABLE}")
    return _plain(value, path)


def _plain(value: Any, path: str, model: type[BaseModel] | None = None) -> Any:
    if isinstance(value, PartRef):
        return value.plain()
    if isinstance(value, BaseModel):
        return plain(value)
    if is_frame(value):
        fields = [] if model is None else [n for n, i in model.model_fields.items() if DATASET in
                                           _kinds(i)]  # fmt: skip
        hint = f"fields that take one: {', '.join(fields)}" if fields else ""
        raise ConfigError(path, described(value), "no table", hint)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(one, f"{path}.{key}", model) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(one, path, model) for one in value)
    if isinstance(value, Iterator | Set) and not isinstance(value, BaseModel):
        raise ConfigError(path, f"a {type(value).__name__}", "a list, whose order is its own")
    if hasattr(value, "tolist") and not isinstance(value, Enum):  # numpy's scalars and arrays
        return value.tolist()
    return value


def _kinds(info: FieldInfo) -> set[str]:
    """Return the kinds of parts that a field may name."""
    own = {mark.kind for mark in info.metadata if isinstance(mark, PartKind)}
    return own | set(_kinds_in(info.annotation))


def _kinds_in(annotation: Any) -> Iterator[str]:
    for mark in getattr(annotation, "__metadata__", ()):
        if isinstance(mark, PartKind):
            yield mark.kind
    for argument in get_args(annotation):
        yield from _kinds_in(argument)
