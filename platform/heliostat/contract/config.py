"""What can be set of a method: its typed configuration, read and judged field by field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from heliostat.contract.part import PartRef
from heliostat.contract.plain_numbers import check_numbers
from heliostat.errors import ConfigError, did_you_mean, nearest

EXTENDABLE: dict[str, Any] = {"extendable": True}
"""Marks a field that may grow on resume: ``Field(50, json_schema_extra=EXTENDABLE)``."""
ANEW = "anew"
"""Beside it, ``EXTENDABLE | {"anew": True}``: what was asked before would have been another thing
with the larger value, so a resume in which it grew starts from no checkpoint."""


class MethodConfig(BaseModel):
    """Base of method configurations: unknown keys are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


def validate(model: type[BaseModel], values: Mapping[str, Any], source: str = "") -> BaseModel:
    """Return the model made of these values, or raise ConfigError for the first thing wrong."""
    try:
        found = model.model_validate(values)
        check_numbers(values, found)
    except ValidationError as error:
        raise config_error(model, error, source) from None
    except ConfigError as error:  # raised by a validator that knows the field
        raise error.in_file(source) from None
    return found


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


def without_none(value: Any) -> Any:
    """Return the values that TOML can hold: fields that are None are left out."""
    if isinstance(value, dict):
        return {k: without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_none(v) for v in value]
    return value


def extendable_fields(model: type[BaseModel], mark: str = "extendable") -> set[str]:
    """Return the fields that may grow on resume; those of them that bear another `mark`."""
    return {
        name
        for name, info in model.model_fields.items()
        if isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get(mark)
    }


def config_error(model: type[BaseModel], error: ValidationError, source: str) -> ConfigError:
    """Return the first thing wrong, in words: the field, its value, what was expected."""
    found = error.errors(include_url=False)
    # a misspelt key also leaves the right one out: name what was written
    first = next((e for e in found if e["type"] == "extra_forbidden"), found[0])
    location = _written(model, first["loc"])
    path = ".".join(map(str, location)) or "configuration"
    if first["type"] == "extra_forbidden":
        choices = list(_fields_at(model, location[:-1]))
        name = str(location[-1])
        hint = did_you_mean(name, choices)
        return ConfigError(path, first["input"], "a known field", hint, source)
    # a value that may be of several kinds failed as each of them
    alike = [e for e in found if _written(model, e["loc"]) == location]
    expected = " or ".join(dict.fromkeys(map(_expected, alike)))
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


def _expected(error: Any) -> str:
    """Return what one of pydantic's errors expected, in words that follow "expected"."""
    if error["type"] == "int_parsing_size":
        return "a whole number that is not so long"
    message = error["msg"].removeprefix("Value error, ").removeprefix("expected ")
    said = message.removeprefix("Input should be ")
    if said == message:
        return str(message)
    return f"{said[:1].lower()}{said[1:]}".replace("a valid tuple", "a valid list")


def _written(model: type[BaseModel], location: Sequence[Any]) -> list[Any]:
    """Return a location as it stands in a configuration: without pydantic's names of validators.

    Where a value may be of several kinds, pydantic says which of them it tried.
    """
    written: list[Any] = []
    kinds: list[Any] = [model]
    for part in location:
        below = list(_below(kinds, part))
        tried = isinstance(part, str) and (len(kinds) > 1 or "[" in part)
        if below or not tried:
            written.append(part)
            kinds = list(_kinds(below))
        else:  # a model goes by its own name
            kinds = [kind for kind in kinds if getattr(kind, "__name__", "") == part] or kinds
    return written


def _kinds(annotations: Iterable[Any]) -> Iterator[Any]:
    for annotation in annotations:
        origin = get_origin(annotation)
        if origin is Annotated:
            yield from _kinds(get_args(annotation)[:1])
        elif origin in (Union, UnionType):
            yield from _kinds(kind for kind in get_args(annotation) if kind is not type(None))
        else:
            yield annotation


def _below(kinds: Iterable[Any], part: Any) -> Iterator[Any]:
    """Yield what may stand at a field, a key or a place of a value of these kinds."""
    for kind in kinds:
        origin, arguments = get_origin(kind), get_args(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            if part in kind.model_fields:
                yield kind.model_fields[part].annotation
        elif isinstance(origin, type) and issubclass(origin, Mapping) and arguments:
            yield arguments[-1]
        elif isinstance(part, int) and arguments:
            yield arguments[0]


def _model_at(model: type[BaseModel], location: Sequence[Any]) -> type[BaseModel] | None:
    current: type[BaseModel] | None = model
    for name in location:
        if current is None or isinstance(name, int):
            continue
        info = current.model_fields.get(str(name))
        current = model_in(info.annotation) if info is not None else None
    return current


def model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the first model in an annotation, None where there is none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = model_in(argument)
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
