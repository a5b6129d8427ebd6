"""Chains of convolutions, pools and dense layers, compiled: the passes of ``torch_network``.

Automatic differentiation stores and recomputes what a chain of known layers does not need to: here
activations at theta0 serve every candidate's ``pull`` and ``push``, the first layer's input gets no
gradient, and the rows of samples run through vector code. A model qualifies by its layers alone:
(nested) ``nn.Sequential`` of ``Conv2d`` (stride 1, no groups, zeros as padding), ``AvgPool2d``,
``Linear``, ``Tanh``, ``ReLU``, ``Flatten`` and ``Unflatten``, ending in a ``Linear``, with few
filters; ``plan_of`` returns None for any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from heliostat_methods.evomal.learners.generic.torch_network import ModuleNetwork
from heliostat_methods.evomal.learners.generic.torch_problem import TorchProblem
from heliostat_methods.evomal.learners.kernels.convolution import (
    add_input_gradient,
    average,
    convolution,
    filter_gradient,
    spread,
    squash,
    through_tanh,
)
from heliostat_methods.evomal.learners.kernels.dense import (
    add_product,
    add_transposed_product,
    affine,
    fill,
    gate,
    outer_product,
    rectify,
    row_sums,
)
from heliostat_methods.evomal.population.compilation import aligned, entry, window

Array = npt.NDArray[Any]
_DENSE, _CONVOLUTION, _POOL = 0, 1, 2
_PLAIN, _RELU, _TANH = 0, 1, 2
_EVALUATION_ROWS = 128
_MOST_FILTERS = 32  # beyond, the blocked convolutions of torch's library are measured faster
# Columns of a plan: kind, activation, first parameter, first row and rows of the input buffer and
# of the output buffer, first tap and taps, then the shape that ``convolution`` describes.
_SHAPE = 9


@dataclass(frozen=True)
class Plan:
    """Layers (K, 19), taps of all convolutions, rows of all buffers, rows that hold the inputs."""

    layers: npt.NDArray[np.int64]
    taps: npt.NDArray[np.int64]
    rows: int
    inputs: npt.NDArray[np.int64]


def plan_of(module: nn.Module, input_shape: tuple[int, ...]) -> Plan | None:
    """Return how to run a module compiled, None if one of its layers is unknown."""
    layers = _chain(module)
    if layers is None:
        return None
    shape, rows, parameter = tuple(input_shape), 0, 0
    table: list[list[int]] = []
    taps: list[int] = []
    inputs = np.arange(0)
    here = (0, 0, 0)  # first row, rows and padding of the newest buffer

    def buffer(after: int, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """Return a new buffer for what layer ``after`` reads next, with the padding it needs."""
        following = [x for x in layers[after:] if not isinstance(x, nn.Tanh | nn.ReLU)]
        padding = 0
        for layer in following:
            if isinstance(layer, nn.Conv2d) and isinstance(layer.padding, tuple):
                padding = int(layer.padding[0])
            if not isinstance(layer, nn.Flatten | nn.Unflatten):
                break
        if len(shape) != 3:
            return rows, int(np.prod(shape)), 0
        return rows, shape[0] * (shape[1] + 2 * padding) * (shape[2] + 2 * padding), padding

    for number, layer in enumerate(layers):
        if isinstance(layer, nn.Flatten) and (layer.start_dim, layer.end_dim) == (1, -1):
            if here[2]:
                return None  # what follows would see the border
            shape = (int(np.prod(shape)),)
            continue
        if isinstance(layer, nn.Unflatten) and layer.dim == 1 and len(shape) == 1:
            shape = tuple(int(size) for size in layer.unflattened_size)
            continue
        if type(layer) in (nn.ReLU, nn.Tanh):
            if not table or table[-1][1] != _PLAIN:
                return None
            table[-1][1] = _RELU if type(layer) is nn.ReLU else _TANH
            continue
        if not table and not rows:
            here = buffer(number, shape)
            inputs, rows = _interior(shape, here[2]), here[1]
        made = _layer(layer, shape, here[2])
        if made is None:
            return None
        kind, after, size, weights, steps = made
        there = buffer(number + 1, after)
        if kind == _DENSE and here[2]:
            return None
        pitch = shape[-1] + 2 * here[2]
        area = (shape[1] + 2 * here[2]) * pitch if len(shape) == 3 else 1
        offsets = [
            c * area + i * pitch + j for c in range(steps) for i in range(size) for j in range(size)
        ]
        wide, pad = (after[2] + 2 * there[2], there[2]) if len(after) == 3 else (1, 0)
        out_area = (after[1] + 2 * pad) * wide if len(after) == 3 else 1
        height, width = after[1:] if len(after) == 3 else (1, 1)
        table.append(
            [
                *(kind, _PLAIN, parameter, here[0], here[1], there[0], there[1]),
                *(len(taps), len(offsets)),
                *(shape[0], area, pitch, size, after[0], height, width),
                *(pad * wide + pad, out_area, wide),
            ]
        )
        taps += offsets
        parameter, rows = parameter + weights, rows + there[1]
        shape, here = after, there
    # What comes out has to be the rows of a dense layer, as the losses take them; a layer that
    # appears twice has its parameters once.
    if not table or table[-1][0] != _DENSE or table[-1][1] != _PLAIN:
        return None
    if parameter != sum(p.numel() for p in module.parameters()):
        return None
    return Plan(np.array(table), np.array(taps or [0]), rows, inputs)


def _chain(module: nn.Module) -> list[nn.Module] | None:
    """Return the layers of nested ``Sequential``; None if more than their outputs counts."""
    if any(m._forward_hooks or m._forward_pre_hooks for m in module.modules()):
        return None
    return _leaves(module) if all(p.requires_grad for p in module.parameters()) else None


def _leaves(module: nn.Module) -> list[nn.Module]:
    if type(module) is nn.Sequential:
        return [leaf for part in module for leaf in _leaves(part)]
    return [] if type(module) is nn.Identity else [module]


def _layer(
    layer: nn.Module, shape: tuple[int, ...], padding: int
) -> tuple[int, tuple[int, ...], int, int, int] | None:
    """Return kind, output shape, filter size, parameters and the channels that have taps."""
    if type(layer) is nn.Linear and layer.bias is not None and len(shape) == 1:
        count = (layer.in_features + 1) * layer.out_features
        return _DENSE, (layer.out_features,), 1, count, 0
    if len(shape) != 3:
        return None
    c, h, w = shape
    if type(layer) is nn.Conv2d and layer.bias is not None:
        size = int(layer.kernel_size[0])
        plain = (
            layer.kernel_size == (size, size)
            and layer.stride == (1, 1)
            and layer.dilation == (1, 1)
            and layer.groups == 1
            and layer.out_channels <= _MOST_FILTERS
            and layer.padding == (padding, padding)
            and layer.padding_mode == "zeros"
        )
        after = (layer.out_channels, h + 2 * padding - size + 1, w + 2 * padding - size + 1)
        count = layer.out_channels * (c * size * size + 1)
        return (_CONVOLUTION, after, size, count, c) if plain and min(after) > 0 else None
    if type(layer) is nn.AvgPool2d and isinstance(layer.kernel_size, int):
        size = layer.kernel_size
        plain = layer.stride == size and layer.padding == 0 and not layer.ceil_mode
        plain = plain and layer.divisor_override is None and padding == 0
        after = (c, h // size, w // size)
        return (_POOL, after, size, 0, 0) if plain and min(after) > 0 else None
    return None


def _interior(shape: tuple[int, ...], padding: int) -> npt.NDArray[np.int64]:
    """Return the rows of the first buffer that hold the inputs."""
    if len(shape) != 3:
        return np.arange(int(np.prod(shape)))
    c, h, w = shape
    shape = c, h + 2 * padding, w + 2 * padding
    whole = np.arange(int(np.prod(shape))).reshape(shape)
    return np.ascontiguousarray(whole[:, padding : padding + h, padding : padding + w]).reshape(-1)


@entry
def _forward(theta: Array, layers: Array, taps: Array, acts: Array) -> None:
    """Fill the buffers of all layers after the inputs; borders are zero already."""
    L = acts.shape[1]
    for k in range(layers.shape[0]):
        kind, act, at = layers[k, 0], layers[k, 1], layers[k, 2]
        x = window(acts, layers[k, 3] * L, layers[k, 4], L)
        y = window(acts, layers[k, 5] * L, layers[k, 6], L)
        shape = layers[k, _SHAPE:]
        if kind == _DENSE:
            K, J = x.shape[0], y.shape[0]
            affine(window(theta, at, J, K), window(theta, at + J * K, J, 1), x, y)
        elif kind == _CONVOLUTION:
            mine = taps[layers[k, 7] : layers[k, 7] + layers[k, 8]]
            T, O = mine.shape[0], shape[4]
            w, bias = window(theta, at, O, T), window(theta, at + O * T, O, 1)
            convolution(shape, mine, w, bias, x, False, y)
        else:
            average(shape, x, y)
        if act == _RELU:
            rectify(y)
        elif act == _TANH:
            squash(y)


@entry
def _pull(
    theta: Array, layers: Array, taps: Array, acts: Array, deltas: Array, gradient: Array
) -> None:
    """Write ``J^T e`` to ``gradient``, given e in the last rows of ``deltas``."""
    L, zero = acts.shape[1], theta.dtype.type(0.0)
    for k in range(layers.shape[0] - 1, -1, -1):
        kind, act, at = layers[k, 0], layers[k, 1], layers[k, 2]
        x = window(acts, layers[k, 3] * L, layers[k, 4], L)
        y = window(acts, layers[k, 5] * L, layers[k, 6], L)
        dx = window(deltas, layers[k, 3] * L, layers[k, 4], L)
        dy = window(deltas, layers[k, 5] * L, layers[k, 6], L)
        shape = layers[k, _SHAPE:]
        if act == _RELU:
            gate(y, dy)
        elif act == _TANH:
            through_tanh(y, dy)
        covered = kind == _POOL and x.shape[0] == shape[3] * shape[3] * y.shape[0]
        if k > 0 and not covered:
            fill(dx, zero)
        if kind == _DENSE:
            K, J = x.shape[0], y.shape[0]
            outer_product(dy, x, window(gradient, at, J, K))
            row_sums(dy, window(gradient, at + J * K, J, 1))
            if k > 0:
                add_transposed_product(window(theta, at, J, K), dy, dx)
        elif kind == _CONVOLUTION:
            mine = taps[layers[k, 7] : layers[k, 7] + layers[k, 8]]
            T, O = mine.shape[0], shape[4]
            by_filters = window(gradient, at, O, T)
            filter_gradient(shape, mine, dy, x, by_filters, window(gradient, at + O * T, O, 1))
            if k > 0:
                add_input_gradient(shape, mine, window(theta, at, O, T), dy, dx)
        elif k > 0:
            spread(shape, dy, dx)


@entry
def _push(
    theta: Array, change: Array, layers: Array, taps: Array, acts: Array, tangents: Array
) -> None:
    """Fill ``tangents`` layer by layer with ``J v`` for the parameters' change v."""
    L = acts.shape[1]
    for k in range(layers.shape[0]):
        kind, act, at = layers[k, 0], layers[k, 1], layers[k, 2]
        x = window(acts, layers[k, 3] * L, layers[k, 4], L)
        y = window(acts, layers[k, 5] * L, layers[k, 6], L)
        tx = window(tangents, layers[k, 3] * L, layers[k, 4], L)
        ty = window(tangents, layers[k, 5] * L, layers[k, 6], L)
        shape = layers[k, _SHAPE:]
        if kind == _DENSE:
            K, J = x.shape[0], y.shape[0]
            affine(window(change, at, J, K), window(change, at + J * K, J, 1), x, ty)
            if k > 0:
                add_product(window(theta, at, J, K), tx, ty)
        elif kind == _CONVOLUTION:
            mine = taps[layers[k, 7] : layers[k, 7] + layers[k, 8]]
            T, O = mine.shape[0], shape[4]
            w, bias = window(change, at, O, T), window(change, at + O * T, O, 1)
            convolution(shape, mine, w, bias, x, False, ty)
            if k > 0:
                convolution(shape, mine, window(theta, at, O, T), bias, tx, True, ty)
        else:
            average(shape, tx, ty)
        if act == _RELU:
            gate(y, ty)
        elif act == _TANH:
            through_tanh(y, ty)


