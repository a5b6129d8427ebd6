"""The vertices of colour-ordered Yang-Mills theory, as sums over currents that they join.

V3(X, Y) = (X.Y)(k_X - k_Y) + ((2 k_Y + k_X).X) Y - ((2 k_X + k_Y).Y) X
V4(X, Y, Z) = 2 (X.Z) Y - (X.Y) Z - (Y.Z) X

Source: derived from the action with plane waves e^{k.x}, so that no factors i appear.
"""

from __future__ import annotations

from collections.abc import Iterator

from heliostat_methods.amplitudes.fields.field import Number


def three_splits(i: int, j: int) -> Iterator[int]:
    """Yield m for words [i, m) and [m, j)."""
    yield from range(i + 1, j)


def four_splits(i: int, j: int) -> Iterator[tuple[int, int]]:
    """Yield m < r for words [i, m), [m, r) and [r, j)."""
    for m in range(i + 1, j - 1):
        for r in range(m + 1, j):
            yield m, r


def cubic_weights(ky_x: Number, kx_x: Number, kx_y: Number, ky_y: Number) -> tuple[Number, Number]:
    """Return the factors of Y and of X in V3, from k_Y.X, k_X.X, k_X.Y and k_Y.Y."""
    return 2 * ky_x + kx_x, -(2 * kx_y + ky_y)
