"""The rings of n legs, listed: which words of legs meet the loop, and where.

Choose which edges are there, any set of at least one; between one and the next lie the legs of a
vertex, joined to it in one word or, quartic, in two. A word of more than n-2 legs has no current.
If it had, the number of rings would be that of spanning trees of a wheel, L_{2n} - 2 with Lucas'
numbers L; the words left out make it L_{2n} - 2 - n(n+1), and L_{2n} - 2 - 4n with tadpoles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product

from heliostat_methods.amplitudes.currents.words import Word
from heliostat_methods.amplitudes.loops.ring_vertices import partings


@dataclass(frozen=True)
class RingVertex:
    """Where words of legs meet the loop: one of them, or two at a quartic vertex.

    ``edge``: the edge that comes in, just before the first leg.
    """

    edge: int
    words: tuple[Word, ...]

    @property
    def legs(self) -> Word:
        """All its legs, in order."""
        return tuple(leg for word in self.words for leg in word)

    def __str__(self) -> str:
        return "|".join(".".join(map(str, word)) for word in self.words)


@dataclass(frozen=True)
class RingDiagram:
    """A ring of vertices in the order of the legs, the one that holds leg 0 first."""

    vertices: tuple[RingVertex, ...]

    @property
    def edges(self) -> tuple[int, ...]:
        """The edges that are there, each with 1/d_i."""
        return tuple(sorted(vertex.edge for vertex in self.vertices))

    @property
    def quartic(self) -> int:
        """How many of its vertices are quartic."""
        return sum(len(vertex.words) == 2 for vertex in self.vertices)

    def __str__(self) -> str:
        """Return its words, as (0)(1|2)(3.4): 1 and 2 at a quartic vertex, 3.4 one current."""
        return "".join(f"({vertex})" for vertex in self.vertices)


def ring_diagrams(n: int, quartic: bool = True, tadpoles: bool = False) -> list[RingDiagram]:
    """Return all rings of n >= 4 legs, many edges first.

    ``quartic``: with quartic vertices (gluons and scalars have them, ghosts do not). ``tadpoles``:
    with rings of one quartic vertex. 25, 91 and 278 rings for n = 4, 5 and 6; 7, 21 and 51 of them
    without quartic vertices.
    """
    if isinstance(n, bool) or not hasattr(n, "__index__") or n < 4:
        raise ValueError(f"n: {n!r}, expected a whole number of at least 4 legs")
    n = int(n)
    found = []
    for size in range(n, 0 if tadpoles else 1, -1):
        for edges in combinations(range(n), size):
            arcs = [(a, (b - a - 1) % n + 1)
                    for a, b in zip(edges, edges[1:] + edges[:1], strict=True)]  # fmt: skip
            # leg 0 lies after edge 0, else after the last
            first = 0 if edges[0] == 0 else len(arcs) - 1
            turned = arcs[first:] + arcs[:first]
            choices = [list(_vertices(*arc, n, quartic)) for arc in turned]
            found += [RingDiagram(chosen) for chosen in product(*choices)]
    return found


def _vertices(start: int, legs: int, n: int, quartic: bool) -> Iterator[RingVertex]:
    if legs <= n - 2:
        yield RingVertex(start, (_word(start, legs, n),))
    if quartic:
        for one, other in partings(start, legs, n):
            yield RingVertex(start, (_word(*one, n), _word(*other, n)))


def _word(start: int, legs: int, n: int) -> Word:
    return tuple((start + step) % n for step in range(legs))
