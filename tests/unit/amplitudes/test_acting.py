"""Operators by substitution, differences and derivatives are one and the same."""

from __future__ import annotations

from fractions import Fraction

import pytest

from heliostat_methods.amplitudes.acting.apply import MODES, apply
from heliostat_methods.amplitudes.ads.wavefunction import psi
from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.kinematics.standard import standard_ads_point, standard_gram_point
from heliostat_methods.amplitudes.operators.terms import (
    Insertion,
    Longitudinal,
    Operator,
    Pair,
    Pions,
    Trace,
)


@pytest.mark.parametrize("n", [4, 5])
@pytest.mark.parametrize(
    "operator",
    [Pair(0, 1), Pair(0, 2) * Pair(1, 3), Insertion(0, 3, 2), Insertion(3, 1, 2), Longitudinal(3),
     Trace(0, 2, 3), Trace(3, 0, 1, 2), Pions(range(4))],
    ids=str,
)  # fmt: skip
def test_the_three_modes_agree(n: int, operator: Operator) -> None:
    point = standard_gram_point(n)
    values = {apply(operator, "ym", mode)(point) for mode in MODES}
    assert len(values) == 1


def test_differences_and_substitution_agree_on_wavefunctions() -> None:
    point = standard_ads_point(4)

    def gluons(at: object) -> object:
        return psi("ym", at)  # type: ignore[arg-type]

    for operator in (Pair(0, 1), Trace(0, 2, 3), Pair(0, 2) * Pair(1, 3)):
        found = {apply(operator, gluons, mode)(point) for mode in ("substitution", "difference")}
        assert len(found) == 1


def test_the_same_polarisation_twice_gives_zero() -> None:
    point = standard_gram_point(4)
    twice = Pair(0, 1) * Longitudinal(1)
    assert twice.used() == (0, 1, 1)
    for mode in MODES:
        assert apply(twice, "ym", mode)(point) == 0


def test_an_observable_may_be_any_function_of_a_point() -> None:
    point = standard_gram_point(5)
    word = (0, 2, 1, 3, 4)
    found = apply(Pair(0, 4), lambda at: amplitude("ym", at, word))(point)
    assert found == amplitude("yms", point, word, scalars=(0, 4))
    assert isinstance(found, Fraction)


def test_what_is_refused() -> None:
    point = standard_gram_point(4)
    with pytest.raises(ValueError, match=r"mode: 'symbol', .*; did you mean 'symbolic'"):
        apply(Pair(0, 1), "ym", "symbol")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"theory: 'ymm', .*; did you mean 'ym'"):
        apply(Pair(0, 1), "ymm")
    with pytest.raises(ValueError, match=r"T\[0 4\]: leg 4, expected legs from 0 to 3"):
        apply(Pair(0, 4), "ym")(point)
    with pytest.raises(ValueError, match=r"'symbolic' over the field gf:101, expected 'rational'"):
        apply(Pair(0, 1), "ym", "symbolic")(point.over("gf:101"))


def test_an_operator_on_an_operator_is_their_product() -> None:
    point = standard_gram_point(4)
    for mode in MODES:
        nested = apply(Pair(0, 2), apply(Pair(1, 3), "ym", mode), mode)
        assert nested(point) == apply(Pair(0, 2) * Pair(1, 3), "ym", mode)(point)
        for twice in (Pair(0, 1), Insertion(0, 1, 3)):
            assert apply(twice, apply(twice, "ym", mode), mode)(point) == 0


def test_what_is_not_linear_in_a_polarisation_is_refused() -> None:
    point = standard_gram_point(4)
    for theory in ("bas", "nlsm", "ym_phi3"):
        with pytest.raises(ValueError, match=f"theory: '{theory}', expected one of ym, yms"):
            apply(Pair(0, 1), theory)
    scalars = apply(Pair(0, 1), lambda at: amplitude("yms", at, scalars=(0, 1)))
    with pytest.raises(ValueError, match=r"T\[0 1\]: the observable is -52/21 without e_0"):
        scalars(point)
    with pytest.raises(ValueError, match="operator: 'x', expected Pair"):
        apply("x", "ym")  # type: ignore[arg-type]


def test_numpys_integers_are_legs() -> None:
    import numpy as np

    legs = np.array([0, 2, 3])
    assert Trace(legs) == Trace(0, 2, 3) == Trace(*legs)  # type: ignore[arg-type]
    assert str(Pair(np.int64(0), np.int64(1))) == "T[0 1]"  # type: ignore[arg-type]
    point = standard_gram_point(4)
    order = np.random.default_rng(0).permutation(4)
    assert amplitude("ym", point, order) == amplitude("ym", point, tuple(map(int, order)))
    for wrong in ({0, 1, 2, 3}, {0: 1}, "0123", 5):
        with pytest.raises(ValueError, match="ordering: "):
            amplitude("ym", point, wrong)
