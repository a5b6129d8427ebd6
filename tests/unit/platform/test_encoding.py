"""The canonical text: what goes in comes out, equal values give equal texts."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from typing import Any

import numpy as np
import pytest
from encoded_types import Aliased, Color, Gauge, Level, Model, Nested, Pair, Point, Rights
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from heliostat import Artifact, Shared
from heliostat.errors import EncodingError
from heliostat.values.canonical import decode, digest, encode

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**300), 10**300),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(max_size=40),
    st.complex_numbers(allow_nan=False),
    st.builds(Shared, st.just("ab" * 32)),
    st.builds(Artifact, st.just("cd" * 32), st.text(max_size=5)),
    st.sampled_from([Color.RED, Level.HIGH]),
    st.builds(Point, st.floats(allow_nan=False), st.integers()),
    st.builds(Pair, st.text(max_size=3), st.integers()),
)
keys = st.one_of(
    st.text(max_size=4),
    st.sampled_from(["$array", "$", "$tuple"]),
    st.integers(),
    st.floats(allow_nan=False),
    st.none(),
    st.binary(max_size=3),
    st.tuples(st.integers(), st.text(max_size=2)),
    st.sampled_from([Color.RED, Point(1.0, 2), np.int64(3)]),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(keys, inner, max_size=4),
    ),
    max_leaves=20,
)
plain_dtypes = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
    hnp.complex_number_dtypes(endianness="?", sizes=(64, 128)),
    hnp.datetime64_dtypes(endianness="?"),
    hnp.timedelta64_dtypes(endianness="?"),
    hnp.byte_string_dtypes(min_len=1, max_len=5),
    hnp.unicode_string_dtypes(endianness="?", min_len=1, max_len=5),
)
arrays = plain_dtypes.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0))
)


def same(a: Any, b: Any) -> bool:
    """Equal in type and value, at every depth; -0.0 is not 0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return (a == b and math.copysign(1, a) == math.copysign(1, b)) or (a != a and b != b)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return len(a) == len(b) and all(k in b and same(v, b[k]) for k, v in a.items())
    return bool(a == b)


@given(values)
@example(float("inf"))
@example(float("nan"))
@example([-0.0, 0.0, 5e-324, 1.7976931348623157e308])
@example({"$float": "nan"})
@example({"$map": [[1, 2]]})
@example({1: "a", "1": "b", (1,): "c", b"1": "d"})
@example("\ud800 lone surrogate")
@example((1, [2, (3, [])], {}))
def test_decode_gives_back_what_was_encoded(value: Any) -> None:
    assert same(decode(encode(value)), value)


@given(values)
def test_encoding_what_was_decoded_gives_the_same_text(value: Any) -> None:
    text = encode(value)
    assert encode(decode(text)) == text
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@given(st.dictionaries(keys, leaves, max_size=6), st.randoms())
def test_the_order_of_a_dictionary_does_not_matter(value: dict[Any, Any], chance: Any) -> None:
    pairs = list(value.items())
    chance.shuffle(pairs)
    assert encode(dict(pairs)) == encode(value)


@given(arrays)
def test_arrays_keep_dtype_shape_and_bytes_and_come_back_read_only(value: Any) -> None:
    back = decode(encode(value))
    assert (back.dtype, back.shape) == (value.dtype, value.shape)
    assert back.dtype.byteorder == value.dtype.byteorder
    assert back.tobytes() == value.tobytes()
    assert not back.flags.writeable
    assert encode(back) == encode(value)


@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=3, min_side=2)))
def test_memory_layout_does_not_enter_the_text(value: Any) -> None:
    turned = np.asfortranarray(value)
    spread = np.repeat(value, 2, axis=0)[::2]
    assert encode(turned) == encode(spread) == encode(value)
    assert np.array_equal(decode(encode(value.T)), value.T, equal_nan=True)


@given(plain_dtypes.filter(lambda d: d.kind not in "SU").flatmap(lambda d: hnp.arrays(d, ())))
def test_numpy_scalars_keep_their_type(value: Any) -> None:
    scalar = value[()]
    back = decode(encode(scalar))
    assert type(back) is type(scalar)
    assert np.asarray(back).tobytes() == np.asarray(scalar).tobytes()
    assert encode(back) == encode(scalar)


@pytest.mark.parametrize("value", [np.str_(""), np.bytes_(b""), np.bytes_(b"a\0")])
def test_odd_numpy_strings_come_back_or_are_refused(value: Any) -> None:
    try:
        text = encode(value)
    except EncodingError:
        return
    assert decode(text) == value
    assert encode(decode(text)) == text


