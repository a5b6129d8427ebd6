"""Forward and backward pass of one group's network, compiled; units first, samples last.

Parameters of a layer are a matrix (out, in + 1) whose last column is the bias: inputs end in a row
of ones, so one product serves weights and biases, of means and of variances. An array (units, R)
holds R = draws * batch samples, draw after draw. The first layer's products do not depend on the
draw and are made once, for `batch` samples; all draws share them. Local reparametrisation
(Shui et al. 2022, the authors' layer): out = m + eps z sqrt(v), m = W h, v = e^rho h^2.

Products go to BLAS one group at a time, so their bits depend on shapes and nothing else. No slice
is assigned to another: numba would compile the error message that it could not be.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from heliostat_methods.fams.gaussian.compilation import compiled
from heliostat_methods.fams.gaussian.elementary import elu
from heliostat_methods.fams.gaussian.noise import fill_normals
from heliostat_methods.fams.gaussian.philox import LAYERS

_ZERO, _HALF, _ONE, _TWO = map(np.float32, (0.0, 0.5, 1.0, 2.0))


class Room(NamedTuple):
    """Arrays that one group after the other is worked out in; flat float32 unless said."""

    hidden: Any
    """Outputs of all layers but the last, each (units + 1, R) with its row of ones."""
    squares: Any
    slopes: Any
    """d out / d v of all layers, (units, R) each."""
    outputs: Any
    """Logits, (R,), and after the loss their gradient."""
    left: Any
    right: Any
    """Two rooms of the widest layer times R: products, and what flows back."""
    left_back: Any
    right_back: Any
    noise: Any
    words: Any
    """(256,) uint32."""
    by_mean: Any
    """Gradient of the loss by the means, (P,)."""
    by_variance: Any
    variance: Any
    """e^rho of the group at work, (P,)."""
    inputs_squared: Any
    """(features + 1, batch)."""


def room(dims: tuple[int, ...], batch: int, draws: int) -> Room:
    """Return what networks of these dims need for `batch` rows and `draws` draws."""
    samples = batch * draws
    inner, widest = sum(width + 1 for width in dims[1:-1]), max(dims[1:]) + 1
    parameters = sum((i + 1) * o for i, o in pairwise(dims))
    flat = [inner, inner, sum(dims[1:]), dims[-1], widest, widest, widest, widest, widest]
    arrays = [np.zeros(size * samples, np.float32) for size in flat]
    words = np.zeros(256, np.uint32)
    flows = [np.zeros(parameters, np.float32) for _ in range(3)]
    made = Room._make([*arrays, words, *flows, np.zeros((dims[0] + 1, batch), np.float32)])
    at = 0
    for width in dims[1:-1]:
        at += width * samples
        made.hidden[at : at + samples] = made.squares[at : at + samples] = 1
        at += samples
    return made


@compiled
def _copy(source: Any, out: Any) -> None:
    for j in range(source.shape[0]):
        out[j] = source[j]


@compiled
def _perturb(m: Any, v: Any, z: Any, eps: Any, h: Any, square: Any, slope: Any) -> None:
    for j in range(m.shape[0]):
        deviation = math.sqrt(v[j])
        scaled = eps * z[j]
        y = elu(m[j] + scaled * deviation)
        h[j] = y
        square[j] = y * y
        slope[j] = _HALF * scaled / deviation


@compiled
def _perturb_last(m: Any, v: Any, z: Any, eps: Any, out: Any, slope: Any) -> None:
    for j in range(out.shape[0]):
        k = j % m.shape[0]  # a network of one layer shares its products too
        deviation = math.sqrt(v[k])
        out[j] = m[k] + eps * z[j] * deviation
        slope[j] = _HALF * eps * z[j] / deviation


@compiled
def _bend(m: Any, h: Any) -> None:
    for j in range(m.shape[0]):
        h[j] = elu(m[j])


@compiled
def forward(dims: Any, mean: Any, variance: Any, x: Any, xx: Any, draws: Any, eps: Any,
            seed: Any, round: Any, group: Any, step: Any, room: Any) -> None:  # fmt: skip
    """Leave the logits in `room.outputs`; x, xx (features + 1, batch), inputs and their squares.

    With eps = 0 there is one draw, and no variance is looked at.
    """
    layers, batch = dims.shape[0] - 1, x.shape[1]
    samples = batch * draws
    h, hh = x, xx
    p, units, done = 0, 0, 0
    for layer in range(layers):
        wide, out = dims[layer] + 1, dims[layer + 1]
        columns = h.shape[1]
        size = out * columns
        m, v = room.left[:size], room.right[:size]
        np.dot(mean[p : p + out * wide].reshape(out, wide), h, m.reshape(out, columns))
        slope = room.slopes[done : done + out * samples]
        if eps > _ZERO:
            weights = variance[p : p + out * wide].reshape(out, wide)
            np.dot(weights, hh, v.reshape(out, columns))
            z = room.noise[: out * samples]
            fill_normals(z, room.words, seed, round, group, step * LAYERS + layer)
        if layer == layers - 1:
            if eps > _ZERO:
                _perturb_last(m, v, room.noise, eps, room.outputs[: out * samples], slope)
            else:
                _copy(m, room.outputs)
            return
        end = units + out * samples
        y, yy = room.hidden[units:end], room.squares[units:end]
        if eps == _ZERO:
            _bend(m, y)
        elif columns == samples:
            _perturb(m, v, room.noise[:size], eps, y, yy, slope)
        else:
            for row in range(out):
                mean_row = m[row * batch : (row + 1) * batch]
                variance_row = v[row * batch : (row + 1) * batch]
                for draw in range(draws):
                    a = row * samples + draw * batch
                    b = a + batch
                    _perturb(mean_row, variance_row, room.noise[a:b], eps,
                             y[a:b], yy[a:b], slope[a:b])  # fmt: skip
        h = room.hidden[units : end + samples].reshape(out + 1, samples)
        hh = room.squares[units : end + samples].reshape(out + 1, samples)
        p += out * wide
        done += out * samples
        units = end + samples


@compiled
def _scale(g: Any, slope: Any, out: Any) -> None:
    for j in range(g.shape[0]):
        out[j] = g[j] * slope[j]


@compiled
def _through(by_mean: Any, by_variance: Any, h: Any, slope: Any, g: Any, gv: Any) -> None:
    for j in range(g.shape[0]):
        bent = _ONE if h[j] > _ZERO else h[j] + _ONE
        y = (by_mean[j] + _TWO * h[j] * by_variance[j]) * bent
        g[j] = y
        gv[j] = y * slope[j]


@compiled
def _through_plain(by_mean: Any, h: Any, g: Any) -> None:
    for j in range(g.shape[0]):
        g[j] = by_mean[j] * (_ONE if h[j] > _ZERO else h[j] + _ONE)


@compiled
def _sum_draws(g: Any, rows: Any, batch: Any, draws: Any) -> None:
    """Replace g (rows, draws, batch) by its sums over draws, (rows, batch) at the front."""
    for row in range(rows):
        total = g[row * batch : (row + 1) * batch]
        start = row * batch * draws
        first = g[start : start + batch]
        for j in range(batch):
            total[j] = first[j]
        for draw in range(1, draws):
            one = g[start + draw * batch : start + (draw + 1) * batch]
            for j in range(batch):
                total[j] += one[j]


@compiled
def backward(dims: Any, mean: Any, variance: Any, x: Any, xx: Any, draws: Any, eps: Any,
             room: Any) -> None:  # fmt: skip
    """Turn the gradient by the logits in `room.outputs` into those by means and variances."""
    layers, batch = dims.shape[0] - 1, x.shape[1]
    samples = batch * draws
    p, units, done = mean.shape[0], room.hidden.shape[0], room.slopes.shape[0]
    noisy = eps > _ZERO
    for layer in range(layers - 1, -1, -1):
        wide, out = dims[layer] + 1, dims[layer + 1]
        size = out * samples
        p -= out * wide
        done -= size
        g, gv = room.left[:size], room.right[:size]
        if layer == layers - 1:
            _copy(room.outputs, g)
            if noisy:
                _scale(g, room.slopes[done:], gv)
        if layer > 0:
            units -= wide * samples
            h = room.hidden[units : units + wide * samples].reshape(wide, samples)
            hh = room.squares[units : units + wide * samples].reshape(wide, samples)
        else:
            h, hh = x, xx
            if draws > 1:
                _sum_draws(g, out, batch, draws)
                if noisy:
                    _sum_draws(gv, out, batch, draws)
        columns = h.shape[1]
        signal = g[: out * columns].reshape(out, columns)
        signal_v = gv[: out * columns].reshape(out, columns)
        np.dot(signal, h.T, room.by_mean[p : p + out * wide].reshape(out, wide))
        if noisy:
            np.dot(signal_v, hh.T, room.by_variance[p : p + out * wide].reshape(out, wide))
        if layer == 0:
            return
        # the row of ones has no layer before it: its gradient is left out
        size = (wide - 1) * samples
        back = room.left_back[: wide * samples]
        back_v = room.right_back[: wide * samples]
        np.dot(mean[p : p + out * wide].reshape(out, wide).T, signal, back.reshape(wide, samples))
        below = room.hidden[units : units + size]
        if noisy:
            weights = variance[p : p + out * wide].reshape(out, wide)
            np.dot(weights.T, signal_v, back_v.reshape(wide, samples))
            _through(back, back_v, below, room.slopes[done - size : done],
                     room.left[:size], room.right[:size])  # fmt: skip
        else:
            _through_plain(back, below, room.left[:size])
