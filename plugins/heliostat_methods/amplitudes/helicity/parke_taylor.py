"""Amplitudes of two negative helicities in closed form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heliostat_methods.amplitudes.currents.words import checked_word
from heliostat_methods.amplitudes.errors import SingularKinematics
from heliostat_methods.amplitudes.fields.residue_arrays import inverse
from heliostat_methods.amplitudes.kinematics.spinors import Array, Spinors


def parke_taylor(
    spinors: Spinors, negative: tuple[int, int] = (0, 1), ordering: Sequence[int] | None = None
) -> Array:
    """Return <ij>^4 / (<w_0 w_1> <w_1 w_2> .. <w_{n-1} w_0>) for each point, (points,).

    ``negative``: i and j. Complex128 or int64 residues, as the spinors are. Complex points at which
    a bracket is 0 give inf or nan, residues raise SingularKinematics naming it. Amplitudes with
    helicities -1 for i and j and +1 for all others are `mhv_factor` times this. Source: Parke and
    Taylor.
    """
    chosen = checked_word("negative", negative, spinors.n, whole=False)
    if len(chosen) != 2:
        raise ValueError(f"negative: {len(chosen)} legs, expected two")
    i, j = chosen
    word = checked_word("ordering", ordering, spinors.n, whole=True)
    above, prime = spinors.angles(i, j), spinors.prime
    pairs = list(zip(word, (*word[1:], word[0]), strict=True))
    found: Array = np.ones_like(above)
    if prime is None:
        # four quotients first: neither <ij>^4 nor the product below has to fit in a float
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for place in range(max(len(pairs), 4)):
                found = found * above if place < 4 else found
                found = found / spinors.angles(*pairs[place]) if place < len(pairs) else found
        return found
    for a, b in pairs:
        factor = spinors.angles(a, b)
        if np.any(factor == 0):
            raise SingularKinematics(f"<{a}{b}> = 0 at point {np.argmax(factor == 0)}")
        found = found * factor % prime
    square = above * above % prime
    found = square * square % prime * inverse(found, prime) % prime
    return found


def mhv_factor(n: int, prime: int | None = None) -> float | int:
    """Return A_YM / `parke_taylor`: 2^{(n-4)/2}; modulo a prime, without sqrt2 in e, 1/4.

    1/4 modulo 2^31 - 1 is 2^29.
    """
    return 2.0 ** ((n - 4) / 2) if prime is None else int(pow(4, -1, prime))
