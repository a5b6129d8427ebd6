"""A loss as a tree: the value that every form of it (text, formula, SymPy, torch) is made from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from heliostat_methods.evomal.losses.primitives import (
    STANDARD,
    LossExpressionError,
    Opcode,
    PrimitiveTable,
)

Task = Literal["regression", "classification"]
MAX_NODES = 512
MAX_HEIGHT = 64


@dataclass(frozen=True)
class LossTree:
    """A loss ``m(y, f)``: ``v_i = op_i(w_a v_a, w_b v_b)`` over the children ``a, b`` of node i.

    ``nodes`` are primitive names in prefix order and ``weights[i]`` sits on the edge from node i
    to its parent. The root has no such edge: its weight is stored as 1, takes part in nothing and
    is never printed. Without ``weights`` every edge carries 1, which is the plain tree.

    Raises ``LossExpressionError`` for an unknown name, a wrong number of arguments, a tree over
    ``MAX_NODES`` or ``MAX_HEIGHT``, one that lacks ``y`` or ``f``, or a weight that is not finite.
    """

    nodes: tuple[str, ...]
    weights: tuple[float, ...] = ()
    table: PrimitiveTable = field(default=STANDARD, compare=False, repr=False)

    def __post_init__(self) -> None:
        nodes = tuple(self.nodes)
        if not 1 <= len(nodes) <= MAX_NODES:
            raise LossExpressionError(f"nodes: {len(nodes)} of them; expected 1 to {MAX_NODES}")
        depths = _depths(nodes, self.table)
        if max(depths) > MAX_HEIGHT:
            raise LossExpressionError(f"nodes: height {max(depths)}; at most {MAX_HEIGHT}")
        codes = {self.table[name].opcode for name in nodes}
        for code, name in ((Opcode.LABEL, "y"), (Opcode.OUTPUT, "f")):
            if code not in codes:
                raise LossExpressionError(f"the expression lacks {name!r}; it needs both y and f")
        weights = tuple(float(w) for w in self.weights) or (1.0,) * len(nodes)
        if len(weights) != len(nodes):
            raise LossExpressionError(
                f"weights: {len(weights)} values for {len(nodes)} nodes; expected one a node"
            )
        weights = (1.0, *weights[1:])
        if not all(math.isfinite(w) for w in weights):
            raise LossExpressionError("weights: expected finite numbers")
        object.__setattr__(self, "nodes", nodes)
        object.__setattr__(self, "weights", weights)

    @property
    def complexity(self) -> int:
        """Number of nodes."""
        return len(self.nodes)

    @property
    def height(self) -> int:
        """Edges on the longest path from the root."""
        return max(_depths(self.nodes, self.table))

    def children(self) -> list[tuple[int, ...]]:
        """Return the prefix indices of every node's arguments."""
        return children(self.nodes, self.table)


def children(nodes: Sequence[str], table: PrimitiveTable) -> list[tuple[int, ...]]:
    """Return the prefix indices of the arguments of every node of a complete tree."""
    result: list[tuple[int, ...]] = [()] * len(nodes)
    pending: list[int] = []
    for i in range(len(nodes) - 1, -1, -1):
        arity = table[nodes[i]].arity
        result[i] = tuple(pending.pop() for _ in range(arity))
        pending.append(i)
    return result


def _depths(nodes: Sequence[str], table: PrimitiveTable) -> list[int]:
    """Return each node's distance from the root; raise unless ``nodes`` is exactly one tree."""
    depths = []
    due = [0]  # depths of the subtrees still expected
    for i, name in enumerate(nodes):
        if not due:
            raise LossExpressionError(
                f"nodes: the tree is complete after {i} nodes; {len(nodes) - i} left over"
            )
        depth = due.pop()
        depths.append(depth)
        due.extend([depth + 1] * table[name].arity)
    if due:
        raise LossExpressionError(f"nodes: {len(due)} argument(s) missing at the end")
    return depths
