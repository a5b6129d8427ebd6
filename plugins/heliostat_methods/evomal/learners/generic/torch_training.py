"""Short trainings of any torch model: every candidate loss, or one loss under many seeds.

The same draws, steps and measures as ``training``, with the network as a module: the gradient of
the loss by the outputs is compiled (or, for a loss that is no tree, automatic) and the module
carries it back to its parameters. Runs take turns on one module, each from start to end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from heliostat_methods.evomal.learners.generic.layered import network_of
from heliostat_methods.evomal.learners.generic.torch_problem import TorchProblem
from heliostat_methods.evomal.learners.kernels.objectives import METRICS, metric_code
from heliostat_methods.evomal.learners.networks import draw_batches
from heliostat_methods.evomal.learners.output_slopes import OutputSlopes, metric_means
from heliostat_methods.evomal.learners.problem import Streams
from heliostat_methods.evomal.learners.training import (
    AugmentedTraining,
    TrainedRuns,
    TrainingConfig,
    TrainingState,
)
from heliostat_methods.evomal.population.program import LossProgram
from heliostat_search.trainings.measures import measured
from heliostat_search.unrolled.drawing import draw_seeds
from heliostat_search.unrolled.functional_module import split_numbers

Array = npt.NDArray[Any]
_Slopes = Callable[[int, Array, Tensor], tuple[float, Array]]


def train(
    program: LossProgram,
    weights: Array,
    problem: TorchProblem,
    config: TrainingConfig,
    streams: Streams,
    curve_steps: Sequence[int] = (),
    state: TrainingState | None = None,
    until: int | None = None,
) -> TrainedRuns:
    """Train one network with every candidate: all from the same parameters over the same batches.

    ``program`` holds P candidates, ``weights`` (P, N) their weights; the result is that of
    ``training.train``: metrics (P, 3), curves (P, K, 3). Raises ``ValueError`` naming the argument
    for shapes that do not fit and steps beyond the last.

    Uses the streams ``"init"``, ``"batch"`` and ``"dropout"``; give every block of a population
    the same ones. A training that stops at step ``until`` and goes on from its ``state`` ends as
    one in a piece. ``theta`` of the state holds parameters, then buffers.
    """
    slopes = _tree_slopes(program, weights, problem, config)
    if state is None:
        state = _start(problem, [streams] * program.count)
    return _run(slopes, problem, config, [streams] * program.count, state, curve_steps, until)


def train_replicas(
    program: LossProgram,
    weights: Array,
    problem: TorchProblem,
    config: TrainingConfig,
    replicas: Sequence[Streams],
    curve_steps: Sequence[int] = (),
    also: TorchProblem | None = None,
) -> TrainedRuns:
    """Train one loss under several seeds: replica r draws from its own ``replicas[r]``.

    ``program`` holds one expression, or one for each replica. A replica's result equals that of
    ``train`` with the same streams, whatever the other replicas. The curve is also measured on the
    validation data of ``also``.
    """
    if not replicas:
        raise ValueError("replicas: expected at least one")
    if program.count not in (1, len(replicas)):
        raise ValueError(f"program: {program.count} expressions; expected 1 or {len(replicas)}")
    slopes = _tree_slopes(program, weights, problem, config)
    start = _start(problem, replicas)
    return _run(slopes, problem, config, replicas, start, curve_steps, None, also)


def train_module(
    loss: Callable[[Tensor, Tensor], Tensor],
    problem: TorchProblem,
    config: TrainingConfig,
    replicas: Sequence[Streams],
    curve_steps: Sequence[int] = (),
    also: TorchProblem | None = None,
) -> TrainedRuns:
    """Train any loss under several seeds: ``loss`` maps logits (B, C), targets (B,) to a scalar.

    ``also`` as for ``train_replicas``.
    """
    if not replicas:
        raise ValueError("replicas: expected at least one")

    def slopes(run: int, outputs: Array, targets: Tensor) -> tuple[float, Array]:
        rows = torch.from_numpy(outputs).T.contiguous().requires_grad_()
        value = loss(rows, targets)
        found = None
        if value.requires_grad:
            (found,) = torch.autograd.grad(value, rows, allow_unused=True)
        by_outputs = np.zeros_like(outputs) if found is None else found.numpy().T
        return float(value.detach()), np.ascontiguousarray(by_outputs)

    start = _start(problem, replicas)
    return _run(slopes, problem, config, replicas, start, curve_steps, None, also)


def predictions(theta: Array, problem: TorchProblem) -> Array:
    """Return the raw outputs of a stack of networks on the validation data, (R, C, n)."""
    network, found = network_of(problem), []
    for one in theta:
        network.load(one)
        found.append(network.evaluate(problem.x_valid))
    return np.stack(found)


def fresh_predictions(problem: TorchProblem, samples: int, streams: Streams) -> tuple[Array, Array]:
    """Return a fresh network's outputs and the labels, both (C, samples), on training samples.

    Uses the streams ``"init"``, ``"samples"`` and ``"dropout"``; more samples than there are rows
    means all rows. The network is in training mode, as it is in a run's first step.
    """
    rows, network = len(problem.x_train), network_of(problem)
    network.load(problem.fresh(streams("init")))
    chosen = torch.arange(rows)
    if samples < rows:
        drawn = streams("samples").choice(rows, samples, replace=False)
        chosen = torch.from_numpy(np.sort(drawn))
    outputs = network.forward(problem.x_train[chosen], draw_seeds(streams("dropout"), 1)[0])
    return outputs, problem.labels(problem.y_train[chosen])


def _tree_slopes(
    program: LossProgram, weights: Array, problem: TorchProblem, config: TrainingConfig
) -> _Slopes:
    if weights.shape[0] != program.count or weights.shape[1] < int(program.length.max()):
        raise ValueError(
            f"weights: shape {weights.shape}; expected ({program.count}, {program.capacity})"
        )
    w = np.array(weights, problem.dtype, order="C")
    size = min(config.batch_size, len(problem.x_train))
    losses = OutputSlopes(program, problem.classes, size, problem.classify, problem.dtype)

    def slopes(run: int, outputs: Array, targets: Tensor) -> tuple[float, Array]:
        p = run if program.count > 1 else 0
        found, value = losses.by_outputs(outputs, problem.labels(targets), w, slice(p, p + 1))
        return float(value[0]), found[0]

    return slopes


def _start(problem: TorchProblem, replicas: Sequence[Streams]) -> TrainingState:
    # Candidates share one set of streams, and then one fresh network.
    made: dict[int, Array] = {}
    for streams in replicas:
        if id(streams) not in made:
            made[id(streams)] = problem.fresh(streams("init"))
    theta = np.stack([made[id(streams)] for streams in replicas])
    trained, _ = split_numbers(problem.create(0))
    velocity = np.zeros((len(replicas), sum(t.numel() for t in trained.values())), problem.dtype)
    return TrainingState(0, theta, velocity, np.ones(len(replicas), np.bool_))


def _run(
    slopes: _Slopes,
    problem: TorchProblem,
    config: TrainingConfig,
    replicas: Sequence[Streams],
    start: TrainingState,
    curve_steps: Sequence[int],
    until: int | None,
    also: TorchProblem | None = None,
) -> TrainedRuns:
    last = config.steps if until is None else until
    if not 0 <= last <= config.steps:
        raise ValueError(f"until: got {until}; expected 0..{config.steps}")
    if any(not 0 <= k <= config.steps for k in curve_steps):
        raise ValueError(f"curve_steps: got {list(curve_steps)}; expected 0..{config.steps}")
    network, wanted = network_of(problem), sorted(set(curve_steps))
    runs, rates = len(replicas), config.rates()
    if start.theta.shape[0] != runs or start.velocity.shape != (runs, network.parameters):
        raise ValueError(
            f"state: velocity of shape {start.velocity.shape}; expected "
            f"({runs}, {network.parameters})"
        )
    names = (*METRICS, *problem.measures)
    also_names = (*METRICS, *also.measures) if also is not None else ()
    curve = np.full((runs, len(wanted), len(names)), np.nan)
    seen = np.full((runs, len(wanted), len(also_names)), np.nan)
    metrics = np.empty((runs, len(names)))
    theta, velocity = np.array(start.theta, problem.dtype), np.array(start.velocity, problem.dtype)
    alive, end = np.array(start.alive), max(last, start.step)
    batches, seeds, drawn = np.empty((0, 0), np.int32), list[int](), None
    for run, streams in enumerate(replicas):
        if drawn is not streams:
            rows = len(problem.x_train)
            batches = draw_batches(streams("batch"), rows, config.batch_size, config.steps)
            seeds, drawn = draw_seeds(streams("dropout"), config.steps), streams
        network.load(theta[run])
        speed = torch.from_numpy(velocity[run]).to(problem.device)

        def measure(on: TorchProblem, run: int = run) -> Array:
            outputs, labels = network.evaluate(on.x_valid), on.labels(on.y_valid)
            further = measured(on.measures, outputs, labels)
            found = np.concatenate([metric_means(outputs, labels, on.classify), further])
            # A loss that is not finite ends a run, even if its network still looks harmless.
            return found if alive[run] else np.where(np.isnan(found), np.nan, np.inf)

        for step in range(start.step, end + 1):
            if step in wanted:
                curve[run, wanted.index(step)] = measure(problem)
                if also is not None:
                    seen[run, wanted.index(step)] = measure(also)
            if step == end or not alive[run]:
                continue
            chosen = torch.from_numpy(batches[step].astype(np.int64))
            inputs = problem.x_train[chosen]
            if isinstance(config, AugmentedTraining):
                inputs = config.batch(inputs, streams("augment", step))
            outputs = network.forward(inputs, seeds[step])
            value, by_outputs = slopes(run, outputs, problem.y_train[chosen])
            alive[run] = np.isfinite(value)
            if alive[run]:
                _descend(network.theta, speed, network.pull(by_outputs), config, rates[step])
        metrics[run] = measure(problem)
        theta[run], velocity[run] = network.state(), speed.cpu().numpy()
    code = metric_code("cross_entropy" if problem.classify else "mse")
    state = TrainingState(end, theta, velocity, alive)
    return TrainedRuns(
        metrics, np.isinf(metrics[:, code]), tuple(wanted), curve, state, names,
        seen if also is not None else None, also_names,
    )  # fmt: skip


def _descend(
    theta: Tensor, speed: Tensor, gradient: Tensor, config: TrainingConfig, rate: float
) -> None:
    """Take one step of SGD with momentum in place; ``gradient`` is used up."""
    gradient.add_(theta, alpha=config.weight_decay)
    speed.mul_(config.momentum).add_(gradient)
    if config.nesterov:
        theta.sub_(gradient.add_(speed, alpha=config.momentum), alpha=float(rate))
    else:
        theta.sub_(speed, alpha=float(rate))
