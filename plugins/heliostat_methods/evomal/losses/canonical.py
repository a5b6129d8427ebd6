"""One representative for trees that differ only in order and sign.

Two trees may share a fitness only if they are the same *trainable* function: equal once the
weights are tuned, not merely at weights of one. That leaves the identities that map weights to
weights one to one, because Adam treats each weight alone:

* the arguments of ``add``, ``mul``, ``min`` and ``max`` may be exchanged;
* where the sign of a value cannot matter (under ``square``, ``abs``, ``log`` and ``sqrt`` and below
  the fraction bar of ``div``, also through ``mul``, a numerator, ``tanh`` and ``sign``), the
  arguments of ``sub`` may be exchanged, and ``-1`` may be written ``+1``.

Left out on purpose: ``sub(a, a)`` is not 0 (its two weights part in the first step), ``mul(1, a)``
is not ``a`` and ``abs(square(a))`` is not ``square(a)`` (a weight more, another path of Adam).

The search evaluates the representative itself and draws its first weights in the representative's
prefix order. Trees of one key are then one program, so they give the same bits.
"""

from dataclasses import dataclass

from heliostat_methods.evomal.losses.primitives import Opcode, PrimitiveTable
from heliostat_methods.evomal.losses.tree import LossTree


@dataclass(frozen=True)
class _Subtree:
    nodes: tuple[str, ...]
    weights: tuple[float, ...]

    def rank(self, order: dict[str, int]) -> tuple[int, tuple[int, ...]]:
        return len(self.nodes), tuple(order[name] for name in self.nodes)


def canonical(expression: LossTree) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Return nodes and weights of the representative; the weights travel with their edges.

    Where two arguments are the same tree, the one with the smaller weights comes first, so the
    result does not depend on the order given even then.
    """
    table, arguments = expression.table, expression.children()
    # Terminals first, so that a label reads before an output: sub(y, f) rather than sub(f, y).
    order = {name: i for i, name in enumerate((*table.terminals, *table.operators))}

    def build(i: int, signless: bool) -> _Subtree:
        name = expression.nodes[i]
        row = table[name]
        parts = [
            build(k, role == "drops" or (signless and role == "passes"))
            for k, role in zip(arguments[i], row.signs, strict=True)
        ]
        if row.commutes or (signless and row.opcode == Opcode.SUB):
            parts.sort(key=lambda part: (part.rank(order), part.weights))
        elif signless and row.constant is not None:
            name = _positive(name, table)
        nodes: tuple[str, ...] = (name,)
        weights: tuple[float, ...] = (expression.weights[i],)
        for part in parts:
            nodes, weights = nodes + part.nodes, weights + part.weights
        return _Subtree(nodes, weights)

    tree = build(0, signless=False)
    return tree.nodes, tree.weights


def _positive(name: str, table: PrimitiveTable) -> str:
    value = table[name].constant
    for other in table.terminals:
        if value is not None and table[other].constant == abs(value):
            return other
    return name
