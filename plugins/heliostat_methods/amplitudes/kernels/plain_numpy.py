"""The kernel in numpy, where nothing compiles: a vector of points at every step of the recursion.

The same formulas as ym_kernel.c. numpy has no fused multiply-add, so floats differ from the other
variants in their last bits; residues do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from heliostat_methods.amplitudes.kernels.inputs import Array
from heliostat_methods.amplitudes.kernels.scaling import near_one

CHUNK = 512
"""Points at once: their currents stay in the caches."""
Rule = Callable[[Array], Array]
Word = tuple[Array, Array, Array, Array]
"""k, A, A with its index down, and F^{mn}: (points, D), F (points, D, D)."""


def floats(
    plus: int, points: int, n: int, order: Array, momenta: Array, polarisations: Array,
    found: Array, sizes: Array | None,
) -> int:  # fmt: skip
    """Fill in the amplitude of each point, and the size of its terms unless ``sizes`` is None."""
    for some in _chunks(points):
        k, e = momenta[some][..., order], polarisations[some][..., order]
        with np.errstate(all="ignore"):
            k, exponent = near_one(k, (1, 2))
            exponent = exponent * (4 - n)
            e, exponents = near_one(e, (2,))
            exponent = exponent + exponents.sum(1)
            splits, poles = _last_splits(k, e, _signs(plus, order), lambda x: x, lambda x: 1 / x)
            last = e[:, -1] * _signs(plus, order)
            poison = np.where((poles == 0).any(0), np.nan, 0.0)
            total = (sum(splits) * last).sum(-1) * 0.5
            found.real[some] = np.ldexp(total.real + poison, exponent)
            if found.dtype.kind == "c":
                found.imag[some] = np.ldexp(total.imag + poison, exponent)
            if sizes is not None:
                terms = sum(_size(split) * _size(last) for split in splits)
                sizes[some] = np.ldexp(np.sum(terms, -1) * 0.5 + poison, exponent)
    return 0


def residues(
    plus: int, points: int, _n: int, p: int, order: Array, momenta: Array, polarisations: Array,
    found: Array, regular: Array,
) -> int:  # fmt: skip
    """Fill in the residue of each point, and whether it is regular."""
    for some in _chunks(points):
        k, e = (x[some][..., order].astype(np.int64) for x in (momenta, polarisations))
        signs = _signs(plus, order)
        splits, poles = _last_splits(k, e, signs, lambda x: x % p, lambda x: _inverse(x, p))
        total = (sum(splits) % p * (e[:, -1] * signs % p) % p).sum(-1) % p
        regular[some] = (poles != 0).all(0)
        found[some] = np.where(regular[some], total * ((p + 1) // 2) % p, 0)
    return 0


def _chunks(points: int) -> Iterator[slice]:
    return (slice(start, min(start + CHUNK, points)) for start in range(0, points, CHUNK))


def _signs(plus: int, order: Array) -> Array:
    return np.where(np.arange(len(order)) < plus, 1, -1)


def _size(x: Array) -> Array:
    return np.asarray(np.abs(x.real) + np.abs(x.imag))


def _inverse(x: Array, p: int) -> Array:
    power = np.ones_like(x)
    for bit in bin(p - 2)[2:]:
        power = power * power % p
        if bit == "1":
            power = power * x % p
    return power


def _last_splits(
    k: Array, e: Array, signs: Array, reduced: Rule, inverted: Rule
) -> tuple[list[Array], Array]:
    """Return 2 s_P A_P split by split for P all legs but the last, and k_P^2 of the other words."""
    legs = k.shape[1] - 1
    words: dict[tuple[int, int], Word] = {}
    poles = [np.ones_like(k[:, 0, 0])]
    for i in range(legs):
        words[i, i + 1] = _word(k[:, i], e[:, i], np.zeros((), np.int64), signs, reduced)
    for length in range(2, legs):
        for i in range(legs - length + 1):
            j = i + length
            pairs = [(words[i, r], words[r, j]) for r in range(i + 1, j)]
            k_p = reduced(words[i, i + 1][0] + words[i + 1, j][0])
            norm = reduced(reduced(k_p * k_p * signs).sum(-1))
            poles.append(norm)
            inverse = inverted(norm)[:, None]
            a = reduced(reduced(np.sum([_potential(x, y, reduced) for x, y in pairs], 0)) * inverse)
            wedge = np.sum([_wedge(x[1], y[1], reduced) for x, y in pairs], 0)
            words[i, j] = _word(k_p, a, wedge, signs, reduced)
    last = [_potential(words[0, r], words[r, legs], reduced) for r in range(1, legs)]
    return last, np.array(poles)


def _word(k: Array, a: Array, wedge: Array, signs: Array, reduced: Rule) -> Word:
    return k, a, reduced(a * signs), reduced(_wedge(k, a, reduced) - wedge)


def _wedge(a: Array, b: Array, reduced: Rule) -> Array:
    product = reduced(a[:, :, None] * b[:, None, :])
    return product - product.swapaxes(1, 2)


def _potential(x: Word, y: Word, reduced: Rule) -> Array:
    (k_x, a_x, down_x, f_x), (k_y, a_y, down_y, f_y) = x, y
    c = reduced(reduced(down_x * k_y).sum(-1))[:, None]
    d = reduced(reduced(down_y * k_x).sum(-1))[:, None]
    total = reduced(c * a_y) - reduced(d * a_x)
    total = total + reduced(down_x[:, :, None] * f_y).sum(1)
    return np.asarray(total - reduced(down_y[:, :, None] * f_x).sum(1))
