"""What a configuration of the method refuses, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from heliostat import ConfigError
from heliostat.contract import validate
from heliostat_methods.amplitudes.config import AmplitudesConfig
from heliostat_methods.amplitudes.method import DEMO, METHOD, PAPER, SMOKE
from heliostat_methods.amplitudes.names import RELATIONS


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"relation": "trase"},
            r"relation\[0\] = 'trase': expected the name of .*mean 'trace'",
        ),
        ({"relation": ["pair", "kkk"]}, r"relation\[1\] = 'kkk'.*did you mean 'kk'"),
        ({"n": 2}, r"n.* = 2"),
        ({"n": [4, 11]}, r"n.* = 11"),
        ({"field": "rationals"}, r"field\[0\] = 'rationals': .*did you mean 'rational'"),
        (
            {"field": "gf:10"},
            r"field\[0\] = 'gf:10': expected a prime below 2\^31, such as 7",
        ),
        ({"field": "gf:4294967291"}, r"field\[0\] = 'gf:4294967291'.*2147483647"),
        ({"field": "mpmath:5"}, r"field\[0\] = 'mpmath:5'.*15 to 10000"),
        ({"field": "gf:abc"}, r"field\[0\] = 'gf:abc'.*a prime below 2\^31 after 'gf:'"),
        ({"field": "float64:3"}, r"field\[0\] = 'float64:3'"),
        ({"field": []}, r"field = "),
        ({"points": 0}, r"points = 0"),
        ({"primes": 0}, r"primes = 0"),
        ({"chunk": 0}, r"chunk = 0"),
        ({"batch_legs": 15}, r"batch_legs.* = 15"),
        ({"batch_block": 1}, r"batch_block = 1"),
        ({"flag_above": 1}, r"flag_above = 1"),
        ({"cost_legs": 13}, r"cost_legs = 13"),
        ({"reconstruct": "psi"}, r"reconstruct\[0\] = 'psi'.*'psi_ym'"),
        ({"reconstruct_legs": 9}, r"reconstruct_legs.* = 9"),
        ({"discover": "operator"}, r"discover\[0\] = 'operator'.*'operators'"),
        ({"discover_legs": 6}, r"discover_legs.* = 6"),
        ({"population": 3}, r"population = 3"),
        ({"relatio": "pair"}, r"relatio.*relation"),
    ],
)
def test_what_is_refused_and_how(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate(AmplitudesConfig, values)


def test_presets_are_configurations_and_cover_what_they_say() -> None:
    for preset in (SMOKE, DEMO, PAPER):
        validate(AmplitudesConfig, preset)
    assert validate(AmplitudesConfig, DEMO).relations() == tuple(RELATIONS)
    assert METHOD.presets.keys() == {"smoke", "demo", "paper"}


def test_one_value_stands_for_a_list_of_it_and_all_for_every_relation() -> None:
    made = validate(AmplitudesConfig, {"relation": "kk", "n": 5, "field": "gf:101"})
    assert (made.relations(), made.n, made.field) == (("kk",), (5,), ("gf:101",))
    mixed = validate(AmplitudesConfig, {"relation": ["soft", "gauge"]})
    assert mixed.relations() == ("gauge", "soft")


def test_every_field_says_what_it_is() -> None:
    for name, field in AmplitudesConfig.model_fields.items():
        assert field.description, name
