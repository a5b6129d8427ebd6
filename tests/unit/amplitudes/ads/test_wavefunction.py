"""Wavefunction coefficients of AdS4: known values, and what they have to fulfil."""

import importlib.util
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.amplitudes.ads.flat_limit import flat_limit, flat_point
from heliostat_methods.amplitudes.ads.wavefunction import (
    energy_pole,
    psi,
    radial_integrand,
    wavefunction_coefficient,
)
from heliostat_methods.amplitudes.errors import InvalidPoint, SingularKinematics
from heliostat_methods.amplitudes.fields.symbols import SymbolField
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint, planar_pairs
from heliostat_methods.amplitudes.kinematics.standard import standard_ads_point, standard_gram_point
from heliostat_methods.amplitudes.operators.substitution import substituted
from heliostat_methods.amplitudes.operators.terms import Pair, Trace

# standard_ads_point(n); made by an independent implementation
PSI = {
    3: "-4/5",
    4: "-17988498211/94732314003",
    5: "-148058414201912587206572342/5430961198820685969115489815",
}
PSI_6 = 0.000697984437263495
PAIR_01 = {
    3: "3/10",
    4: "2692466879/19661423661",
    5: "-3994141656961028/2297446373718458963",
}
TRACE_02LAST = {4: "533144/284948169", 5: "54408238860029172232/164228958466353224258815"}
RESIDUE = {
    3: "-8",
    4: "33619834/649935",
    5: "3354826053711832/14051696739795",
    6: "-45968865832919217464697049984/466290196535497869238628925",
}

small = st.integers(-6, 6)
norms = st.fractions(min_value=Fraction(1, 3), max_value=30, max_denominator=5)


@st.composite
def points(draw, n):
    ek = [[0 if i == j else draw(small) for j in range(n - 1)] for i in range(n)]
    ek[n - 1][n - 2] = -sum(ek[n - 1][: n - 2])
    rows = [[draw(small) for _ in range(n)] for _ in range(n)]
    ee = [[rows[min(i, j)][max(i, j)] for j in range(n)] for i in range(n)]
    planar = {pair: draw(norms) for pair in planar_pairs(n)}
    return AdSPoint([draw(norms) for _ in range(n)], planar, ek, ee)


def many(examples):
    return settings(max_examples=examples, deadline=None, derandomize=True)


def rotations(n):
    return [tuple(range(i, n)) + tuple(range(i)) for i in range(n)]


@pytest.mark.parametrize("n", PSI)
def test_known_values_of_yang_mills(n):
    assert psi("ym", standard_ads_point(n)) == Fraction(PSI[n])
    assert wavefunction_coefficient("ym", standard_ads_point(n)) == -2 * Fraction(PSI[n])


def test_known_value_of_six_legs():
    assert float(psi("ym", standard_ads_point(6))) == pytest.approx(PSI_6, rel=1e-14)


@pytest.mark.parametrize("n", PAIR_01)
def test_known_values_of_a_pair_of_scalars(n):
    point, known = standard_ads_point(n), Fraction(PAIR_01[n])
    assert psi("ym", substituted(Pair(0, 1), point)) == known
    assert psi("yms", point, scalars=(0, 1)) == known
    assert psi("yms_minimal", point, scalars=(0, 1)) == known


@pytest.mark.parametrize("n", TRACE_02LAST)
def test_known_values_of_a_trace(n):
    point, known = standard_ads_point(n), Fraction(TRACE_02LAST[n])
    assert psi("ym", substituted(Trace(0, 2, n - 1), point)) == known
    assert psi("ym_phi3", point, trace=(0, 2, n - 1)) == known


def test_known_values_of_two_pairs_of_scalars():
    point = standard_ads_point(4)
    neighbours, crossed = ((0, 1), (2, 3)), ((0, 2), (1, 3))
    assert psi("yms_minimal", point, scalars=neighbours) == Fraction(-170785, 10915938)
    assert psi("yms", point, scalars=neighbours) == Fraction(-245921, 5457969)
    assert psi("yms", point, scalars=crossed) == Fraction(1, 17)
    assert psi("yms_minimal", point, scalars=crossed) == 0


@pytest.mark.parametrize("n", RESIDUE)
def test_known_residues_at_total_energy(n):
    found = flat_limit("ym", standard_ads_point(n))
    assert found.residue == found.amplitude == Fraction(RESIDUE[n])


def exact_field():
    return "flint" if importlib.util.find_spec("flint") else "rational"


def test_seven_legs_are_cyclic():
    point = standard_ads_point(7).over(exact_field())
    value = psi("ym", point)
    assert float(Fraction(str(value))) == pytest.approx(-7.12425809370142e-05, rel=1e-13)
    assert all(psi("ym", point, word) == value for word in rotations(7)[1:])


