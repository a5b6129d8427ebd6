import pytest
import torch

from heliostat.contract.part import Model
from heliostat.errors import ConfigError
from heliostat_methods.parts.models import LeNet5, Linear, Mlp

CASES = [
    # By hand: 10*1+1; 10*32+32 + 32*32+32 + 32*1+1; LeNet-5's figure is LeCun et al.'s.
    (Linear(), (10,), 1, 11),
    (Linear(), (1, 8, 8), 10, 650),
    (Mlp(), (10,), 1, 1441),
    (Mlp((1000, 1000)), (784,), 10, 1_796_010),
    (LeNet5(), (1, 28, 28), 10, 61_706),
    (LeNet5(), (784,), 10, 61_706),
    (LeNet5(), (28, 28), 2, 61_026),
]


def made(model, shape, outputs, seed=0):
    return model.create(shape, outputs, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("model", "shape", "outputs", "count"), CASES)
def test_networks_have_the_right_parameters_and_outputs(model, shape, outputs, count):
    assert isinstance(model, Model)
    network = made(model, shape, outputs)
    assert sum(p.numel() for p in network.parameters()) == count
    assert all(p.requires_grad and p.dtype == torch.float32 for p in network.parameters())
    assert network(torch.zeros(3, *shape)).shape == (3, outputs)


@pytest.mark.parametrize(("model", "shape", "outputs", "count"), CASES)
def test_all_randomness_comes_from_the_generator(model, shape, outputs, count):
    before = torch.random.get_rng_state()
    first = made(model, shape, outputs)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(99)
    second, third = made(model, shape, outputs), made(model, shape, outputs, seed=1)
    torch.random.set_rng_state(before)
    for a, b, c in zip(first.parameters(), second.parameters(), third.parameters(), strict=True):
        assert torch.equal(a, b)
        assert a.ndim == 1 or not torch.equal(a, c)


@pytest.mark.parametrize(("model", "shape", "outputs", "count"), CASES)
def test_weights_are_xavier_uniform_and_biases_zero(model, shape, outputs, count):
    for parameter in made(model, shape, outputs).parameters():
        if parameter.ndim == 1:
            assert not parameter.any()
            continue
        kernel = parameter[0, 0].numel() if parameter.ndim == 4 else 1
        bound = (6 / (kernel * (parameter.shape[0] + parameter.shape[1]))) ** 0.5
        assert parameter.abs().max() <= bound
        if parameter.numel() > 100:
            assert float(parameter.detach().std()) == pytest.approx(bound / 3**0.5, rel=0.2)


@pytest.mark.parametrize(("model", "shape", "outputs", "count"), CASES)
def test_one_training_step_lowers_the_loss(model, shape, outputs, count):
    generator = torch.Generator().manual_seed(5)
    network = made(model, shape, outputs)
    inputs = torch.rand(16, *shape, generator=generator)
    targets = torch.rand(16, outputs, generator=generator)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)

    def loss():
        return (network(inputs) - targets).square().mean()

    before = loss()
    before.backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())
    optimizer.step()
    assert loss() < before


def test_widths_name_every_layer_of_dense_networks_only():
    assert Mlp((32, 16)).widths((1, 8, 8), 10) == (64, 32, 16, 10)
    assert Linear().widths((10,), 1) == (10, 1)
    assert LeNet5().widths((784,), 10) is None


def test_a_dense_network_is_its_matrices_in_order():
    network = made(Mlp((4,)), (3,), 2)
    w1, b1, w2, b2 = network.parameters()
    x = torch.rand(5, 3)
    assert torch.allclose(network(x), torch.relu(x @ w1.T + b1) @ w2.T + b2)


def test_flat_and_shaped_images_give_the_same_logits():
    x = torch.rand(4, 1, 28, 28)
    flat, shaped = made(LeNet5(), (784,), 10), made(LeNet5(), (1, 28, 28), 10)
    assert torch.equal(flat(x.reshape(4, 784)), shaped(x))


@pytest.mark.parametrize("shape", [(64,), (1, 8, 8), (3, 28, 28), (32, 32)])
def test_lenet_refuses_other_images_by_shape(shape):
    with pytest.raises(ConfigError, match=r"lenet5.*28 x 28.*shape"):
        made(LeNet5(), shape, 10)


@pytest.mark.parametrize("model", [Linear(), Mlp(), LeNet5()])
def test_no_outputs_and_no_inputs_are_refused(model):
    with pytest.raises(ConfigError, match="outputs = 0"):
        made(model, (784,), 0)
    with pytest.raises(ConfigError):
        made(model, (0,), 2)
