"""What an adaptive loss knows of the step: what counts, what is refused, what copies do."""

from __future__ import annotations

import copy
import gc
import io
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from heliostat_methods.adalfl import AdaptiveLoss, LossShape, MetaLossNetwork


def model_of(dtype: torch.dtype = torch.float64) -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 2)).to(dtype)


def network() -> MetaLossNetwork:
    return MetaLossNetwork.drawn(
        "classification", np.random.default_rng(2), LossShape((5, 4))
    ).double()


def rows(number: int, count: int = 12) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(number)
    x = torch.randn(count, 3, generator=generator, dtype=torch.float64)
    return x, (x[:, 0] > 0).long()


def around(model: nn.Module, **settings: Any) -> tuple[AdaptiveLoss, torch.optim.SGD]:
    optimizer = torch.optim.SGD(model.parameters(), 0.1, 0.9, nesterov=True)
    kept = {"network": network(), "lr": 1e-3, **settings}
    return AdaptiveLoss(model, optimizer, "classification", **kept), optimizer


def gradient(adaptive: AdaptiveLoss) -> Tensor:
    """What Adam saw in its first step: m = 0.1 g."""
    state = adaptive._adam.state
    return torch.cat([state[w]["exp_avg"].reshape(-1) for w in adaptive.network.parameters()]) / 0.1


def usual_gradient() -> Tensor:
    model = model_of()
    adaptive, optimizer = around(model)
    step(adaptive, optimizer, model, 0)
    adaptive.adapt(*rows(1))
    return gradient(adaptive)


def step(
    adaptive: AdaptiveLoss, optimizer: torch.optim.Optimizer, model: nn.Module, number: int
) -> None:
    x, y = rows(number)
    optimizer.zero_grad()
    adaptive(model(x), y).backward()
    optimizer.step()


def test_what_changes_in_the_group_after_the_step_does_not_count() -> None:
    model = model_of()
    adaptive, optimizer = around(model)
    step(adaptive, optimizer, model, 0)
    optimizer.param_groups[0].update(lr=7.0, momentum=0.1, nesterov=False)
    adaptive.adapt(*rows(1))
    assert torch.equal(gradient(adaptive), usual_gradient())


def test_a_scheduler_after_the_step_takes_nothing_from_the_gradient() -> None:
    model = model_of()
    adaptive, optimizer = around(model)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.1)
    step(adaptive, optimizer, model, 0)
    schedule.step()
    adaptive.adapt(*rows(1))
    assert torch.equal(gradient(adaptive), usual_gradient())


def test_a_state_that_was_saved_goes_on_bit_for_bit() -> None:
    ends = []
    for saves in (False, True):
        model = model_of()
        adaptive, optimizer = around(model)
        for number in range(6):
            if saves and number == 3:
                file = io.BytesIO()
                torch.save(adaptive.state_dict(), file)
                file.seek(0)
                adaptive.detach_hooks()
                adaptive = AdaptiveLoss(model, optimizer, network=network(), lr=9.0)
                adaptive.load_state_dict(torch.load(file, weights_only=True))
            step(adaptive, optimizer, model, number)
            adaptive.adapt(*rows(100 + number))
        ends.append(adaptive.network.vector)
    assert torch.equal(*ends) and not torch.equal(ends[0], network().vector)


def test_a_state_does_not_change_after_it_was_asked_for() -> None:
    model = model_of()
    adaptive, optimizer = around(model)
    step(adaptive, optimizer, model, 0)
    adaptive.adapt(*rows(1))
    state = adaptive.get_extra_state()
    before = state["state"][0]["exp_avg"].clone()
    step(adaptive, optimizer, model, 2)
    adaptive.adapt(*rows(3))
    assert torch.equal(state["state"][0]["exp_avg"], before)


@pytest.mark.parametrize("name", ["inputs", "outputs", "targets"])
def test_a_batch_that_was_changed_in_place_is_named(name: str) -> None:
    model = model_of()
    adaptive, optimizer = around(model)
    x, y = rows(0)
    outputs = model(x)
    adaptive(outputs, y).backward()
    optimizer.step()
    with torch.no_grad():
        {"inputs": x, "outputs": outputs, "targets": y}[name].mul_(0)
    with pytest.raises(RuntimeError, match=f"adapt: {name} of the step's batch were changed in pl"):
        adaptive.adapt(*rows(1))
    assert torch.equal(adaptive.network.vector, network().vector)
    step(adaptive, optimizer, model, 2)
    assert adaptive.adapt(*rows(1)) > 0