@pytest.mark.parametrize("n", [3, 4, 5, 6])
@given(st.data())
@many(4)
def test_no_leg_is_special(n, data):
    point = data.draw(points(n))
    value = psi("ym", point)
    assert all(psi("ym", point, word) == value for word in rotations(n)[1:])
    assert psi("ym", point, tuple(reversed(range(n)))) == (-1) ** n * value


PAIRS = [
    (3, ((0, 1),)),
    (4, ((0, 2),)),
    (4, ((0, 1), (2, 3))),
    (4, ((0, 2), (1, 3))),
    (5, ((1, 4),)),
    (5, ((0, 2), (3, 4))),
    (6, ((0, 3), (1, 2), (4, 5))),
]


@pytest.mark.parametrize(("n", "pairs"), PAIRS)
@given(st.data())
@many(4)
def test_pair_operators_make_scalars(n, pairs, data):
    point = data.draw(points(n))
    operator = Pair(*pairs[0])
    for pair in pairs[1:]:
        operator = operator * Pair(*pair)
    assert psi("ym", substituted(operator, point)) == psi("yms", point, scalars=pairs)


TRACES = [(3, (0, 1, 2)), (4, (0, 2)), (4, (0, 1, 3)), (4, (0, 2, 1, 3)),
          (5, (1, 3, 4)), (5, (3, 0, 2, 4)), (5, (0, 1, 2, 3, 4)), (5, (4, 2, 1))]  # fmt: skip


@pytest.mark.parametrize(("n", "trace"), TRACES)
@given(st.data())
@many(4)
def test_trace_operators_make_scalars_that_meet_in_threes(n, trace, data):
    point = data.draw(points(n))
    assert psi("ym", substituted(Trace(*trace), point)) == psi("ym_phi3", point, trace=trace)


@given(points(4))
@many(25)
def test_closed_form_of_two_flavours(point):
    k, s, x = point.norms, point.planar_norms[0, 2], point.kk
    k12, k34 = k[0] + k[1], k[2] + k[3]
    e = k12 + k34
    products = (k[0] ** 2 - k[1] ** 2) * (k[2] ** 2 - k[3] ** 2) / s**2
    # (k_0 - k_1).(k_2 - k_3) with k_3 = -k_0-k_1-k_2, Euclid
    v = -sum(a * b * x[i][j] for i, a in ((0, 1), (1, -1)) for j, b in ((0, 1), (1, 1), (2, 2)))
    minimal = ((v + products) / (e * (k12 + s) * (k34 + s)) - products / (k12 * k34 * e)) / 2
    pairs = ((0, 1), (2, 3))
    assert psi("yms_minimal", point, scalars=pairs) == minimal
    assert psi("yms", point, scalars=pairs) == minimal - 1 / (2 * e)


@pytest.mark.parametrize("n", [3, 4, 5, 6])
@given(st.data())
@many(4)
def test_flat_limit_is_the_amplitude(n, data):
    point = data.draw(points(n))
    asked = [("ym", {}), ("yms", {"scalars": (0, 2)}), ("ym_phi3", {"trace": (0, 1, n - 1)})]
    for theory, particles in asked:
        found = flat_limit(theory, point, **particles)
        assert found.residue == found.amplitude
    assert sum(found.ads_point.norms) == 0


@given(points(5))
@many(6)
def test_poles_sum_to_the_coefficient(point):
    found = energy_pole("ym", point)
    assert sum(pole.coefficient / pole.energy for pole in found.poles if not pole.order) + sum(
        pole.coefficient / pole.energy**2 for pole in found.poles if pole.order == 1
    ) == psi("ym", point)
    for pole in found.poles:
        assert pole.energy == sum(point.norm_of(part) for part in pole.parts)


def test_poles_name_the_legs_of_each_norm():
    found = energy_pole("yms_minimal", standard_ads_point(4), scalars=((0, 1), (2, 3)))
    listed = {str(pole): pole.parts for pole in found.poles}
    assert listed["|k_0+k_1| + |k_2| + |k_3|"] == ((0, 1), (2,), (3,))
    assert [pole.parts for pole in found.poles if pole.total] == [((0,), (1,), (2,), (3,))]
    assert found.residue == next(pole.coefficient for pole in found.poles if pole.total)


@pytest.mark.parametrize("field", ["gf", "gf:10007", "float64", "complex128", "mpmath:30"])
def test_other_fields_have_the_same_value(field):
    point = standard_ads_point(5)
    found = psi("ym", point.over(field))
    expected = point.over(field).field.number(Fraction(PSI[5]))
    if field.startswith("gf"):
        assert found == expected
    else:
        assert complex(found) == pytest.approx(complex(expected), rel=1e-13)


