"""Algorithms 1 and 3: meta steps through all inner steps, against autograd through the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from heliostat_methods.adalfl.training.offline import OfflineState, OfflineTraining
from heliostat_methods.adalfl.training.sides import TaskSide
from heliostat_search.loss_networks.network import MetaLossNetwork
from heliostat_search.loss_networks.shape import LossShape
from heliostat_search.unrolled.sgd import SGD

RUNS = 2
DESCENTS = {
    "plain": SGD(0.2, 0.0, False, 0.0),
    "heavy ball": SGD(0.1, 0.8, False, 1e-2),
    "nesterov": SGD(0.1, 0.9, True, 1e-3),
}
SMOOTH = LossShape((5,), 0.1, 3.0, "smooth_leaky_relu")


def offline(small: Any, kind: str, side: Any, sgd: SGD, inner: int) -> OfflineTraining:
    modules = small.modules(kind, RUNS)
    networks = small.networks(kind, modules)
    size = networks.theta.shape[1]
    return OfflineTraining(
        networks, side, small.data, small.batches(RUNS), sgd, inner, "classification",
        lambda number: small.numbers(modules)[:, :size] * (1 + 0.1 * number),
    )  # fmt: skip


def unrolled(
    small: Any, run: int, sgd: SGD, inner: int, loss: Any, factor: Tensor, number: int = 0
) -> Tensor:
    """The objective after ``inner`` steps of a fresh dense model, with the graph of all of them."""
    model = small.modules("dense", RUNS)[run]
    theta = {k: p.detach() * (1 + 0.1 * number) for k, p in model.named_parameters()}
    buffer: dict[str, Tensor] = {}
    train, valid = small.batches(RUNS)
    for i in range(inner):
        at = train.at(number * inner + i)[run]
        own = {k: (p if p.requires_grad else p.requires_grad_()) for k, p in theta.items()}
        value = loss(functional_call(model, own, (small.data.train.x[at],)), at)
        slopes = torch.autograd.grad(value, list(own.values()), create_graph=True)
        for name, slope in zip(own, slopes, strict=True):
            slope = slope + sgd.weight_decay * own[name]
            moved = slope if name not in buffer else sgd.momentum * buffer[name] + slope
            buffer[name] = moved
            way = slope + sgd.momentum * moved if sgd.nesterov else moved
            theta[name] = own[name] - sgd.learning_rate * factor * way
    at = valid.at(number)[run]
    outputs = functional_call(model, theta, (small.data.valid.x[at],))
    return nn.functional.cross_entropy(outputs, small.data.valid.targets[at])


def first_gradient(state: OfflineState) -> Tensor:
    return state.adam.first / 0.1


@pytest.mark.parametrize("inner", [1, 3, 7])
@pytest.mark.parametrize("descent", DESCENTS)
@pytest.mark.parametrize("shape", [LossShape((6, 5)), SMOOTH, replace(SMOOTH, add_task_loss=True)])
def test_a_meta_steps_gradient_is_that_through_all_inner_steps(
    small: Any, descent: str, inner: int, shape: LossShape
) -> None:
    sgd, losses = DESCENTS[descent], small.losses(RUNS, shape)
    training = offline(small, "dense", small.side(losses), sgd, inner)
    state = training.start(1e-3)
    said = training.step(state)
    for run, loss in enumerate(losses):

        def of_batch(outputs: Tensor, at: Tensor, loss: MetaLossNetwork = loss) -> Tensor:
            found: Tensor = loss(outputs, small.data.train.targets[at])
            return found

        value = unrolled(small, run, sgd, inner, of_batch, torch.ones((), dtype=torch.float64))
        slopes = torch.autograd.grad(value, list(loss.parameters()))
        flat = torch.cat([slope.reshape(-1) for slope in slopes])
        assert float(said[run]) == pytest.approx(float(value), rel=1e-9)
        torch.testing.assert_close(first_gradient(state)[run], flat, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("inner", [1, 3, 7])
@pytest.mark.parametrize("descent", DESCENTS)
def test_the_rates_gradient_is_that_through_all_inner_steps(
    small: Any, descent: str, inner: int
) -> None:
    sgd = DESCENTS[descent]
    training = offline(small, "dense", TaskSide("classification"), sgd, inner)
    state = training.start(1e-3)
    training.step(state)
    for run in range(RUNS):

        def of_batch(outputs: Tensor, at: Tensor) -> Tensor:
            return nn.functional.cross_entropy(outputs, small.data.train.targets[at])

        log = torch.zeros((), dtype=torch.float64, requires_grad=True)
        value = unrolled(small, run, sgd, inner, of_batch, log.exp())
        (slope,) = torch.autograd.grad(value, log)
        assert float(first_gradient(state)[run, 0]) == pytest.approx(float(slope), rel=1e-7)


def test_later_meta_steps_begin_with_other_models_and_batches(small: Any) -> None:
    sgd, losses = DESCENTS["nesterov"], small.losses(RUNS)
    training = offline(small, "dense", small.side(losses), sgd, 2)
    state = training.start(1e-9)  # so that the loss is as good as the first one
    training.step(state)
    said = training.step(state)
    value = unrolled(
        small, 0, sgd, 2, lambda out, at: losses[0](out, small.data.train.targets[at]),
        torch.ones((), dtype=torch.float64), number=1,
    )  # fmt: skip
    assert float(said[0]) == pytest.approx(float(value), rel=1e-5)
    assert state.taken == 2


def test_modules_with_statistics_and_masks_have_the_gradient_of_a_central_difference(
    small: Any,
) -> None:
    sgd, e = DESCENTS["nesterov"], 1e-6
    losses = small.losses(RUNS, SMOOTH)
    training = offline(small, "module", small.side(losses), sgd, 3)
    state = training.start(1e-3)
    training.step(state)
    phi = torch.stack([one.vector for one in losses])
    along = torch.randn(phi.shape, generator=torch.Generator().manual_seed(1), dtype=phi.dtype)

    def objective(at: Tensor) -> Tensor:
        side = small.side(losses)
        side.stack.phi = at
        other = offline(small, "module", side, sgd, 3)
        return other.step(other.start(1e-3))

    slope = (objective(phi + e * along) - objective(phi - e * along)) / (2 * e)
    mine = (first_gradient(state) * along).sum(1)
    torch.testing.assert_close(mine, slope, rtol=1e-5, atol=1e-9)


def test_a_run_whose_numbers_are_not_finite_keeps_what_it_had(single: Any) -> None:
    losses = single.losses(RUNS)
    training = offline(single, "dense", single.side(losses), DESCENTS["nesterov"], 3)
    usual = training.fresh
    training = replace(
        training, fresh=lambda t: usual(t) * torch.tensor([[1.0], [torch.inf if t == 1 else 1.0]])
    )
    state = training.start(1e-2)
    training.step(state)
    kept, moments = state.meta.clone(), state.adam.second.clone()
    said = training.step(state)
    assert np.isnan(float(said[1])) and np.isfinite(float(said[0]))
    assert bool((state.meta[1] == kept[1]).all()) and bool((state.meta[0] != kept[0]).any())
    assert bool(state.adam.second.isfinite().all()) and bool((moments[1] > 0).any())
    said = training.step(state)
    assert bool(said.isfinite().all()) and bool((state.meta[1] != kept[1]).any())


def test_a_gradient_too_large_to_square_is_none(single: Any) -> None:
    """Adam's second moment would be infinite for good, and the loss stand still unnoticed."""
    losses = single.losses(RUNS)
    training = offline(single, "dense", single.side(losses), DESCENTS["plain"], 1)
    huge = replace(single.data.valid, x=single.data.valid.x * 1e24)
    training = replace(training, data=replace(single.data, valid=huge))
    state = training.start(1e-2)
    for _ in range(3):
        training.step(state)
    assert bool(state.adam.second.isfinite().all())