def test_extended_precision_has_one_text_for_one_value() -> None:
    one, third = np.longdouble(1), np.longdouble(1) / 3
    noise = np.frombuffer(third.tobytes()[:10] + b"\xff" * 6, dtype=np.longdouble)[0]
    if np.dtype(np.longdouble).itemsize != 16:
        pytest.skip("no padded extended precision here")
    assert third == noise
    try:
        assert encode(third) == encode(noise)
        assert encode(np.array([one, third])) == encode(np.array([one, noise]))
    except EncodingError:
        pass  # refusing it is as good


@pytest.mark.parametrize(
    "value",
    [
        Point(0.5, 3),
        Nested(Point(-0.0, 1), (Point(1.0, 2), Color.BLUE), {"a": Pair("x", 1)}),
        Gauge(name="g", limits=(1.0, 2.0), inner=Model(alpha=0.1)),
        Pair("a", 2),
        Color.BLUE,
        Level.HIGH,
        Shared("ef" * 32),
        Artifact("01" * 32, "net"),
    ],
)
def test_objects_come_back_equal_and_of_their_class(value: Any) -> None:
    back = decode(encode(value))
    assert type(back) is type(value)
    assert back == value
    assert encode(back) == encode(value)


def test_an_array_inside_a_dataclass_comes_back() -> None:
    back = decode(encode(Point(np.arange(3), 1)))  # type: ignore[arg-type]
    assert np.array_equal(back.x, np.arange(3))


@pytest.mark.parametrize("value", [Rights.READ | Rights.WRITE, Rights(0)])
def test_combined_flags_come_back_or_are_refused(value: Any) -> None:
    try:
        text = encode(value)
    except EncodingError:
        return
    assert decode(text) == value


TENSORS = {
    "transposed": lambda t: t.arange(6).reshape(2, 3).T,
    "with a gradient": lambda t: t.tensor(1.5, dtype=t.float64, requires_grad=True),
    "empty": lambda t: t.zeros(0, 3),
    "boolean": lambda t: t.tensor([True, False]),
    "conjugate view": lambda t: t.tensor([1 + 2j]).conj(),
    "bfloat16": lambda t: t.tensor([1.5, -2.0], dtype=t.bfloat16),
    "sparse": lambda t: t.eye(3).to_sparse(),
}


@pytest.mark.parametrize("kind", TENSORS)
def test_tensors_come_back_or_are_refused_by_name(kind: str) -> None:
    torch = pytest.importorskip("torch")
    value = TENSORS[kind](torch)
    try:
        text = encode({"weights": value})
    except EncodingError as error:
        assert "weights" in str(error)
        assert kind in ("sparse", "bfloat16")
        return
    back = decode(text)["weights"]
    assert back.dtype == value.dtype
    assert torch.equal(back, value)


def test_the_text_is_the_documented_one() -> None:
    # Origin: the table in the module's documentation.
    assert encode(float("nan")) == '{"$float":"nan"}'
    assert encode(-0.0) == "-0.0"
    assert encode((1, "a")) == '{"$tuple":[1,"a"]}'
    assert encode({"b": 1, "a": [None, True]}) == '{"a":[null,true],"b":1}'
    assert encode({2: "x", 1: "y"}) == '{"$map":[[1,"y"],[2,"x"]]}'
    assert encode(b"\0\1") == '{"$bytes":"AAE="}'
    assert encode(np.array([[1, 2]], dtype="<i2")) == '{"$array":["<i2",[1,2],"AQACAA=="]}'
    # Origin: printf '[1,2]' | sha256sum
    assert (
        digest(encode([1, 2])) == "49a64717d5d4cb19952e6eac2946415cf6879adacf9908e7d872332d32c6e684"
    )


class Local:
    pass


REFUSED = [
    ({1, 2}, "value", "set"),
    ({"a": [1, {"b": frozenset()}]}, "value['a'][1]['b']", "frozenset"),
    ((0, len), "value[1]", "builtin_function_or_method"),
    (Point(object(), 1), "value.x", "object"),  # type: ignore[arg-type]
    (bytearray(b"x"), "value", "bytearray"),
    (np.array([object()]), "value", "object"),
    (np.zeros(2, dtype=[("a", "f8")]), "value", "('a', '<f8')"),
    (np.zeros(2, dtype=[("a", "f8")])[0], "value", "void"),
    (Local(), "value", "Local"),
    ({frozenset([1]): 2}, "key of value", "frozenset"),
    (np.ma.masked_array([1, 2], [True, False]), "value", "MaskedArray"),
]


@pytest.mark.parametrize(("value", "place", "kind"), REFUSED, ids=[row[2] for row in REFUSED])
def test_a_refusal_names_place_and_type(value: Any, place: str, kind: str) -> None:
    with pytest.raises(EncodingError) as caught:
        encode(value)
    assert place in str(caught.value)
    assert kind in str(caught.value)


