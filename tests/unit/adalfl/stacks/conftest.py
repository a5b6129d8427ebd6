"""The formulas as one would write them down for autograd: what the closed forms are held to."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, relu


def dense(theta: Tensor, widths, x: Tensor) -> Tensor:
    """One network: parameters (P,), batch (B, d)."""
    at = 0
    for k, (n, m) in enumerate(itertools.pairwise(widths)):
        matrix, bias = theta[at : at + m * n].view(m, n), theta[at + m * n : at + m * n + m]
        x = x @ matrix.T + bias
        at += m * (n + 1)
        if k < len(widths) - 2:
            x = relu(x)
    return x


def bent(x: Tensor, gamma: float, beta: float) -> Tensor:
    return gamma * x + (1 - gamma) * torch.logaddexp(beta * x, torch.zeros_like(x)) / beta


def entries(phi: Tensor, shape, p: Tensor, y: Tensor) -> Tensor:
    """M of each pair, for one loss network's weights (Q,)."""
    h, at, widths = torch.stack((p, y), -1), 0, (2, *shape.hidden, 1)
    for n, m in itertools.pairwise(widths):
        h = h @ phi[at : at + m * n].view(m, n).T
        at += m * n
        if m == 1 and at == len(phi):
            break
        h = relu(h) if shape.hidden_activation == "relu" else bent(h, shape.gamma, shape.beta)
    if shape.output_activation == "softplus":
        return torch.logaddexp(h, torch.zeros_like(h)).squeeze(-1)
    return bent(h, shape.gamma, shape.beta).squeeze(-1)


def task_loss(outputs: Tensor, labels: Tensor, task: str) -> Tensor:
    if task == "regression":
        return (outputs - labels).square().mean()
    if outputs.shape[1] == 1:
        return binary_cross_entropy_with_logits(outputs, labels)
    return cross_entropy(outputs, labels)


def learned(phi: Tensor, shape, outputs: Tensor, labels: Tensor, task: str) -> Tensor:
    """The learned loss of one batch (B, C)."""
    p = outputs
    if task == "classification":
        p = outputs.sigmoid() if outputs.shape[1] == 1 else outputs.softmax(1)
    each = entries(phi, shape, p, labels)
    value = (each.sum(1) if shape.class_reduction == "sum" else each.mean(1)).mean()
    return value + task_loss(outputs, labels, task) if shape.add_task_loss else value


def labels(R: int, B: int, C: int, task: str, generator: torch.Generator) -> Tensor:
    if task == "regression":
        return torch.randn(R, B, C, generator=generator, dtype=torch.float64)
    if C == 1:
        return torch.randint(0, 2, (R, B, 1), generator=generator).double()
    classes = torch.randint(0, C, (R, B), generator=generator)
    return torch.nn.functional.one_hot(classes, C).double()


@pytest.fixture(scope="session")
def plain() -> SimpleNamespace:
    """The formulas, with labels of random targets."""
    return SimpleNamespace(
        dense=dense, entries=entries, learned=learned, task_loss=task_loss, labels=labels
    )


@pytest.fixture
def draw():
    """normal numbers in double precision from one seed: draw(*shape)."""
    generator = torch.Generator().manual_seed(11)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    return normal