class LayeredNetwork(ModuleNetwork):
    """A chain of known layers, with the passes of ``ModuleNetwork`` compiled."""

    def __init__(self, problem: TorchProblem, module: nn.Module, plan: Plan) -> None:
        super().__init__(problem, module)
        self._plan = plan
        self._buffers: dict[int, list[Array]] = {}

    def forward(self, x: Tensor, seed: int) -> Array:
        """Return the outputs (C, B) and keep the activations; nothing here is drawn."""
        plan = self._plan
        if len(x) not in self._buffers:
            shape, kind = (plan.rows, len(x)), self.theta.numpy().dtype
            made = [aligned(shape[0] * shape[1], kind).reshape(shape) for _ in range(3)]
            for buffer in made:
                buffer[:] = 0  # the borders stay so
            self._buffers[len(x)] = made
        self._acts, self._deltas, self._tangents = self._buffers[len(x)]
        self._acts[plan.inputs] = x.reshape(len(x), -1).numpy().T
        _forward(self.theta.numpy(), plan.layers, plan.taps, self._acts)
        outputs: Array = self._acts[-self.classes :].copy()
        return outputs

    def pull(self, slopes: Array, again: bool = False) -> Tensor:
        """Return ``J^T e`` for slopes e (C, B), in memory that the next call overwrites."""
        self._deltas[-self.classes :] = slopes
        _pull(
            self.theta.numpy(), self._plan.layers, self._plan.taps, self._acts, self._deltas,
            self.passes.gradient.numpy(),
        )  # fmt: skip
        return self.passes.gradient

    def push(self, change: Tensor) -> Array:
        """Return ``J v``, (C, B), for a change v (parameters,)."""
        _push(
            self.theta.numpy(), change.numpy(), self._plan.layers, self._plan.taps, self._acts,
            self._tangents,
        )  # fmt: skip
        tangent: Array = self._tangents[-self.classes :].copy()
        return tangent

    def evaluate(self, x: Tensor) -> Array:
        """Return the outputs (C, n); these layers are the same in training and evaluation."""
        parts = [self.forward(part, 0) for part in torch.split(x, _EVALUATION_ROWS)]
        return np.concatenate(parts, axis=1)


def network_of(problem: TorchProblem) -> ModuleNetwork:
    """Return the network of a problem: on the CPU compiled where all of its layers are known."""
    module = problem.create(0)
    plan = plan_of(module, problem.input_shape) if problem.device == "cpu" else None
    if plan is None:
        return ModuleNetwork(problem, module)
    return LayeredNetwork(problem, module, plan)
