"""What may not be given is refused by name, with its value and what was expected."""

from __future__ import annotations

import re

import numpy as np
import pytest

from heliostat_methods.amplitudes.kernels import ym_amplitudes, ym_amplitudes_mod

GOOD = np.ones((2, 5, 4))
WHOLE = np.ones((2, 5, 4), np.uint64)


def refuses(call, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        call()


@pytest.mark.parametrize("shape", [(5, 4), (2, 2, 4), (2, 5, 1), (2, 5, 17), (1, 65, 2), ()])
def test_shapes(shape: tuple[int, ...]) -> None:
    said = f"momenta.shape = {shape}: expected (points, n, D), n from 3 to 64, D from 2 to 16"
    refuses(lambda: ym_amplitudes(np.ones(shape), np.ones(shape)), said)
    whole = np.ones(shape, np.uint64)
    refuses(lambda: ym_amplitudes_mod(whole, whole, 7), said)
    refuses(lambda: ym_amplitudes_mod(WHOLE, WHOLE[:, :4], 7),
            "polarisations.shape = (2, 4, 4): expected that of the momenta, (2, 5, 4)")  # fmt: skip


def test_kinds_of_number() -> None:
    refuses(lambda: ym_amplitudes(GOOD + 1j, GOOD),
            "momenta.dtype = 'complex128': expected float64, or what fits into it")  # fmt: skip
    refuses(lambda: ym_amplitudes(GOOD, GOOD.astype(str)), "float64 or complex128, or what fits")
    refuses(lambda: ym_amplitudes(GOOD.astype(np.longdouble), GOOD), "momenta.dtype = ")
    refuses(lambda: ym_amplitudes_mod(GOOD, WHOLE, 7), "momenta.dtype = 'float64': expected whole")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite(bad: float) -> None:
    wrong = GOOD.copy()
    wrong[1, 3, 2] = bad
    refuses(lambda: ym_amplitudes(wrong, GOOD), "momenta[1, 3, 2] = ")
    refuses(lambda: ym_amplitudes(GOOD, wrong + 0j), "polarisations[1, 3, 2] = ")
    refuses(lambda: ym_amplitudes(wrong, GOOD), "expected a finite number")


def test_finite_numbers_whose_sum_is_not_are_taken() -> None:
    assert ym_amplitudes(GOOD * 1e308, GOOD).shape == (2,)


@pytest.mark.parametrize("metric", [(1, -1), (1, -1, -1, 0), (1, 1, 1, 2), (1,) * 5])
def test_metrics(metric: tuple[int, ...]) -> None:
    said = f"metric = {metric}: expected 4 signs, +1 or -1"
    refuses(lambda: ym_amplitudes(GOOD, GOOD, metric=metric), said)
    refuses(lambda: ym_amplitudes_mod(WHOLE, WHOLE, 7, metric=metric), said)


@pytest.mark.parametrize("prime", [2, 1, 0, -7, 100, 2**31, 2**31 + 11, 7.0, True])
def test_moduli(prime: int) -> None:
    refuses(lambda: ym_amplitudes_mod(WHOLE, WHOLE, prime), "prime = ")


def test_residues_out_of_range() -> None:
    refuses(lambda: ym_amplitudes_mod(WHOLE * np.uint64(7), WHOLE, 7),
            "momenta = 7: expected residues from 0 to 6")  # fmt: skip
    refuses(lambda: ym_amplitudes_mod(WHOLE, -WHOLE.astype(int), 7), "polarisations = -1")


def test_what_fits_is_taken_in_any_layout() -> None:
    rng = np.random.default_rng(0)
    k = rng.integers(-9, 9, (5, 6, 4))
    e = rng.integers(-9, 9, (5, 6, 4))
    expected = ym_amplitudes(k.astype(float), e.astype(float))
    assert (ym_amplitudes(k.tolist(), e.astype(np.float32)) == expected).all()
    assert (ym_amplitudes(np.asfortranarray(k), e[::-1][::-1]) == expected).all()
    assert ym_amplitudes(k, e.astype(np.complex64)).dtype == np.complex128
