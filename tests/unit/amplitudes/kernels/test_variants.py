"""Every compiled variant and numba give the same bits for any input; numpy agrees closely."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliostat_methods.amplitudes.kernels import ward_residuals, ym_amplitudes
from heliostat_methods.amplitudes.kernels.inputs import metric_of
from heliostat_methods.amplitudes.kernels.yang_mills import evaluated

few = settings(
    max_examples=30, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip


def numbers(points: int, n: int, dimension: int, seed: int, complex_: bool) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    k, e, more = rng.normal(size=(3, points, n, dimension))
    return k, e + 1j * more if complex_ else e


@few
@given(points=st.integers(0, 19), n=st.integers(3, 9), seed=st.integers(0, 10**6),
       kind=st.sampled_from([(4, 1, False), (4, 1, True), (7, 2, True)]),
       exponents=st.tuples(*[st.sampled_from([0, 0, 0, -160, -40, 60, 150])] * 2))  # fmt: skip
def test_the_bits_are_those_of_numba(
    compiled: str, points: int, n: int, seed: int, kind: tuple[int, int, bool],
    exponents: tuple[int, int],
) -> None:  # fmt: skip
    dimension, plus, complex_ = kind
    k, e = numbers(points, n, dimension, seed, complex_)
    k, e = k * 10.0 ** exponents[0], e * 10.0 ** exponents[1]
    metric = metric_of([1] * plus + [-1] * (dimension - plus), dimension)
    sizes = np.empty(points), np.empty(points)
    found = evaluated(k, e, metric, compiled, sizes[0])
    expected = evaluated(k, e, metric, "numba", sizes[1])
    np.testing.assert_array_equal(found, expected)  # NaN, which has many bits, is equal to NaN
    np.testing.assert_array_equal(*sizes)
    signs = [np.where(np.isnan(x.real), False, np.signbit(x.real)) for x in (found, expected)]
    np.testing.assert_array_equal(*signs)


@pytest.mark.parametrize("n", [3, 8, 16])
@pytest.mark.parametrize(
    ("metric", "complex_"),
    [((1, -1, -1, -1), False), ((1, -1, -1, -1), True), ((-1, 1, -1, 1, -1, -1, -1), True)],
)
def test_numpy_agrees_to_rounding(n: int, metric: tuple[int, ...], complex_: bool) -> None:
    k, e = numbers(3, n, len(metric), n, complex_)
    found, expected = (ym_amplitudes(k, e, metric=metric, using=u) for u in ("numpy", None))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_point_does_not_depend_on_those_beside_it(compiled: str) -> None:
    k, e = numbers(21, 6, 4, 0, True)
    together = ym_amplitudes(k, e, using=compiled)
    alone = [ym_amplitudes(k[i : i + 1], e[i : i + 1], using=compiled)[0] for i in range(21)]
    assert (together == np.array(alone)).all()


@pytest.mark.parametrize("using", [None, "scalar", "numba", "numpy"])
@pytest.mark.parametrize("complex_", [False, True])
def test_a_vanishing_propagator_is_nan_and_leaves_the_others_alone(
    using: str | None, complex_: bool
) -> None:
    k, e = numbers(11, 6, 4, 1, complex_)
    expected = ym_amplitudes(k, e, using=using)
    k[4, 2] = k[4, 1] = [1, 0, -1, 0]
    found = ym_amplitudes(k, e, using=using)
    assert np.isnan(found.real[4]) and np.isnan(found.imag[4]) == complex_
    keep = np.arange(11) != 4
    assert (found[keep] == expected[keep]).all()


def test_residuals_have_the_same_bits(compiled: str, helicity: SimpleNamespace) -> None:
    k = helicity.momenta(9, 5)
    e = helicity.polarisations(k, [1, -1, 1, -1, 1])
    expected = ward_residuals(k, e, using="numba")
    assert (ward_residuals(k, e, using=compiled) == expected).all()


@few
@given(n=st.integers(3, 12), seed=st.integers(0, 10**6), complex_=st.booleans(),
       exponent=st.integers(-900, 900), spread=st.sampled_from([0, 100, 1000]))  # fmt: skip
def test_any_scale_gives_the_scaled_amplitude(
    n: int, seed: int, complex_: bool, exponent: int, spread: int
) -> None:
    k, e = numbers(4, n, 4, seed, complex_)
    exponents = np.random.default_rng(seed).integers(-spread, spread + 1, (4, n))
    found = ym_amplitudes(k * 2.0**exponent, e * np.ldexp(1.0, exponents)[..., None])
    base, total = ym_amplitudes(k, e), exponent * (4 - n) + exponents.sum(1)
    with np.errstate(over="ignore", under="ignore"):
        # powers of two round nothing: exact down to 0 and up to infinity
        np.testing.assert_array_equal(found.real, np.ldexp(base.real, total))
        np.testing.assert_array_equal(found.imag, np.ldexp(base.imag, total))


@pytest.mark.parametrize("exponent", [-900, 900])
def test_residuals_are_of_the_kinematics_whatever_their_scale(
    exponent: int, helicity: SimpleNamespace
) -> None:
    k = helicity.momenta(9, 8)
    e = helicity.polarisations(k, [1, -1] * 4)
    assert (ward_residuals(k * 2.0**exponent, e * 2.0**-exponent) == ward_residuals(k, e)).all()
