"""A meta step of a wide network with one output: Gram matrices against double backward.

MLP 10-1000-1000-1 on Diabetes, 100 training rows and 89 for validation, all of them in every step.
The reference differentiates twice and leaves all overheads out (``Lean`` of
``evomal_generic_reference``). *Trees*: a population of 16 takes its steps together, the reference
one candidate at a time; times are for a candidate's step. The reference is handed its networks, we
draw ours. *Loss network*: a single ML3 loss, 2-50-50-1, where both sides draw a network a step.

One process, one thread, the two sides in turn; processor time, and the median over rounds of what a
round gives. Both sides are held to AVX2, as runs are by default (``--native``: to nothing), except
that MKL, which the reference stands on, keeps its fastest code. The exit status is 1 if tuned
weights differ by more than 1e-5, where a step of Adam is 1e-3.

Run: ``python benchmarks/evomal_wide.py [--native] [--json]`` (about a minute).
"""

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import evomal_generic_reference as reference
import numpy as np
import torch
from sklearn.datasets import load_diabetes
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from heliostat.contract.instructions import PORTABLE, lacking, own_level, variables_to_set
from heliostat_methods.evomal.learners import unrolled
from heliostat_methods.evomal.learners.generic import torch_unrolled
from heliostat_methods.evomal.learners.generic.torch_problem import TorchProblem
from heliostat_methods.evomal.learners.problem import LearningProblem
from heliostat_methods.evomal.losses.expression import parse
from heliostat_methods.evomal.losses.ml3 import LossNetwork
from heliostat_methods.evomal.losses.torch_loss import task_loss
from heliostat_methods.evomal.population.program import LossProgram, initial_weights
from heliostat_methods.parts.models import Mlp

HIDDEN, TRAIN, VALID, POPULATION, STEPS, ROUNDS = (1000, 1000), 100, 89, 16, 6, 9
TOLERANCE = 1e-5
# Trees without poles and without weights of slope 0; the cost depends on the network.
TREES = ["square(sub(y, f))", "sqrt(add(square(sub(y, f)), 1))", "tanh(square(sub(y, f)))"]
SETTINGS = reference.Settings()
CONFIG = unrolled.UnrolledConfig(meta_steps=STEPS, batch_size=TRAIN)
Sides = tuple[Callable[[], Any], Callable[[], Any]]


def streams(*name: int | str) -> np.random.Generator:
    """Return the stream of a name."""
    digest = hashlib.sha256(repr(name).encode()).digest()
    return np.random.Generator(np.random.Philox(int.from_bytes(digest[:8], "big")))


def diabetes() -> tuple[np.ndarray, ...]:
    """Return training and validation rows, standardised."""
    x, y = load_diabetes(return_X_y=True)
    order = streams("split").permutation(len(y))
    train, valid = order[:TRAIN], order[TRAIN : TRAIN + VALID]
    x, y = (x - x[train].mean(0)) / x[train].std(0), (y - y[train].mean()) / y[train].std()
    return x[train], y[train], x[valid], y[valid]


class FlatLossNetwork(nn.Module):
    """ML3's loss with its weights in one vector, as the reference tunes them."""

    def __init__(self, network: LossNetwork) -> None:
        super().__init__()
        self.shapes = [layer.shape for layer in network.layers]
        self.phi = nn.Parameter(torch.cat([layer.detach().reshape(-1) for layer in network.layers]))

    def elementwise(self, targets: Tensor, outputs: Tensor) -> Tensor:
        """Return m(y, f) entry by entry."""
        parts = self.phi.split([shape.numel() for shape in self.shapes])
        *first, last = (part.view(shape) for part, shape in zip(parts, self.shapes, strict=True))
        x = torch.stack((outputs, targets), dim=-1)
        for layer in first:
            x = (x @ layer.T).relu()
        return nn.functional.softplus((x @ last.T).squeeze(-1))

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of a batch."""
        return task_loss(self.elementwise, "regression", outputs, targets)


class Peer:
    """The reference, on the networks that our side draws."""

    def __init__(self, problem: TorchProblem) -> None:
        data = (problem.x_train, problem.y_train), (problem.x_valid, problem.y_valid)
        self.run = reference.Lean("regression", *data, SETTINGS)
        self.problem = problem
        self.rows = [list(range(TRAIN))] * STEPS, [list(range(VALID))] * STEPS
        self.drawn = self.networks()
        self.module = problem.create(0)

    def networks(self) -> list[nn.Module]:
        """Return the networks of all steps."""
        init, made = streams("init"), []
        for _ in range(STEPS):
            made.append(self.problem.create(0))
            self.fill(made[-1], init)
        return made

    def fill(self, module: nn.Module, init: np.random.Generator) -> nn.Module:
        """Write the next network's numbers into a module."""
        numbers = torch.from_numpy(self.problem.fresh(init))
        torch.nn.utils.vector_to_parameters(numbers, module.parameters())
        return module

    def tune(self, loss: Any, draw: bool) -> np.ndarray:
        """Tune a loss over all steps; ``draw`` says whether networks are drawn on the way."""
        init = streams("init")
        models: list[Callable[[], nn.Module]] = [
            (lambda: self.fill(self.module, init)) if draw else (lambda m=m: m) for m in self.drawn
        ]
        tuned: np.ndarray = self.run.tune(loss, models, *self.rows).numpy().copy()
        return tuned


