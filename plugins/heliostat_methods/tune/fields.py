"""Fields of a method's configuration by dotted path, and dimensions that have to fit them.

A path leads through sections and into the parameters of a part: `section.width`, `loss.gamma`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from heliostat import ConfigError, MethodSpec, PartRef, registry
from heliostat.contract import part_refs, plain, validate
from heliostat.errors import did_you_mean
from heliostat_search.strategies.conditions import (
    NO_CONDITIONS,
    Condition,
    Conditions,
    in_order,
    named_in,
    read_values,
)
from heliostat_search.strategies.space import (
    Choice,
    Dimension,
    Integer,
    Real,
    divided,
    read_dimension,
)


def flattened(tables: Mapping[str, Any], above: str = "") -> dict[str, Mapping[str, Any]]:
    """Return {dotted path: table} of all dimensions in nested tables, in order of path."""
    found: dict[str, Mapping[str, Any]] = {}
    for key, value in tables.items():
        path = f"{above}.{key}" if above else key
        if not isinstance(value, Mapping):
            raise ConfigError(
                f"space.{path}", value, "a table: {low = ..., high = ...} or {choices = [...]}"
            )
        own, below = divided(value)
        found |= {path: own} if own or not value else {}
        found |= flattened(below, path) if below else {}
    return {path: found[path] for path in sorted(found)}


def read_space(
    method: MethodSpec, base: BaseModel, tables: Mapping[str, Any]
) -> dict[str, Dimension]:
    """Return the dimensions that nested tables say, checked against the method's fields.

    `base` is the configuration that the rest comes from. Raises ConfigError for an unknown field,
    a range where there are no numbers, and ends or choices that the field does not allow.
    """
    return read_tables(method, base, tables)[0]


def read_tables(
    method: MethodSpec, base: BaseModel, tables: Mapping[str, Any]
) -> tuple[dict[str, Dimension], Conditions]:
    """Return dimensions, as `read_space`, and the conditions of those that have one."""
    flat = flattened(tables)
    named = {path: _named(path, table["when"], flat) for path, table in flat.items()
             if "when" in table}  # fmt: skip
    try:
        order = in_order(flat, named)
    except ConfigError as error:
        raise ConfigError(f"space.{error.field}", error.got, error.expected, error.hint) from None
    space: dict[str, Dimension] = {}
    conditions: dict[str, Condition] = {}
    for path in order:
        table = {key: value for key, value in flat[path].items() if key != "when"}
        try:
            condition = {n: read_values(n, space[n], v) for n, v in named.get(path, {}).items()}
        except ConfigError as error:
            raise _below(path, error) from None
        if condition:
            conditions[path] = condition
        there = assumed(method, base, conditions, path)
        info = field_at(method, there, path)
        numbers = _numbers(info.annotation)
        if "choices" not in table and not numbers:
            raise ConfigError(f"space.{path}", table, "choices, since the field is no number")
        try:
            dimension = read_dimension(table, integers="float" not in numbers)
        except ConfigError as error:
            raise _below(path, error) from None
        _check_values(method, there, path, dimension)
        space[path] = dimension
    if not space:
        raise ConfigError("space", dict(tables), f"at least one field of {method.name}")
    return {path: space[path] for path in sorted(space)}, conditions


def assumed(method: MethodSpec, base: BaseModel, conditions: Conditions, path: str) -> BaseModel:
    """Return a configuration in which a field is there: the conditions' first values hold.

    The configuration as it is where that alone is none.
    """
    values: dict[str, Any] = {}

    def hold(name: str) -> None:
        for other, admitted in conditions.get(name, {}).items():
            hold(other)
            values[other] = admitted[0]

    hold(path)
    found = _validated(method, with_values(base, values)) if values else base
    return found if isinstance(found, BaseModel) else base


def field_at(method: MethodSpec, base: BaseModel, path: str) -> FieldInfo:
    """Return the field that a dotted path leads to; raises ConfigError naming the nearest one."""
    current: BaseModel | None = base
    keys = path.split(".")
    for number, key in enumerate(keys):
        above = ".".join(keys[:number])
        if current is None:
            raise ConfigError(
                f"space.{path}", key, f"no field below {above}, which is no section here"
            )
        fields = type(current).model_fields
        if key not in fields:
            where = f"{above} of {method.name}" if above else method.name
            raise ConfigError(
                f"space.{path}", key, f"a field of {where}", did_you_mean(key, fields)
            )
        if number == len(keys) - 1:
            return fields[key]
        current = _section(getattr(current, key))
    raise ConfigError("space", path, "a field's name")


def value_at(config: BaseModel, path: str) -> Any:
    """Return the value of a field as TOML writes it, None where there is none."""
    value: Any = plain(config)
    for key in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def with_values(base: BaseModel, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plain configuration with the values of some fields, by dotted path."""
    changed = copy.deepcopy(plain(base))
    for path, value in sorted(values.items(), key=lambda item: item[0]):  # a part before its fields
        *sections, last = path.split(".")
        table = changed
        for key in sections:
            below = table.get(key)
            # a part without parameters is written as its name alone
            table[key] = {"name": below} if isinstance(below, str) else dict(below or {})
            table = table[key]
        table[last] = value
    return changed