def test_an_integer_too_long_to_write_is_refused_by_name() -> None:
    with pytest.raises(EncodingError, match=r"value\['big'\]"):
        encode({"big": 10**5000})


def test_a_value_that_holds_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(EncodingError):
        encode(loop)


def test_a_class_without_a_permanent_name_is_refused_with_the_line_to_add() -> None:
    with pytest.raises(EncodingError) as caught:
        encode({"settings": [Unnamed(1)]})
    told = str(caught.value)
    assert "value['settings'][0] is a Unnamed" in told
    assert '@heliostat.stored("my_method.unnamed") above' in told
    assert "test_encoding:Unnamed" in told


def test_a_name_is_not_inherited() -> None:
    with pytest.raises(EncodingError, match="is a Special, which has no permanent name"):
        encode(Special(1.0, 2))


@dataclasses.dataclass(frozen=True)
class Unnamed:
    x: int


class Special(Point):
    """A named class's child, whose values are other values."""


def test_extra_fields_of_a_pydantic_model_are_not_lost_silently() -> None:
    value = Model.model_validate({"alpha": 1.0, "extra": 5})
    try:
        back = decode(encode(value))
    except EncodingError:
        return
    assert back == value


def test_a_pydantic_model_with_an_alias_comes_back() -> None:
    value = Aliased.model_validate({"lambda": 0.5})
    assert decode(encode(value)) == value


def test_stored_text_never_imports_a_foreign_module(tmp_path, monkeypatch) -> None:
    (tmp_path / "foreign_module.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(EncodingError, match="foreign_module"):
        decode('{"$object":["foreign_module:Thing",{}]}')
    assert "foreign_module" not in sys.modules


@pytest.mark.parametrize(
    "text",
    [
        '{"$object":["os:system",{"command":"true"}]}',
        '{"$object":["builtins:eval",{}]}',
        '{"$object":["subprocess:Popen",{"args":"true"}]}',
        '{"$object":["heliostat.nowhere:Thing",{}]}',
        '{"$object":["heliostat:Nothing",{}]}',
        '{"$unknown":1}',
    ],
)
def test_stored_text_builds_only_values(text: str) -> None:
    with pytest.raises(EncodingError):
        decode(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[" * 100_000,
        '{"$tuple":' * 100_000,
        '{"$tuple":3}',
        '{"$map":[[[1],2]]}',
        '{"$map":[1]}',
        '{"$float":"1e5"}',
        '{"$float":5}',
        '{"$bytes":5}',
        '{"$complex":[1]}',
        '{"$complex":["a","b"]}',
        '{"$shared":5}',
        '{"$artifact":["a"]}',
        '{"$artifact":[1,2]}',
        '{"$scalar":["<f8",""]}',
        '{"$scalar":["<f8","AAAAAAAAAAAAAAAAAAAAAA=="]}',
        '{"$scalar":["float64","AAAAAAAAAAA="]}',
        '{"$array":["|O",[1],"AAAAAAAAAAA="]}',
        '{"$array":["<f16",[1],"AAAAAAAAAAAAAAAAAAAAAA=="]}',
        '{"$array":[[["a","<f8"]],[1],"AAAAAAAAAAA="]}',
        '{"$array":["<f8",[-5],"AAAAAAAAAAA="]}',
        '{"$array":["<f8",[1000000000000],""]}',
        '{"$array":["nonsense",[1],""]}',
        '{"$tensor":[1]}',
        '{"$object":5}',
        '{"$object":["tests.point"]}',
        '{"$object":["tests.point",[1]]}',
        '{"$object":["tests.point",{"x":1}]}',
        '{"$object":["tests.point",{"x":1,"y":2,"z":3}]}',
        '{"$object":["tests.color","GREEN"]}',
        '{"$object":["tests.color",["RED"]]}',
        '{"$object":["tests.gauge",{"name":[]}]}',
        '{"$object":["tests.base_model",{}]}',
        '{"$object":["tests.any",{}]}',
        '{"$object":["enum:Enum","x"]}',
    ],
    ids=lambda text: text[:40],
)
def test_a_text_that_no_value_has_is_refused_and_nothing_else_happens(text: str) -> None:
    with pytest.raises(EncodingError):
        decode(text)


@pytest.mark.parametrize(
    "name", ["numpy.f2py.__main__:Thing", "__main__:Thing", "os", "nobody.thing", "heliostat.thing"]
)
def test_a_name_that_nobody_registers_is_refused_and_imports_nothing(name: str) -> None:
    before = {*sys.modules}
    with pytest.raises(EncodingError, match="nothing here registers"):
        decode(json.dumps({"$object": [name, {}]}))
    assert not {found for found in {*sys.modules} - before if "__main__" in found}
