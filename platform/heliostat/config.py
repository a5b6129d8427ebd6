"""From defaults, preset, TOML file and `-o key=value` to one validated, frozen configuration."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from heliostat.errors import ConfigError, UnknownPart, did_you_mean, nearest
from heliostat.methods import MethodSpec, migrated
from heliostat.parts import PartKind, PartRef
from heliostat.plugins import Registry

EXTENDABLE: dict[str, Any] = {"extendable": True}
"""Marks a field that may grow on resume: ``Field(50, json_schema_extra=EXTENDABLE)``."""

DEEPEST = 16
"""Sections within sections that an override may name."""

_FILE_KEYS = ("method", "version", "preset", "seed", "lookahead", "config", "plugins")


class MethodConfig(BaseModel):
    """Base of method configurations: unknown keys are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


@dataclass(frozen=True)
class RunFile:
    """What a configuration file says."""

    method: str
    preset: str | None = None
    seed: int | None = None
    lookahead: int | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    version: int | None = None
    block: tuple[str, ...] = ()


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file; raises ConfigError naming the line that is wrong."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError("file", str(path), "a readable TOML file", str(error.strerror)) from error
    except RecursionError:
        raise ConfigError("file", str(path), "tables and lists in a few levels") from None
    except ValueError as error:  # no TOML, no UTF-8, a number of too many digits
        raise ConfigError("file", str(path), "valid TOML", str(error)) from error


def read_run_file(path: Path) -> RunFile:
    """Return the contents of a run's configuration file."""
    data = read_toml(path)
    for key in data:
        if key not in _FILE_KEYS:
            raise ConfigError(
                key, data[key], "a known key", did_you_mean(key, _FILE_KEYS), str(path)
            )
    if not isinstance(data.get("method"), str):
        raise ConfigError("method", data.get("method"), "a method's name", "", str(path))
    kinds = {"version": int, "seed": int, "lookahead": int, "preset": str, "config": dict}
    for key, kind in kinds.items():
        if key in data and (not isinstance(data[key], kind) or isinstance(data[key], bool)):
            raise ConfigError(key, data[key], f"a value of type {kind.__name__}", "", str(path))
    return RunFile(block=_blocked_in(data.pop("plugins", {}), str(path)), **data)


