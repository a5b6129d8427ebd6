"""The full protocol for one candidate at a time, with torch's automatic differentiation.

Written from the published description, for comparison: an unrolled SGD step differentiated twice
(``create_graph=True``), Adam on the predictions for the filter, and a plain training loop. It is
kept lean so that the comparison is with the approach and not with its overheads: functional
networks, no data loader, no optimiser objects, batches and initialisations handed in as tensors,
weights as plain numbers wherever they are not being differentiated.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from heliostat_methods.evomal.expression import LossExpression
from heliostat_methods.evomal.primitives import Opcode

Parameters = list[Tensor]


@dataclass(frozen=True)
class Settings:
    """Step sizes of the protocol."""

    learning_rate: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 5e-4
    meta_learning_rate: float = 1e-3
    filter_steps: int = 1000


def split_parameters(theta: Tensor, widths: Sequence[int]) -> Parameters:
    """Cut a parameter vector into matrices and biases."""
    parts, at = [], 0
    for k, j in itertools.pairwise(widths):
        parts += [theta[at : at + j * k].reshape(j, k), theta[at + j * k : at + j * (k + 1)]]
        at += j * (k + 1)
    return parts


def network(parameters: Parameters, x: Tensor) -> Tensor:
    """Evaluate the ReLU network, (n, d) to (n, C)."""
    for i in range(0, len(parameters), 2):
        x = torch.nn.functional.linear(x, parameters[i], parameters[i + 1])
        if i < len(parameters) - 2:
            x = torch.relu(x)
    return x


class Tree:
    """An expression resolved into a list of calls, so that evaluation is a plain loop."""

    def __init__(self, expression: LossExpression) -> None:
        arguments = expression.children()
        self.steps: list[tuple[int, Any, tuple[int, ...], Any]] = []
        for i in range(expression.complexity - 1, -1, -1):
            row = expression.table[expression.nodes[i]]
            call = None if row.opcode in (Opcode.LABEL, Opcode.OUTPUT) else row.torch
            source = row.opcode if row.arity == 0 else None
            self.steps.append((i, call, arguments[i], row.constant if source == 2 else source))
        self.size = expression.complexity

    def __call__(self, y: Tensor, f: Tensor, phi: Sequence[Any]) -> Tensor:
        """Return m(y, f) entry by entry."""
        values: list[Any] = [None] * self.size
        for i, call, below, source in self.steps:
            if below:
                values[i] = call(*[values[k] * phi[k] for k in below])
            elif source == Opcode.LABEL and call is None:
                values[i] = y
            elif call is None:
                values[i] = f
            else:
                values[i] = f.new_full((), source)
        result: Tensor = values[0]
        return result


def tune(
    tree: Tree,
    phi: Tensor,
    inits: Sequence[Parameters],
    train: Sequence[tuple[Tensor, Tensor]],
    valid: Sequence[tuple[Tensor, Tensor]],
    settings: Settings,
) -> Tensor:
    """Tune the weights of one candidate: one differentiated SGD step per meta step."""
    phi = phi.clone().requires_grad_()
    first, second = torch.zeros_like(phi), torch.zeros_like(phi)
    scale = settings.learning_rate * (1 + settings.momentum)
    for step, (init, (x, y), (xv, yv)) in enumerate(zip(inits, train, valid, strict=True)):
        loss = tree(y, network(init, x), phi.unbind()).mean()
        if not loss.requires_grad:
            return phi.detach()
        grads = torch.autograd.grad(loss, init, create_graph=True, allow_unused=True)
        # The old parameters enter as constants: the path to phi leads through the gradient alone.
        kept = torch._foreach_mul([p.detach() for p in init], 1 - scale * settings.weight_decay)
        moved = [
            k if g is None else torch.add(k, g, alpha=-scale)
            for k, g in zip(kept, grads, strict=True)
        ]
        objective = torch.nn.functional.mse_loss(network(moved, xv), yv)
        (grad,) = torch.autograd.grad(objective, phi, allow_unused=True)
        if grad is None:
            continue
        with torch.no_grad():
            first.mul_(0.9).add_(grad, alpha=0.1)
            second.mul_(0.999).addcmul_(grad, grad, value=0.001)
            unbias = (1 - 0.999 ** (step + 1)) ** 0.5
            size = settings.meta_learning_rate / (1 - 0.9 ** (step + 1))
            phi.addcdiv_(first, second.sqrt().div_(unbias).add_(1e-8), value=-size)
    return phi.detach()


def improvement(
    tree: Tree, phi: Sequence[float], predictions: Tensor, y: Tensor, settings: Settings
) -> float:
    """Return how much Adam on the predictions lowers the mean squared error."""
    f = predictions.clone().requires_grad_()
    first, second = torch.zeros_like(f), torch.zeros_like(f)
    for k in range(settings.filter_steps):
        loss = tree(y, f, phi).mean()
        if not loss.requires_grad:
            return 0.0
        (grad,) = torch.autograd.grad(loss, f, allow_unused=True)
        if grad is None:
            return 0.0
        with torch.no_grad():
            first.mul_(0.9).add_(grad, alpha=0.1)
            second.mul_(0.999).addcmul_(grad, grad, value=0.001)
            unbias = (1 - 0.999 ** (k + 1)) ** 0.5
            size = settings.learning_rate / (1 - 0.9 ** (k + 1))
            f.addcdiv_(first, second.sqrt().div_(unbias).add_(1e-8), value=-size)
    with torch.no_grad():
        return float(((predictions - y) ** 2).mean() - ((f - y) ** 2).mean())


def train(
    tree: Tree,
    phi: Sequence[float],
    init: Parameters,
    batches: Sequence[tuple[Tensor, Tensor]],
    valid: tuple[Tensor, Tensor],
    settings: Settings,
) -> float:
    """Train one network and return its validation error; infinity if it diverges."""
    parameters = [p.detach().clone().requires_grad_() for p in init]
    velocity = [torch.zeros_like(p) for p in parameters]
    for x, y in batches:
        loss = tree(y, network(parameters, x), phi).mean()
        if not torch.isfinite(loss):
            return float("inf")
        grads: Any = (None,)
        if loss.requires_grad:
            grads = torch.autograd.grad(loss, parameters, allow_unused=True)
        if grads[0] is None:
            grads = [torch.zeros_like(p) for p in parameters]
        with torch.no_grad():
            step = torch._foreach_add(list(grads), parameters, alpha=settings.weight_decay)
            torch._foreach_mul_(velocity, settings.momentum)
            torch._foreach_add_(velocity, step)
            torch._foreach_add_(step, velocity, alpha=settings.momentum)
            torch._foreach_add_(parameters, step, alpha=-settings.learning_rate)
    with torch.no_grad():
        score = float(((network(parameters, valid[0]) - valid[1]) ** 2).mean())
    return score if score == score else float("inf")
