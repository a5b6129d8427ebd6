"""Train a plain PyTorch model with a loss that a search has found, and with the standard one.

    heliostat losses export RUN/digits --output loss.json
    python examples/use_found_loss.py loss.json

A loss for classification trains on digits, one for regression on diabetes. Without a file it is the
one that a search found on diabetes. For a file of your own that needs PyTorch alone:
heliostat losses export RUN/digits --format python --output loss.py
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from sklearn.datasets import load_diabetes, load_digits

from heliostat.errors import ConfigError, HeliostatError
from heliostat_methods.evomal.commands.saved_losses import NamedLoss, named

DEMO = (
    "square(1.0454*sqrt(1.0447*tanh(1.0388*sub(1.0432*f, 0.9589*add(1.0802*y, "
    "0.9607*sub(0.9593*f, 0.9199*y))))))"
)
"""What a search found on diabetes: evomal's preset demo, seed 0, natively on a CPU with AVX-512."""


def train(loss: Any, x: torch.Tensor, y: torch.Tensor, outputs: int) -> torch.nn.Module:
    """Return a small network trained with any loss of (outputs, labels)."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(x.shape[1], 32), torch.nn.ReLU(), torch.nn.Linear(32, outputs)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    for _ in range(1000):
        batch = torch.randint(len(x), (128,))
        optimizer.zero_grad()
        loss(model(x[batch]), y[batch]).backward()
        optimizer.step()
    return model


def compare(loss: NamedLoss) -> None:
    """Print the test error with a found loss beside that with the standard one."""
    regression = loss.task == "regression"
    inputs, labels = (load_diabetes if regression else load_digits)(return_X_y=True)
    x, y = torch.tensor(inputs, dtype=torch.float32), torch.tensor(labels)
    rows = len(x) * 4 // 5
    x = (x - x[:rows].mean(0)) / (x[:rows].std(0) + 1e-7)
    if regression:  # a loss of y and f is found on standardised labels
        y = ((y - y[:rows].mean()) / y[:rows].std()).float()[:, None]
    found = loss.expression.to_torch_module(loss.task) if loss.expression else loss.loss
    functional = torch.nn.functional
    usual = (
        ("mse", functional.mse_loss) if regression else ("cross-entropy", functional.cross_entropy)
    )
    for name, one in ((f"loss {loss.formula}", found), usual):
        guess = train(one, x[:rows], y[:rows], 1 if regression else 10)(x[rows:])
        wrong = (guess - y[rows:]) ** 2 if regression else guess.argmax(1) != y[rows:]
        print(f"{name}: test error {wrong.float().mean():.4f}")


def main() -> int:
    """Compare the loss of a file, or the demo's."""
    try:
        text = str(Path(sys.argv[1])) if len(sys.argv) > 1 else DEMO
        loss, *others = named(text, Path("runs"), "regression")
        if others:
            raise ConfigError("LOSS", text, "one loss", f"RUN/{loss.name}, for example")
        compare(loss)
    except HeliostatError as error:
        print(f"use_found_loss.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
