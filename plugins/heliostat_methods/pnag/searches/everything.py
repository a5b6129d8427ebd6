"""All that a run evaluated, put together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from heliostat import PartRef
from heliostat_methods.pnag.spaces.moves import row_keys
from heliostat_methods.pnag.spaces.space import Archs
from heliostat_methods.pnag.tasks.searching import Searched
from heliostat_methods.pnag.tasks.teaching import Everything


def together(space: PartRef, found: Sequence[Searched]) -> Everything:
    """Return the different networks of searches, in the order of their rows."""
    return everything(
        space,
        np.concatenate([one.archs for one in found]),
        np.concatenate([one.accuracy for one in found]),
        np.concatenate([one.cost for one in found]),
    )


def everything(
    space: PartRef, archs: Archs, accuracy: NDArray[np.float64], cost: NDArray[np.float64]
) -> Everything:
    """Return different networks of rows (n, decisions), each with the first numbers it has."""
    first: dict[bytes, int] = {}
    for place, key in enumerate(row_keys(archs)):
        first.setdefault(key, place)
    places = np.array(list(first.values()), np.int64)
    order = places[np.lexsort(archs[places].T[::-1])]
    return Everything(space, archs[order], accuracy[order], cost[order])