def test_arrays_of_floats_are_many_points():
    point = standard_ads_point(4)
    norms = [np.array([float(x), 1.5 * float(x)]) for x in point.norms]
    many = AdSPoint(norms, point.planar_norms, point.ek, point.ee, field="float64")
    one = point.over("float64").with_norms([1.5 * float(x) for x in point.norms])
    assert psi("ym", many) == pytest.approx([float(Fraction(PSI[4])), psi("ym", one)], rel=1e-13)


def test_polarisations_may_be_symbols():
    field = SymbolField(["x"])
    point = standard_ads_point(4)
    ee = [list(row) for row in point.ee]
    ee[0][1] = ee[1][0] = field.symbol["x"]
    found = psi("ym", AdSPoint(point.norms, point.planar_norms, point.ek, ee, field=field))
    assert field.derivative(found, "x") == field.number(Fraction(PAIR_01[4]))


def resonant_point(excess=0):
    """|k_0+k_1| = |k_0| + |k_1|: momenta in line, K = w."""
    point = standard_ads_point(4)
    planar = {(0, 2): 5 + excess, (1, 3): Fraction(53, 6)}
    return AdSPoint(point.norms, planar, point.ek, point.ee)


def test_momenta_in_line_have_a_double_pole_and_the_value_of_the_limit():
    value = psi("ym", resonant_point())
    assert all(psi("ym", resonant_point(), word) == value for word in rotations(4)[1:])
    assert 2 in [pole.order + 1 for pole in energy_pole("ym", resonant_point()).poles]
    near = psi("ym", resonant_point(Fraction(1, 10**9)))
    assert float(near) == pytest.approx(float(value), rel=1e-8)
    for excess in (0, Fraction(1, 10**7), Fraction(1, 10**12)):
        point = resonant_point(excess)
        assert psi("ym", point.over("float64")) == pytest.approx(float(psi("ym", point)), rel=1e-8)


@given(st.integers(3, 5), st.floats(-320, 300), st.data())
@many(60)
def test_floats_of_any_size_have_a_finite_value_or_a_clear_refusal(n, decade, data):
    point = standard_ads_point(n)
    norm = st.floats(-2, 2).map(lambda x: 10.0 ** min(300, max(-320, decade + x)))
    try:
        point = AdSPoint([data.draw(norm) for _ in range(n)],
                         {pair: data.draw(norm) for pair in planar_pairs(n)},
                         point.ek, point.ee, field="float64")  # fmt: skip
        assert np.isfinite(psi("ym", point))
    except (InvalidPoint, SingularKinematics) as refusal:
        assert "norm" in str(refusal) or "k_" in str(refusal)


def test_integrand_is_a_sum_of_named_exponentials():
    integrand = radial_integrand("ym", standard_ads_point(3))
    assert repr(integrand) == "-8 z^0 e^(-(|k_0| + |k_1| + |k_2|)z)"


POINT = standard_ads_point(4)
ERRORS = [
    (("yym", POINT), {}, "theory: 'yym', expected one of ym, yms, yms_minimal, ym_phi3; did you"),
    (("bas", POINT), {}, "theory: 'bas', expected one of ym, yms"),
    (("ym", standard_gram_point(4)), {}, "point: GramPoint, expected an AdSPoint"),
    (("ym", POINT, (0, 1, 2)), {}, "word: without leg 3, expected all 4 legs"),
    (("ym", POINT, (0, 1, 2, 2)), {}, "word: leg 2 stands in it twice"),
    (("ym", POINT, (0, 2, 1, 3)), {}, "norm of k over legs 0, 2 is needed"),
    (("ym", POINT), {"scalars": (0, 1)}, r"scalars: \(0, 1\), which 'ym' does not take"),
    (("yms", POINT), {"scalars": (0, 1, 2)}, "expected an even number"),
    (("yms", POINT), {"trace": (0, 1)}, r"trace: \(0, 1\), which 'yms' does not take"),
    (("ym_phi3", POINT), {}, "trace: None, expected the scalars"),
    (("ym_phi3", POINT), {"trace": (0, 1), "scalars": (2, 3)}, "which 'ym_phi3' does not take"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "particles", "message"), ERRORS)
def test_unusual_requests_are_named(arguments, particles, message):
    with pytest.raises(ValueError, match=message):
        psi(*arguments, **particles)


def test_energies_that_are_zero_are_named():
    balanced = POINT.with_norms((2, 3, 5, -10))
    with pytest.raises(SingularKinematics, match=r"\|k_0\| \+ \|k_1\| \+ \|k_2\| \+ \|k_3\| = 0"):
        psi("ym", balanced)
    with pytest.raises(InvalidPoint, match=r"k_0 = |sum over i < j"):
        flat_point(POINT)


def test_order_of_the_trace_is_turned_to_the_last_leg():
    point = standard_ads_point(5)
    turned = [psi("ym_phi3", point, trace=trace) for trace in ((0, 2, 4), (2, 4, 0), (4, 0, 2))]
    assert len(set(turned)) == 1
