"""Any torch model, one candidate at a time: the protocol as the published code runs it.

Written from the published description, for comparison. ``Faithful`` keeps what that code spends
its time on: a new iterator of a ``DataLoader`` for every batch, optimiser objects, modules called
through ``functional_call``, one differentiable step of SGD with ``create_graph=True``, and
``backward()`` through it, which fills the gradients of the initial parameters as well. ``Lean``
does the same arithmetic without loaders and optimiser objects and asks for the weights' gradient
alone; the difference between the two is overhead.

Initial models and the rows of every batch are handed in, so that both sides see the same numbers.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import evomal_reference
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional
from torch.utils.data import DataLoader, Sampler, TensorDataset

from heliostat_methods.evomal.losses.expression import LossExpression

Rows = Sequence[Sequence[int]]


class TreeLoss(nn.Module):
    """A tree as a loss module: the class sum and the batch mean of m(y, f)."""

    def __init__(self, expression: LossExpression, phi: Tensor, task: str) -> None:
        super().__init__()
        self.tree, self.task = evomal_reference.Tree(expression), task
        self.phi = nn.Parameter(phi.clone())

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of a batch."""
        weights = self.phi.unbind()
        if self.task == "regression":
            return self.tree(targets.reshape(outputs.shape), outputs, weights).mean()
        labels = functional.one_hot(targets, outputs.shape[1]).to(outputs)
        return self.tree(labels, outputs.softmax(1), weights).sum(1).mean()


class Prescribed(Sampler[list[int]]):
    """Each new iterator begins with the rows of the next step."""

    def __init__(self, rows: Rows) -> None:
        self.rows = iter(rows)

    def __iter__(self) -> Iterator[list[int]]:
        """Begin an epoch."""
        yield list(next(self.rows))


def loader(data: tuple[Tensor, Tensor], rows: Rows) -> DataLoader[Any]:
    """Return a loader of which every new iterator gives the next of the prescribed batches."""
    return DataLoader(TensorDataset(*data), batch_sampler=Prescribed(rows))


@dataclass(frozen=True)
class Settings:
    """Step sizes of the protocol."""

    learning_rate: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 5e-4
    meta_learning_rate: float = 1e-3


