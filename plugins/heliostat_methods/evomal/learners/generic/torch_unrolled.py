"""Local search for any torch model: the meta-gradient of ``unrolled``, the network a black box.

One inner step needs no second derivative of the network. Per meta step the candidates share the
outputs at theta0; a candidate then takes one product ``J^T e`` for its inner step, one forward and
backward pass of the validation batch, and one product ``t = J v`` by forward differentiation. All
that belongs to the loss (m', and the mixed derivative along t) is compiled. Candidates are worked
through one by one, so none can change a bit of another.

More inner steps carry the momentum buffer over and are differentiated as they stand, by automatic
differentiation: there the second derivative of the loss by the outputs enters.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from heliostat_methods.evomal.learners.generic.layered import network_of
from heliostat_methods.evomal.learners.generic.torch_problem import TorchProblem
from heliostat_methods.evomal.learners.gram import GramStep
from heliostat_methods.evomal.learners.gram_cost import gram_suits_one_loss
from heliostat_methods.evomal.learners.networks import draw_batches
from heliostat_methods.evomal.learners.output_slopes import OutputSlopes, objective_slopes
from heliostat_methods.evomal.learners.problem import Streams
from heliostat_methods.evomal.learners.unrolled import TunedLosses, Tuning, UnrolledConfig, tune_by
from heliostat_methods.evomal.losses.primitives import TABLES, Opcode
from heliostat_methods.evomal.population.program import LossProgram
from heliostat_search.unrolled.drawing import draw_seeds, drawing_from
from heliostat_search.unrolled.functional_module import FunctionalModule
from heliostat_search.unrolled.loss_slopes import LossSlopes

Array = npt.NDArray[Any]
_OPERATIONS = {
    row.opcode: row.torch
    for table in TABLES.values()
    for row in table.values()
    if row.opcode is not None
}


@dataclass(frozen=True)
class _Step:
    """What one meta step is taken on: a fresh network, inner batches, a validation batch.

    ``seeds`` start the draws inside the network: one for each inner batch, one for validation.
    """

    numbers: Array
    inner: list[tuple[Tensor, Tensor]]
    valid: tuple[Tensor, Tensor]
    seeds: list[int]


def _steps(problem: TorchProblem, config: UnrolledConfig, streams: Streams) -> Iterator[_Step]:
    """Draw step after step, from the same streams in the same order as the closed form."""
    inner, size = config.inner_steps, config.batch_size
    rows, valid_rows = len(problem.x_train), len(problem.x_valid)
    train = draw_batches(streams("train"), rows, size, config.meta_steps * inner)
    valid = draw_batches(streams("valid"), valid_rows, size, config.meta_steps)
    seeds = draw_seeds(streams("dropout"), config.meta_steps * (inner + 1))
    init = streams("init")
    for k in range(config.meta_steps):
        mine = [torch.from_numpy(train[k * inner + i].astype(np.int64)) for i in range(inner)]
        theirs = torch.from_numpy(valid[k].astype(np.int64))
        yield _Step(
            problem.fresh(init),
            [(problem.x_train[rows], problem.y_train[rows]) for rows in mine],
            (problem.x_valid[theirs], problem.y_valid[theirs]),
            seeds[k * (inner + 1) : (k + 1) * (inner + 1)],
        )


def tune(
    program: LossProgram,
    weights: Array,
    problem: TorchProblem,
    config: UnrolledConfig,
    streams: Streams,
) -> TunedLosses:
    """Tune all candidates' weights; ``weights`` (P, N) are the first ones, kept as is.

    Uses the streams ``"init"``, ``"train"``, ``"valid"`` and ``"dropout"``: give every block of a
    population the same ones. Conventions and objective are those of ``unrolled.tune``.
    """
    return tune_by(meta_stepper, program, weights, problem, config, streams)


def meta_stepper(
    program: LossProgram,
    tuning: Tuning,
    problem: TorchProblem,
    config: UnrolledConfig,
    streams: Streams,
) -> Callable[[int], Array]:
    """Return what takes meta step ``k`` on ``tuning`` and gives the objective after it, (P,).

    Each call draws the next batches and the next network.
    """
    steps, w = _steps(problem, config, streams), tuning.weights
    if config.inner_steps > 1:
        slopes_of: _Slopes = _Unrolled(program, problem, config)
    else:
        slopes_of = _ClosedForm(program, problem, config)

    def take(k: int) -> Array:
        active = tuning.movable(program)
        losses = np.full(program.count, np.nan, problem.dtype)
        slopes = slopes_of(next(steps), w, active, losses)
        tuning.descend(slopes, active, config.meta_learning_rate, k)
        return losses

    return take


_Slopes = Callable[[_Step, Array, list[int], Array], Array]


class _ClosedForm:
    """Slopes after one inner step: ``-a'/B d/dw sum m'(y, f) t``, with a network as a black box."""

    def __init__(self, program: LossProgram, problem: TorchProblem, config: UnrolledConfig) -> None:
        samples = min(config.batch_size, len(problem.x_train))
        self._losses = OutputSlopes(
            program, problem.classes, samples, problem.classify, problem.dtype
        )
        self._pass = _inner_step(problem, config)

    def __call__(self, step: _Step, w: Array, active: list[int], losses: Array) -> Array:
        labels = self._pass.problem.labels(step.inner[0][1])
        outputs = self._pass.begin(step)
        e, _ = self._losses.by_outputs(outputs, labels, w)
        tangent = np.zeros_like(e)
        for p in active:
            losses[p], tangent[p] = self._pass.tangent(e[p])
        slopes = self._losses.by_weights(outputs, labels, w, tangent)
        slopes *= -self._pass.step_size
        return slopes


class _InnerStep:
    """One inner step of SGD, and what the validation batch says of it at the training outputs."""

    def __init__(self, problem: TorchProblem, config: UnrolledConfig) -> None:
        self.problem = problem
        self._start, self._moved = network_of(problem), network_of(problem)
        kind = problem.dtype.type
        self.step_size = kind(config.first_step)
        self._keep = kind(1.0 - config.first_step * config.weight_decay)

    def begin(self, step: _Step) -> Array:
        """Return the training batch's outputs at theta0, (C, B)."""
        self._step = step
        self._labels = self.problem.labels(step.valid[1])
        self._start.load(step.numbers)
        return self._start.forward(step.inner[0][0], step.seeds[0])

    def tangent(self, slopes: Array) -> tuple[float, Array]:
        """Return the objective after a step along ``slopes`` (C, B), and ``J v``, (C, B)."""
        start, moved = self._start, self._moved
        gradient = start.pull(slopes, again=True)
        torch.mul(start.theta, float(self._keep), out=moved.theta)
        moved.theta.sub_(gradient, alpha=float(self.step_size))
        moved.load_buffers(self._step.numbers)
        outputs = moved.forward(self._step.valid[0], self._step.seeds[-1])
        value, away = objective_slopes(outputs, self._labels, self.problem.classify)
        return value, start.push(moved.pull(away))


