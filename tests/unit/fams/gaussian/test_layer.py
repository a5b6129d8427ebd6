"""Oracle O5: one layer on one row, and the module beside the stack it came from."""

import pytest
import torch

from heliostat_methods.fams.gaussian.layer import StochasticLinear, StochasticMLP
from heliostat_methods.fams.gaussian.network import GaussianMLP

OUT = {
    0.08: [0.22916601529312286, -2.7901096568369956],
    1.0: [1.7145751911640357, -3.8263707104624416],
}


@pytest.mark.parametrize("eps", OUT)
def test_outputs_are_mean_plus_scaled_deviation(eps):
    layer = StochasticLinear(2, 2, eps).double()
    values = {
        "weight_mean": [[0.5, 0.25], [-1, 0.75]],
        "weight_log_variance": [[0, -1], [0.5, -0.5]],
        "bias_mean": [0.1, -0.2],
        "bias_log_variance": [-2, 0],
    }
    layer.load_state_dict(
        {name: torch.tensor(x, dtype=torch.float64) for name, x in values.items()}
    )
    x, z = torch.tensor([[1.0, -2.0]]).double(), torch.tensor([[1, -0.5]]).double()
    assert layer(x, z)[0].tolist() == pytest.approx(OUT[eps], rel=1e-9)


def test_without_noise_outputs_are_the_mean():
    layer = StochasticLinear(3, 2, eps=0)
    x = torch.ones(4, 3)
    expected = torch.nn.functional.linear(x, layer.weight_mean, layer.bias_mean)
    assert torch.equal(layer(x), expected)


def test_network_and_stack_carry_the_same_numbers():
    stack = GaussianMLP.initial((3, 4, 1), seed=1, groups=(0, 1))
    net = StochasticMLP.of(stack, 1)
    assert torch.equal(net.stacked().mean, stack.at([1]).mean)
    assert torch.equal(net.stacked().log_variance, stack.at([1]).log_variance)


def test_generator_decides_initial_numbers_and_noise():
    def outputs():
        generator = torch.Generator().manual_seed(3)
        return StochasticMLP((2, 3, 1), generator=generator)(torch.ones(5, 2), generator=generator)

    assert torch.equal(outputs(), outputs())


def test_negative_noise_is_refused():
    with pytest.raises(ValueError, match="eps = -1: expected a number from 0"):
        StochasticLinear(1, 1, eps=-1)
