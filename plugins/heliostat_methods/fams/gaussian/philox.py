"""Counter-based random words: each depends on its counter and key alone, there is no state.

Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011). Here the key is the seed; the counter is (index,
place, group, round), where the place is the inner step and the layer, or what else is drawn for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from heliostat_methods.fams.gaussian.compilation import inlined

_LOW = np.uint64(0xFFFFFFFF)
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_32 = np.uint64(32)

LAYERS = 256
"""Places of one inner step; those of the last layers of a step are drawn by no network."""
MOST = 1 << 32
"""Groups, rounds and draws that can be told apart."""


@inlined
def philox(a: Any, b: Any, c: Any, d: Any, k0: Any, k1: Any) -> Any:
    """Return the four words of a counter under a key; all are 32-bit numbers held in uint64."""
    for _ in range(10):
        p, q = a * _M0, c * _M1
        a, b, c, d = (q >> _32) ^ b ^ k0, q & _LOW, (p >> _32) ^ d ^ k1, p & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return a, b, c, d


@inlined
def low(x: Any) -> Any:
    """Return the low 32 bits of a whole number."""
    return np.uint64(x) & _LOW


@inlined
def high(x: Any) -> Any:
    """Return the 32 bits above them."""
    return np.uint64(x) >> _32