def trees(rows: tuple[np.ndarray, ...], peer: Peer) -> tuple[Sides, float]:
    """Return both sides for a population, and how far phi is apart."""
    problem = LearningProblem.from_rows(*rows, task="regression", hidden=HIDDEN)
    expressions = [parse(TREES[p % len(TREES)]) for p in range(POPULATION)]
    program = LossProgram.from_expressions(expressions)
    weights = initial_weights(expressions, streams("phi"))

    def ours() -> np.ndarray:
        return unrolled.tune(program, weights, problem, CONFIG, streams).weights

    def theirs(p: int = 0) -> np.ndarray:
        first = torch.from_numpy(weights[p, : expressions[p].complexity].copy())
        return peer.tune(reference.TreeLoss(expressions[p], first, "regression"), draw=False)

    found = ours()
    apart = [
        np.abs(found[p, 1 : expressions[p].complexity] - theirs(p)[1:]).max()
        for p in range(len(TREES))
    ]
    return (ours, theirs), float(max(apart))


def loss_network(rows: tuple[np.ndarray, ...], peer: Peer) -> tuple[Sides, float]:
    """Return both sides for a single loss network, and how far its weights are apart."""

    def drawn() -> LossNetwork:
        return LossNetwork.drawn("regression", streams("network"))

    def ours() -> np.ndarray:
        loss = drawn()
        torch_unrolled.tune_module(loss, peer.problem, CONFIG, streams)
        return FlatLossNetwork(loss).phi.detach().numpy()

    def theirs() -> np.ndarray:
        return peer.tune(FlatLossNetwork(drawn()), draw=True)

    return (ours, theirs), float(np.abs(ours() - theirs()).max())


def measure(sides: Sides, setup: Callable[[], Any] | None = None) -> np.ndarray:
    """Return milliseconds a meta step of both sides, (rounds, 2); ``setup`` is taken off ours."""
    spent = np.empty((ROUNDS, 2))
    for row in spent:
        for i, side in enumerate(sides):
            begun = time.process_time()
            side()
            row[i] = time.process_time() - begun
        if setup is not None:
            begun = time.process_time()
            setup()
            row[0] -= time.process_time() - begun
    return 1e3 * spent / STEPS


def hold_instructions(native: bool) -> None:
    """Begin anew at the level of runs, with MKL at its fastest."""
    if not native and own_level() != PORTABLE and not lacking():
        environment = os.environ | variables_to_set()
        environment.pop("NPY_ENABLE_CPU_FEATURES", None)  # numpy refuses both at once
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)
    # The level's branch of MKL is slow on purpose. It is chosen by the first product.
    branch = os.environ.pop("MKL_CBWR", None)
    torch.mm(torch.ones(64, 64), torch.ones(64, 64))
    if branch is not None:
        os.environ["MKL_CBWR"] = branch


def main() -> None:
    """Run both cases and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--native", action="store_true", help="let all use what the CPU has")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    arguments = parser.parse_args()
    hold_instructions(arguments.native)
    torch.set_num_threads(1)
    results: dict[str, Any] = {}
    far = 0.0
    with threadpool_limits(1):
        rows = diabetes()
        peer = Peer(TorchProblem.from_rows(*rows, task="regression", model=Mlp(HIDDEN)))
        none = unrolled.UnrolledConfig(meta_steps=0, batch_size=TRAIN)
        print(f"MLP 10-1000-1000-1, B = {TRAIN}, V = {VALID}, {own_level()}, {STEPS} meta steps")
        for name, case, share, setup in (
            (f"trees, P = {POPULATION}", trees, POPULATION, None),
            # Its modules are made once for 250 steps, so that is taken off.
            ("loss network", loss_network, 1, lambda: torch_unrolled.tune_module(
                LossNetwork.drawn("regression", streams("network")), peer.problem, none, streams
            )),
        ):  # fmt: skip
            sides, apart = case(rows, peer)
            spent = measure(sides, setup) / (share, 1)
            mine, theirs = np.median(spent, axis=0)
            ratio = float(np.median(spent[:, 1] / spent[:, 0]))
            print(
                f"  {name:14} ours {mine:6.2f} ms, double backward {theirs:6.2f} ms: {ratio:.2f}x "
                f"(rounds {(spent[:, 1] / spent[:, 0]).min():.2f} to "
                f"{(spent[:, 1] / spent[:, 0]).max():.2f}); weights within {apart:.1e}"
            )
            far = max(far, apart)
            results[f"meta step, {name}"] = {
                "ours": float(mine), "peer": float(theirs), "ratio": ratio,
                "unit": "ms/candidate",
            }  # fmt: skip
    if arguments.json:
        print(json.dumps(results))
    if far > TOLERANCE:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
