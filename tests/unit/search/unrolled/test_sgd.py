"""The differentiated step beside torch's optimiser, and what is refused."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_search.unrolled.sgd import SGD

KINDS = [(0.0, False), (0.0, True), (0.9, False), (0.9, True), (0.5, True)]


def quartic(theta):
    return (theta**4).sum() + (theta * theta.roll(1)).sum()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("decay", [0.0, 5e-4, 0.1])
@pytest.mark.parametrize(("momentum", "nesterov"), KINDS)
def test_steps_are_those_of_torchs_optimiser_bit_for_bit(momentum, nesterov, decay, dtype):
    start = torch.randn(37, generator=torch.Generator().manual_seed(1), dtype=dtype)
    theirs = start.clone().requires_grad_()
    # torch refuses Nesterov's without momentum, where it is the plain step
    optimiser = torch.optim.SGD(
        [theirs], lr=0.03, momentum=momentum, nesterov=nesterov and momentum > 0,
        weight_decay=decay,
    )  # fmt: skip
    sgd = SGD(0.03, momentum, nesterov, decay)
    ours, buffer = start.clone(), None
    for _ in range(6):
        optimiser.zero_grad()
        quartic(theirs).backward()
        optimiser.step()
        point = ours.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(quartic(point), point)
        ours, buffer = sgd.step(ours, gradient, buffer)
        assert torch.equal(ours, theirs.detach())


@given(
    st.floats(1e-4, 1.0), st.floats(0.0, 0.99), st.booleans(), st.floats(0.0, 0.1), st.booleans()
)
@settings(max_examples=40, deadline=None)
def test_the_factor_is_the_slope_of_new_parameters_by_the_gradient(
    rate, momentum, nesterov, decay, first
):
    sgd = SGD(rate, momentum, nesterov, decay)
    theta = torch.linspace(-1, 1, 5, dtype=torch.float64)
    gradient = torch.cos(3 * theta).requires_grad_()
    after, _ = sgd.step(theta, gradient, None if first else torch.sin(theta))
    (slope,) = torch.autograd.grad(after.sum(), gradient)
    assert slope.tolist() == pytest.approx([sgd.factor] * 5, rel=1e-12)


@pytest.mark.parametrize(("momentum", "nesterov"), KINDS)
def test_a_step_leaves_what_it_was_given(momentum, nesterov):
    sgd = SGD(0.1, momentum, nesterov, 0.01)
    given_to_it = [torch.arange(3.0) + k for k in range(3)]
    kept = [one.clone() for one in given_to_it]
    sgd.step(*given_to_it)
    assert all(torch.equal(one, other) for one, other in zip(given_to_it, kept, strict=True))
    # the buffer that is carried over is not the gradient's memory, which may be written over
    if momentum:
        _, carried = SGD(0.1, momentum, nesterov, 0.0).step(*given_to_it[:2])
        given_to_it[1].zero_()
        assert torch.equal(carried, kept[1])


def test_without_settings_it_is_nesterovs_with_decay():
    assert SGD() == SGD(learning_rate=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
    assert SGD().factor == pytest.approx(-0.019)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rate": 0.0}, "learning_rate: got 0.0; expected more than 0"),
        ({"learning_rate": -1.0}, "learning_rate: got -1.0; expected more than 0"),
        ({"learning_rate": math.inf}, "learning_rate: got inf; expected"),
        ({"learning_rate": math.nan}, "learning_rate: got nan; expected"),
        ({"momentum": 1.0}, "momentum: got 1.0; expected 0 <= momentum < 1"),
        ({"momentum": -0.1}, "momentum: got -0.1; expected"),
        ({"momentum": math.nan}, "momentum: got nan; expected"),
        ({"weight_decay": -1e-9}, "weight_decay: got -1e-09; expected 0 or more"),
        ({"weight_decay": math.inf}, "weight_decay: got inf; expected"),
        ({"weight_decay": math.nan}, "weight_decay: got nan; expected"),
    ],
)
def test_settings_out_of_their_range_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        SGD(**change)
