"""A loss as a value: a tree in prefix order, one weight on the edge above each node, all forms."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from heliostat_methods.evomal.losses.canonical import canonical
from heliostat_methods.evomal.losses.formula import formula_text, latex_text
from heliostat_methods.evomal.losses.prefix import parsed, prefix_text
from heliostat_methods.evomal.losses.primitives import (
    STANDARD,
    LossExpressionError,
    PrimitiveTable,
)
from heliostat_methods.evomal.losses.tables import plain_name, table_of
from heliostat_methods.evomal.losses.tree import LossTree, Task

if TYPE_CHECKING:
    from heliostat_methods.evomal.losses.torch_loss import TorchLoss


@dataclass(frozen=True)
class LossExpression(LossTree):
    """A loss ``m(y, f)`` with every form that it is read and written in; see ``LossTree``."""

    def with_weights(self, weights: Iterable[float]) -> "LossExpression":
        """Return the same tree with other weights; surplus (padding) values are ignored."""
        values = [float(w) for w in weights][: len(self.nodes)]
        return replace(self, weights=tuple(values))

    def canonical(self) -> "LossExpression":
        """Return the representative of all trees that are this one up to order and sign.

        See ``heliostat_methods.evomal.losses.canonical`` for the identities and why no others.
        """
        return LossExpression(*canonical(self), self.table)

    @property
    def key(self) -> str:
        """The structure of the canonical tree as text; weights do not enter."""
        return LossExpression(canonical(self)[0], table=self.table).to_prefix()

    def to_prefix(self) -> str:
        """Return text that ``parse`` reads back exactly, such as ``square(sub(y, 0.98*f))``."""
        return prefix_text(self)

    def formula(self, digits: int = 4) -> str:
        """Return readable text such as ``(y - 0.98*f)^2``; numbers to ``digits`` digits.

        Constants are multiplied out, so the text shows the function and not the tree.
        """
        return formula_text(self, digits)

    def to_latex(self, digits: int = 4) -> str:
        """Return the formula in LaTeX; numbers to ``digits`` significant digits."""
        return latex_text(self, digits)

    def to_sympy(self, digits: int | None = None) -> Any:
        """Return the SymPy form over real symbols ``y`` and ``f``, weights to ``digits`` digits."""
        from heliostat_methods.evomal.losses.symbolic import to_sympy

        return to_sympy(self, digits)

    def simplified(self, time_limit: float = 10.0, digits: int | None = None) -> Any:
        """Return SymPy's simplification, or ``to_sympy()`` if it takes over ``time_limit`` s."""
        from heliostat_methods.evomal.losses.symbolic import simplified

        return simplified(self, time_limit, digits)

    def to_torch_module(self, task: Task, *, trainable: bool = False) -> "TorchLoss":
        """Return an ``nn.Module``: ``loss = module(outputs, targets)``, outputs being raw logits.

        ``trainable=True`` makes the weights a parameter ``phi`` instead of a buffer.
        """
        from heliostat_methods.evomal.losses.torch_loss import TorchLoss

        return TorchLoss(self, task, trainable=trainable)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; every float survives exactly."""
        return {
            "nodes": list(self.nodes),
            "weights": list(self.weights),
            "primitives": plain_name(self.table),
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
            table = table_of(data.get("primitives", STANDARD.name))
        return cls(tuple(nodes), tuple(weights), table)

    def __str__(self) -> str:
        return self.formula()


def parse(text: str, table: PrimitiveTable = STANDARD) -> LossExpression:
    """Read prefix text such as ``square(sub(y, 0.98*f))``; raises ``LossExpressionError``."""
    return LossExpression(*parsed(text, table), table)
