"""Optimisers against those of torch, their schedule, perceptrons, and what is refused."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from heliostat.errors import ConfigError
from heliostat_methods.pnag.descent.adam import Adam
from heliostat_methods.pnag.descent.nesterov import Nesterov
from heliostat_methods.pnag.descent.perceptron import clip_gradients, perceptron
from heliostat_methods.pnag.descent.schedule import Descent, held_out

# Origin: torch.optim.Adam(lr=.1, weight_decay=.3) and torch.optim.SGD(lr=.01, momentum=.9,
# nesterov=True, weight_decay=.3) of torch 2.13, double precision, on sum(p^4 / 4 + p_0 p_1) from
# (1, -2, .5). Not run here: their first use loads torch's compiler.
ADAM = [
    [1.099999999787234, -1.9000000001785715, 0.4000000036363635],
    [1.1993219425004555, -1.8019033809647245, 0.30292347257259755],
    [1.2971737830795653, -1.7077253807270616, 0.2107127957383006],
    [1.3923534257827175, -1.6201350396590386, 0.12497963500905043],
]
NESTEROV = [
    [1.0893, -1.8936, 0.494775],
    [1.204538013752817, -1.770528077012736, 0.4874259633924571],
    [1.3325472996247376, -1.6496871573093468, 0.478259205240988],
    [1.4604119733049223, -1.5443901512666263, 0.4675628680317008],
]
STEPS = {
    "adam": (Adam, 0.1, ADAM),
    "nesterov": (Nesterov, 0.01, NESTEROV),
}


@pytest.mark.parametrize("name", STEPS)
def test_steps_are_those_of_torch(name):
    kind, rate, steps = STEPS[name]
    at = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64, requires_grad=True)
    optimiser = kind([at], 0.3)
    for expected in steps:
        (at**4 / 4 + at[0] * at[1]).sum().backward()
        optimiser.step(rate)
        assert_allclose(at.detach().numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("kind", [Adam, Nesterov])
def test_a_parameter_without_a_gradient_stays(kind):
    used, unused = (torch.ones(2, requires_grad=True) for _ in range(2))
    optimiser = kind([used, unused])
    used.sum().backward()
    optimiser.step(0.1)
    assert unused.tolist() == [1, 1] and used.grad is None


def test_rate_falls_as_half_a_cosine():
    descent = Descent(rate=0.2, cosine_epochs=1000)
    assert descent.rate_in(0) == 0.2
    assert descent.rate_in(500) == pytest.approx(0.1 * (1 + 1e-4))
    assert descent.rate_in(1000) == descent.rate_in(2000) == pytest.approx(2e-5)
    assert Descent(rate=0.3).rate_in(77) == 0.3


def test_an_epoch_takes_every_sample_once():
    parts = list(Descent(batch=4).batches(10, np.random.default_rng(0)))
    assert [len(part) for part in parts] == [4, 4, 2]
    assert sorted(np.concatenate(parts)) == list(range(10))


def test_some_are_held_out_and_one_is_left():
    kept, rest = held_out(10, 0.2, np.random.default_rng(0))
    assert sorted([*kept, *rest]) == list(range(10)) and len(rest) == 2
    assert [len(part) for part in held_out(1, 0.9, np.random.default_rng(0))] == [1, 0]
    with pytest.raises(ConfigError, match="held_out = 1: expected a share"):
        held_out(10, 1, np.random.default_rng(0))


def test_gradients_are_scaled_to_the_largest_norm():
    one, other = (torch.zeros(1, requires_grad=True) for _ in range(2))
    (3 * one + 4 * other).sum().backward()
    clip_gradients([one, other], 10)
    assert (float(one.grad), float(other.grad)) == (3, 4)
    clip_gradients([one, other], 1)
    assert_allclose([float(one.grad), float(other.grad)], [0.6, 0.8], rtol=1e-6)


def test_a_perceptron_is_drawn_from_what_is_passed_alone():
    state = torch.random.get_rng_state()
    networks = [perceptron(7, (5, 3), np.random.default_rng(1)) for _ in range(2)]
    assert torch.equal(torch.random.get_rng_state(), state)
    assert networks[0](torch.ones(2, 7)).shape == (2, 1)
    assert torch.equal(networks[0](torch.ones(2, 7)), networks[1](torch.ones(2, 7)))
    assert float(networks[0][0].weight.detach().abs().max()) <= 7**-0.5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs = 0: expected an integer, at least 1"),
        ({"batch": 1}, "batch = 1: expected an integer, at least 2"),
        ({"cosine_epochs": -1}, "cosine_epochs = -1"),
        ({"optimiser": "adm"}, r"optimiser = 'adm'.*did you mean 'adam'"),
        ({"rate": 0.0}, r"rate = 0.0: expected a number above 0"),
        ({"rate": float("nan")}, "rate = nan"),
        ({"weight_decay": -1.0}, r"weight_decay = -1.0"),
    ],
)
def test_unusable_settings_are_named(changes, message):
    with pytest.raises(ConfigError, match=message):
        Descent(**changes)
