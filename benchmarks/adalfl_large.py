"""The other two figures of adalfl.py: a wide model's step, and the memory of Algorithm 1.

* MLP 784-512-512-10, batch 128, one seed: a step of online adaptation, through the platform's
  stack, against a plain step of cross-entropy by `torch.optim.SGD`.
* Algorithm 1 with S_inner = 250 on MLP 64-64-10: the most memory of one meta step, against
  automatic differentiation through all of the steps. Each side in a process of its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from heliostat_methods.adalfl.stacks.dense_networks import DenseNetworks
from heliostat_methods.adalfl.stacks.loss_networks import LossNetworkStack
from heliostat_methods.adalfl.training.offline import OfflineTraining
from heliostat_methods.adalfl.training.stacked import LossSide, Schedule, StackedTraining
from heliostat_search.loss_networks.network import MetaLossNetwork
from heliostat_search.loss_networks.shape import LossShape
from heliostat_search.supervised.batches import Batches
from heliostat_search.supervised.problem import Data, Part
from heliostat_search.supervised.streams import streams_from
from heliostat_search.unrolled.functional_module import module_numbers
from heliostat_search.unrolled.sgd import SGD

WIDE, NARROW = (784, 512, 512, 10), (64, 64, 10)
BATCH, ROUNDS, INNER = 128, 12, 250


def mlp(widths: tuple[int, ...]) -> nn.Sequential:
    """Return a dense rectifier network."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def drawn(widths: tuple[int, ...], rows: int) -> Data:
    """Return rows of noise with labels: time and memory do not depend on what they are."""
    generator = torch.Generator().manual_seed(0)

    def part() -> Part:
        targets = torch.randint(widths[-1], (rows,), generator=generator)
        labels = nn.functional.one_hot(targets, widths[-1]).float()
        return Part(torch.randn(rows, widths[0], generator=generator), labels, targets)

    return Data(part(), part(), part())


def start(
    widths: tuple[int, ...], data: Data
) -> tuple[nn.Sequential, LossSide, tuple[Batches, Batches]]:
    """Return a model, a loss network as a side, and batches."""
    torch.manual_seed(0)
    loss = MetaLossNetwork.drawn("classification", torch.Generator().manual_seed(1), LossShape())
    side = LossSide(LossNetworkStack(loss.vector[None], loss.shape, "classification"))
    streams = [streams_from(0)]
    batches = tuple(Batches(streams, name, len(data.train), BATCH) for name in ("train", "valid"))
    return mlp(widths), side, batches  # type: ignore[return-value]


def wide_step() -> tuple[float, float]:
    """Return milliseconds of a step of online adaptation and of a plain one, medians."""
    data = drawn(WIDE, 1024)
    model, side, batches = start(WIDE, data)
    theta = torch.from_numpy(module_numbers(model))[None]
    pair = DenseNetworks(WIDE, theta.clone()), DenseNetworks(WIDE, theta.clone())
    schedule = Schedule(SGD(0.01), adapts="loss", meta_rate=1e-5)
    training = StackedTraining(pair, side, data, batches, schedule, "classification")
    descent = torch.optim.SGD(
        model.parameters(), 0.01, momentum=0.9, nesterov=True, weight_decay=5e-4
    )

    def plain(number: int) -> None:
        rows = batches[0].at(number)[0]
        descent.zero_grad()
        cross_entropy(model(data.train.x[rows]), data.train.targets[rows]).backward()
        descent.step()

    times: dict[str, list[float]] = {"ours": [], "plain": []}
    for number in range(ROUNDS):
        for name, step in (("ours", training.step), ("plain", lambda n=number: plain(n))):
            begun = time.perf_counter()
            for _ in range(3):
                step()
            times[name].append((time.perf_counter() - begun) / 3)
    return tuple(1e3 * float(np.median(t[2:])) for t in times.values())  # type: ignore[return-value]


def meta_step_memory(side: str) -> float:
    """Return MB that one meta step of 250 inner steps needs above what was there before it."""
    program = f"import adalfl_large; print(adalfl_large._growth({side!r}))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parent, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return float(done.stdout)


def _growth(side: str) -> float:
    torch.set_num_threads(1)
    data = drawn(NARROW, 1024)
    model, loss, batches = start(NARROW, data)
    steps = {"ours": _by_adjoint, "peer": _by_autograd}[side]
    steps(model, loss, batches, data, 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    steps(model, loss, batches, data, INNER)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def _by_adjoint(
    model: nn.Sequential, side: LossSide, batches: tuple[Batches, Batches], data: Data, inner: int
) -> None:
    theta = torch.from_numpy(module_numbers(model))[None]
    training = OfflineTraining(
        DenseNetworks(NARROW, theta.clone()), side, data, batches, SGD(0.01), inner,
        "classification", lambda _: theta,
    )  # fmt: skip
    training.step(training.start(1e-3))


def _by_autograd(
    model: nn.Sequential, side: LossSide, batches: tuple[Batches, Batches], data: Data, inner: int
) -> None:
    loss = MetaLossNetwork.drawn("classification", torch.Generator().manual_seed(1), LossShape())
    theta = {name: part.detach().requires_grad_() for name, part in model.named_parameters()}
    sgd, momentum = SGD(0.01), dict[str, Tensor]()
    for number in range(inner):
        rows = batches[0].at(number)[0]
        outputs = functional_call(model, theta, (data.train.x[rows],))
        value = loss(outputs, data.train.targets[rows])
        slopes = torch.autograd.grad(value, list(theta.values()), create_graph=True)
        moved = {}
        for (name, part), slope in zip(theta.items(), slopes, strict=True):
            moved[name], momentum[name] = sgd.step(part, slope, momentum.get(name))
        theta = moved
    rows = batches[1].at(0)[0]
    outputs = functional_call(model, theta, (data.valid.x[rows],))
    torch.autograd.grad(cross_entropy(outputs, data.valid.targets[rows]), list(loss.parameters()))


def kept_bytes() -> float:
    """Return MB of the parameters that a meta step keeps: about two square roots of its steps."""
    parameters = sum((k + 1) * j for k, j in pairwise(NARROW))
    return 4 * parameters * 3 * (INNER**0.5) / 2**20  # parameters and momentum, and a segment
