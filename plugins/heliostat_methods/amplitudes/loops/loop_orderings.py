"""The same legs and loop in another order: relabelled, turned, read backwards.

With the loop momentum carried along, integrands are cyclic, and (-1)^n times those of the order
read backwards with -l, as functions and not only as integrals. Source: derived.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index

from heliostat_methods.amplitudes.currents.words import checked_word
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint
from heliostat_methods.amplitudes.kinematics.loop_point import LoopPoint
from heliostat_methods.amplitudes.kinematics.polarised import PolarisedPoint
from heliostat_methods.amplitudes.loops.random_loops import edge_squares


def reordered(
    point: PolarisedPoint, loop_point: LoopPoint, ordering: Sequence[int]
) -> tuple[GramPoint, LoopPoint]:
    """Return points whose leg a is leg ordering[a] of those given; l is the same vector.

    So ``integrand(theory, *reordered(point, loop, word))`` is the integrand in the order ``word``,
    with l on the edge between its last leg and its first.
    """
    n, field = point.n, point.field
    word = checked_word("ordering", ordering, n, whole=True)
    last = -sum(loop_point.lk, field.zero)
    lk = [*loop_point.lk, last]
    kk = [[point.momentum_product(a, b) for b in word[:-1]] for a in word[:-1]]
    ek = [[point.polarisation_momentum(a, b) for b in word[:-1]] for a in word]
    ee = [[point.ee[a][b] for b in word] for a in word]
    loop = LoopPoint(loop_point.ll, [lk[a] for a in word[:-1]], [loop_point.le[a] for a in word],
                     loop_point.field)  # fmt: skip
    return GramPoint.unchecked(kk, ek, ee, field), loop


def carried_to(point: PolarisedPoint, loop_point: LoopPoint, edge: int) -> LoopPoint:
    """Return the loop point of q_edge = l + k_0 + .. + k_{edge-1} in place of l; q_n is l."""
    edge = index(edge) % point.n
    lk, le = list(loop_point.lk), list(loop_point.le)
    for i in range(edge):
        lk = [x + point.momentum_product(i, j) for j, x in enumerate(lk)]
        le = [x + point.polarisation_momentum(j, i) for j, x in enumerate(le)]
    return LoopPoint(edge_squares(point, loop_point)[edge], lk, le, loop_point.field)


def backwards(loop_point: LoopPoint) -> LoopPoint:
    """Return the loop point of -l."""
    return LoopPoint(loop_point.ll, [-x for x in loop_point.lk], [-x for x in loop_point.le],
                     loop_point.field)  # fmt: skip
