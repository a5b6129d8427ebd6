"""Train a plain PyTorch model with a loss that a search has found.

    heliostat export RUN --product loss-digits --output loss.json
    python examples/use_found_loss.py loss.json

Without a file it uses a loss of the kind that searches on classification find.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from sklearn.datasets import load_digits

from heliostat_methods.evomal.expression import LossExpression, parse


def main() -> None:
    """Train a small network on digits and print its test error."""
    if len(sys.argv) > 1:
        expression = LossExpression.from_dict(json.loads(Path(sys.argv[1]).read_text())["loss"])
    else:
        expression = parse("square(sub(y, f))")
    loss = expression.to_torch_module("classification")

    inputs, labels = load_digits(return_X_y=True)
    x = torch.tensor(inputs / 16, dtype=torch.float32)
    y = torch.tensor(labels)
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _ in range(1000):
        chosen = torch.randint(0, 1400, (128,))
        optimizer.zero_grad()
        loss(model(x[chosen]), y[chosen]).backward()
        optimizer.step()
    wrong = (model(x[1400:]).argmax(1) != y[1400:]).float().mean()
    print(f"loss {expression.formula()}: test error {wrong:.4f}")


if __name__ == "__main__":
    main()
