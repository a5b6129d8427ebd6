"""Integrands at the reference points, in every field, and what is refused."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from heliostat_methods.amplitudes.errors import InvalidPoint, SingularKinematics
from heliostat_methods.amplitudes.kinematics.four_vector_point import FourVectorPoint
from heliostat_methods.amplitudes.kinematics.loop_point import LoopPoint
from heliostat_methods.amplitudes.kinematics.random_points import random_gram_point
from heliostat_methods.amplitudes.kinematics.standard import (
    standard_ads_point,
    standard_gram_point,
)
from heliostat_methods.amplitudes.loops.d_polynomial import DPolynomial
from heliostat_methods.amplitudes.loops.diagrams import RingDiagram, ring_diagrams
from heliostat_methods.amplitudes.loops.integrands import LOOP_THEORIES, integrand
from heliostat_methods.amplitudes.loops.loop_frame import LoopFrame
from heliostat_methods.amplitudes.loops.random_loops import random_loop_point

# made by two implementations that were written apart
KNOWN = {
    "gluon": {
        4: "-319279/4041765",
        5: "-43761809733769/60500797607250",
        6: "11994819930586725604843/180266951867437128998304",
    },
    "scalar": {
        4: "-15340081/735601230",
        5: "157791781556/2326953754125",
        6: "-1842854781202177063927/375556149723827352079800",
    },
    "ghost": {
        4: "-521984/367800615",
        5: "1489260249637/181502392821750",
        6: "-357070474900436982557/1001483065930206272212800",
    },
    "ym": {
        4: "-1197767/7506135",
        5: "-7730264895919/16500217529250",
        6: "26828387880133446736949/563334224585741028119700",
    },
    "tadpoles": {4: "-67279397/367800615", 5: "-28531648319767/90751196410875"},
    "background": {
        4: "-71566069/367800615",
        5: "-89369113994392/90751196410875",
        6: "59507210733569453210563/1126668449171482056239400",
    },
}


@pytest.mark.parametrize("n", (4, 5, 6))
def test_known_values(n, standard_loop_point):
    at = standard_gram_point(n), standard_loop_point(n)
    gluon = integrand("gluon", *at)
    assert gluon.constant == Fraction(KNOWN["gluon"][n])
    assert gluon.linear == integrand("scalar", *at, 0) == Fraction(KNOWN["scalar"][n])
    assert integrand("ghost", *at, 7) == Fraction(KNOWN["ghost"][n])
    assert integrand("ym", *at, 4) == Fraction(KNOWN["ym"][n])
    assert integrand("ym", *at, 4, "background") == Fraction(KNOWN["background"][n])
    if n in KNOWN["tadpoles"]:
        assert integrand("ym", *at, 4, tadpoles=True) == Fraction(KNOWN["tadpoles"][n])


@pytest.mark.parametrize("gauge", ("feynman", "background"))
def test_every_field_gives_the_same(gauge, standard_loop_point):
    point, loop = standard_gram_point(4), standard_loop_point(4)
    exact = integrand("yms", point, loop, gauge=gauge, scalars=(0, 2))
    for name in ("flint", "gf", "gf:1000003", "float64", "complex128", "mpmath:30"):
        other = point.over(name)
        found = integrand("yms", other, loop.over(name), gauge=gauge, scalars=(0, 2))
        for mine, true in ((found.constant, exact.constant), (found.linear, exact.linear)):
            expected = other.field.number(true)
            if other.field.exact:
                assert mine == expected
            else:
                assert abs(mine / expected - 1) < 1e-12


def test_loop_momenta_may_be_a_batch(standard_loop_point):
    point, loop = standard_gram_point(5).over("float64"), standard_loop_point(5)
    scales = np.array([1.0, 1.5, -2.0])
    batch = LoopPoint(loop.over("float64").ll * scales**2, [float(x) * scales for x in loop.lk],
                      [float(x) * scales for x in loop.le])  # fmt: skip
    found = integrand("ym", point, batch, 4.5)
    assert found.shape == (3,)
    for i, scale in enumerate(scales):
        one = LoopPoint(float(batch.ll[i]), [float(x) * scale for x in loop.lk],
                        [float(x) * scale for x in loop.le])  # fmt: skip
        assert found[i] == pytest.approx(integrand("ym", point, one, 4.5), rel=1e-12)


def test_the_polynomial_has_its_value_at_a_number():
    rng = np.random.default_rng(0)
    point = random_gram_point(4, rng, "gf")
    loop = random_loop_point(point, rng)
    assert integrand("ym", point, loop, 10) == integrand("ym", point, loop)(10)


def test_a_four_vector_point_is_taken_by_its_products():
    k = [[-1, 0, 0, -1], [1, Fraction(3, 5), 0, Fraction(4, 5)], [-1, 0, 0, 1],
         [1, Fraction(-3, 5), 0, Fraction(-4, 5)]]  # fmt: skip
    e = [[0, 1, 2, 0], [0, -4, 1, 3], [1, 1, 0, -1], [0, 4, 7, -3]]
    point = FourVectorPoint(k, e)
    loop = LoopPoint(2, [3, -1, 5], [1, 2, -3, 4])
    assert integrand("ym", point, loop) == integrand("ym", point.gram(), loop)


def test_the_scalars_rings_add_up_one_by_one(standard_loop_point):
    """The recursion against the listed diagrams, each evaluated on its own."""
    for n, tadpoles in ((4, True), (5, False), (6, True)):
        frame = LoopFrame(standard_gram_point(n), standard_loop_point(n))
        total = sum(_ring(frame, one) for one in ring_diagrams(n, tadpoles=tadpoles))
        point, loop = standard_gram_point(n), standard_loop_point(n)
        assert total == integrand("scalar", point, loop, 0, tadpoles=tadpoles)


def _ring(frame: LoopFrame, diagram: RingDiagram) -> Fraction:
    value = Fraction(1)
    for vertex in diagram.vertices:
        i, (first, *second) = vertex.edge, vertex.words
        low = frame.low_current(first[0], len(first))
        if second:
            value *= -frame.product(frame.current(second[0][0], len(second[0])), low)
        else:
            q, k = frame.edges[i], frame.momentum(i, len(first))
            value *= -2 * frame.product(q, low) - frame.product(k, low)
        value *= frame.inverse(i)
    return value


def test_polynomials_add_scale_and_print(standard_loop_point):
    point, loop = standard_gram_point(4), standard_loop_point(4)
    found = integrand("ym", point, loop)
    assert isinstance(found, DPolynomial)
    assert (found + found - found * 2)(11) == 0
    assert 3 * found == found * 3 and found != found * 2 and found != 1
    assert str(found) == f"{found.constant} + {found.linear} D"
    assert found("1/2") == found(Fraction(1, 2))


GRAM, LOOP = standard_gram_point(4), LoopPoint(13, [4, 8, 5], [-4, 3, 3, -4])
REFUSED = [
    (("ym", standard_gram_point(3), LoopPoint(1, [1, 2], [1, 2, 3])), {},
     "point: 3 legs, expected at least 4"),
    (("ym", standard_ads_point(4), LOOP), {}, "point: AdSPoint, expected a GramPoint"),
    (("ym", GRAM, GRAM), {}, "loop_point: GramPoint, expected a LoopPoint"),
    (("ym", GRAM, LOOP), {"D": "d"}, "D: 'd' is no rational number .* or 'D' for the polynomial"),
    (("ym", GRAM, LOOP), {"D": True}, "D: True, expected a number, or 'D'"),
    (("ym", GRAM, LOOP), {"D": None}, "D: None is no rational number"),
    (("ym", GRAM, LOOP), {"D": float("nan")}, "D: nan is no rational number"),
    (("gluons", GRAM, LOOP), {}, "theory: 'gluons', .*; did you mean 'gluon'"),
    (("ym", GRAM, LOOP), {"gauge": "feynmann"}, "gauge: 'feynmann', .* did you mean 'feynman'"),
    (("ym", GRAM, LOOP), {"scalars": (0, 1)}, r"scalars: \(0, 1\), which 'ym' does not take"),
    (("yms", GRAM, LOOP), {}, "scalars: none, expected the pairs of 'yms'"),
    (("yms", GRAM, LOOP), {"scalars": (0, 4)}, "scalars: leg 4, expected whole numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "named", "message"), REFUSED)
def test_unusual_requests_are_named(arguments, named, message):
    with pytest.raises(ValueError, match=message):
        integrand(*arguments, **named)


def test_points_that_do_not_fit_are_named():
    with pytest.raises(InvalidPoint, match="le: 5 legs, expected 4 as the point has"):
        integrand("ym", GRAM, LoopPoint(1, [1] * 4, [1] * 5))
    with pytest.raises(InvalidPoint, match="field: gf:2147483647, expected rational"):
        integrand("ym", GRAM, LOOP.over("gf"))


@pytest.mark.parametrize("theory", LOOP_THEORIES)
def test_a_propagator_that_is_0_is_named(theory):
    scalars = (0, 1) if theory == "yms" else ()
    # (l + k_0)^2 = 0
    loop = LoopPoint(2, [-1, 8, 5], [-4, 3, 3, -4])
    with pytest.raises(SingularKinematics, match=r"d_1 = \(l \+ k_0\)\^2 = 0: .* of edge 1"):
        integrand(theory, GRAM, loop, scalars=scalars)
    with pytest.raises(SingularKinematics, match=r"d_0 = \(l\)\^2 = 0"):
        integrand(theory, GRAM, LoopPoint(0, [4, 8, 5], [0] * 4), scalars=scalars)
