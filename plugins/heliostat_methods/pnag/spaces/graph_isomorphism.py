"""When two architectures of NAS-Bench-Graph are the same network.

Four nodes take the output of one earlier node each (0: the input), and what no node takes up is
joined at the end: a rooted tree with an operation on every node. "skip" passes its input on.
The table (Qin et al. 2022) holds equal networks once. Three rules say which are equal; they agree
with the keys that the table's own package gives all 59,049 choices:

1. Nodes may be renamed.
2. A skip that other nodes take up, or that is the only one to take up its node, or that joins the
   bare input at the end, can be moved to the front, between the input and all the rest.
3. Where nothing but skips is left there is no network.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

Link = tuple[int, int, int, int]
LINKS: tuple[Link, ...] = (
    (0, 0, 0, 0),
    (0, 0, 0, 1),
    (0, 0, 1, 1),
    (0, 0, 1, 2),
    (0, 0, 1, 3),
    (0, 1, 1, 1),
    (0, 1, 1, 2),
    (0, 1, 2, 2),
    (0, 1, 2, 3),
)
"""What each of nodes 1 to 4 takes up, for each shape of tree its smallest numbering."""
NODES = 4


def canonical_codes(operations: int) -> NDArray[np.int64]:
    """Return the canonical code of each code, -1 where only skips are chosen; (codes,).

    Codes are numbers with the digits link, then four operations in base `operations`; the last
    operation is skip. Of equal networks the one with the smallest operations is canonical.
    """
    skip, base = operations - 1, operations**NODES
    ops = np.stack(np.unravel_index(np.arange(base), (operations,) * NODES), axis=1)
    codes = np.full((len(LINKS), base), -1, dtype=np.int64)
    for place, link in enumerate(LINKS):
        for mask in np.ndindex(*(2,) * NODES):
            rows = np.flatnonzero(np.all((ops == skip) == np.array(mask, dtype=np.bool_), axis=1))
            if not all(mask):
                codes[place, rows] = _codes(link, mask, ops[rows], operations)
    return codes.reshape(-1)


def _codes(
    link: Link, skips: tuple[int, ...], ops: NDArray[np.intp], operations: int
) -> NDArray[np.int64]:
    """Return the canonical codes of operations (n, 4) whose skips all stand at the same nodes."""
    shape, orders = _numberings(_skips_in_front(link, skips))
    digits = operations ** np.arange(NODES - 1, -1, -1)
    smallest = np.min([ops[:, order] @ digits for order in orders], axis=0)
    codes: NDArray[np.int64] = LINKS.index(shape) * operations**NODES + smallest
    return codes


def _skips_in_front(link: Link, skips: tuple[int, ...]) -> dict[int, int]:
    """Return what each node takes up once all skips that may are moved to the front."""
    above = {node + 1: taken for node, taken in enumerate(link)}
    front: list[int] = []
    while (moved := _movable(above, skips)) is not None:
        taken = above.pop(moved)
        above = {node: taken if up == moved else up for node, up in above.items()}
        front.append(moved)
    last = front[-1] if front else 0
    chain = dict(zip(front, [0, *front], strict=False))
    return chain | {node: last if up == 0 else up for node, up in above.items()}


def _movable(above: dict[int, int], skips: tuple[int, ...]) -> int | None:
    """Return a skip that rule 2 moves, or None."""
    for node, taken in above.items():
        if not skips[node - 1]:
            continue
        alone = list(above.values()).count(taken) == 1
        bare = taken
        while bare and skips[bare - 1]:
            bare = above[bare]
        if node in above.values() or alone or bare == 0:
            return node
    return None


def _numberings(above: dict[int, int]) -> tuple[Link, list[list[int]]]:
    """Return the tree's link, and the orders of nodes (from 0) that give it."""
    found: dict[Link, list[list[int]]] = {}
    for order in permutations(sorted(above)):
        number = {0: 0} | {node: place + 1 for place, node in enumerate(order)}
        if all(number[above[node]] < number[node] for node in order):
            a, b, c, d = (number[above[node]] for node in order)
            found.setdefault((a, b, c, d), []).append([node - 1 for node in order])
    shape = min(found)
    return shape, found[shape]
