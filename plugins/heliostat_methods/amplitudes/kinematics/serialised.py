"""Points as JSON: numbers are text, such as "-3/7", and the field is named.

    {"kind": "gram", "field": "rational", "kk": [["0", "14", ..], ..], "ek": .., "ee": ..}
    {"kind": "ads", "field": .., "norms": ["2", ..], "planar_norms": {"0,2": "23/2", ..}, "ek": ..,
     "ee": ..}
    {"kind": "loop", "field": .., "ll": "13", "lk": ["4", ..], "le": ["-4", ..]}
    {"kind": "four_vector", "field": .., "metric": "+---", "momenta": .., "polarisations": ..}

Whole numbers may stand without quotes. What is read is checked as any other point.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from heliostat.errors import did_you_mean
from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.fields.field import Field, Number
from heliostat_methods.amplitudes.fields.named import NAMES, field_named
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint
from heliostat_methods.amplitudes.kinematics.four_vector_point import FourVectorPoint
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint
from heliostat_methods.amplitudes.kinematics.loop_point import LoopPoint

Point = GramPoint | AdSPoint | FourVectorPoint | LoopPoint
KEYS: dict[str, tuple[str, ...]] = {
    "gram": ("kk", "ek", "ee"),
    "ads": ("norms", "planar_norms", "ek", "ee"),
    "four_vector": ("metric", "momenta", "polarisations"),
    "loop": ("ll", "lk", "le"),
}
"""What a point of each kind has beside its kind and field."""
_LARGEST_EXPONENT = 4
_PAIR = re.compile(r"(\d{1,6}),(\d{1,6})", re.ASCII)


def to_document(point: Point) -> dict[str, Any]:
    """Return a single point as what JSON holds; ValueError for symbols and for batches."""
    field = point.field
    if field.name.partition(":")[0] not in NAMES:
        raise ValueError(f"field: {field.name!r} has no text form, expected one of {NAMES}")

    def text(x: Number) -> str:
        if getattr(x, "ndim", 0):
            raise ValueError(f"numbers of shape {x.shape}: expected one point, not a batch")
        return field.text(x)

    def rows(table: Any) -> list[list[str]]:
        return [[text(x) for x in row] for row in table]

    head = {"field": field.name}
    if isinstance(point, FourVectorPoint):
        signs = "".join("+" if sign > 0 else "-" for sign in point.metric)
        return {"kind": "four_vector", **head, "metric": signs, "momenta": rows(point.momenta),
                "polarisations": rows(point.polarisations)}  # fmt: skip
    if isinstance(point, LoopPoint):
        return {"kind": "loop", **head, "ll": text(point.ll), "lk": [text(x) for x in point.lk],
                "le": [text(x) for x in point.le]}  # fmt: skip
    tables = {"ek": rows(point.ek), "ee": rows(point.ee)}
    if isinstance(point, GramPoint):
        return {"kind": "gram", **head, "kk": rows(point.kk), **tables}
    planar = {f"{i},{j}": text(x) for (i, j), x in point.planar_norms.items()}
    norms = [text(x) for x in point.norms]
    return {"kind": "ads", **head, "norms": norms, "planar_norms": planar, **tables}


def to_json(point: Point) -> str:
    """Return a single point as JSON text; ValueError for symbols and for batches."""
    return json.dumps(to_document(point))


def from_json(text: str | bytes) -> Point:
    """Return the point that JSON text describes; InvalidPoint naming the key that is wrong."""
    try:
        document = json.loads(text)
    except RecursionError:
        raise InvalidPoint("JSON: nested too deeply for a point") from None
    except ValueError as error:
        raise InvalidPoint(f"JSON: {error}") from None
    return from_document(document)


def from_document(document: Any) -> Point:
    """Return the point that a JSON object describes; InvalidPoint naming the key that is wrong."""
    if not isinstance(document, Mapping):
        raise InvalidPoint(f"point: {type(document).__name__}, expected an object with 'kind'")
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in KEYS:
        hint = f"; {did_you_mean(kind, KEYS)}" if isinstance(kind, str) else ""
        raise InvalidPoint(f"kind: {kind!r}, expected one of {', '.join(KEYS)}{hint}")
    for key in ("field", *KEYS[kind]):
        if key not in document:
            raise InvalidPoint(f"{key}: missing in a point of kind {kind!r}")
    for key in document:
        if key not in ("kind", "field", *KEYS[kind]):
            hint = did_you_mean(str(key), KEYS[kind])
            raise InvalidPoint(f"{key}: no key of a point of kind {kind!r}; {hint}")
    field = _field(document["field"])
    if kind == "ads":
        norms = _list("norms", document["norms"], lambda name, x: _number(name, x, field))
        planar = _planar(document["planar_norms"], field)
        return AdSPoint(norms, planar, _rows("ek", document, field), _rows("ee", document, field),
                        field)  # fmt: skip
    if kind == "loop":
        lk, le = (_list(key, document[key], lambda name, x: _number(name, x, field))
                  for key in ("lk", "le"))  # fmt: skip
        return LoopPoint(_number("ll", document["ll"], field), lk, le, field)
    tables = {key: _rows(key, document, field) for key in KEYS[kind] if key != "metric"}
    if kind == "gram":
        return GramPoint(**tables, field=field)
    metric = document["metric"]
    if not isinstance(metric, str):
        raise InvalidPoint(f"metric: {metric!r}, expected text such as '+---'")
    return FourVectorPoint(**tables, metric=metric, field=field)


def _field(name: Any) -> Field:
    if not isinstance(name, str):
        raise InvalidPoint(f"field: {name!r}, expected a name such as 'rational' or 'gf:101'")
    try:
        return field_named(name)
    except ValueError as error:
        raise InvalidPoint(f"field: {error}".replace("field: field: ", "field: ")) from None


def _rows(key: str, document: Mapping[str, Any], field: Field) -> list[list[Number]]:
    def row(name: str, given: Any) -> list[Number]:
        return _list(name, given, lambda at, x: _number(at, x, field))

    return _list(key, document[key], row)


def _list(name: str, given: Any, entry: Callable[[str, Any], Any]) -> list[Any]:
    if not isinstance(given, list):
        raise InvalidPoint(f"{name}: {_shown(given)}, expected a list")
    return [entry(f"{name}[{i}]", x) for i, x in enumerate(given)]


def _planar(given: Any, field: Field) -> dict[tuple[int, int], Number]:
    if not isinstance(given, Mapping):
        raise InvalidPoint(f"planar_norms: {_shown(given)}, expected an object with keys 'i,j'")
    found = {}
    for key, x in given.items():
        pair = _PAIR.fullmatch(str(key))
        if pair is None:
            raise InvalidPoint(f"planar_norms: key {key!r}, expected two legs such as '0,2'")
        found[int(pair[1]), int(pair[2])] = _number(f"planar_norms[{key}]", x, field)
    return found


def _number(name: str, given: Any, field: Field) -> Number:
    if isinstance(given, bool) or not isinstance(given, int | str):
        raise InvalidPoint(f"{name}: {_shown(given)}, expected text such as '-3/7' or '0.25'")
    if isinstance(given, str):
        # 1e999999999 is ten letters here and a gigabyte as an exact number
        for exponent in re.findall(r"[eE][+-]?0*(\d+)", given):
            if len(exponent) > _LARGEST_EXPONENT:
                raise InvalidPoint(f"{name}: {_shown(given)}, exponents have at most 4 digits")
    try:
        return field.number(given)
    except (ValueError, TypeError) as error:
        raise InvalidPoint(f"{name}: {error}") from None


def _shown(given: Any) -> str:
    text = repr(given) if isinstance(given, int | float | str | None) else type(given).__name__
    return text if len(text) <= 40 else f"{text[:40]}.."
