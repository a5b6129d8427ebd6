"""One canonical text for every value that crosses a boundary: item, outcome, checkpoint, product.

Search and tasks always see `decode(encode(x))`, live as in replay, so nothing can depend on whether
an outcome was computed just now or read from the journal. The text is JSON: plain values as they
are, everything else as an object with one key that starts with ``$``:

=================================== =========================================================
``{"$float": "nan"|"inf"|"-inf"}``   floats that JSON lacks (-0.0 is written as -0.0)
``{"$tuple": [...]}``                tuples; named tuples and dataclasses are ``$object``
``{"$map": [[key, value], ...]}``    dictionaries with keys other than plain strings, sorted
``{"$bytes": base64}``               bytes
``{"$complex": [re, im]}``           complex numbers
``{"$scalar": [dtype, base64]}``     numpy scalars, type kept
``{"$array": [dtype, shape, base64]}`` numpy arrays in C order; they come back read-only
``{"$tensor": {"$array": ...}}``     torch tensors on the CPU
``{"$shared": sha256}``              a handle of shared data
``{"$artifact": [sha256, name]}``    a product in the store
``{"$object": ["owner.word", {...}]}`` dataclasses and pydantic models by field, enums by name
=================================== =========================================================

Sets, functions and arbitrary objects are refused: they have no order or no value to write down.
Decoding never executes text; it builds what encoding writes and nothing else. Stored text may come
from anywhere, so a class is looked up by its permanent name (`heliostat.values.names`), and no
module is imported because text names it.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import hashlib
import json
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from json.scanner import make_scanner
from typing import Any, Generic, TypeVar

import numpy as np
from pydantic import BaseModel

from heliostat.errors import EncodingError, shown, told
from heliostat.values import names

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Shared(Generic[T_co]):
    """A handle of large read-only data, named by the hash of its content."""

    sha256: str


@dataclass(frozen=True)
class Artifact:
    """A product in the store, named by the hash of its content."""

    sha256: str
    name: str


LONGEST_REASON = 300

LARGEST_INT_BITS = 14_000
"""Python reads and writes integers of at most 4300 digits."""


def encode(value: object) -> str:
    """Return the canonical text of `value`; raises EncodingError naming the place and the type."""
    if type(value) is float and math.isfinite(value):
        return repr(value)
    if type(value) is int and -(2**63) <= value < 2**63:
        return repr(value)
    try:
        return _dumps(_to_plain(value, "value"))
    except (RecursionError, ValueError) as error:  # contains itself, or has too many digits
        raise EncodingError(f"a {type(value).__name__} cannot be stored: {error}") from error


def decode(text: str) -> Any:
    """Return the value that `text` stands for; arrays are read-only.

    Raises EncodingError for a text that no value has.
    """
    try:
        plain = _loads(text)
        return plain if text[0] not in "{[" else _from_plain(plain)
    except (EncodingError, MemoryError):
        raise
    except Exception as error:  # of the JSON, of a body, of a class that checks its fields
        raise EncodingError(
            f"stored text cannot be read: {told(error)[:LONGEST_REASON]}"
        ) from error


def digest(text: str) -> str:
    """Return the SHA-256 of a canonical text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


# made once: json.dumps and json.loads build or look these up for every value
_dumps = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_decoder = json.JSONDecoder()
_scan: Callable[[str, int], tuple[Any, int]] = make_scanner(_decoder)  # type: ignore[arg-type]


def _loads(text: str) -> Any:
    """Return what a text of JSON says, without looking for white space that none of ours has."""
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        end = -1
    return value if end == len(text) else _decoder.decode(text)


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _to_plain(value: Any, where: str) -> Any:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        if value.bit_length() > LARGEST_INT_BITS:
            raise EncodingError(f"{where} is an integer of {value.bit_length()} bits; too long")
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind is list:
        return [_to_plain(v, f"{where}[{i}]") for i, v in enumerate(value)]
    if kind is tuple:
        return {"$tuple": [_to_plain(v, f"{where}[{i}]") for i, v in enumerate(value)]}
    if kind is dict:
        return _dict_to_plain(value, where)
    return _other_to_plain(value, where)


def _dict_to_plain(value: dict[Any, Any], where: str) -> Any:
    if all(type(k) is str and not k.startswith("$") for k in value):
        return {k: _to_plain(value[k], f"{where}[{k!r}]") for k in sorted(value)}
    pairs = [
        [_to_plain(k, f"key of {where}"), _to_plain(v, f"{where}[{k!r}]")] for k, v in value.items()
    ]
    return {"$map": sorted(pairs, key=lambda pair: _dumps(pair[0]))}


def _other_to_plain(value: Any, where: str) -> Any:
    if type(value) is np.ndarray:
        return _array_to_plain(value, where)
    if isinstance(value, np.generic):
        if isinstance(value, np.str_ | np.bytes_):
            return _to_plain(str(value) if isinstance(value, str) else bytes(value), where)
        if _no_plain_dtype(value.dtype):
            raise _refused(value, where)
        return {"$scalar": [value.dtype.str, _b64(value.tobytes())]}
    if isinstance(value, bytes):
        return {"$bytes": _b64(value)}
    if isinstance(value, complex):
        return {"$complex": [_to_plain(value.real, where), _to_plain(value.imag, where)]}
    if isinstance(value, Shared):
        return {"$shared": value.sha256}
    if isinstance(value, Artifact):
        return {"$artifact": [value.sha256, value.name]}
    if isinstance(value, enum.Enum):
        if value.name not in type(value).__members__:
            raise EncodingError(f"{where} is {value!r}, a combination of flags; store its value")
        return {"$object": [names.type_name(type(value), where), value.name]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init}
        return {"$object": [names.type_name(type(value), where), _fields_to_plain(fields, where)]}
    if isinstance(value, BaseModel):
        if value.__pydantic_extra__:
            raise EncodingError(f"{where} has fields beside those of its model; forbid extra ones")
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        return {"$object": [names.type_name(type(value), where), _fields_to_plain(fields, where)]}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {
            "$object": [
                names.type_name(type(value), where),
                _fields_to_plain(value._asdict(), where),
            ]
        }
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        try:
            array = value.detach().cpu().resolve_conj().resolve_neg().numpy()
        except (TypeError, RuntimeError) as error:
            raise EncodingError(f"{where}: this tensor has no array: {error}") from error
        return {"$tensor": _array_to_plain(array, where)}
    raise _refused(value, where)


