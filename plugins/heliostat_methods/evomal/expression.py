"""A loss as a value: a tree in prefix order and one weight on the edge above each node."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from heliostat_methods.evomal.primitives import (
    STANDARD,
    LossExpressionError,
    Opcode,
    PrimitiveTable,
    table_named,
)

if TYPE_CHECKING:
    from heliostat_methods.evomal.torch_loss import TorchLoss

Task = Literal["regression", "classification"]
MAX_NODES = 512
MAX_HEIGHT = 64


@dataclass(frozen=True)
class LossExpression:
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

    def with_weights(self, weights: Iterable[float]) -> "LossExpression":
        """Return the same tree with other weights; surplus (padding) values are ignored."""
        values = [float(w) for w in weights][: len(self.nodes)]
        return replace(self, weights=tuple(values))

    def canonical(self) -> "LossExpression":
        """Return the representative of all trees that are this one up to order and sign.

        See ``heliostat_methods.evomal.canonical`` for the identities and why no others.
        """
        from heliostat_methods.evomal.canonical import canonical

        return canonical(self)

    @property
    def key(self) -> str:
        """The structure of the canonical tree as text; weights do not enter."""
        return LossExpression(self.canonical().nodes, table=self.table).to_prefix()

    def to_prefix(self) -> str:
        """Return text that ``parse`` reads back exactly, such as ``square(sub(y, 0.98*f))``."""
        from heliostat_methods.evomal.text import prefix_text

        return prefix_text(self)

    def formula(self, digits: int = 4) -> str:
        """Return readable text such as ``(y - 0.98*f)^2``; numbers to ``digits`` digits.

        Constants are multiplied out, so the text shows the function and not the tree.
        """
        from heliostat_methods.evomal.formula import formula_text

        return formula_text(self, digits)

    def to_latex(self, digits: int = 4) -> str:
        """Return the formula in LaTeX; numbers to ``digits`` significant digits."""
        from heliostat_methods.evomal.formula import latex_text

        return latex_text(self, digits)

    def to_sympy(self, digits: int | None = None) -> Any:
        """Return the SymPy form over real symbols ``y`` and ``f``, weights to ``digits`` digits."""
        from heliostat_methods.evomal.symbolic import to_sympy

        return to_sympy(self, digits)

    def simplified(self, time_limit: float = 10.0, digits: int | None = None) -> Any:
        """Return SymPy's simplification, or ``to_sympy()`` if it takes over ``time_limit`` s."""
        from heliostat_methods.evomal.symbolic import simplified

        return simplified(self, time_limit, digits)

    def to_torch_module(self, task: Task, *, trainable: bool = False) -> "TorchLoss":
        """Return an ``nn.Module``: ``loss = module(outputs, targets)``, outputs being raw logits.

        ``trainable=True`` makes the weights a parameter ``phi`` instead of a buffer.
        """
        from heliostat_methods.evomal.torch_loss import TorchLoss

        return TorchLoss(self, task, trainable=trainable)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; every float survives exactly."""
        return {
            "nodes": list(self.nodes),
            "weights": list(self.weights),
            "primitives": self.table.name,
        }

    @classmethod
    def from_dict(
        cls, data: Mapping[str, Any], table: PrimitiveTable | None = None
    ) -> "LossExpression":
        """Read what ``to_dict`` wrote; raises ``LossExpressionError`` for anything else.

        ``table`` replaces the one that the data name, for tables of the caller's own.
        """
        if not isinstance(data, Mapping) or "nodes" not in data:
            raise LossExpressionError("expected a mapping with 'nodes' and 'weights'")
        surplus = set(data) - {"nodes", "weights", "primitives"}
        if surplus:
            raise LossExpressionError(f"unknown field {sorted(surplus)[0]!r}")
        nodes, weights = data["nodes"], data.get("weights", ())
        if (
            isinstance(nodes, str)
            or not isinstance(nodes, Sequence)
            or not all(isinstance(n, str) for n in nodes)
        ):
            raise LossExpressionError("nodes: expected a list of names")
        if not isinstance(weights, Sequence) or not all(
            isinstance(w, int | float) and not isinstance(w, bool) for w in weights
        ):
            raise LossExpressionError("weights: expected a list of numbers")
        if table is None:
            table = table_named(str(data.get("primitives", STANDARD.name)))
        return cls(tuple(nodes), tuple(weights), table)

    def __str__(self) -> str:
        return self.formula()


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


def parse(text: str, table: PrimitiveTable = STANDARD) -> LossExpression:
    """Read prefix text such as ``square(sub(y, 0.98*f))``; raises ``LossExpressionError``."""
    from heliostat_methods.evomal.text import parse_prefix

    return parse_prefix(text, table)
