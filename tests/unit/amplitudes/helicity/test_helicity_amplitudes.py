"""Helicity amplitudes are Parke and Taylor's, exactly over residues and to rounding over floats."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.amplitudes.errors import InvalidPoint, SingularKinematics
from heliostat_methods.amplitudes.helicity.helicity_amplitude import (
    helicity_amplitude,
    helicity_rounding,
)
from heliostat_methods.amplitudes.helicity.parke_taylor import mhv_factor, parke_taylor
from heliostat_methods.amplitudes.helicity.references import default_reference, opposite
from heliostat_methods.amplitudes.kinematics.phase_space import flat_phase_space
from heliostat_methods.amplitudes.kinematics.spinors import Spinors, spinor_points, spinors_of

SEED = st.integers(0, 2**32 - 1)


def signs(n: int, *negative: int) -> list[int]:
    return [-1 if leg in negative else 1 for leg in range(n)]


def real(points: int, n: int, seed: int = 0) -> Spinors:
    return spinors_of(flat_phase_space(points, n, np.random.default_rng(seed)))


@pytest.mark.parametrize("n", range(4, 13))
def test_over_residues_the_ratio_is_a_quarter(n: int) -> None:
    spinors = spinor_points(2, n, np.random.default_rng(n), "gf")
    prime = spinors.prime
    found = helicity_amplitude(spinors, signs(n, 0, 1))
    assert mhv_factor(n, prime) == 2**29
    assert np.array_equal(found, parke_taylor(spinors) * 2**29 % prime)


@pytest.mark.parametrize("n", range(4, 8))
def test_over_residues_all_plus_and_one_minus_vanish(n: int) -> None:
    spinors = spinor_points(2, n, np.random.default_rng(n), "gf:1000003")
    assert not np.any(helicity_amplitude(spinors, signs(n)))
    for leg in (0, n - 1):
        assert not np.any(helicity_amplitude(spinors, signs(n, leg)))


@pytest.mark.parametrize("n", [5, 6, 7])
def test_negative_legs_need_not_be_neighbours(n: int) -> None:
    spinors = spinor_points(2, n, np.random.default_rng(n), "gf")
    expected = parke_taylor(spinors, (0, 3)) * 2**29 % spinors.prime
    assert np.array_equal(helicity_amplitude(spinors, signs(n, 0, 3)), expected)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(n=st.integers(4, 6), seed=SEED, data=st.data())
def test_any_order_and_any_reference(n: int, seed: int, data: st.DataObject) -> None:
    order = tuple(data.draw(st.permutations(range(n))))
    i, j = data.draw(st.permutations(range(n)))[:2]
    spinors = spinor_points(1, n, np.random.default_rng(seed), "gf")
    residue = st.integers(1, 2**31 - 2)
    q = tuple(np.array(data.draw(st.tuples(residue, residue))) for _ in range(2))
    expected = parke_taylor(spinors, (i, j), order) * 2**29 % spinors.prime
    found = helicity_amplitude(spinors, signs(n, i, j), q, ordering=order)
    assert np.array_equal(found, expected)
    # all but two negative: the same with the brackets of the other spinors
    flipped = Spinors(spinors.square, spinors.angle, spinors.prime)
    found = helicity_amplitude(spinors, [-h for h in signs(n, i, j)], q, ordering=order)
    mirrored = parke_taylor(flipped, (i, j), order) * 2**29 % spinors.prime
    assert found[0] in (mirrored[0], -mirrored[0] % spinors.prime)


@pytest.mark.parametrize("n", [4, 5, 8, 11])
def test_floats_agree_with_parke_and_taylor(n: int) -> None:
    for spinors in (real(50, n), spinor_points(50, n, np.random.default_rng(n))):
        found = helicity_amplitude(spinors, signs(n, 0, 1))
        expected = mhv_factor(n) * parke_taylor(spinors)
        deviation = np.abs(found / expected - 1)
        assert np.median(deviation) < 2e-13
        assert deviation.max() < 1e-8


@settings(max_examples=20, deadline=None, derandomize=True)
@given(n=st.integers(4, 7), exponent=st.floats(-40, 40), seed=SEED)
def test_any_unit_of_energy_gives_the_same_digits(n: int, exponent: float, seed: int) -> None:
    unit = 10.0**exponent
    k = flat_phase_space(4, n, np.random.default_rng(seed), unit)
    found = helicity_amplitude(k, signs(n, 0, 2))
    expected = mhv_factor(n) * parke_taylor(spinors_of(k), (0, 2))
    assert np.all(np.isfinite(found))
    assert np.all(np.abs(found - expected) <= helicity_rounding(k, signs(n, 0, 2)))
    assert np.median(np.abs(found / expected - 1)) < 1e-10


@pytest.mark.parametrize("n", [4, 5, 6, 8])
def test_what_vanishes_is_below_its_rounding(n: int) -> None:
    for spinors in (real(50, n), spinor_points(50, n, np.random.default_rng(n))):
        for helicities in (signs(n), signs(n, 0), signs(n, n - 1)):
            found = np.abs(helicity_amplitude(spinors, helicities))
            assert np.all(found <= helicity_rounding(spinors, helicities))
        # and what does not vanish is above it, by its error too
        found = helicity_amplitude(spinors, signs(n, 0, 1))
        bound = helicity_rounding(spinors, signs(n, 0, 1))
        assert np.median(np.abs(found) / bound) > 1e5
        assert np.all(np.abs(found - mhv_factor(n) * parke_taylor(spinors)) <= bound)


def test_a_leg_s_own_reference_makes_the_smallest_polarisations() -> None:
    spinors = spinor_points(200, 6, np.random.default_rng(0))
    q = default_reference(spinors)
    assert np.allclose(np.abs((q[0] * spinors.angle.conj()).sum(-1)), 0, atol=1e-12)
    rng = np.random.default_rng(1)
    other = tuple(rng.standard_normal((200, 6, 2)) + 1j * rng.standard_normal((200, 6, 2))
                  for _ in range(2))  # fmt: skip
    for helicities in ("++++++", "------"):
        best, worse = (
            np.linalg.norm(spinors.polarisations(helicities, reference), axis=-1)
            for reference in (q, other)
        )
        assert np.all(worse >= best - 1e-12)
    assert np.array_equal(opposite(np.array([1 + 1j, 2])), [-2, 1 - 1j])


def test_it_leaves_less_rounding_than_a_common_one() -> None:
    spinors = spinor_points(100, 8, np.random.default_rng(2))
    common = (np.array([1, 0.3 + 1j]), np.array([1j, -0.8]))
    own = np.abs(helicity_amplitude(spinors, signs(8)))
    shared = np.abs(helicity_amplitude(spinors, signs(8), common))
    assert np.median(own / shared) < 0.5


def test_real_momenta_have_polarisations_without_time_component() -> None:
    spinors = real(20, 5)
    e = spinors.polarisations("+-+-+", default_reference(spinors))
    assert np.abs(e[..., 0]).max() < 1e-12
    assert np.allclose(np.linalg.norm(e, axis=-1), 1)


def test_one_point_gives_one_number() -> None:
    k = flat_phase_space(3, 5, np.random.default_rng(3))
    batch = helicity_amplitude(k, "--+++")
    assert batch.shape == (3,)
    one = helicity_amplitude(k[1], "--+++")
    assert isinstance(one, complex) and one == pytest.approx(batch[1], rel=1e-11)
    assert isinstance(helicity_rounding(k[1], "--+++"), float)


def test_a_pole_spoils_its_own_point_alone() -> None:
    spinors = spinor_points(2, 4, np.random.default_rng(4))
    angle, square = spinors.angle.copy(), spinors.square.copy()
    # opposite pairs: k_2 = -k_1 and k_3 = -k_0, so s_12 = 0
    angle[0, 2:], square[0, 2:] = angle[0, 1::-1], -square[0, 1::-1]
    broken = Spinors(angle, square)
    found = helicity_amplitude(broken, "--++")
    assert not np.isfinite(parke_taylor(broken)[0])
    expected = mhv_factor(4) * parke_taylor(broken)[1]
    assert found[1] == pytest.approx(expected, rel=1e-11)


def test_over_residues_a_pole_is_named() -> None:
    spinors = spinor_points(1, 4, np.random.default_rng(5), "gf")
    angle, square = spinors.angle.copy(), spinors.square.copy()
    angle[0, 2:], square[0, 2:] = angle[0, 1::-1], -square[0, 1::-1] % spinors.prime
    broken = Spinors(angle, square, spinors.prime)
    with pytest.raises(SingularKinematics, match="<12> = 0 at point 0"):
        parke_taylor(broken)
    with pytest.raises(SingularKinematics, match=r"s_\{1,2\} = 0"):
        helicity_amplitude(broken, "--++")


def test_a_small_prime_may_have_no_reference() -> None:
    spinors = spinor_points(4, 6, np.random.default_rng(6), "gf:5")
    with pytest.raises(InvalidPoint, match="every reference spinor modulo 5 is a leg's"):
        default_reference(spinors)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: helicity_amplitude(s, "--+"), "helicities: 3, expected one for each of 4"),
        (lambda s: helicity_amplitude(s, "--++", ordering=(0, 1, 2)), "without leg 3"),
        (lambda s: parke_taylor(s, (0, 0)), "negative: leg 0 stands in it twice"),
        (lambda s: parke_taylor(s, (0, 4)), "negative: leg 4"),
        (lambda s: parke_taylor(s, (0, 1, 2)), "negative: 3 legs, expected two"),
        (lambda s: parke_taylor(s, (0, 1), (0, 1, 2, 2)), "ordering: leg 2 stands in it twice"),
    ],
)
def test_requests_without_meaning_are_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(real(1, 4))
    if "helicities" in message:
        with pytest.raises(ValueError, match="residues are not rounded"):
            helicity_rounding(spinor_points(1, 4, np.random.default_rng(0), "gf"), "--++")