def test_outputs_that_were_changed_before_the_loss_are_refused() -> None:
    model = model_of()
    adaptive, _ = around(model)
    x, y = rows(0)
    outputs = model(x)
    outputs *= 2
    with pytest.raises(ValueError, match="outputs: they were changed in place since the model's"):
        adaptive(outputs, y)


def test_a_backward_that_is_forgotten_does_not_count() -> None:
    seen = []
    for forgets in (True, False):
        model = model_of()
        adaptive, optimizer = around(model)
        x, y = rows(5)
        adaptive(model(x), y).backward()
        optimizer.zero_grad()
        if forgets:
            adaptive.forget()
        step(adaptive, optimizer, model, 0)
        adaptive.adapt(*rows(1))
        seen.append(gradient(adaptive))
    assert torch.equal(seen[0], usual_gradient())
    assert not torch.allclose(seen[1], seen[0])


def test_passes_that_nobody_can_go_backwards_from_are_not_kept() -> None:
    model = model_of()
    adaptive, optimizer = around(model)
    x, y = rows(0)
    for _ in range(10):
        model(x)
        adaptive(model(x), y)
    gc.collect()
    step(adaptive, optimizer, model, 0)
    assert len(adaptive._recorded().passes) == 1
    adaptive.adapt(*rows(1))
    assert torch.equal(gradient(adaptive), usual_gradient())


def test_two_passes_may_be_made_before_either_loss_is_taken() -> None:
    seen = []
    for first in (True, False):
        model = model_of()
        adaptive, optimizer = around(model)
        (a, y), (b, z) = rows(0), rows(2)
        if first:
            one, two = model(a), model(b)
            (adaptive(one, y) + adaptive(two, z)).backward()
        else:
            (adaptive(model(a), y) + adaptive(model(b), z)).backward()
        optimizer.step()
        adaptive.adapt(*rows(1))
        seen.append(gradient(adaptive))
    assert torch.equal(*seen)


@pytest.mark.parametrize("held", [False, True])
def test_a_look_in_training_mode_between_step_and_adapt_leaves_the_step(held: bool) -> None:
    model = model_of()
    adaptive, optimizer = around(model)
    step(adaptive, optimizer, model, 0)
    outputs = model(rows(9)[0])
    if not held:
        del outputs
    adaptive.adapt(*rows(1))
    assert torch.equal(gradient(adaptive), usual_gradient())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_model_of_16_bits_has_a_loss_of_32(dtype: torch.dtype) -> None:
    seen = []
    for kind in (dtype, torch.float32):
        model = model_of(dtype).to(kind)
        adaptive, optimizer = around(model)
        assert all(part.dtype == torch.float32 for part in adaptive.network.parameters())
        (x, y), (x_valid, y_valid) = rows(0), rows(1)
        value = adaptive(model(x.to(kind)), y)
        value.backward()
        optimizer.step()
        assert value.dtype == torch.float32
        adaptive.adapt(x_valid.to(kind), y_valid)
        seen.append(gradient(adaptive))
    torch.testing.assert_close(seen[0], seen[1], rtol=0.1, atol=0.03 * float(seen[1].abs().max()))


def test_an_optimizer_of_another_model_or_of_the_loss_is_refused() -> None:
    model, loss = model_of(), network()
    with pytest.raises(ValueError, match="optimizer: it holds none of the model's parameters"):
        AdaptiveLoss(model, torch.optim.SGD(model_of().parameters(), 0.1), network=loss)
    both = torch.optim.SGD([*model.parameters(), *loss.parameters()], 0.1)
    with pytest.raises(ValueError, match="optimizer: group 0 holds weights of the loss"):
        AdaptiveLoss(model, both, network=loss)
    adaptive, optimizer = around(model)
    optimizer.add_param_group({"params": list(adaptive.parameters())})
    x, y = rows(0)
    adaptive(model(x), y).backward()
    with pytest.raises(ValueError, match="optimizer: group 1 holds weights of the loss"):
        optimizer.step()