def parts_named(
    method: MethodSpec,
    base: BaseModel,
    space: Mapping[str, Dimension],
    conditions: Conditions = NO_CONDITIONS,
) -> list[Any]:
    """Return the parts that choices name, so that their files and products belong to the run."""
    found = []
    for path, dimension in space.items():
        there = assumed(method, base, conditions, path)
        for value in dimension.choices if isinstance(dimension, Choice) else ():
            config = _validated(method, with_values(there, {path: value}))
            if isinstance(config, BaseModel):
                found += [ref for at, ref in part_refs(config) if _covers(path, at)]
    return found


def _section(value: Any) -> BaseModel | None:
    if isinstance(value, PartRef):
        model = registry().part(value.kind, value.name).config
        return validate(model, dict(value.params))
    return value if isinstance(value, BaseModel) else None


def _check_values(method: MethodSpec, base: BaseModel, path: str, dimension: Dimension) -> None:
    tried: list[tuple[str, Any]]
    if isinstance(dimension, Real | Integer):
        tried = [("low", dimension.low), ("high", dimension.last)]
    else:
        tried = [(f"choices[{i}]", value) for i, value in enumerate(dimension.choices)]
    refused: list[ConfigError] = []
    for name, value in tried:
        values = with_values(base, {path: value})
        found = _validated(method, values)
        if isinstance(found, ConfigError):  # with other fields as they are; they may vary too
            refused.append(_renamed(path, name, value, found))
            continue
        if isinstance(found, ValidationError):
            location = found.errors(include_url=False)[0]["loc"]
            if location and location[0] == path.split(".")[0]:
                raise _renamed(path, name, value, _as_config_error(method, values)) from None
            continue
        try:
            registry().check_parts(validate(method.config, values))
        except ConfigError as error:
            raise _renamed(path, name, value, error) from None
    if len(refused) == len(tried):
        raise refused[0]


def _validated(
    method: MethodSpec, values: Mapping[str, Any]
) -> BaseModel | ValidationError | ConfigError:
    try:
        return method.config.model_validate(values)
    except (ValidationError, ConfigError) as error:
        return error


def _as_config_error(method: MethodSpec, values: Mapping[str, Any]) -> ConfigError:
    try:
        validate(method.config, values)
    except ConfigError as error:
        return error
    raise AssertionError("a configuration was refused and then taken")


def _renamed(path: str, name: str, value: Any, error: ConfigError) -> ConfigError:
    return ConfigError(f"space.{path}.{name}", value, error.expected, error.hint)


def _named(path: str, when: Any, names: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return named_in(when, names)
    except ConfigError as error:
        raise _below(path, error) from None


def _below(path: str, error: ConfigError) -> ConfigError:
    return ConfigError(f"space.{path}.{error.field}", error.got, error.expected, error.hint)


def _covers(path: str, at: str) -> bool:
    return at == path or at.startswith((f"{path}.", f"{path}["))


def _numbers(annotation: Any) -> Sequence[str]:
    """Return which of int and float a field takes."""
    if annotation in (int, float):
        return (annotation.__name__,)
    arguments = get_args(annotation)
    origin = getattr(annotation, "__origin__", None)
    if origin in (list, tuple, dict) or any(isinstance(a, str) for a in arguments):
        return ()
    return [name for argument in arguments for name in _numbers(argument)]
