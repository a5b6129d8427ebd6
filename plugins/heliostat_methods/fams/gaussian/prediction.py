"""Scores of a Gaussian network: the mean of sigmoid(logit) over draws of named noise.

All rows share the draws: one network is drawn, so to say, and asked for every row. So a score
depends on its row and the seed alone. Worked out in float64, where a row's score does not change
with the rows beside it by more than rounding of 1e-15.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from heliostat_methods.fams.gaussian.network import GaussianMLP
from heliostat_methods.fams.gaussian.noise import normals
from heliostat_methods.fams.gaussian.philox import MOST

_ROWS = 4096  # rows that are worked on at a time, which bounds memory

Matrix = NDArray[np.float64]


def scores(
    network: GaussianMLP,
    inputs: Matrix,
    *,
    eps: float,
    n_mc: int,
    seed: int,
    which: int = 0,
) -> Matrix:
    """Return the probability of class 1, (rows,), of inputs (rows, features)."""
    mean, log_variance = (x[which].astype(np.float64) for x in network.arrays())
    draws = n_mc if eps > 0 else 1
    noise = [
        normals((width, draws), seed=seed, round=MOST - 1, group=0, layer=layer)
        for layer, width in enumerate(network.dims[1:])
    ]
    out = np.empty(len(inputs))
    for begin in range(0, len(inputs), _ROWS):
        part = slice(begin, begin + _ROWS)
        out[part] = _part(network.dims, mean, np.exp(log_variance), inputs[part], eps, noise)
    return out


def _part(
    dims: tuple[int, ...],
    mean: Matrix,
    variance: Matrix,
    x: Matrix,
    eps: float,
    noise: list[NDArray[np.float32]],
) -> Matrix:
    draws, total = noise[0].shape[1], np.zeros(len(x))
    shared = _products(dims, mean, variance, x, 0, eps)
    for draw in range(draws):
        h = _drawn(*shared, noise[0][:, draw], eps)
        for layer in range(1, len(dims) - 1):
            bent = np.where(h > 0, h, np.expm1(np.minimum(h, 0)))
            h = _drawn(
                *_products(dims, mean, variance, bent, layer, eps), noise[layer][:, draw], eps
            )
        total += expit(h[:, 0])
    total /= draws
    return total


def _drawn(m: Matrix, s: Matrix, z: NDArray[np.float32], eps: float) -> Matrix:
    h: Matrix = m + eps * z * s if eps > 0 else m
    return h


def _products(
    dims: tuple[int, ...], mean: Matrix, variance: Matrix, h: Matrix, layer: int, eps: float
) -> tuple[Matrix, Matrix]:
    """Return mean and standard deviation of a layer's outputs, (rows, out) each."""
    begin = sum((i + 1) * o for i, o in pairwise(dims[: layer + 1]))
    i, o = dims[layer], dims[layer + 1]
    W, V = (x[begin : begin + (i + 1) * o].reshape(o, i + 1) for x in (mean, variance))
    m = h @ W[:, :-1].T + W[:, -1]
    if not eps > 0:
        return m, m
    return m, np.sqrt(np.square(h) @ V[:, :-1].T + V[:, -1])
