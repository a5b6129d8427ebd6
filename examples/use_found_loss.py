"""Train a plain PyTorch model with a loss that a search has found, and with cross-entropy.

    heliostat losses export RUN/digits --output loss.json
    python examples/use_found_loss.py loss.json

Without a file it uses a loss of the kind that searches on classification find. For a file of your
own that needs PyTorch alone: heliostat losses export RUN/digits --format python --output loss.py
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from sklearn.datasets import load_digits

from heliostat_methods.evomal.expression import LossExpression, parse


def error_on_digits(
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], steps: int = 1000
) -> float:
    """Return the error of a small network on digits that it was not trained on."""
    inputs, labels = load_digits(return_X_y=True)
    x = torch.tensor(inputs / 16, dtype=torch.float32)
    y = torch.tensor(labels)
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _ in range(steps):
        chosen = torch.randint(0, 1400, (128,))
        optimizer.zero_grad()
        loss(model(x[chosen]), y[chosen]).backward()
        optimizer.step()
    return float((model(x[1400:]).argmax(1) != y[1400:]).float().mean())


def main() -> None:
    """Print the test error with a found loss beside that with cross-entropy."""
    if len(sys.argv) > 1:
        expression = LossExpression.from_dict(json.loads(Path(sys.argv[1]).read_text())["loss"])
    else:
        expression = parse("square(sub(y, f))")
    found = expression.to_torch_module("classification")
    print(f"loss {expression.formula()}: test error {error_on_digits(found):.4f}")
    print(f"cross-entropy: test error {error_on_digits(torch.nn.functional.cross_entropy):.4f}")


if __name__ == "__main__":
    main()
