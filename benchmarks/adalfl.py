"""AdaLFL: steps of online loss learning in closed form against a double backward.

Digits (scikit-learn), MLP 64-64-10, batch 128, loss network 2-40-40-1, Nesterov momentum 0.9,
weight decay 5e-4, Adam on the loss network. A step draws both batches, moves the base network by
the learned loss, and the loss network by the base network's loss on validation rows.

(a) the double backward: one seed at a time, as one writes it with `torch.func.functional_call` and
an explicit, differentiable step of SGD; (b) the stack of 10 seeds, and of 1; (c) for scale, a step
of `torch.optim.SGD` on plain cross-entropy, one seed. (a) and (b) once with ReLUs in the loss
network, where one-hot labels leave one pair a row and one more, and once with smooth leaky ReLUs,
where all pairs remain. They take turns in one process and one thread; medians over rounds of the
time a seed's step takes. The exit status is 1 if in double precision the meta-gradients differ by
more than 1e-8 of their size, or if 10 seeds with ReLUs are not 6 times as fast as (a).

Run: ``python benchmarks/adalfl.py [--json]`` (about 20 seconds).
"""

import argparse
import json
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from adalfl_large import kept_bytes, meta_step_memory, wide_step
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy, one_hot

from heliostat_methods.adalfl.stacks.dense import DenseStack
from heliostat_methods.adalfl.stacks.loss_networks import LossNetworkStack
from heliostat_methods.adalfl.stacks.objectives import label_rows, objective
from heliostat_search.loss_networks.shape import LossShape
from heliostat_search.loss_networks.smooth_leaky_relu import SmoothLeakyReLU

WIDTHS = (64, 64, 10)
SHAPES = {"ReLU": LossShape(), "smooth": LossShape(hidden_activation="smooth_leaky_relu")}
BATCH, CLASSES, SEEDS = 128, 10, 10
RATE, MOMENTUM, DECAY, META_RATE = 0.01, 0.9, 5e-4, 1e-5
ROUNDS, SECONDS = 15, 0.12
LEAST_RATIO, TOLERANCE = 6.0, 1e-8
PEER, PLAIN = "double backward, one seed", "cross-entropy by torch.optim.SGD, one seed"


class Digits:
    """Training and validation rows of digits: 1,294 and 143, standardised."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        inputs, targets = load_digits(return_X_y=True)
        order = np.random.default_rng(0).permutation(len(targets))
        train, valid = order[:1294], order[1294:1437]
        inputs = (inputs - inputs[train].mean()) / inputs[train].std()
        self.x, self.valid_x = (torch.tensor(inputs[rows], dtype=dtype) for rows in (train, valid))
        self.y, self.valid_y = (torch.tensor(targets[rows]) for rows in (train, valid))


class DoubleBackward:
    """(a): one seed; the loss network is a module on all pairs of prediction and label at once."""

    def __init__(self, seed: int, shape: LossShape, dtype: torch.dtype = torch.float32) -> None:
        torch.manual_seed(seed)
        self.model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)).to(dtype)
        bend = shape.gamma, shape.beta
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(shape.widths):
            layers.append(nn.Linear(inputs, outputs, bias=False))
            smooth = outputs == 1 or shape.hidden_activation == "smooth_leaky_relu"
            layers.append(SmoothLeakyReLU(*bend) if smooth else nn.ReLU())
        self.loss = nn.Sequential(*layers).to(dtype)
        for layer in self.loss:
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight)
        self.optimizer = torch.optim.Adam(self.loss.parameters(), META_RATE)
        self.parameters = {k: v.detach().clone() for k, v in self.model.named_parameters()}
        self.buffers = {k: torch.zeros_like(v) for k, v in self.parameters.items()}

    def learned(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Return the learned loss of logits (B, C) and classes (B,)."""
        chances = outputs.softmax(1)
        wanted = one_hot(labels, CLASSES).to(chances)
        pairs = torch.stack((chances.flatten(), wanted.flatten()), 1)
        return self.loss(pairs).view_as(chances).sum(1).mean()

    def step(self, x: Tensor, y: Tensor, valid_x: Tensor, valid_y: Tensor) -> None:
        """Do one step; leaves the meta-gradient in the loss network's parameters."""
        theta = {k: v.requires_grad_() for k, v in self.parameters.items()}
        value = self.learned(functional_call(self.model, theta, (x,)), y)
        slopes = torch.autograd.grad(value, list(theta.values()), create_graph=True)
        moved, buffers = {}, {}
        for (name, one), slope in zip(theta.items(), slopes, strict=True):
            decayed = slope + DECAY * one
            buffers[name] = MOMENTUM * self.buffers[name] + decayed
            moved[name] = one - RATE * (decayed + MOMENTUM * buffers[name])
        reached = cross_entropy(functional_call(self.model, moved, (valid_x,)), valid_y)
        self.optimizer.zero_grad()
        grads = torch.autograd.grad(reached, list(self.loss.parameters()))
        for parameter, gradient in zip(self.loss.parameters(), grads, strict=True):
            parameter.grad = gradient
        self.optimizer.step()
        self.parameters = {k: v.detach() for k, v in moved.items()}
        self.buffers = {k: v.detach() for k, v in buffers.items()}


