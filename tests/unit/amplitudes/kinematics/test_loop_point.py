"""A loop momentum by products: checked, in other fields, to and from JSON."""

from __future__ import annotations

import pytest

from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.kinematics.loop_point import LoopPoint
from heliostat_methods.amplitudes.kinematics.serialised import from_json, to_json
from heliostat_methods.amplitudes.kinematics.standard import standard_gram_point

LOOP = LoopPoint(13, [4, 8, 5], [-4, 3, 3, -4])


def test_it_goes_to_json_and_to_other_fields_and_back():
    assert from_json(to_json(LOOP)) == LOOP
    over = LOOP.over("gf:101")
    assert int(over.le[0]) == 97 and from_json(to_json(over)) == over
    assert (LOOP.n, repr(LOOP)) == (4, "LoopPoint(n=4, field=rational)")


def test_what_does_not_fit_is_named():
    with pytest.raises(InvalidPoint, match="lk: 2 numbers, expected 3 for 4 legs"):
        LoopPoint(1, [1, 2], [1, 2, 3, 4])
    with pytest.raises(InvalidPoint, match="le: 2 legs, expected at least 3"):
        LoopPoint(1, [1], [1, 2])
    with pytest.raises(InvalidPoint, match=r"le\[1\]: 'x' is no rational number"):
        LoopPoint(1, [1, 2], [1, "x", 3])
    LOOP.check_fits(standard_gram_point(4))
    with pytest.raises(InvalidPoint, match="le: 4 legs, expected 5 as the point has"):
        LOOP.check_fits(standard_gram_point(5))
    with pytest.raises(InvalidPoint, match="field: gf:101, expected rational as the point's"):
        LOOP.over("gf:101").check_fits(standard_gram_point(4))
