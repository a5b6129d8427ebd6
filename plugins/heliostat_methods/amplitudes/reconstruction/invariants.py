"""Products of a point by name: "s_{0,1}", "k_0.e_1", "e_0.e_1".

s_P is half of the squared momentum, named by its legs without the last one, as errors name it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from heliostat_methods.amplitudes.currents.biadjoint import half_square
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.polarised import PolarisedPoint

MOMENTUM = re.compile(r"s_\{(\d+(?:,\d+)*)\}")
PRODUCT = re.compile(r"([ke])_(\d+)\.e_(\d+)")


def propagator(legs: Iterable[int], n: int) -> str:
    """Return the name of s_P for legs P of n, by those without the last leg."""
    inside = sorted(set(legs))
    if n - 1 in inside:
        inside = [leg for leg in range(n) if leg not in inside]
    return f"s_{{{','.join(map(str, inside))}}}"


def planar_propagators(n: int) -> list[str]:
    """Return the n(n-3)/2 names of s_P of neighbouring legs, a basis of all products k_i.k_j."""
    spans = [(i, j) for size in range(2, n - 1) for i in range(n) if (j := i + size) < n]
    return [propagator(range(i, j), n) for i, j in spans]


def pair_propagators(n: int) -> list[str]:
    """Return the names of s_{i,j} of all pairs that differ, planar or not."""
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    return list(dict.fromkeys(propagator(pair, n) for pair in pairs))


def polarisation_momenta(n: int, leg: int) -> list[str]:
    """Return the n - 2 independent k_j.e_leg; k_{n-1} is eliminated, k_{n-2} of the last leg."""
    kept = [j for j in range(n - 1) if j != leg]
    return [f"k_{j}.e_{leg}" for j in (kept if leg < n - 1 else kept[:-1])]


def checked_invariant(name: str, n: int) -> str:
    """Return a name; ValueError for one that is none of n legs."""
    legs = _legs(name)
    if legs is None or len(set(legs)) != len(legs) or not all(0 <= leg < n for leg in legs):
        raise ValueError(
            f"{name!r} is no product of {n} legs such as 's_{{0,1}}', 'k_0.e_1' or 'e_0.e_1'"
        )
    return name


def invariant(name: str, point: PolarisedPoint) -> Number:
    """Return the value of a product at a point; ValueError for a name that is none."""
    legs = _legs(checked_invariant(name, point.n)) or []
    if name.startswith("s"):
        return half_square(point, legs)
    if name.startswith("k"):
        return point.polarisation_momentum(legs[1], legs[0])
    return point.ee[legs[0]][legs[1]]


def _legs(name: str) -> Sequence[int] | None:
    if not isinstance(name, str):
        return None
    if found := MOMENTUM.fullmatch(name):
        return [int(leg) for leg in found[1].split(",")]
    if found := PRODUCT.fullmatch(name):
        return [int(found[2]), int(found[3])]
    return None
