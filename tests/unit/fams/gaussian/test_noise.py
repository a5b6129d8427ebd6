import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import kstest

from heliostat_methods.fams.gaussian.noise import normals, to_normals


def test_draws_are_standard_normal():
    z = normals((100_000,), seed=11, round=3, group=4)
    assert kstest(z, "norm").pvalue > 1e-3
    assert abs(z.mean()) < 0.015 and abs(z.std() - 1) < 0.01


def test_neighbouring_names_share_nothing():
    first = {"seed": 1, "round": 2, "group": 3, "step": 4, "layer": 5}
    base = normals((2000,), **first)
    for name in first:
        other = normals((2000,), **(first | {name: first[name] + 1}))
        assert abs(np.corrcoef(base, other)[0, 1]) < 0.1


def test_an_index_is_the_same_draw_however_many_are_drawn():
    whole = normals((1000,), seed=1, round=2, group=3)
    for count in (1, 63, 64, 255, 256, 257):
        assert (normals((count,), seed=1, round=2, group=3) == whole[:count]).all()


def test_largest_names_are_taken():
    z = normals((8,), seed=2**64 - 1, round=2**32 - 1, group=2**32 - 1, step=2**24 - 1, layer=254)
    assert np.isfinite(z).all()


@pytest.mark.parametrize("x", (0.1, 1.0, 3.0, 6.0))
def test_quantiles_are_right_far_into_the_tail(x):
    i = np.floor((2 * ndtr(-x)) * 2**31)  # 1 - |x| of the word's number
    word = np.array([(1 << 31) - 1 - int(i)], np.uint32)
    size = (int(word[0]) + 0.5) / 2**31
    out = np.empty(1, np.float32)
    to_normals(word, out)
    assert out[0] == pytest.approx(-ndtri((1 - size) / 2), rel=2e-6)
