"""Fully connected ReLU networks as flat parameter vectors.

``widths = (inputs, hidden..., outputs)``; two entries are a linear model. A network's parameters
are one vector: for each layer the matrix (out, in) row by row, then the bias (out). A population is
a stack (P, parameters). No output activation: a model emits predictions or logits, and every
transform of them belongs to the loss.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def check_widths(widths: Sequence[int]) -> tuple[int, ...]:
    """Return the widths as integers; raises ``ValueError`` below two layers or below one unit."""
    result = tuple(int(w) for w in widths)
    if len(result) < 2 or min(result) < 1:
        raise ValueError(f"widths: got {result}; expected (inputs, hidden..., outputs), all >= 1")
    return result


def parameter_count(widths: Sequence[int]) -> int:
    """Return the length of the parameter vector."""
    return sum((k + 1) * j for k, j in itertools.pairwise(widths))


def layer_views(theta: Array, widths: Sequence[int]) -> list[tuple[Array, Array]]:
    """Return each layer's (matrix, bias) as views into one parameter vector."""
    layers, at = [], 0
    for k, j in itertools.pairwise(widths):
        layers.append((theta[at : at + j * k].reshape(j, k), theta[at + j * k : at + j * (k + 1)]))
        at += j * (k + 1)
    return layers


def xavier_uniform(
    widths: Sequence[int], rng: np.random.Generator, dtype: npt.DTypeLike = np.float32
) -> Array:
    """Return fresh parameters: U(-r, r) with ``r = sqrt(6 / (in + out))``, biases 0."""
    # Drawn in single precision for both types, so that a double-precision check starts alike.
    theta = np.empty(parameter_count(widths), np.float32)
    for matrix, bias in layer_views(theta, widths):
        bound = (6.0 / sum(matrix.shape)) ** 0.5
        rng.random(dtype=np.float32, out=matrix)
        matrix *= np.float32(2.0 * bound)
        matrix -= np.float32(bound)
        bias[:] = 0
    return theta.astype(dtype, copy=False)


def forward(theta: Array, widths: Sequence[int], x: Array) -> Array:
    """Return the outputs (n, C) for inputs (n, d)."""
    h, layers = x, layer_views(theta, widths)
    for i, (matrix, bias) in enumerate(layers):
        h = h @ matrix.T + bias
        if i < len(layers) - 1:
            h = np.maximum(h, 0)
    return h


def draw_batches(
    rng: np.random.Generator, rows: int, batch_size: int, steps: int
) -> npt.NDArray[np.int32]:
    """Return (steps, min(batch_size, rows)) row numbers, each row of it without repetition.

    Every step draws afresh, as the first batch of a reshuffled loader would be. A batch that holds
    all rows keeps their order and draws nothing.
    """
    if batch_size >= rows:
        return np.tile(np.arange(rows, dtype=np.int32), (steps, 1))
    out = np.empty((steps, batch_size), np.int32)
    for step in range(steps):
        out[step] = rng.choice(rows, batch_size, replace=False, shuffle=False)
    return out
