"""A variant as a value: what it trains, which layers it asks for, with which settings."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from heliostat.values.canonical import decode, encode
from heliostat_methods.lutnn.layers.settings import LutSettings
from heliostat_methods.lutnn.names import VARIANTS

USUAL = {
    "temperature": 0.065, "distance": "euclidean", "table_scale": "per_layer",
    "quantise_tables": True, "learn_temperature": True, "learn_weight": True, "gradient": "soft",
}  # fmt: skip
OTHERWISE = {
    "constant": {"learn_temperature": False},
    "annealed": {"learn_temperature": False},
    "squared": {"distance": "squared"},
    "hard": {"gradient": "hard"},
    "fixed_weight": {"learn_weight": False},
    "per_output": {"table_scale": "per_output"},
    "float_tables": {"quantise_tables": False},
}


@pytest.mark.parametrize("kind", list(VARIANTS))
def test_settings_differ_in_what_the_sentence_says_alone(small: SimpleNamespace, kind: str) -> None:
    expected = LutSettings(**{**USUAL, **OTHERWISE.get(kind, {})})
    assert small.variant(kind).settings == expected
    assert small.variant(kind).sentence == VARIANTS[kind]


def test_which_take_steps_and_which_look_up(small: SimpleNamespace) -> None:
    some = [small.variant(kind) for kind in VARIANTS]
    assert [one.kind for one in some if not one.trained] == ["dense", "int8", "pq", "maddness"]
    assert [one.kind for one in some if not one.looks_up] == ["dense", "dense_longer", "int8"]


def test_a_policy_has_the_sizes_and_names_of_the_configuration(small: SimpleNamespace) -> None:
    one = small.variant(
        linear=5, convolution=6, pointwise=3, clusters=7, keep=("a",), keep_first=False,
        convert="cost_model",
    )  # fmt: skip
    found = one.policy(99)
    assert (found.linear, found.convolution, found.pointwise, found.clusters) == (5, 6, 3, 7)
    assert (found.keep, found.keep_first, found.keep_last) == (("a",), False, True)
    assert (found.only_faster, found.pad, found.rows, found.init) == (
        "cost_model", True, 99, "kmeans",
    )  # fmt: skip
    assert found.settings == one.settings
    assert small.variant().policy(99).only_faster == "no"


def test_two_kinds_have_a_policy_of_their_own(small: SimpleNamespace) -> None:
    every = small.variant("all_layers").policy(99)
    assert not every.keep_first and not every.keep_last
    assert small.variant("random_init").policy(99).init == "random"


def test_a_variant_is_stored_and_read(small: SimpleNamespace) -> None:
    one = small.variant("squared", keep=("4", "9"), convolution=3)
    assert decode(encode(one)) == one
