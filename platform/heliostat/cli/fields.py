"""What a configuration's fields may hold, in words, and values as `-o` and TOML files take them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

NOT_SET = "(not set)"
_KINDS = {"integer": "whole number", "number": "number", "string": "text"}
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minItems": "at least {}",
    "maxItems": "at most {}",
}


@dataclass(frozen=True)
class FieldText:
    """One field: its dotted name, its default as TOML, and what it means and may hold."""

    name: str
    default: str
    meaning: str


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema, with parts in defaults as a configuration writes them."""
    schema: dict[str, Any] = _with_plain_parts(model.model_json_schema())
    return schema


def field_texts(model: type[BaseModel]) -> Iterator[FieldText]:
    """Yield the fields in order, those of a table after it."""
    schema = schema_of(model)
    tables = schema.get("$defs", {})
    yield from _texts(tables.get(_table(schema), schema), tables, "")


def inline(value: Any) -> str:
    """Return a value as TOML on one line, without what is None."""
    # JSON's strings, integers and booleans are TOML too; tables are not, and TOML has no null
    if isinstance(value, Mapping):
        inner = (f"{_key(k)} = {inline(v)}" for k, v in value.items() if v is not None)
        return "{" + ", ".join(inner) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(inline, value)) + "]"
    return repr(value) if isinstance(value, float) else json.dumps(value)


def _key(key: str) -> str:
    bare = key.replace("_", "").replace("-", "")
    return key if bare.isalnum() and bare.isascii() else json.dumps(key)


def _texts(schema: Mapping[str, Any], tables: Mapping[str, Any], above: str) -> Iterator[FieldText]:
    for name, field in schema.get("properties", {}).items():
        default = "required"
        if "default" in field:
            default = NOT_SET if field["default"] is None else inline(field["default"])
        grows = ", may grow on resume" if field.get("extendable") else ""
        meaning = f"{field.get('description', '')} ({_kind(field, tables)}{grows})".strip()
        yield FieldText(above + name, default, meaning)
        table = _table(field)
        if table and above.count(".") < 3:  # a table may hold itself
            yield from _texts(tables.get(table, {}), tables, f"{above}{name}.")


def _table(field: Mapping[str, Any]) -> str:
    """Return the name of the table that a field holds, empty if it holds none."""
    for choice in (field, *field.get("anyOf", ())):
        if "$ref" in choice:
            return str(choice["$ref"]).rpartition("/")[2]
    return ""


def _kind(field: Mapping[str, Any], tables: Mapping[str, Any]) -> str:
    if "part" in field:
        return f"a {field['part']}, see: heliostat parts {field['part']}"
    if "$ref" in field:
        table = tables.get(_table(field), {})
        inner = ", ".join(table.get("properties", {}))
        if inner:
            return f"table of {inner}"
        field = {k: v for k, v in table.items() if k in ("enum", "const", "type")}
    if "anyOf" in field:
        kinds = [_kind(c, tables) for c in field["anyOf"] if c.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in field or "const" in field:
        choices = field.get("enum", [field.get("const")])
        return "one of " + ", ".join(map(json.dumps, choices))
    kind = field.get("type", "any value")
    if kind == "boolean":
        return "true or false"
    if kind == "array":
        return _list_kind(field, tables)
    if kind == "object":
        return "table"
    return ", ".join([_KINDS.get(kind, kind), *_bounds(field)])


def _list_kind(field: Mapping[str, Any], tables: Mapping[str, Any]) -> str:
    if "prefixItems" in field:
        return f"list of {', '.join(_kind(item, tables) for item in field['prefixItems'])}"
    many = f" of {' and '.join(bounds)}" if (bounds := _bounds(field)) else ""
    each = f", each {_kind(field['items'], tables)}" if field.get("items") else ""
    return f"list{many}{each}"


def _bounds(field: Mapping[str, Any]) -> list[str]:
    return [text.format(field[name]) for name, text in _BOUNDS.items() if name in field]


def _with_plain_parts(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"name", "params", "kind"}:  # how a schema shows a reference to a part
            return {"name": value["name"], **value["params"]} if value["params"] else value["name"]
        return {k: _with_plain_parts(v) for k, v in value.items()}
    return [_with_plain_parts(v) for v in value] if isinstance(value, list) else value
