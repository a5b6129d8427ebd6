"""A population of expressions as arrays, the form the compiled kernels interpret."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_methods.evomal.losses.primitives import LossExpressionError, Opcode

Array = npt.NDArray[np.generic]


@dataclass(frozen=True)
class LossProgram:
    """Prefix arrays of P expressions, N columns wide.

    ``op[p, i]`` is the opcode of node i, ``a`` and ``b`` its arguments' indices (-1 for none),
    ``constant`` the value of a constant, ``live`` whether node i lies on a path by which a gradient
    gets from the root to the output ``f``, and ``length[p]`` the number of nodes. Rows of one
    program never refer to another row and columns beyond ``length`` are never read, so a
    candidate's numbers depend neither on its neighbours nor on P and N.
    """

    op: npt.NDArray[np.int32]
    a: npt.NDArray[np.int32]
    b: npt.NDArray[np.int32]
    constant: npt.NDArray[np.float64]
    live: npt.NDArray[np.bool_]
    length: npt.NDArray[np.int32]

    @classmethod
    def from_expressions(
        cls, expressions: Sequence[LossExpression], capacity: int | None = None
    ) -> "LossProgram":
        """Encode expressions; N is the longest one, or ``capacity`` where given.

        Raises ``LossExpressionError`` for a primitive without a compiled form and ``ValueError``
        for no expressions or a ``capacity`` below the longest one.
        """
        if not expressions:
            raise ValueError("expressions: expected at least one")
        longest = max(e.complexity for e in expressions)
        columns = longest if capacity is None else capacity
        if columns < longest:
            raise ValueError(f"capacity: got {columns}; the longest expression has {longest} nodes")
        shape = (len(expressions), columns)
        op = np.full(shape, Opcode.OUTPUT, np.int32)
        a, b = np.full(shape, -1, np.int32), np.full(shape, -1, np.int32)
        constant, live = np.zeros(shape), np.zeros(shape, np.bool_)
        for p, expression in enumerate(expressions):
            arguments = expression.children()
            for i in range(expression.complexity - 1, -1, -1):
                row = expression.table[expression.nodes[i]]
                if row.opcode is None:
                    raise LossExpressionError(
                        f"primitive {row.name!r} has no compiled form; use to_torch_module()"
                    )
                op[p, i] = row.opcode
                constant[p, i] = 0.0 if row.constant is None else row.constant
                if row.arity:
                    a[p, i] = arguments[i][0]
                    live[p, i] = row.opcode != Opcode.SIGN and live[p, list(arguments[i])].any()
                    if row.arity == 2:
                        b[p, i] = arguments[i][1]
                else:
                    live[p, i] = row.opcode == Opcode.OUTPUT
            # A sign has gradient zero everywhere, so nothing below one is reached from the root.
            for i, below in enumerate(arguments):
                live[p, list(below)] &= live[p, i]
        length = np.array([e.complexity for e in expressions], np.int32)
        return cls(op, a, b, constant, live, length)

    @property
    def count(self) -> int:
        """Number of expressions P."""
        return int(self.op.shape[0])

    @property
    def capacity(self) -> int:
        """Columns N."""
        return int(self.op.shape[1])

    @property
    def trainable(self) -> npt.NDArray[np.bool_]:
        """Which expressions can pass a gradient to ``f`` at all, (P,)."""
        return self.live[:, 0].copy()

    def arrays(self) -> tuple[Array, Array, Array, Array, Array, Array]:
        """Return the arrays in the order in which the kernels take them."""
        return self.op, self.a, self.b, self.constant, self.live, self.length


def stack_weights(
    expressions: Sequence[LossExpression], dtype: npt.DTypeLike = np.float32
) -> npt.NDArray[np.floating]:
    """Return the expressions' weights as (P, N), padded with ones."""
    out = np.ones((len(expressions), max(e.complexity for e in expressions)), dtype)
    for p, expression in enumerate(expressions):
        out[p, : expression.complexity] = expression.weights
    return out


def initial_weights(
    expressions: Sequence[LossExpression],
    rng: np.random.Generator,
    *,
    scale: float = 1e-3,
    dtype: npt.DTypeLike = np.float32,
) -> npt.NDArray[np.floating]:
    """Return first weights ``1 + scale * N(0, 1)`` as (P, N); ``scale`` 0 is the plain tree.

    One sequence of numbers serves all: node i of every expression gets the i-th, so that a
    candidate's weights depend on its structure only. Give a generator of one and the same stream
    for every block of a population, and canonical expressions.
    """
    columns = max(e.complexity for e in expressions)
    noise = rng.standard_normal(columns)
    row = (1.0 + scale * noise).astype(dtype)
    return np.repeat(row[None, :], len(expressions), axis=0)