class Stack:
    """(b): several seeds side by side, started as the given ones of (a)."""

    def __init__(self, starts: list[DoubleBackward], shape: LossShape) -> None:
        self.theta = torch.stack([_flat(one.parameters.values()) for one in starts])
        self.phi = torch.stack([_flat(one.loss.parameters()) for one in starts])
        self.train, self.valid = (DenseStack(WIDTHS, self.theta.clone()) for _ in range(2))
        self.losses = LossNetworkStack(self.phi, shape, "classification")
        self.buffer = torch.zeros_like(self.theta)
        self.mean, self.square = torch.zeros_like(self.phi), torch.zeros_like(self.phi)
        self.meta = torch.zeros_like(self.phi)
        self.steps = 0

    def step(self, x: Tensor, y: Tensor, valid_x: Tensor, valid_y: Tensor) -> None:
        """Do one step for all seeds; leaves the meta-gradients in ``meta``."""
        train, valid = self.train, self.valid
        _, slopes = self.losses.slopes(train.forward(x), y)
        direction = train.pull(slopes).add_(train.theta, alpha=DECAY)
        self.buffer.mul_(MOMENTUM).add_(direction)
        direction.add_(self.buffer, alpha=MOMENTUM)
        torch.add(train.theta, direction, alpha=-RATE, out=valid.theta)
        _, at_valid = objective(valid.forward(valid_x), valid_y, "classification")
        mixed = self.losses.by_weights(train.push(valid.pull(at_valid)))
        self.meta = mixed.mul_(-RATE * (1.0 + MOMENTUM))
        self.steps += 1
        self.mean.lerp_(self.meta, 0.1)
        self.square.mul_(0.999).addcmul_(self.meta, self.meta, value=0.001)
        size = (self.square / (1.0 - 0.999**self.steps)).sqrt_().add_(1e-8)
        self.phi.addcdiv_(self.mean, size, value=-META_RATE / (1.0 - 0.9**self.steps))
        # What was the validation's network is where the next step starts.
        self.train, self.valid = valid, train


def _flat(parameters: Any) -> Tensor:
    return torch.cat([one.detach().flatten() for one in parameters])


def agreement(shape: LossShape) -> tuple[float, float]:
    """Return how far meta-gradients and parameters are apart in three steps in float64.

    Meta-gradients in parts of their largest entry.
    """
    data = Digits(torch.float64)
    seeds = [DoubleBackward(seed, shape, torch.float64) for seed in range(3)]
    stack, generator = Stack(seeds, shape), torch.Generator().manual_seed(1)
    rows = label_rows(data.y, "classification", CLASSES, torch.float64)
    valid_rows = label_rows(data.valid_y, "classification", CLASSES, torch.float64)
    meta = theta = 0.0
    for _ in range(3):
        i = torch.randint(len(data.x), (3, BATCH), generator=generator)
        j = torch.randint(len(data.valid_x), (3, BATCH), generator=generator)
        stack.step(data.x[i], rows[i], data.valid_x[j], valid_rows[j])
        for r, seed in enumerate(seeds):
            seed.step(data.x[i[r]], data.y[i[r]], data.valid_x[j[r]], data.valid_y[j[r]])
            wanted = _flat(one.grad for one in seed.loss.parameters())
            apart = (stack.meta[r] - wanted).abs().max() / wanted.abs().max()
            meta = max(meta, float(apart))
            reached = _flat(seed.parameters.values())
            theta = max(theta, float((stack.train.theta[r] - reached).abs().max()))
    return meta, theta