class _GramInnerStep:
    """The same of a wide dense network with one output, by ``gram``: no gradient is formed."""

    def __init__(
        self, problem: TorchProblem, config: UnrolledConfig, widths: tuple[int, ...],
        batch: int, samples: int,
    ) -> None:  # fmt: skip
        self.problem = problem
        self.step_size = problem.dtype.type(config.first_step)
        self._gram = GramStep(
            widths, batch, samples, problem.dtype,
            keep=1.0 - config.first_step * config.weight_decay, step=config.first_step,
        )  # fmt: skip

    def begin(self, step: _Step) -> Array:
        """Return the training batch's outputs at theta0, (1, B)."""
        self._labels = self.problem.labels(step.valid[1])
        x, x_valid = (part.reshape(len(part), -1).numpy().T for part in (
            step.inner[0][0], step.valid[0],
        ))  # fmt: skip
        return self._gram.begin(step.numbers, x, x_valid)

    def tangent(self, slopes: Array) -> tuple[float, Array]:
        """Return the objective after a step along ``slopes`` (1, B), and ``J v``, (1, B)."""
        return self._gram.after(slopes, self._labels, self.problem.classify)


def _inner_step(problem: TorchProblem, config: UnrolledConfig) -> _InnerStep | _GramInnerStep:
    """Return how inner steps are taken, which follows from shapes and device alone."""
    batch = min(config.batch_size, len(problem.x_train))
    samples = min(config.batch_size, len(problem.x_valid))
    widths = problem.model.widths(problem.input_shape, problem.classes)
    if widths and problem.device == "cpu" and gram_suits_one_loss(widths, batch, samples):
        return _GramInnerStep(problem, config, widths, batch, samples)
    return _InnerStep(problem, config)


class _Unrolled:
    """Slopes after several inner steps, differentiated as they stand."""

    def __init__(self, program: LossProgram, problem: TorchProblem, config: UnrolledConfig) -> None:
        self._program, self._problem, self._config = program, problem, config
        self._network = _passes(problem)

    def __call__(self, step: _Step, w: Array, active: list[int], losses: Array) -> Array:
        slopes = np.zeros_like(w)
        for p in active:
            phi = torch.tensor(w[p]).requires_grad_()
            loss = partial(_tree_loss, self._program, self._problem, p, phi)
            losses[p], (found,) = _unroll(
                self._network, step, self._problem, self._config, loss, [phi]
            )
            slopes[p] = found.numpy()
        slopes[:, 0] = 0  # the root has no edge above it
        return slopes


def _passes(problem: TorchProblem) -> FunctionalModule:
    kind = problem.x_train.dtype
    return FunctionalModule(problem.create(0), problem.classes, problem.device, kind)


_Loss = Callable[[Tensor, Tensor], Tensor]


