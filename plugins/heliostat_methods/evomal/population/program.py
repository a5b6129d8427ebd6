"""A population of expressions as arrays, the form the compiled kernels interpret."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_methods.evomal.losses.primitives import LossExpressionError, Opcode, Primitive
from heliostat_methods.evomal.losses.straight_line import (
    CODED,
    CODED_PAIR,
    HEAD,
    Instruction,
    StraightLine,
)

Array = npt.NDArray[np.generic]


@dataclass(frozen=True)
class LossProgram:
    """Prefix arrays of P expressions, N columns wide.

    ``op[p, i]`` is the opcode of node i, ``a`` and ``b`` its arguments' indices (-1 for none),
    ``constant`` the value of a constant, ``live`` whether node i lies on a path by which a gradient
    gets from the root to the output ``f``, and ``length[p]`` the number of nodes. Rows of one
    program never refer to another row and columns beyond ``length`` are never read, so a
    candidate's numbers depend neither on its neighbours nor on P and N. Behind the nodes stands the
    straight-line code of operations of a user's own, which ``op`` of their nodes says where to find
    (``CODED`` or ``CODED_PAIR`` and the row); ``third`` is its third source, and not of nodes.
    """

    op: npt.NDArray[np.int32]
    a: npt.NDArray[np.int32]
    b: npt.NDArray[np.int32]
    constant: npt.NDArray[np.float64]
    live: npt.NDArray[np.bool_]
    length: npt.NDArray[np.int32]
    third: npt.NDArray[np.int32]

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
        longest = width(expressions)
        columns = longest if capacity is None else capacity
        if columns < longest:
            raise ValueError(f"capacity: got {columns}; the longest expression has {longest} rows")
        shape = (len(expressions), columns)
        op = np.full(shape, Opcode.OUTPUT, np.int32)
        a, b = np.full(shape, -1, np.int32), np.full(shape, -1, np.int32)
        constant, live = np.zeros(shape), np.zeros(shape, np.bool_)
        third = np.zeros(shape, np.int32)
        for p, expression in enumerate(expressions):
            arguments, at = expression.children(), expression.complexity
            starts: dict[str, int] = {}
            for row in _coded(expression):
                starts[row.name] = at
                block = slice(at, at + _code_of(row).rows)
                op[p, block], a[p, block], b[p, block], third[p, block], constant[p, block] = _rows(
                    _code_of(row)
                ).T
                at = block.stop
            for i in range(expression.complexity - 1, -1, -1):
                row = expression.table[expression.nodes[i]]
                if row.opcode is None:
                    op[p, i] = (CODED_PAIR if row.arity == 2 else CODED) + starts[row.name]
                else:
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
        return cls(op, a, b, constant, live, length, third)

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
        # What of a node is whether it is live is of an instruction its third source.
        return self.op, self.a, self.b, self.constant, self.live + self.third, self.length


def width(expressions: Sequence[LossExpression]) -> int:
    """Return the columns of a program of some expressions: nodes, and code behind them."""
    return max(e.complexity + sum(_code_of(row).rows for row in _coded(e)) for e in expressions)


def _coded(expression: LossExpression) -> list[Primitive]:
    """Return the operations of an expression that are known by their code, in table order."""
    rows = [expression.table[name] for name in dict.fromkeys(expression.nodes)]
    return [row for row in rows if row.opcode is None]


def _code_of(row: Primitive) -> StraightLine:
    if row.code is None:
        raise LossExpressionError(
            f"primitive {row.name!r} has no compiled form; use to_torch_module()"
        )
    return row.code


@lru_cache(maxsize=256)
def _rows_of(steps: tuple[Instruction, ...], ends: tuple[int, ...], results: tuple[int, ...],
             numbers: tuple[tuple[int, float], ...]) -> npt.NDArray[np.float64]:  # fmt: skip
    table = np.zeros((HEAD + len(steps), 5))
    table[0, 1:4] = ends
    table[1, :3] = results[:3]
    table[2, :3] = results[3:]
    table[HEAD:, :4] = steps
    for register, number in numbers:
        table[HEAD + register, 4] = number
    return table


def _rows(code: StraightLine) -> npt.NDArray[np.float64]:
    """Return code as rows (kind, three sources, number), its head first."""
    return _rows_of(code.steps, code.ends, code.results, tuple(code.numbers.items()))


def stack_weights(
    expressions: Sequence[LossExpression], dtype: npt.DTypeLike = np.float32
) -> npt.NDArray[np.floating]:
    """Return the expressions' weights as (P, N), padded with ones."""
    out = np.ones((len(expressions), width(expressions)), dtype)
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
    columns = width(expressions)
    noise = rng.standard_normal(columns)
    row = (1.0 + scale * noise).astype(dtype)
    return np.repeat(row[None, :], len(expressions), axis=0)
