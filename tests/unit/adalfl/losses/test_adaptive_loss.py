"""A loss that adapts inside a loop of one's own: its gradient, its manners, what it refuses."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from heliostat_methods.adalfl import (
    SGD,
    AdaptiveLoss,
    LossShape,
    MetaLossNetwork,
    fitted_network,
    unrolled_meta_gradient,
)
from heliostat_search.loss_networks.conventions import task_objective
from heliostat_search.unrolled.drawing import drawing_from

DESCENTS = {
    "plain": SGD(0.1, 0.0, False, 0.0),
    "decayed": SGD(0.1, 0.0, False, 1e-2),
    "heavy ball": SGD(0.1, 0.9, False, 1e-3),
    "nesterov": SGD(0.1, 0.9, True, 1e-3),
}


def objective(outputs: Tensor, targets: Tensor) -> Tensor:
    return task_objective("classification", outputs, targets)


def dense() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 2)).double()


def drawing() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Linear(3, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.4), nn.Linear(6, 2)
    ).double()


def network() -> MetaLossNetwork:
    return MetaLossNetwork.drawn(
        "classification", np.random.default_rng(2), LossShape((5, 4))
    ).double()


def rows(number: int, count: int = 12) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(number)
    x = torch.randn(count, 3, generator=generator, dtype=torch.float64)
    return x, (x[:, 0] > 0).long()


def optimizer_of(model: nn.Module, sgd: SGD) -> torch.optim.SGD:
    return torch.optim.SGD(
        model.parameters(), sgd.learning_rate, sgd.momentum, 0, sgd.weight_decay,
        nesterov=sgd.nesterov,
    )  # fmt: skip


def around(
    model: nn.Module, optimizer: torch.optim.Optimizer | None = None, **settings: Any
) -> tuple[AdaptiveLoss, torch.optim.Optimizer]:
    optimizer = optimizer or optimizer_of(model, DESCENTS["nesterov"])
    kept = {"network": network(), "lr": 1e-3, **settings}
    return AdaptiveLoss(model, optimizer, "classification", **kept), optimizer


def gradient(adaptive: AdaptiveLoss) -> Tensor:
    """What Adam saw in its first step: m = 0.1 g."""
    state = adaptive._adam.state
    return torch.cat([state[w]["exp_avg"].reshape(-1) for w in adaptive.network.parameters()]) / 0.1


# Its gradient


@pytest.mark.parametrize("descent", DESCENTS)
@pytest.mark.parametrize("model_of", [dense, drawing])
def test_steps_are_those_of_the_unrolled_gradient(model_of: Any, descent: str) -> None:
    sgd, model, loss = DESCENTS[descent], model_of(), network()
    adaptive, optimizer = around(model, optimizer_of(model, sgd), network=loss)
    other, theirs = model_of(), network()
    own = {name: p.detach().clone() for name, p in other.named_parameters()}
    weights, momentum = list(theirs.parameters()), None
    adam = torch.optim.Adam(weights, lr=1e-3)
    for step in range(4):
        batch, valid = rows(step), rows(100 + step)
        found = unrolled_meta_gradient(
            other, own, theirs, weights, batch, valid, sgd, momentum, objective=objective, seed=step
        )
        torch.manual_seed(step)
        optimizer.zero_grad()
        adaptive(model(batch[0]), batch[1]).backward()
        optimizer.step()
        torch.manual_seed(step + 1)
        value = adaptive.adapt(*valid)
        assert value == pytest.approx(float(found.objective), rel=1e-10)
        own, momentum = found.parameters, found.momentum
        for name, part in other.named_buffers():
            part.copy_(found.statistics[name])
        for weight, slope in zip(weights, found.gradient, strict=True):
            weight.grad = slope
        adam.step()
        torch.testing.assert_close(loss.vector, theirs.vector, rtol=1e-7, atol=1e-10)
        for name, part in model.named_parameters():
            torch.testing.assert_close(part.detach(), own[name], rtol=1e-9, atol=1e-12)


def test_every_group_of_parameters_steps_at_its_own_rate() -> None:
    e, phi = 1e-6, network().vector

    def after(phi: Tensor) -> tuple[float, Tensor]:
        model, loss = dense(), network()
        loss.load_vector(phi)
        optimizer = torch.optim.SGD(
            [
                {"params": model[0].parameters(), "lr": 0.05, "weight_decay": 1e-2},
                {"params": model[2].parameters(), "lr": 0.4, "momentum": 0.9, "nesterov": True},
            ],
            lr=0.1,
        )  # fmt: skip
        adaptive, _ = around(model, optimizer, network=loss)
        x, y = rows(0)
        adaptive(model(x), y).backward()
        optimizer.step()
        return adaptive.adapt(*rows(1)), gradient(adaptive)

    along = torch.randn(phi.shape, generator=torch.Generator().manual_seed(3)).double()
    above, below = (after(phi + sign * e * along)[0] for sign in (1, -1))
    _, mine = after(phi)
    assert float(mine @ along) == pytest.approx((above - below) / (2 * e), rel=1e-5)


def test_parameters_that_no_group_has_do_not_count() -> None:
    model = dense()
    optimizer = torch.optim.SGD(model[2].parameters(), lr=0.1)
    adaptive, _ = around(model, optimizer)
    frozen = dense()
    frozen[0].requires_grad_(False)
    usual, other = around(frozen, torch.optim.SGD(frozen[2].parameters(), lr=0.1))
    for one, how, net in ((adaptive, optimizer, model), (usual, other, frozen)):
        x, y = rows(0)
        one(net(x), y).backward()
        how.step()
        one.adapt(*rows(1))
    torch.testing.assert_close(gradient(adaptive), gradient(usual), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("model_of", [dense, drawing])
def test_batches_that_are_accumulated_count_as_their_scaled_sum(model_of: Any) -> None:
    e, scales = 1e-6, (0.3, 1.7)

    def after(phi: Tensor) -> tuple[float, Tensor]:
        model, loss = model_of(), network()
        loss.load_vector(phi)
        adaptive, optimizer = around(model, network=loss)
        torch.manual_seed(5)
        for number, scale in enumerate(scales):
            x, y = rows(number)
            (scale * adaptive(model(x), y)).backward()
        optimizer.step()
        torch.manual_seed(9)
        return adaptive.adapt(*rows(7)), gradient(adaptive)

    phi = network().vector
    along = torch.randn(phi.shape, generator=torch.Generator().manual_seed(3)).double()
    slope = (after(phi + e * along)[0] - after(phi - e * along)[0]) / (2 * e)
    assert float(after(phi)[1] @ along) == pytest.approx(slope, rel=1e-5)


def test_a_loss_that_is_taken_twice_of_one_pass_counts_twice() -> None:
    seen = []
    for parts in (1, 2):
        model = dense()
        adaptive, optimizer = around(model)
        x, y = rows(0)
        outputs = model(x)
        sum((adaptive(outputs, y) for _ in range(parts)), torch.zeros(())).backward()
        if parts == 1:
            for part in model.parameters():
                assert part.grad is not None
                part.grad.mul_(2)  # so that both take the same step
        optimizer.step()
        adaptive.adapt(*rows(1))
        seen.append(gradient(adaptive))
    torch.testing.assert_close(seen[1], 2 * seen[0], rtol=1e-9, atol=1e-14)


def test_a_value_that_is_only_looked_at_does_not_count() -> None:
    seen = []
    for looks in (False, True):
        model = dense()
        adaptive, optimizer = around(model)
        x, y = rows(0)
        outputs = model(x)
        if looks:
            adaptive(outputs, 1 - y), adaptive(outputs.detach(), y)
        adaptive(outputs, y).backward()
        optimizer.step()
        adaptive.adapt(*rows(1))
        seen.append(gradient(adaptive))
    torch.testing.assert_close(seen[0], seen[1], rtol=0, atol=0)


# Its manners


def test_adapting_changes_neither_the_model_nor_torchs_generator() -> None:
    model = drawing()
    adaptive, optimizer = around(model)
    for step in range(3):
        x, y = rows(step)
        adaptive(model(x), y).backward()
        optimizer.step()
        before = {name: part.clone() for name, part in model.state_dict().items()}
        state, modes = torch.get_rng_state(), [one.training for one in model.modules()]
        adaptive.adapt(*rows(100 + step))
        assert torch.equal(torch.get_rng_state(), state)
        assert all(torch.equal(part, before[name]) for name, part in model.state_dict().items())
        assert [one.training for one in model.modules()] == modes


def test_a_model_that_is_in_evaluation_when_the_loss_adapts_has_stepped_in_training() -> None:
    """Masks and statistics of the step are those of its pass, whatever the model does by then."""
    e = 1e-6

    def after(phi: Tensor) -> tuple[float, Tensor]:
        model, loss = drawing(), network()
        loss.load_vector(phi)
        adaptive, optimizer = around(model, network=loss)
        torch.manual_seed(4)
        x, y = rows(0)
        adaptive(model(x), y).backward()
        optimizer.step()
        model.eval()
        value = adaptive.adapt(*rows(1))
        assert not any(one.training for one in model.modules())
        return value, gradient(adaptive)

    phi = network().vector
    along = torch.randn(phi.shape, generator=torch.Generator().manual_seed(3)).double()
    slope = (after(phi + e * along)[0] - after(phi - e * along)[0]) / (2 * e)
    assert float(after(phi)[1] @ along) == pytest.approx(slope, rel=1e-5)


def test_the_model_is_no_part_of_the_loss() -> None:
    model = dense()
    adaptive, _ = around(model)
    assert [id(p) for p in adaptive.parameters()] == [id(p) for p in adaptive.network.parameters()]
    assert list(adaptive.children()) == [adaptive.network]
    assert sorted(adaptive.state_dict())[0] == "_extra_state" and all(
        name.startswith("network.") for name in adaptive.state_dict() if name != "_extra_state"
    )


def test_at_rate_0_the_loss_stays_bit_for_bit() -> None:
    model = dense()
    adaptive, optimizer = around(model, lr=0.0)
    x, y = rows(0)
    adaptive(model(x), y).backward()
    optimizer.step()
    adaptive.adapt(*rows(1))
    assert torch.equal(adaptive.network.vector, network().vector)


def test_passes_do_not_pile_up_for_those_who_never_adapt() -> None:
    model = dense()
    adaptive, optimizer = around(model)
    held = []
    for step in range(5):
        x, y = rows(step)
        held.append(weakref.ref(x))
        optimizer.zero_grad()
        adaptive(model(x), y).backward()
        optimizer.step()
    del x
    gc.collect()
    assert len(adaptive._recorded().passes) == 1
    assert [one() is None for one in held] == [True] * 4 + [False]


def test_passes_without_a_gradient_and_those_of_evaluation_are_not_kept() -> None:
    model = dense()
    adaptive, optimizer = around(model)
    with torch.no_grad():
        model(rows(0)[0])
    model.eval()
    model(rows(0)[0])
    assert adaptive._recorded().passes == []
    model.train()
    x, y = rows(0)
    adaptive(model(x), y).backward()
    optimizer.step()
    with torch.no_grad():
        model(rows(1)[0])  # a look at other rows is no other step
    assert adaptive.adapt(*rows(1)) > 0
    assert adaptive._recorded().passes == []


def test_hooks_can_be_taken_off() -> None:
    model = dense()
    adaptive, optimizer = around(model)
    adaptive.detach_hooks()
    model(rows(0)[0])
    optimizer.step()
    assert adaptive._recorded().passes == [] and adaptive._recorded().before is None


def test_a_regression_may_drop_the_axis_of_its_outputs() -> None:
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    loss = MetaLossNetwork.drawn("regression", np.random.default_rng(0), LossShape((5,)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    adaptive = AdaptiveLoss(model, optimizer, "regression", network=loss, lr=1e-3)
    x = torch.randn(9, 3)
    adaptive(model(x).squeeze(1), x[:, 0]).backward()
    optimizer.step()
    assert np.isfinite(adaptive.adapt(x + 1, x[:, 0] + 1))


def test_a_model_of_two_inputs_adapts_with_a_tuple_of_them() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 2, dtype=torch.float64)

        def forward(self, a: Tensor, *, b: Tensor | None = None) -> Tensor:
            out: Tensor = self.layer(a if b is None else a + b)
            return out

    model = Two()
    adaptive, optimizer = around(model)
    (a, y), (b, _) = rows(0), rows(1)
    adaptive(model(a, b=b), y).backward()
    optimizer.step()
    assert adaptive.adapt((b,), y) > 0


def test_epochs_of_a_loader_lower_the_tasks_loss_on_digits() -> None:
    from sklearn.datasets import load_digits

    digits = load_digits()
    x = torch.tensor(digits.data / 16, dtype=torch.float32)
    y = torch.tensor(digits.target)
    torch.manual_seed(0)
    train = DataLoader(TensorDataset(x[:1200], y[:1200]), 64, shuffle=True)
    valid = DataLoader(TensorDataset(x[1200:1500], y[1200:1500]), 64, shuffle=True)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 10))
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, nesterov=True)
    adaptive = AdaptiveLoss(model, optimizer, "classification", lr=1e-4)

    def of_test() -> float:
        model.eval()
        with torch.no_grad():
            value = float(nn.functional.cross_entropy(model(x[1500:]), y[1500:]))
        model.train()
        return value

    before = of_test()
    for _ in range(4):
        others = iter(valid)
        for rows_, targets in train:
            optimizer.zero_grad()
            adaptive(model(rows_), targets).backward()
            optimizer.step()
            batch = next(others, None)
            if batch is not None:
                adaptive.adapt(*batch)
    assert of_test() < 0.4 * before


# What it refuses


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda m: AdaptiveLoss(m, torch.optim.Adam(m.parameters())),
            "optimizer: got Adam; expected torch.optim.SGD, whose step is a multiple",
        ),
        (
            lambda m: AdaptiveLoss(m, torch.optim.SGD(m.parameters(), 0.1, 0.9, dampening=0.5)),
            r"optimizer: dampening = 0.5 in group 0; expected 0",
        ),
        (
            lambda m: AdaptiveLoss(m, torch.optim.SGD(m.parameters(), 0.1, maximize=True)),
            r"optimizer: maximize = True in group 0; expected 0",
        ),
        (
            lambda m: AdaptiveLoss(m, optimizer_of(m, SGD()), lr=-1.0),
            r"lr: got -1.0; expected 0 or more",
        ),
        (
            lambda m: AdaptiveLoss(m, optimizer_of(m, SGD()), lr=float("inf")),
            r"lr: got inf; expected 0 or more",
        ),
        (
            lambda m: AdaptiveLoss(m, optimizer_of(m, SGD()), "regression", network=network()),
            r"network: it is for classification; expected one for regression",
        ),
        (
            lambda m: AdaptiveLoss(nn.Flatten(), optimizer_of(m, SGD())),
            r"model: expected parameters to train",
        ),
    ],
)
def test_what_cannot_be_is_named(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(dense())


def test_adapt_without_a_step_says_what_has_to_come_before() -> None:
    model = dense()
    adaptive, optimizer = around(model)
    wanted = r"adapt: expected a step before it: adaptive\(model\(x\), y\).backward\(\), optimizer"
    with pytest.raises(RuntimeError, match=wanted):
        adaptive.adapt(*rows(0))
    x, y = rows(0)
    adaptive(model(x), y).backward()
    with pytest.raises(RuntimeError, match=wanted):
        adaptive.adapt(*rows(0))
    optimizer.step()
    adaptive.adapt(*rows(1))
    with pytest.raises(RuntimeError, match=wanted):
        adaptive.adapt(*rows(1))


@pytest.mark.parametrize(
    "other", [lambda out: out * 1.0, lambda out: out[:1], lambda out: out[:, :1], lambda out: out.T]
)
def test_outputs_that_are_not_the_models_are_refused(other: Any) -> None:
    model = dense()
    adaptive, _ = around(model)
    x, y = rows(0, 2)
    outputs = other(model(x))
    with pytest.raises(ValueError, match="outputs: expected those of the model's forward pass in"):
        adaptive(outputs, y[: len(outputs)])


def test_outputs_of_evaluation_are_refused() -> None:
    model = dense().eval()
    adaptive, _ = around(model)
    x, y = rows(0)
    with pytest.raises(ValueError, match="in training mode, as they are"):
        adaptive(model(x), y)


@pytest.mark.parametrize("size", [float("nan"), 1e200])
def test_what_is_not_finite_leaves_the_loss_as_it_was(size: float) -> None:
    model = dense()
    adaptive, optimizer = around(model)
    x, y = rows(0)
    adaptive(model(x), y).backward()
    optimizer.step()
    with pytest.raises(RuntimeError, match="adapt: the loss's gradient or the objective is not"):
        adaptive_adapt_at(adaptive, size)
    assert torch.equal(adaptive.network.vector, network().vector)
    adaptive(model(x), y).backward()
    optimizer.step()
    assert adaptive.adapt(*rows(1)) > 0


def adaptive_adapt_at(adaptive: AdaptiveLoss, size: float) -> None:
    adaptive._objective = lambda out, targets: size * objective(out, targets)
    try:
        adaptive.adapt(*rows(1))
    finally:
        adaptive._objective = objective


def test_without_a_network_it_begins_from_the_tasks_loss() -> None:
    model = dense()
    adaptive = AdaptiveLoss(model, optimizer_of(model, SGD()), seed=3)
    with drawing_from(0):
        usual = fitted_network("classification", np.random.default_rng(3)).double()
    assert torch.equal(adaptive.network.vector, usual.vector)
    curve = adaptive.network.curve(1.0, np.linspace(0.02, 0.98, 50))
    assert (np.diff(curve) < 0).all()