def _blocked_in(table: Any, source: str) -> tuple[str, ...]:
    example = 'a table with block = ["NAME", ...]'
    if not isinstance(table, dict):
        raise ConfigError("plugins", table, example, "", source)
    for key in table:
        if key != "block":
            hint = did_you_mean(key, ["block"])
            raise ConfigError(f"plugins.{key}", table[key], "a known key", hint, source)
    names = table.get("block", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError("plugins.block", names, "a list of names of plugins", "", source)
    return tuple(names)


def current_values(method: MethodSpec, file: RunFile, source: str) -> dict[str, Any]:
    """Return a file's configuration, carried over when it was written for another version."""
    values = migrated(method, file.config, file.version)
    if values is None:
        expected = f"a version that method {method.name} reads; it is at {method.version}"
        raise ConfigError("version", file.version, expected, "", source)
    return values


def parse_override(text: str) -> tuple[list[str], Any]:
    """Return path and value of `section.key=value`; the value is TOML, or else a string."""
    path, equals, value = text.partition("=")
    keys = [key.strip() for key in path.split(".")]
    if not equals or not all(keys) or len(keys) > DEEPEST:
        raise ConfigError("-o", text, "key=value or section.key=value")
    return keys, toml_value(value)


def toml_value(text: str) -> Any:
    """Return a TOML value, or the text itself where it is none (so strings need no quotes)."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except ValueError:  # no TOML, or a number of too many digits
        return text.strip()
    except RecursionError:
        raise ConfigError("value", text, "tables and lists in a few levels") from None


def resolve(
    method: MethodSpec,
    registry: Registry,
    *,
    preset: str | None = None,
    values: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    source: str = "",
) -> BaseModel:
    """Return the validated configuration; later sources win: preset, values, overrides.

    Raises ConfigError naming the field, the value, what was expected and the nearest valid choice.
    """
    merged: dict[str, Any] = {}
    if preset is not None:
        if preset not in method.presets:
            hint = did_you_mean(preset, sorted(method.presets))
            raise ConfigError("preset", preset, f"a preset of {method.name}", hint)
        merged = _merged(merged, method.presets[preset], method.config)
    merged = _merged(merged, values or {}, method.config)
    for text in overrides:
        keys, value = parse_override(text)
        first = method.config.model_fields.get(keys[0])
        if keys[1:] == ["name"] and first is not None and _names_part(first):
            merged[keys[0]] = value  # another part: the parameters of the one before do not fit
        else:
            _assign(merged, keys, value)
    config = validate(method.config, merged, source)
    check_parts(config, registry, source)
    return config


def validate(model: type[BaseModel], values: Mapping[str, Any], source: str = "") -> BaseModel:
    """Return the model made of these values, or raise ConfigError for the first thing wrong."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _config_error(model, error, source) from None
    except ConfigError as error:  # raised by a validator that knows the field
        raise error.in_file(source) from None


def check_parts(config: BaseModel, registry: Registry, source: str = "") -> None:
    """Raise ConfigError for the first part whose name or parameters are not valid."""
    for path, ref in part_refs(config):
        if ref.name.startswith("run:"):
            if ref.params:
                raise ConfigError(path, ref.plain(), "no parameters beside run:ID", "", source)
            continue
        try:
            spec = registry.part(ref.kind, ref.name)
        except UnknownPart as error:
            hint = _nearest_part(ref, registry)
            raise ConfigError(path, ref.name, f"the name of a {ref.kind}", hint, source) from error
        if spec.inputs is not None and not ref.name.partition(":")[2]:
            raise ConfigError(
                path, ref.name, f"{spec.name}:PATH", f"{spec.name} is {spec.summary}", source
            )
        try:
            spec.config.model_validate(dict(ref.params))
        except ValidationError as error:
            inner = _config_error(spec.config, error, source)
            raise ConfigError(
                f"{path}.{inner.field}", inner.got, inner.expected, inner.hint, source
            ) from None


def _nearest_part(ref: PartRef, registry: Registry) -> str:
    parts = registry.parts(ref.kind)
    families = [part.name for part in parts if part.prefix]
    suffix = ref.name.rpartition(".")[2].lower()
    if suffix in families and "." in ref.name and ":" not in ref.name:
        return f"did you mean {f'{suffix}:{ref.name}'!r}?"  # the path of a file, left bare
    hint = did_you_mean(ref.name, [part.name for part in parts])
    return hint + "".join(f"; or {name}:..." for name in families)


def part_refs(value: Any, path: str = "") -> Iterator[tuple[str, PartRef]]:
    """Yield (field path, reference) of every part that a configuration names, in field order."""
    if isinstance(value, PartRef):
        yield path, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from part_refs(getattr(value, name), f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple):
        for i, element in enumerate(value):
            yield from part_refs(element, f"{path}[{i}]")
    elif isinstance(value, Mapping):
        for key in value:
            yield from part_refs(value[key], f"{path}.{key}")


def plain(config: BaseModel) -> dict[str, Any]:
    """Return the configuration as JSON values."""
    return config.model_dump(mode="json")


def extendable_fields(model: type[BaseModel]) -> set[str]:
    """Return the fields that may grow on resume."""
    return {
        name
        for name, info in model.model_fields.items()
        if isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("extendable")
    }


def first_change(stored: Any, now: Any, path: str = "") -> tuple[str, Any, Any] | None:
    """Return (field, stored value, value now) of the first difference, or None."""
    if isinstance(stored, Mapping) and isinstance(now, Mapping):
        for key in sorted({*stored, *now}):
            below = first_change(stored.get(key), now.get(key), f"{path}.{key}" if path else key)
            if below is not None:
                return below
        return None
    return None if stored == now and type(stored) is type(now) else (path, stored, now)


def _merged(
    base: Mapping[str, Any], top: Mapping[str, Any], model: type[BaseModel] | None
) -> dict[str, Any]:
    result = copy.deepcopy(dict(base))
    for key, value in top.items():
        below = result.get(key)
        info = model.model_fields.get(key) if model is not None else None
        # a part is one value: parameters of another part must not leak into it
        whole = info is not None and _names_part(info)
        if isinstance(value, Mapping) and isinstance(below, Mapping) and not whole:
            inner = _model_in(info.annotation) if info is not None else None
            result[key] = _merged(below, value, inner)
        else:
            result[key] = copy.deepcopy(value)
    return result


def _assign(values: dict[str, Any], keys: Sequence[str], value: Any) -> None:
    """Set one field below `values`; a part named by a string becomes a table."""
    for key in keys[:-1]:
        below = values.get(key)
        if isinstance(below, str):
            below = {"name": below}
        values[key] = dict(below) if isinstance(below, Mapping) else {}
        values = values[key]
    values[keys[-1]] = value


def _names_part(info: FieldInfo) -> bool:
    return any(isinstance(m, PartKind) for m in info.metadata) or _part_in(info.annotation)


def _part_in(annotation: Any) -> bool:
    if any(isinstance(m, PartKind) for m in getattr(annotation, "__metadata__", ())):
        return True
    return any(_part_in(argument) for argument in get_args(annotation))


def without_none(value: Any) -> Any:
    """Return the values that TOML can hold: fields that are None are left out."""
    if isinstance(value, dict):
        return {k: without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_none(v) for v in value]
    return value


def with_none(values: Any, stored: Any) -> Any:
    """Return `values` with None where `stored` has it and `values` has nothing."""
    if not (isinstance(values, dict) and isinstance(stored, dict)):
        return values
    missing = {k: None for k, v in stored.items() if v is None and k not in values}
    return {**{k: with_none(v, stored.get(k)) for k, v in values.items()}, **missing}


def _config_error(model: type[BaseModel], error: ValidationError, source: str) -> ConfigError:
    found = error.errors(include_url=False)
    # a misspelt key also leaves the right one out: name what was written
    first = next((e for e in found if e["type"] == "extra_forbidden"), found[0])
    location = [part for part in first["loc"] if part not in ("function-plain[_read()]",)]
    path = ".".join(map(str, location)) or "configuration"
    if first["type"] == "extra_forbidden":
        choices = list(_fields_at(model, location[:-1]))
        name = str(location[-1])
        hint = did_you_mean(name, choices)
        return ConfigError(path, first["input"], "a known field", hint, source)
    message = first["msg"].removeprefix("Value error, ")
    expected = message.removeprefix("Input should be ")
    expected = expected[:1].lower() + expected[1:] if message != expected else expected
    hint = ""
    if first["type"] == "literal_error" and isinstance(first["input"], str):
        choices = [str(c) for c in _literals_at(model, location)]
        close = nearest(first["input"], choices)
        hint = f"did you mean {close!r}?" if close else ""
    got = first["input"]
    if first["type"] == "missing":
        return ConfigError(path, None, "a value; the field is required", "", source)
    if isinstance(got, BaseModel | Mapping) and not location:
        return ConfigError("configuration", "as given", expected, "", source)
    return ConfigError(path, got, expected, hint, source)


def _model_at(model: type[BaseModel], location: Sequence[Any]) -> type[BaseModel] | None:
    current: type[BaseModel] | None = model
    for name in location:
        if current is None or isinstance(name, int):
            continue
        info = current.model_fields.get(str(name))
        current = _model_in(info.annotation) if info is not None else None
    return current


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _model_in(argument)
        if found is not None:
            return found
    return None


def _fields_at(model: type[BaseModel], location: Sequence[Any]) -> Iterator[str]:
    found = _model_at(model, location)
    yield from found.model_fields if found is not None else ()


def _literals_at(model: type[BaseModel], location: Sequence[Any]) -> tuple[Any, ...]:
    names = [name for name in location if not isinstance(name, int)]
    found = _model_at(model, names[:-1])
    info = found.model_fields.get(str(names[-1])) if found is not None and names else None
    return _literals_in(info.annotation) if info is not None else ()


def _literals_in(annotation: Any) -> tuple[Any, ...]:
    arguments = get_args(annotation)
    if arguments and all(isinstance(a, str | int) for a in arguments):
        return arguments
    return tuple(x for a in arguments for x in _literals_in(a))
