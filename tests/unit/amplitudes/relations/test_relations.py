"""Every relation holds at the standard and at random points, and what is false is found out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.errors import NoPoint, SingularKinematics
from heliostat_methods.amplitudes.kinematics.serialised import from_document
from heliostat_methods.amplitudes.kinematics.standard import standard_ads_point, standard_gram_point
from heliostat_methods.amplitudes.names import RELATIONS
from heliostat_methods.amplitudes.relations.catalogue import catalogue
from heliostat_methods.amplitudes.relations.proof import compare, distance
from heliostat_methods.amplitudes.relations.relation import one
from heliostat_methods.amplitudes.relations.samples import MOST, orders, some
from heliostat_methods.amplitudes.relations.trees import pions_in_closed_form

STANDARD = {"tree": standard_gram_point, "ads": standard_ads_point}


def stream(draw: int) -> np.random.Generator:
    return np.random.default_rng([7, draw])


def test_the_names_of_configurations_are_those_of_the_catalogue() -> None:
    assert list(catalogue()) == list(RELATIONS)
    for name, relation in catalogue().items():
        assert relation.name == name and relation.statement == RELATIONS[name]
        assert 3 <= relation.legs[0] <= relation.legs[1] <= relation.most <= 10


@pytest.mark.parametrize("name", [one for one in RELATIONS if catalogue()[one].kind in STANDARD])
def test_a_relation_holds_at_the_standard_point(name: str) -> None:
    relation = catalogue()[name]
    for n in relation.numbers():
        if n > (4 if relation.kind == "ads" else 5):
            continue
        point = STANDARD[relation.kind](n)
        for case in relation.cases(n):
            left, right = relation.sides(case, point)
            for x, y in zip(left, right, strict=True):
                assert distance(x, y, point.field) <= relation.limit, (n, case)


@pytest.mark.parametrize("name", list(RELATIONS))
def test_a_relation_holds_modulo_a_prime_at_its_fewest_and_at_more_legs(name: str) -> None:
    relation = catalogue()[name]
    if relation.fields and "gf" not in relation.fields:
        pytest.skip(f"{name} is checked over {relation.fields} alone")
    for n in (
        relation.legs[0],
        min(relation.legs[1], 5 if relation.kind in ("ads", "loop") else 6),
    ):
        cases = some(relation.cases(n), 4)
        found = compare(relation, n, "gf:2147483647", cases, stream)
        assert (found.equal, found.residual, found.failed) == (len(cases), 0.0, [])


def test_a_false_relation_is_found_out_with_both_sides() -> None:
    true = catalogue()["pair"]
    false = replace(
        true, sides=lambda case, point: one(true.sides(case, point)[0][0] + 1, point.field.zero)
    )
    for field in ("rational", "gf:101", "float64"):
        found = compare(false, 4, field, true.cases(4), stream)
        assert found.equal < found.compared == 6
        assert found.residual > 0.5
        assert found.failed[0].keys() == {"case", "left", "right"}
        assert found.failed[0]["right"] == [str(found.failed[0]["right"][0])]


@pytest.mark.parametrize("field", ["float64", "complex128", "mpmath:30"])
@pytest.mark.parametrize("name", ["trace", "gauge", "u1", "kk", "bcj", "pions", "modes"])
def test_floats_agree_to_rounding_also_where_a_side_is_zero(name: str, field: str) -> None:
    found = compare(catalogue()[name], 5, field, some(catalogue()[name].cases(5), 5), stream)
    assert found.equal == found.compared, found.failed
    assert 0 < found.residual < 1e-7


def test_a_point_that_is_singular_is_drawn_anew_and_many_are_an_error() -> None:
    true = catalogue()["cyclic"]

    def sometimes(case: Any, point: Any) -> Any:
        if int(point.kk[0][1] * 6) % 2 == 0:
            raise SingularKinematics("s_{0,1} = 0")
        return true.sides(case, point)

    found = compare(replace(true, sides=sometimes), 4, "rational", true.cases(4), stream)
    assert found.redrawn > 0 and found.equal == found.compared

    def always(case: Any, point: Any) -> Any:
        raise SingularKinematics("s_{0,1} = 0")

    with pytest.raises(NoPoint, match=r"cyclic, n = 4, rational: no point in 50 draws, .* s_"):
        compare(replace(true, sides=always), 4, "rational", true.cases(4), stream)


def test_a_certificate_has_the_point_that_gives_both_sides_again() -> None:
    found = compare(catalogue()["pair"], 5, "rational", [(0, 1)], stream)
    assert found.sample is not None
    point = from_document(found.sample["point"])
    assert [str(amplitude("yms", point, scalars=(0, 1)))] == found.sample["right"]
    assert found.sample["left"] == found.sample["right"]
    again = compare(catalogue()["pair"], 5, "rational", [(0, 1)], stream)
    assert again == found


def test_instances_are_plain_ordered_and_bounded() -> None:
    for relation in catalogue().values():
        for n in relation.numbers():
            cases = relation.cases(n)
            assert cases and len(cases) == len(set(cases)) <= 4 * MOST
            assert cases == relation.cases(n)


def test_some_orders_are_spread_over_all() -> None:
    assert orders((0, 1, 2)) == [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    many = orders(tuple(range(9)), 5)
    assert len(many) == 5 and many[0] == tuple(range(9)) and many[-1] == tuple(range(8, -1, -1))
    assert some(range(10), 4) == [0, 3, 6, 9]


def test_pions_in_closed_form_are_the_known_numbers() -> None:
    assert pions_in_closed_form(standard_gram_point(4)) == -7
    assert str(pions_in_closed_form(standard_gram_point(6))) == "-7999/34034"
    assert pions_in_closed_form(standard_gram_point(5)) == 0