def _fields_to_plain(fields: dict[str, Any], where: str) -> dict[str, Any]:
    return {k: _to_plain(fields[k], f"{where}.{k}") for k in sorted(fields)}


def _array_to_plain(value: np.ndarray[Any, Any], where: str) -> Any:
    if _no_plain_dtype(value.dtype):
        raise EncodingError(f"{where} is an array of {value.dtype}; use a plain numeric dtype")
    raw = np.ascontiguousarray(value)
    return {"$array": [value.dtype.str, list(value.shape), _b64(raw.tobytes())]}


def _no_plain_dtype(dtype: np.dtype[Any]) -> bool:
    # padding bytes of a long double are whatever they were, so equal values would differ
    return dtype.hasobject or dtype.kind == "V" or dtype in (np.longdouble, np.clongdouble)


def _refused(value: object, where: str) -> EncodingError:
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    if isinstance(value, set | frozenset):
        advice = "sets have no order; use a sorted list or tuple"
    elif callable(value):
        advice = "functions have no canonical value; pass a name or a configuration"
    else:
        advice = "use numbers, strings, lists, dictionaries, numpy arrays or frozen dataclasses"
    return EncodingError(f"{where} of type {kind} cannot be stored; {advice}")


def _from_plain(plain: Any) -> Any:
    kind = type(plain)
    if kind is list:
        return [_from_plain(v) for v in plain]
    if kind is not dict:
        return plain
    if len(plain) == 1:
        ((tag, body),) = plain.items()
        if tag[:1] == "$":
            reader = _READERS.get(tag)
            if reader is None:
                raise EncodingError(f"unknown tag {tag!r} in stored text")
            return reader(body)
    return {k: _from_plain(v) for k, v in plain.items()}


def _read_array(body: list[Any]) -> np.ndarray[Any, Any]:
    dtype, shape, raw = body
    # frombuffer over bytes is read-only, which is what shared and replayed data must be
    array = np.frombuffer(base64.b64decode(raw), dtype=_dtype(dtype)).reshape(shape)
    if array.shape != tuple(shape):
        raise EncodingError(f"stored text has {shown(shape)} in place of an array's shape")
    return array


def _read_scalar(body: list[Any]) -> Any:
    dtype, raw = body
    (value,) = np.frombuffer(base64.b64decode(raw), dtype=_dtype(dtype))
    return value


def _dtype(name: str) -> np.dtype[Any]:
    dtype = np.dtype(name)
    if dtype.str != name or _no_plain_dtype(dtype):
        raise EncodingError(f"stored text names the dtype {shown(name)}, which is never written")
    return dtype


def _read_tensor(body: Any) -> Any:
    import torch

    array = _from_plain(body)
    if not isinstance(array, np.ndarray):
        raise EncodingError(f"stored text has {shown(array)} in place of a tensor's array")
    return torch.from_numpy(array.copy())


def _read_float(body: str) -> float:
    if body not in ("nan", "inf", "-inf"):
        raise EncodingError(f"stored text has {shown(body)} in place of a float")
    return float(body)


def _read_complex(body: list[Any]) -> complex:
    real, imag = map(_from_plain, body)
    return complex(real, imag)


def _read_artifact(body: list[Any]) -> Artifact:
    sha256, name = body
    return Artifact(_text(sha256), _text(name))


def _text(body: Any) -> str:
    if not isinstance(body, str):
        raise EncodingError(f"stored text has {shown(body)} in place of a name")
    return body


def _read_object(body: list[Any]) -> Any:
    name, fields = body
    kind = _class_named(name)
    if issubclass(kind, enum.Enum):
        return kind[fields]
    values = {k: _from_plain(v) for k, v in fields.items()}
    if issubclass(kind, BaseModel):
        return kind.model_validate(values, by_name=True, by_alias=False)
    return kind(**values)


def _class_named(name: str) -> type[Any]:
    """Return the class of a permanent name, one whose values are written by their fields."""
    kind: type[Any] = names.type_named(_text(name))
    if not (
        dataclasses.is_dataclass(kind)
        or issubclass(kind, BaseModel | enum.Enum)
        or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
    ):
        raise EncodingError(
            f"stored text names {shown(name)}, which is no dataclass, pydantic model, named tuple "
            "or enum"
        )
    return kind


_READERS: dict[str, Callable[[Any], Any]] = {
    "$float": _read_float,
    "$tuple": lambda body: tuple(_from_plain(v) for v in body),
    "$map": lambda body: {_from_plain(k): _from_plain(v) for k, v in body},
    "$bytes": base64.b64decode,
    "$complex": _read_complex,
    "$scalar": _read_scalar,
    "$array": _read_array,
    "$tensor": _read_tensor,
    "$shared": lambda body: Shared(_text(body)),
    "$artifact": _read_artifact,
    "$object": _read_object,
}
