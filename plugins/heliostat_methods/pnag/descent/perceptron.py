"""Perceptrons with ReLU and one output, drawn from the generator that is passed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from heliostat_methods.pnag.descent.products import linear


class Linear(nn.Module):
    """A layer with weights and biases from U(-1/sqrt(before), 1/sqrt(before)), as `nn.Linear`'s.

    That one would draw from torch's global generator.
    """

    def __init__(self, before: int, after: int, rng: np.random.Generator) -> None:
        super().__init__()
        bound = 1 / math.sqrt(before)
        self.weight = nn.Parameter(uniform((after, before), bound, rng))
        self.bias = nn.Parameter(uniform((after,), bound, rng))

    def forward(self, x: Tensor) -> Tensor:
        """Return (rows, after) of (rows, before)."""
        return linear(x, self.weight, self.bias)


def perceptron(inputs: int, hidden: Sequence[int], rng: np.random.Generator) -> nn.Sequential:
    """Return a network with freshly drawn weights; (rows, inputs) to (rows, 1)."""
    layers: list[nn.Module] = []
    for before, after in pairwise((inputs, *hidden, 1)):
        layers += [Linear(before, after, rng), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def uniform(shape: tuple[int, ...], bound: float, rng: np.random.Generator) -> Tensor:
    """Return float32 numbers from U(-bound, bound)."""
    return torch.from_numpy(rng.uniform(-bound, bound, shape).astype(np.float32))


def clip_gradients(parameters: Iterable[Tensor], most: float) -> None:
    """Scale all gradients so that their common Euclidean norm is at most `most`."""
    gradients = [one.grad for one in parameters if one.grad is not None]
    norm = math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients))
    if norm > most:
        for gradient in gradients:
            gradient.mul_(most / norm)
