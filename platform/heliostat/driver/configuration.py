"""From defaults, preset, TOML file and `-o key=value` to one validated, frozen configuration."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from heliostat.contract.config import (
    model_in,
    validate,
)
from heliostat.contract.files import regular_file
from heliostat.contract.instructions import LEVELS, PORTABLE
from heliostat.contract.method import MethodSpec, migrated
from heliostat.contract.part import PartKind
from heliostat.contract.toml_text import toml_value
from heliostat.errors import ConfigError, did_you_mean
from heliostat.plugins.registry import Registry

DEEPEST = 16
"""Sections within sections that an override may name."""

_FILE_KEYS = (
    "method", "version", "preset", "seed", "lookahead", "numerics", "config", "plugins",
)  # fmt: skip


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
    numerics: str | None = None


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file; raises ConfigError naming the line that is wrong."""
    try:
        return tomllib.loads(regular_file(path).read_text(encoding="utf-8"))
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
    kinds |= {"numerics": str}
    for key, kind in kinds.items():
        if key in data and (not isinstance(data[key], kind) or isinstance(data[key], bool)):
            raise ConfigError(key, data[key], f"a value of type {kind.__name__}", "", str(path))
    if data.get("numerics", PORTABLE) not in LEVELS:
        hint = did_you_mean(data["numerics"], LEVELS)
        raise ConfigError("numerics", data["numerics"], " or ".join(LEVELS), hint, str(path))
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
    chosen: dict[str, Any] = {}
    if preset is not None:
        if preset not in method.presets:
            hint = did_you_mean(preset, sorted(method.presets))
            raise ConfigError("preset", preset, f"a preset of {method.name}", hint)
        chosen = merged(chosen, method.presets[preset], method.config)
    chosen = merged(chosen, values or {}, method.config)
    for text in overrides:
        keys, value = parse_override(text)
        first = method.config.model_fields.get(keys[0])
        if keys[1:] == ["name"] and first is not None and _names_part(first):
            chosen[keys[0]] = value  # another part: the parameters of the one before do not fit
        else:
            _assign(chosen, keys, value)
    config = validate(method.config, chosen, source)
    registry.check_parts(config, source)
    return config


def first_change(stored: Any, now: Any, path: str = "") -> tuple[str, Any, Any] | None:
    """Return (field, stored value, value now) of the first difference, or None."""
    if isinstance(stored, Mapping) and isinstance(now, Mapping):
        for key in sorted({*stored, *now}):
            below = first_change(stored.get(key), now.get(key), f"{path}.{key}" if path else key)
            if below is not None:
                return below
        return None
    return None if stored == now and type(stored) is type(now) else (path, stored, now)


def merged(
    base: Mapping[str, Any], top: Mapping[str, Any], model: type[BaseModel] | None
) -> dict[str, Any]:
    """Return the fields of both, those of `top` over those of `base`, section by section."""
    result = copy.deepcopy(dict(base))
    for key, value in top.items():
        below = result.get(key)
        info = model.model_fields.get(key) if model is not None else None
        # a part is one value: parameters of another part must not leak into it
        whole = info is not None and _names_part(info)
        if isinstance(value, Mapping) and isinstance(below, Mapping) and not whole:
            inner = model_in(info.annotation) if info is not None else None
            result[key] = merged(below, value, inner)
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


def with_none(values: Any, stored: Any) -> Any:
    """Return `values` with None where `stored` has it and `values` has nothing."""
    if not (isinstance(values, dict) and isinstance(stored, dict)):
        return values
    missing = {k: None for k, v in stored.items() if v is None and k not in values}
    return {**{k: with_none(v, stored.get(k)) for k, v in values.items()}, **missing}
