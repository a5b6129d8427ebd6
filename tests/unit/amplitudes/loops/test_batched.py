"""Integrands at many loop momenta in floats, against exact ones and against matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.amplitudes.errors import InvalidPoint
from heliostat_methods.amplitudes.helicity.references import default_reference
from heliostat_methods.amplitudes.kinematics.four_vector_point import FourVectorPoint
from heliostat_methods.amplitudes.kinematics.loop_point import LoopPoint
from heliostat_methods.amplitudes.kinematics.phase_space import flat_phase_space
from heliostat_methods.amplitudes.kinematics.spinors import spinors_of
from heliostat_methods.amplitudes.loops.batched import BATCHED_THEORIES, batched_integrand
from heliostat_methods.amplitudes.loops.diagrams import ring_diagrams
from heliostat_methods.amplitudes.loops.integrands import integrand

SIGNS = np.array([1.0, -1, -1, -1])


def legs(n: int, kind: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    momenta = flat_phase_space(1, n, np.random.default_rng(seed), energy=2.0)
    spinors = spinors_of(momenta)
    e = spinors.polarisations("--" + "+" * (n - 2), default_reference(spinors))[0]
    return momenta[0], e if kind == "complex" else e.real


def exact(theory, k, e, l, dimension, gauge, tadpoles):
    point = FourVectorPoint(k, e)
    loop = LoopPoint(float(l @ (SIGNS * l)), [(l @ (SIGNS * x)).item() for x in k[:-1]],
                     [(l @ (SIGNS * x)).item() for x in e], point.field)  # fmt: skip
    return integrand(theory, point, loop, dimension, gauge, tadpoles)


@pytest.mark.parametrize("kind", ("real", "complex"))
@pytest.mark.parametrize("n", (4, 5))
def test_it_is_the_integrand(n, kind):
    k, e = legs(n, kind)
    loops = np.random.default_rng(1).normal(size=(2, 4))
    for theory in BATCHED_THEORIES:
        for gauge in ("feynman", "background"):
            for tadpoles in (False, True):
                found = batched_integrand(theory, k, e, loops, 4.5, gauge, tadpoles)
                true = [exact(theory, k, e, l, 4.5, gauge, tadpoles) for l in loops]
                assert found == pytest.approx(np.array(true), rel=1e-10)


@pytest.mark.parametrize("gauge", ("feynman", "background"))
def test_traces_over_all_components_give_the_value_at_that_dimension(gauge):
    """Independent: each listed ring as a product of D x D matrices with a unit matrix in them."""
    k, e = legs(4, "real")
    k, e = np.pad(k, ((0, 0), (0, 2))), np.pad(e, ((0, 0), (0, 2)))
    signs = np.array([1.0, -1, -1, -1, -1, -1])
    l = np.random.default_rng(2).normal(size=6)
    from heliostat_methods.amplitudes.currents.theories import bg_currents

    point = FourVectorPoint(k, e)

    def current(word):
        vectors = bg_currents("ym", point, word)
        return np.array(vectors[0, len(word)]), k[list(word)].sum(0)

    def strength(word):
        a, total = current(word)
        f = np.outer(total, a) - np.outer(a, total)
        for m in range(1, len(word)):
            x, y = current(word[:m])[0], current(word[m:])[0]
            f -= np.outer(x, y) - np.outer(y, x)
        return f

    total = 0.0
    for ring in ring_diagrams(4, tadpoles=True):
        matrix = np.eye(6)
        for vertex in ring.vertices:
            q = l + k[: vertex.edge].sum(0)
            if len(vertex.words) == 2:
                x, y = (current(word)[0] for word in vertex.words)
                turn = -(x @ (signs * y)) * np.eye(6)
                if gauge == "feynman":
                    turn += (2 * np.outer(x, y) - np.outer(y, x)) * signs
            else:
                a, p = current(vertex.words[0])
                turn = -((2 * q + p) @ (signs * a)) * np.eye(6)
                if gauge == "feynman":
                    turn += (np.outer(q - p, a) + np.outer(a, 2 * p + q)) * signs
                else:
                    turn += -2 * strength(vertex.words[0]) * signs
            matrix = turn @ matrix / (q @ (signs * q))
        total += np.trace(matrix)
    found = batched_integrand("gluon", k, e, l[None], 6, gauge, True, metric="+-----")
    assert found[0] == pytest.approx(total, rel=1e-9)


def test_a_point_has_the_same_bits_in_any_batch():
    loops = np.random.default_rng(3).normal(size=(2500, 4))
    for kind in ("real", "complex"):
        k, e = legs(4, kind)
        whole = batched_integrand("ym", k, e, loops)
        for part in (slice(7, 8), slice(1, 2000), slice(2040, 2060)):
            assert np.array_equal(whole[part], batched_integrand("ym", k, e, loops[part]))


def test_bubbles_may_be_left_out():
    k, e = legs(4, "real")
    loops = np.random.default_rng(4).normal(size=(3, 4))
    with_, without = (
        batched_integrand("scalar", k, e, loops, without_bubbles=x) for x in (False, True)
    )
    assert not np.allclose(with_, without)
    # without them each ring has three propagators: at large l the rest falls off as l^-3
    far = 1e6 * loops
    assert np.all(np.abs(batched_integrand("scalar", k, e, far, without_bubbles=True)) < 1e-11)


@settings(max_examples=30, deadline=None)
@given(st.integers(-70, 70), st.integers(0, 2**32 - 1))
def test_the_unit_of_momenta_is_free(power, seed):
    k, e = legs(4, "real", seed % 5)
    loop = np.random.default_rng(seed).normal(size=(1, 4))
    unit = 10.0**power
    found = batched_integrand("ym", unit * k, e, unit * loop)
    true = batched_integrand("ym", k, e, loop)
    assert found * unit**4 == pytest.approx(true, rel=1e-6)


def test_a_pole_stays_in_its_own_place():
    k, e = legs(4, "real")
    loops = np.array([[0.0, 0, 0, 0], [0.3, 0.1, -0.4, 2.0]])
    found = batched_integrand("ym", k, e, loops)
    assert not np.isfinite(found[0]) and np.isfinite(found[1])


def test_what_does_not_fit_is_named():
    k, e = legs(4, "real")
    loops = np.ones((2, 4))
    cases = [
        (("yms", k, e, loops), {}, "theory: 'yms', expected one of"),
        (("ym", k, e, loops), {"gauge": "axial"}, "gauge: 'axial', expected one of"),
        (("ym", k, e, loops), {"dimension": np.nan}, "dimension: nan, expected a finite number"),
        (("ym", k, e, loops[0]), {}, r"loop_momenta: shape \(4,\)"),
        (("ym", k, e, loops[:, :3]), {}, "loop_momenta: 3 components, expected 4"),
        (("ym", k, e, loops * np.inf), {}, r"loop_momenta\[0\]: .* expected finite numbers"),
        (("ym", k[:3], e[:3], loops), {}, "momenta: 3 legs, expected at least 4"),
        (("ym", 2 * k[[0, 1, 2, 2]], e, loops), {}, "momentum is conserved"),
    ]
    for arguments, named, message in cases:
        with pytest.raises(ValueError, match=message):
            batched_integrand(*arguments, **named)
    assert issubclass(InvalidPoint, ValueError)
