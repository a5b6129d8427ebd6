"""The full protocol for one candidate at a time, with torch's automatic differentiation.

Written from the published description, for comparison: an unrolled SGD step differentiated twice
(``create_graph=True``), Adam on the predictions for the filter, and a plain training loop. It is
kept lean so that the comparison is with the approach and not with its overheads: functional
networks, no data loader, no optimiser objects, a tree resolved into one Python function, means
folded into the gradients that start a backward pass, and batches, initialisations and decayed
parameters handed in as tensors. A step of squared error costs less than four bare forward and
backward passes; differentiating twice cannot cost less than about three.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from heliostat_methods.evomal.losses.expression import LossExpression

EPSILON = 1e-7
Parameters = list[Tensor]
Batch = tuple[Tensor, Tensor]
OPERATIONS: dict[str, Callable[..., Tensor]] = {
    "min": torch.minimum,
    "max": torch.maximum,
    "sign": torch.sign,
    "square": torch.square,
    "abs": torch.abs,
    "tanh": torch.tanh,
    "log": lambda a: a.abs().clamp(min=EPSILON).log(),
    "sqrt": lambda a: a.abs().clamp(min=EPSILON).sqrt(),
    "div": lambda a, b: a / (1 + b * b).sqrt(),
}
INFIX = {"add": "+", "sub": "-", "mul": "*"}


@dataclass(frozen=True)
class Settings:
    """Step sizes of the protocol."""

    learning_rate: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 5e-4
    meta_learning_rate: float = 1e-3
    filter_steps: int = 1000

    @property
    def first_step(self) -> float:
        """Factor of the first step of SGD, from an empty momentum buffer."""
        return self.learning_rate * (1 + self.momentum)


def split_parameters(theta: Tensor, widths: Sequence[int]) -> Parameters:
    """Cut a parameter vector into matrices (in, out) and biases."""
    parts, at = [], 0
    for k, j in itertools.pairwise(widths):
        parts.append(theta[at : at + j * k].reshape(j, k).t().contiguous())
        parts.append(theta[at + j * k : at + j * (k + 1)].clone())
        at += j * (k + 1)
    return parts


def network(parameters: Sequence[Tensor], x: Tensor) -> Tensor:
    """Evaluate the ReLU network, (n, d) to (n, C)."""
    for i in range(0, len(parameters), 2):
        x = torch.addmm(parameters[i + 1], x, parameters[i])
        if i < len(parameters) - 2:
            x = torch.relu(x)
    return x


class Tree:
    """An expression as one Python function of label, output and weights."""

    def __init__(self, expression: LossExpression) -> None:
        arguments = expression.children()

        def text(i: int) -> str:
            name, below = expression.nodes[i], arguments[i]
            parts = [f"({text(k)} * w[{k}])" for k in below]
            if name in INFIX:
                return f"({parts[0]} {INFIX[name]} {parts[1]})"
            return f"{name}({', '.join(parts)})" if below else CONSTANTS.get(name, name)

        source = f"lambda y, f, w: {text(0)}"
        self.size = expression.complexity
        self.evaluate: Callable[..., Any] = eval(source, dict(OPERATIONS))

    def __call__(self, y: Tensor, f: Tensor, w: Sequence[Any]) -> Tensor:
        """Return m(y, f) entry by entry."""
        value = self.evaluate(y, f, w)
        return value if isinstance(value, Tensor) and value.dim() else f.new_zeros(f.shape) + value


CONSTANTS = {"+1": "y.new_ones(())", "-1": "(-y.new_ones(()))"}


def decayed(inits: Sequence[Parameters], settings: Settings) -> list[Sequence[Tensor]]:
    """Return the part of the first SGD step that depends on no candidate."""
    keep = 1 - settings.first_step * settings.weight_decay
    return [torch._foreach_mul([p.detach() for p in init], keep) for init in inits]


def tune(
    tree: Tree,
    first: Tensor,
    inits: Sequence[Parameters],
    kept: Sequence[Sequence[Tensor]],
    train: Sequence[Batch],
    valid: Sequence[Batch],
    settings: Settings,
) -> Tensor:
    """Tune the weights of one candidate: one differentiated SGD step per meta step."""
    # The root's weight is never used; a weight that reaches nothing has no gradient and stays.
    phi = [x.clone().requires_grad_() for x in first]
    used, plain = phi[1:], [x.detach() for x in phi[1:]]
    moments = [[torch.zeros_like(x) for x in plain] for _ in range(2)]
    counts = torch.arange(1.0, len(train) + 1).unbind()
    share = torch.full_like(train[0][1], 1 / len(train[0][1]))
    pull = 2 / len(valid[0][1])
    for count, init, rest, (x, y), (xv, yv) in zip(counts, inits, kept, train, valid, strict=True):
        value = tree(y, network(init, x), phi)
        if not value.requires_grad:
            break
        grads = torch.autograd.grad(value, init, share, create_graph=True, allow_unused=True)
        if grads[0] is None:
            break
        # The old parameters enter as constants: the path to phi leads through the gradient alone.
        moved = torch._foreach_add(rest, grads, alpha=-settings.first_step)
        outputs = network(moved, xv)
        if not outputs.requires_grad:
            break
        slope = torch.sub(outputs.detach(), yv).mul_(pull)
        found = torch.autograd.grad(outputs, used, slope, allow_unused=True)
        there = [i for i, g in enumerate(found) if g is not None]
        if there:
            torch._fused_adam_(
                *([group[i] for i in there] for group in (plain, found, *moments)),
                [],
                [count] * len(there),
                lr=settings.meta_learning_rate, beta1=0.9, beta2=0.999, weight_decay=0.0,
                eps=1e-8, amsgrad=False, maximize=False,
            )  # fmt: skip
    return torch.stack([x.detach() for x in phi])


def improvement(
    tree: Tree, phi: Sequence[float], predictions: Tensor, y: Tensor, settings: Settings
) -> float:
    """Return how much Adam on the predictions lowers the mean squared error."""
    f = predictions.clone().requires_grad_()
    plain, first, second = f.detach(), torch.zeros_like(predictions), torch.zeros_like(predictions)
    share = torch.full_like(predictions, 1 / len(predictions))
    for count in torch.arange(1.0, settings.filter_steps + 1).unbind():
        value = tree(y, f, phi)
        if not value.requires_grad:
            return 0.0
        (grad,) = torch.autograd.grad(value, f, share, allow_unused=True)
        if grad is None:
            return 0.0
        torch._fused_adam_(
            [plain], [grad], [first], [second], [], [count],
            lr=settings.learning_rate, beta1=0.9, beta2=0.999, weight_decay=0.0,
            eps=1e-8, amsgrad=False, maximize=False,
        )  # fmt: skip
    return float(((predictions - y) ** 2).mean() - ((plain - y) ** 2).mean())


def train(
    tree: Tree,
    phi: Sequence[float],
    init: Parameters,
    batches: Sequence[Batch],
    valid: Batch,
    settings: Settings,
) -> float:
    """Train one network and return its validation error; infinity if it diverges."""
    parameters = [p.detach().clone().requires_grad_() for p in init]
    plain = [p.detach() for p in parameters]
    velocity = [torch.zeros_like(p) for p in plain]
    share = torch.full_like(batches[0][1], 1 / len(batches[0][1]))
    for x, y in batches:
        value = tree(y, network(parameters, x), phi)
        if not torch.isfinite(value.detach().sum()):
            return float("inf")
        grads: Any = (None,)
        if value.requires_grad:
            grads = torch.autograd.grad(value, parameters, share, allow_unused=True)
        if grads[0] is None:
            grads = [torch.zeros_like(p) for p in plain]
        step = torch._foreach_add(list(grads), plain, alpha=settings.weight_decay)
        torch._foreach_mul_(velocity, settings.momentum)
        torch._foreach_add_(velocity, step)
        torch._foreach_add_(step, velocity, alpha=settings.momentum)
        torch._foreach_add_(plain, step, alpha=-settings.learning_rate)
    with torch.no_grad():
        score = float(((network(plain, valid[0]) - valid[1]) ** 2).mean())
    return score if score == score else float("inf")