def test_algorithm_1_lowers_the_objective_of_a_small_regression() -> None:
    from heliostat_methods.adalfl.training.initializer import OfflineInitializer

    generator = torch.Generator().manual_seed(5)
    x = torch.randn(120, 4, generator=generator)
    y = x @ torch.tensor([1.0, -0.5, 0.3, 0.0])
    train, valid = (x[:80], y[:80]), (x[80:], y[80:])
    initializer = OfflineInitializer(
        lambda: nn.Linear(4, 1), "regression", SGD(0.1, 0.0, False, 0.0), steps=80, inner=8,
        learning_rate=2e-2, batch_size=40,
    )  # fmt: skip
    loss = MetaLossNetwork.drawn("regression", np.random.default_rng(1), LossShape((10,)))
    drawn = loss.vector
    history = initializer.loss(loss, train, valid)
    assert history.shape == (80,) and np.isfinite(history).all()
    assert history[-20:].mean() < 0.6 * history[:5].mean()
    assert bool((loss.vector != drawn).any())


def test_algorithm_3_finds_a_rate_that_lowers_the_objective() -> None:
    from heliostat_methods.adalfl.training.initializer import OfflineInitializer

    generator = torch.Generator().manual_seed(5)
    x = torch.randn(120, 4, generator=generator)
    y = x @ torch.tensor([1.0, -0.5, 0.3, 0.0])
    train, valid = (x[:80], y[:80]), (x[80:], y[80:])
    small_rate = SGD(0.001, 0.0, False, 0.0)
    initializer = OfflineInitializer(
        lambda: nn.Linear(4, 1), "regression", small_rate, steps=40, inner=5, learning_rate=0.1
    )
    rate, history = initializer.rate(train, valid)
    assert rate > 10 * small_rate.learning_rate
    assert history[-10:].mean() < 0.8 * history[:5].mean()
