"""The vertices of a ring: what the legs of an arc do to the line that they meet.

Edge i with momentum q comes in, P is the arc of its legs, X = (A, phi) currents, and sums run over
the ways to part P in two arcs Y Z:

    gluon        -(2q + k_P).X_P 1 + (q - k_P) (x) X_P^b + X_P (x) (2 k_P + q)^b
                 + sum { -(Y.Z) 1 + 2 Y (x) Z^b - Z (x) Y^b }
    background   -(2q + k_P).X_P 1 - 2 F_P + sum { -(Y.Z) 1 },   F_P = k_P ^ X_P - sum Y ^ Z
    scalar       -(2q + k_P).X_P + sum { -(Y.Z) }
    ghost        -(q + k_P).X_P

On flavour components k vanishes, so the gluon's vertex has the blocks of scalars beside gluons: a
to f is phi^f (2 k_P + q)^b, f to a is phi^f (q - k_P). An arc of more than n-2 legs has no current
of its own. Source: derived; full V3, since lines of a loop are not transverse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.loops.line_algebra import Dyad, Turn
from heliostat_methods.amplitudes.loops.loop_frame import Arc, LoopFrame

Numbers = Callable[[int, int], Number | None]
Turns = Callable[[int, int], Turn | None]


def partings(start: int, legs: int, n: int) -> Iterator[tuple[Arc, Arc]]:
    """Yield the two arcs that a quartic vertex joins, each with at most n-2 legs."""
    for m in range(1, legs):
        if m <= n - 2 and legs - m <= n - 2:
            yield (start, m), ((start + m) % n, legs - m)


def scalar_vertex(frame: LoopFrame) -> Numbers:
    """Return the vertices of a scalar, minimally coupled to gluons and external scalars."""

    def vertex(start: int, legs: int) -> Number | None:
        total = None
        if legs <= frame.n - 2:
            total = -_along(frame, start, legs)
        for one, other in partings(start, legs, frame.n):
            pair = frame.product(frame.current(*one), frame.low_current(*other))
            total = -pair if total is None else total - pair
        return total

    return vertex


def ghost_vertex(frame: LoopFrame) -> Numbers:
    """Return the vertices of a ghost in Feynman gauge."""

    def vertex(start: int, legs: int) -> Number | None:
        if legs > frame.n - 2:
            return None
        low = frame.low_current(start, legs)
        q, k = frame.edges[start], frame.momentum(start, legs)
        return -frame.product(q, low) - frame.product(k, low)

    return vertex


def gluon_vertex(frame: LoopFrame) -> Turns:
    """Return the vertices of a gluon in Feynman gauge."""
    scalar = scalar_vertex(frame)

    def vertex(start: int, legs: int) -> Turn | None:
        c = scalar(start, legs)
        if c is None:
            return None
        dyads: list[Dyad] = []
        if legs <= frame.n - 2:
            q, k = frame.edges[start], frame.momentum(start, legs)
            low_q, low_k = frame.low_edges[start], frame.low_momentum(start, legs)
            dyads.append((frame.added(q, k, -1), frame.low_current(start, legs)))
            dyads.append((frame.current(start, legs), frame.added(low_q, low_k, 2)))
        for one, other in partings(start, legs, frame.n):
            y, z = frame.current(*one), frame.current(*other)
            dyads.append((_scaled(y, 2), frame.low_current(*other)))
            dyads.append((_scaled(z, -1), frame.low_current(*one)))
        return Turn(c, tuple(dyads))

    return vertex


def background_vertex(frame: LoopFrame) -> Turns:
    """Return the vertices of a gluon in the background field's Feynman gauge."""
    scalar = scalar_vertex(frame)

    def vertex(start: int, legs: int) -> Turn | None:
        c = scalar(start, legs)
        if c is None:
            return None
        dyads: list[Dyad] = []
        if legs <= frame.n - 2:
            k, low_k = frame.momentum(start, legs), frame.low_momentum(start, legs)
            x, low_x = frame.current(start, legs), frame.low_current(start, legs)
            dyads += [(_scaled(k, -2), low_x), (_scaled(x, 2), low_k)]
            # the commutator belongs to F of this one arc: not where the arc has no current
            for one, other in partings(start, legs, frame.n):
                y, z = frame.current(*one), frame.current(*other)
                dyads.append((_scaled(y, 2), frame.low_current(*other)))
                dyads.append((_scaled(z, -2), frame.low_current(*one)))
        return Turn(c, tuple(dyads))

    return vertex


def _along(frame: LoopFrame, start: int, legs: int) -> Number:
    """Return (2q + k_P).X_P."""
    low = frame.low_current(start, legs)
    q, k = frame.edges[start], frame.momentum(start, legs)
    return 2 * frame.product(q, low) + frame.product(k, low)


def _scaled(vector: tuple[Number, ...], factor: int) -> tuple[Number, ...]:
    return tuple([factor * x for x in vector])