@dataclass(frozen=True)
class Faithful:
    """The published protocol with its loaders, optimiser objects and full backward passes."""

    task: str
    train: tuple[Tensor, Tensor]
    valid: tuple[Tensor, Tensor]
    settings: Settings

    def objective(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the task's differentiable objective."""
        if self.task == "regression":
            return functional.mse_loss(outputs.reshape(-1), targets)
        return functional.cross_entropy(outputs, targets)

    def tune(
        self,
        loss: TreeLoss,
        models: Sequence[Callable[[], nn.Module]],
        train_rows: Rows,
        valid_rows: Rows,
    ) -> Tensor:
        """Tune the loss's weights by one differentiated step of SGD per fresh model."""
        s = self.settings
        train, valid = loader(self.train, train_rows), loader(self.valid, valid_rows)
        adam = torch.optim.Adam(loss.parameters(), lr=s.meta_learning_rate)
        for create in models:
            model = create()
            fast = {n: p.detach().clone().requires_grad_() for n, p in model.named_parameters()}
            x, y = next(iter(train))
            value = loss(functional_call(model, fast, (x,)), y)
            grads = torch.autograd.grad(value, list(fast.values()), create_graph=True)
            moved = {}
            for (name, p), g in zip(fast.items(), grads, strict=True):
                slope = g + s.weight_decay * p
                moved[name] = p - s.learning_rate * (slope + s.momentum * slope)
            x, y = next(iter(valid))
            found = self.objective(functional_call(model, moved, (x,)), y)
            adam.zero_grad()
            found.backward()
            adam.step()
        return loss.phi.detach()

    def filter(self, loss: TreeLoss, start: Tensor, targets: Tensor, steps: int) -> Tensor:
        """Return the predictions after Adam has moved them along the loss."""
        predictions = start.clone().requires_grad_()
        adam = torch.optim.Adam([predictions], lr=self.settings.learning_rate)
        for _ in range(steps):
            adam.zero_grad()
            loss(predictions, targets).backward(inputs=[predictions])
            adam.step()
        return predictions.detach()

    def fit(self, loss: TreeLoss, model: nn.Module, rows: Rows) -> float:
        """Train a model and return the validation metric."""
        s = self.settings
        batches = loader(self.train, rows)
        optimizer = torch.optim.SGD(
            model.parameters(),
            lr=s.learning_rate,
            momentum=s.momentum,
            nesterov=s.momentum > 0,
            weight_decay=s.weight_decay,
        )
        loss.requires_grad_(False)
        for _ in rows:
            x, y = next(iter(batches))
            optimizer.zero_grad()
            value = loss(model(x), y)
            if not torch.isfinite(value):
                return float("inf")
            value.backward()
            optimizer.step()
        loss.requires_grad_(True)
        return self.score(model)

    def score(self, model: nn.Module) -> float:
        """Return the error rate, or the mean squared error."""
        x, y = self.valid
        model.eval()
        with torch.no_grad():
            outputs = model(x)
        model.train()
        if self.task == "regression":
            return float((outputs.reshape(-1) - y).square().mean())
        return float((outputs.argmax(1) != y).float().mean())


class Lean(Faithful):
    """The same arithmetic with the overheads left out."""

    def tune(
        self,
        loss: TreeLoss,
        models: Sequence[Callable[[], nn.Module]],
        train_rows: Rows,
        valid_rows: Rows,
    ) -> Tensor:
        """Tune as ``Faithful`` does, by the gradient of the weights alone."""
        s, phi = self.settings, loss.phi
        plain, first, second = phi.detach(), torch.zeros_like(phi), torch.zeros_like(phi)
        count = torch.zeros(())
        keep = 1 - s.learning_rate * (1 + s.momentum) * s.weight_decay
        for create, mine, theirs in zip(models, train_rows, valid_rows, strict=True):
            model = create()
            names, parameters = zip(*model.named_parameters(), strict=True)
            value = loss(model(self.train[0][mine]), self.train[1][mine])
            grads = torch.autograd.grad(value, parameters, create_graph=True)
            kept = torch._foreach_mul([p.detach() for p in parameters], keep)
            moved = torch._foreach_add(kept, grads, alpha=-s.learning_rate * (1 + s.momentum))
            outputs = functional_call(
                model, dict(zip(names, moved, strict=True)), (self.valid[0][theirs],)
            )
            (slope,) = torch.autograd.grad(self.objective(outputs, self.valid[1][theirs]), phi)
            count += 1
            torch._fused_adam_(
                [plain], [slope], [first], [second], [], [count],
                lr=s.meta_learning_rate, beta1=0.9, beta2=0.999, weight_decay=0.0,
                eps=1e-8, amsgrad=False, maximize=False,
            )  # fmt: skip
        return plain

    def fit(self, loss: TreeLoss, model: nn.Module, rows: Rows) -> float:
        """Train as ``Faithful`` does, with the optimiser's arithmetic in place."""
        s = self.settings
        parameters = list(model.parameters())
        plain = [p.detach() for p in parameters]
        velocity = [torch.zeros_like(p) for p in plain]
        loss.requires_grad_(False)
        for mine in rows:
            value = loss(model(self.train[0][mine]), self.train[1][mine])
            if not torch.isfinite(value):
                return float("inf")
            grads = torch.autograd.grad(value, parameters)
            torch._fused_sgd_(
                plain, list(grads), velocity if s.momentum else [],
                weight_decay=s.weight_decay, momentum=s.momentum, lr=s.learning_rate,
                dampening=0.0, nesterov=s.momentum > 0, maximize=False, is_first_step=False,
            )  # fmt: skip
        loss.requires_grad_(True)
        return self.score(model)