def test_batches_without_rows_are_refused() -> None:
    model = model_of()
    adaptive, optimizer = around(model)
    x, y = rows(0, 0)
    with pytest.raises(ValueError, match=r"outputs: shape \(0, 2\); expected at least 1 row"):
        adaptive(model(x), y)
    step(adaptive, optimizer, model, 0)
    with pytest.raises(ValueError, match=r"targets: shape \(0,\); expected at least 1 row"):
        adaptive.adapt(x, y)
    adaptive.adapt(*rows(1))
    assert torch.equal(gradient(adaptive), usual_gradient())


def test_the_optimizers_step_may_take_a_closure() -> None:
    model = model_of()
    adaptive, optimizer = around(model)
    x, y = rows(0)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss: Tensor = adaptive(model(x), y)
        loss.backward()
        return loss

    optimizer.step(closure)
    adaptive.adapt(*rows(1))
    assert torch.equal(gradient(adaptive), usual_gradient())


def test_a_second_step_on_the_same_gradient_leaves_nothing_to_adapt_to() -> None:
    model = model_of()
    adaptive, optimizer = around(model)
    step(adaptive, optimizer, model, 0)
    optimizer.step()
    with pytest.raises(RuntimeError, match="adapt: expected a step before it"):
        adaptive.adapt(*rows(1))


@pytest.mark.parametrize("number", [0, 1])
def test_two_losses_of_one_model_adapt_each_on_its_own(number: int) -> None:
    e, phi = 1e-6, network().vector

    def after(moved: Tensor) -> tuple[float, Tensor]:
        model, loss = model_of(), network()
        loss.load_vector(moved)
        networks = [network(), network()]
        networks[number] = loss
        one, optimizer = around(model, network=networks[0])
        two = AdaptiveLoss(model, optimizer, network=networks[1], lr=1e-3)
        x, y = rows(0)
        outputs = model(x)
        (one(outputs, y) + 0.3 * two(outputs, 1 - y)).backward()
        optimizer.step()
        values = one.adapt(*rows(1)), two.adapt(*rows(1))
        assert values[0] == values[1]
        return values[0], gradient((one, two)[number])

    along = torch.randn(phi.shape, generator=torch.Generator().manual_seed(3)).double()
    slope = (after(phi + e * along)[0] - after(phi - e * along)[0]) / (2 * e)
    assert float(after(phi)[1] @ along) == pytest.approx(slope, rel=1e-5)


def test_the_model_can_be_copied_and_saved_and_its_copy_is_not_recorded() -> None:
    model = model_of()
    adaptive, optimizer = around(model)
    x, y = rows(0)
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    for other in copies:
        assert torch.equal(other(x), model(x))
        with pytest.raises(ValueError, match="passes of a copy of the model, or of one inside"):
            adaptive(other(x), y)
    step(adaptive, optimizer, model, 0)
    adaptive.adapt(*rows(1))
    assert torch.equal(gradient(adaptive), usual_gradient())


def test_a_copy_of_the_loss_stands_around_no_model() -> None:
    model = model_of()
    adaptive, _ = around(model)
    for other in (copy.deepcopy(adaptive), pickle.loads(pickle.dumps(adaptive))):
        assert torch.equal(other.network.vector, adaptive.network.vector)
        with pytest.raises(RuntimeError, match="AdaptiveLoss: a copy stands around no model"):
            other.adapt(*rows(1))


def test_hooks_of_a_loss_that_is_gone_do_nothing() -> None:
    model = model_of()
    adaptive, optimizer = around(model)
    del adaptive
    gc.collect()
    model(rows(0)[0]).sum().backward()
    optimizer.step()


def test_a_model_with_replicas_is_refused() -> None:
    model = nn.Sequential(nn.DataParallel(model_of()))
    with pytest.raises(ValueError, match="model: it is or holds a DataParallel, whose passes are"):
        around(model)


def test_adapting_in_inference_mode_is_refused() -> None:
    model = model_of()
    adaptive, optimizer = around(model)
    step(adaptive, optimizer, model, 0)
    with torch.inference_mode(), pytest.raises(RuntimeError, match=r"under torch\.inference"):
        adaptive.adapt(*rows(1))
    adaptive.adapt(*rows(1))
    assert torch.equal(gradient(adaptive), usual_gradient())