def contestants() -> dict[str, tuple[Callable[[], None], int]]:
    """Return what takes turns: one step, and how many seeds it moves."""
    data, generator = Digits(), torch.Generator().manual_seed(2)
    rows, valid_rows = (
        label_rows(y, "classification", CLASSES, torch.float32) for y in (data.y, data.valid_y)
    )

    def drawn(R: int, of: Tensor) -> Tensor:
        return torch.randint(len(of), (R * BATCH,), generator=generator)

    def stacked(stack: Stack, R: int) -> Callable[[], None]:
        sources = data.x, rows, data.valid_x, valid_rows
        # Fresh memory of this size is cleared page by page.
        batches = [of.new_empty(R * BATCH, of.shape[1]) for of in sources]

        def step() -> None:
            i, j = drawn(R, data.x), drawn(R, data.valid_x)
            for of, numbers, batch in zip(sources, (i, i, j, j), batches, strict=True):
                torch.index_select(of, 0, numbers, out=batch)
            x, y, valid_x, valid_y = (batch.view(R, BATCH, -1) for batch in batches)
            stack.step(x, y, valid_x, valid_y)

        return step

    def double_backward(peer: DoubleBackward) -> Callable[[], None]:
        def step() -> None:
            i, j = drawn(1, data.x), drawn(1, data.valid_x)
            peer.step(data.x[i], data.y[i], data.valid_x[j], data.valid_y[j])

        return step

    model = DoubleBackward(0, SHAPES["ReLU"]).model
    descent = torch.optim.SGD(model.parameters(), RATE, MOMENTUM, nesterov=True, weight_decay=DECAY)

    def cross_entropy_step() -> None:
        i = drawn(1, data.x)
        descent.zero_grad()
        cross_entropy(model(data.x[i]), data.y[i]).backward()
        descent.step()

    result: dict[str, tuple[Callable[[], None], int]] = {PLAIN: (cross_entropy_step, 1)}
    for name, shape in SHAPES.items():
        seeds = [DoubleBackward(seed, shape) for seed in range(SEEDS)]
        result[f"{name}: {PEER}"] = double_backward(DoubleBackward(0, shape)), 1
        for R in (SEEDS, 1):
            result[f"{name}: stack of {R}"] = stacked(Stack(seeds[:R], shape), R), R
    return result


def measure() -> dict[str, float]:
    """Return the median milliseconds of one seed's step, by contestant."""
    all_of_them = contestants()
    counts: dict[str, int] = {}
    spent: dict[str, list[float]] = {name: [] for name in all_of_them}
    for name, (step, _) in all_of_them.items():
        for _ in range(5):
            step()
        start = time.perf_counter()
        for _ in range(5):
            step()
        counts[name] = max(1, round(5 * SECONDS / (time.perf_counter() - start)))
    for _ in range(ROUNDS):
        for name, (step, seeds) in all_of_them.items():
            start = time.perf_counter()
            for _ in range(counts[name]):
                step()
            spent[name].append((time.perf_counter() - start) / counts[name] / seeds)
    return {name: 1e3 * float(np.median(each)) for name, each in spent.items()}


def main() -> None:
    """Hold the two sides against each other and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        apart = {name: agreement(shape) for name, shape in SHAPES.items()}
        times = measure()
    plain, results = times[PLAIN], {}
    print(f"digits, MLP 64-64-10, batch {BATCH}, loss 2-40-40-1: median ms of a seed's step")
    print(f"  {PLAIN}: {plain:.3f}")
    for name, (meta, theta) in apart.items():
        peer = times[f"{name}: {PEER}"]
        print(f"  {name}: {PEER} {peer:.3f}")
        for R in (SEEDS, 1):
            ours = times[f"{name}: stack of {R}"]
            print(
                f"  {name}: stack of {R} {ours:.3f}, {peer / ours:.1f}x the double backward, "
                f"{ours / plain:.2f} cross-entropy steps"
            )
            results[f"AdaLFL {name}, stack of {R}"] = {
                "ours": ours, "peer": peer, "ratio": peer / ours, "unit": "ms/seed-step",
            }  # fmt: skip
            results[f"AdaLFL {name}, stack of {R}, and a cross-entropy step"] = {
                "ours": ours, "peer": plain, "ratio": plain / ours, "unit": "ms/seed-step",
            }  # fmt: skip
        print(
            f"  {name}: in float64 meta-gradients within {meta:.1e} of their size "
            f"(bound {TOLERANCE:.0e}), parameters within {theta:.1e}"
        )
    ours, plain = wide_step()
    print(f"MLP 784-512-512-10, one seed: {ours:.1f} ms a step, plain {plain:.1f}: "
          f"{ours / plain:.2f} plain steps (goal: at most 3)")  # fmt: skip
    results["AdaLFL, wide model, and a plain step"] = {
        "ours": ours, "peer": plain, "ratio": plain / ours, "unit": "ms/step",
    }  # fmt: skip
    mine, graph = (meta_step_memory(side) for side in ("ours", "peer"))
    print(f"Algorithm 1, S_inner = 250, MLP 64-64-10: a meta step needs {mine:.0f} MB, through the "
          f"graph of all steps {graph:.0f} MB; parameters kept {kept_bytes():.1f} MB")  # fmt: skip
    results["AdaLFL, memory of Algorithm 1"] = {
        "ours": mine, "peer": graph, "ratio": graph / max(mine, 1.0), "unit": "MB",
    }  # fmt: skip
    if arguments.json:
        print(json.dumps(results))
    agreed = max(meta for meta, _ in apart.values()) <= TOLERANCE
    if not agreed or results[f"AdaLFL ReLU, stack of {SEEDS}"]["ratio"] < LEAST_RATIO:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