def _tree_loss(
    program: LossProgram,
    problem: TorchProblem,
    p: int,
    phi: Tensor,
    outputs: Tensor,
    targets: Tensor,
) -> Tensor:
    """Return the class sum and batch mean of one tree of a program, differentiable twice."""
    y = torch.from_numpy(problem.labels(targets)).T
    if problem.classify:
        outputs = outputs.sigmoid() if problem.classes == 1 else outputs.softmax(1)
    values: list[Any] = [None] * int(program.length[p])
    for i in range(len(values) - 1, -1, -1):
        code = Opcode(int(program.op[p, i]))
        if code == Opcode.LABEL:
            values[i] = y
        elif code == Opcode.OUTPUT:
            values[i] = outputs
        elif code == Opcode.CONSTANT:
            values[i] = torch.full_like(outputs, float(program.constant[p, i]))
        else:
            below = [int(k) for k in (program.a[p, i], program.b[p, i]) if k >= 0]
            values[i] = _OPERATIONS[code](*(phi[k] * values[k] for k in below))
    total: Tensor = values[0].sum(1).mean()
    return total


def _objective(outputs: Tensor, targets: Tensor, problem: TorchProblem) -> Tensor:
    if not problem.classify:
        return functional.mse_loss(outputs.reshape(-1), targets)
    if problem.classes == 1:
        return functional.binary_cross_entropy_with_logits(
            outputs.reshape(-1), targets.to(outputs.dtype)
        )
    return functional.cross_entropy(outputs, targets)


def _unroll(
    network: FunctionalModule,
    step: _Step,
    problem: TorchProblem,
    config: UnrolledConfig,
    loss: _Loss,
    weights: Sequence[Tensor],
) -> tuple[float, list[Tensor]]:
    """Return the objective after all inner steps and its gradient by the loss's weights."""
    network.load(step.numbers)
    rest = network.buffers()

    def outputs_of(values: Sequence[Tensor], x: Tensor, seed: int) -> Tensor:
        # Buffers are written to, so every pass gets its own: the graph still needs the last ones.
        nonlocal rest
        rest = {name: part.clone() for name, part in rest.items()}
        named = dict(zip(network.names, values, strict=True)) | rest
        with drawing_from(seed, problem.device):
            made: Tensor = functional_call(network.module, named, (x,))
        return made.reshape(len(x), problem.classes).cpu()

    theta = [part.clone().requires_grad_() for part in network.split(network.theta)]
    speed: list[Tensor] | None = None
    for (x, y), seed in zip(step.inner, step.seeds[:-1], strict=True):
        value = loss(outputs_of(theta, x, seed), y)
        found = torch.autograd.grad(value, theta, create_graph=True, allow_unused=True)
        slopes = [
            config.weight_decay * p if g is None else g + config.weight_decay * p
            for p, g in zip(theta, found, strict=True)
        ]
        if speed is None:
            speed = slopes
        else:
            speed = [config.momentum * v + g for v, g in zip(speed, slopes, strict=True)]
        taken = speed
        if config.nesterov:
            taken = [g + config.momentum * v for g, v in zip(slopes, speed, strict=True)]
        theta = [p - config.learning_rate * d for p, d in zip(theta, taken, strict=True)]
    # Statistics follow the inner steps; the validation batch has the last word on none of them.
    value = _objective(outputs_of(theta, step.valid[0], step.seeds[-1]), step.valid[1], problem)
    by_weights = torch.autograd.grad(value, weights, allow_unused=True)
    return float(value.detach()), [
        torch.zeros_like(w) if g is None else g for w, g in zip(weights, by_weights, strict=True)
    ]


def tune_module(
    loss: nn.Module, problem: TorchProblem, config: UnrolledConfig, streams: Streams
) -> Array:
    """Tune any loss module's parameters in place; returns the objective, (meta_steps,).

    ``loss(outputs, targets)`` maps logits (B, C) and targets (B,) to a scalar and is differentiated
    twice; networks and batches are those of ``tune``. Once the objective or a weight is not finite,
    the parameters are NaN and so is the rest of the history.
    """
    weights = [p for p in loss.parameters() if p.requires_grad]
    history = np.full(config.meta_steps, np.nan, problem.dtype)
    if not weights:
        raise ValueError("loss: expected a module with parameters to tune")
    adam = torch.optim.Adam(weights, lr=config.meta_learning_rate, foreach=False)
    inner, network = _inner_step(problem, config), _passes(problem)
    for k, step in zip(itertools.count(), _steps(problem, config, streams), strict=False):
        if config.inner_steps > 1:
            history[k], slopes = _unroll(network, step, problem, config, loss, weights)
        else:
            history[k], slopes = _through_one_step(inner, step, loss, weights)
        for p, slope in zip(weights, slopes, strict=True):
            p.grad = slope
        adam.step()
        adam.zero_grad()
        if not all(bool(torch.isfinite(p).all()) for p in weights):
            for p in weights:
                p.detach().fill_(torch.nan)
            break
    return history


def _through_one_step(
    inner: _InnerStep | _GramInnerStep, step: _Step, loss: _Loss, weights: Sequence[Tensor]
) -> tuple[float, list[Tensor]]:
    """Return the objective after one inner step and its gradient, by the closed form."""
    outputs = torch.from_numpy(inner.begin(step)).T.contiguous()
    said = LossSlopes(loss, outputs, step.inner[0][1], weights)
    objective, tangent = inner.tangent(np.ascontiguousarray(said.slopes.numpy().T))
    return objective, said.along(torch.from_numpy(tangent).T, -float(inner.step_size))
