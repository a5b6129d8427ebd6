"""Arrays of residues modulo a prime below 2^31: int64, entries 0..p-1, so that products fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Residues = NDArray[np.int64]


def inverse(values: Residues, prime: int) -> Residues:
    """Return 1/x entry by entry, by Fermat's x^{p-2}; ZeroDivisionError where an entry is 0."""
    if np.any(values % prime == 0):
        raise ZeroDivisionError(f"division by 0 modulo {prime}")
    found, square, exponent = np.ones_like(values), values % prime, prime - 2
    while exponent:
        if exponent & 1:
            found = found * square % prime
        square = square * square % prime
        exponent >>= 1
    return found


def nonzero(shape: tuple[int, ...], rng: np.random.Generator, prime: int) -> Residues:
    """Return uniform residues other than 0."""
    return rng.integers(1, prime, size=shape)
