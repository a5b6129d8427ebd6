"""Linear layers by table lookup, to train: how they are made, what they take, what is refused."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from heliostat_methods.lutnn.layers.linear import LutLinear
from heliostat_methods.lutnn.layers.settings import LutSettings

FLOAT_TABLES = LutSettings(quantise_tables=False)


def exact_layer(made, dense, x, length, pad=False):
    """A layer whose centroids are the pieces of all inputs, so that nothing is lost."""
    rows = x.reshape(-1, x.shape[-1])
    layer = LutLinear.from_linear(dense, length, len(rows), pad=pad, settings=FLOAT_TABLES)
    layer.set_centroids(layer.rows(x).reshape(len(rows), -1, length).transpose(0, 1))
    return layer


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(20, 12), (4, 5, 12), (2, 2, 3, 12), (12,)])
def test_a_layer_of_a_dense_one_gives_the_same_where_centroids_are_the_inputs(made, bias, shape):
    dense = nn.Linear(12, 5, bias=bias).double()
    x = made.drawn(*shape, dtype=torch.float64)
    many = x if len(shape) > 1 else torch.stack([x, x + 1])
    layer = exact_layer(made, dense, many, 3)
    assert (layer.bias is None) is not bias
    y = layer(x)
    assert y.shape == (*shape[:-1], 5)
    torch.testing.assert_close(y, dense(x), rtol=1e-11, atol=1e-11)
    assert not torch.allclose(layer(x + 0.5), dense(x + 0.5))


@pytest.mark.parametrize(("length", "codebooks", "padding"), [(5, 3, 3), (16, 1, 4), (7, 2, 2)])
def test_padding_with_zeros_is_exact(made, length, codebooks, padding):
    dense, x = nn.Linear(12, 5).double(), made.drawn(20, 12, dtype=torch.float64)
    layer = exact_layer(made, dense, x, length, pad=True)
    assert (layer.centroids.shape[0], layer.padding) == (codebooks, padding)
    assert layer.weight.detach().flatten(0, 1)[12:].abs().sum() == 0
    torch.testing.assert_close(layer(x), dense(x), rtol=1e-11, atol=1e-11)
    frozen = layer.freeze()
    assert (frozen.in_features, frozen.padding) == (12, padding)
    assert frozen(x).shape == (20, 5)


def test_weights_are_those_of_the_dense_layer_by_pieces(made):
    dense = nn.Linear(6, 4)
    layer = LutLinear.from_linear(dense, 2, 4)
    for c in range(3):
        assert torch.equal(layer.weight[c].T, dense.weight[:, 2 * c : 2 * c + 2])
    assert torch.equal(layer.bias, dense.bias)
    with torch.no_grad():
        dense.weight.zero_()
    assert bool(layer.weight.any())


def test_inputs_of_other_types_and_strides(made):
    layer = LutLinear.from_tensors(
        made.drawn(3, 8, 4), made.drawn(3, 4, 5, seed=1), made.drawn(5, seed=2)
    )
    x = made.drawn(10, 24, seed=3)
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        other = x[:, :12].to(dtype)
        assert torch.equal(layer(other), layer(other.float()))
        assert layer(other).dtype == torch.float32
        frozen = layer.freeze()
        assert torch.equal(frozen(other), frozen(other.float()).to(dtype))
    strided = x[::2, ::2]
    assert not strided.is_contiguous()
    assert torch.equal(frozen(strided), frozen(strided.contiguous()))
    assert torch.equal(layer(strided), layer(strided.contiguous()))
    assert torch.equal(layer(x.T[:12].T), layer(x[:, :12].contiguous()))


def test_no_input_at_all(made):
    layer = LutLinear.from_tensors(made.drawn(3, 8, 4), made.drawn(3, 4, 5), made.drawn(5))
    for shape in ((0, 12), (2, 0, 12)):
        x = torch.empty(*shape, requires_grad=True)
        assert layer(x).shape == (*shape[:-1], 5)
        assert layer.freeze()(x).shape == (*shape[:-1], 5)
        layer(x).sum().backward()
        assert x.grad.shape == shape


def test_gradients_reach_everything_that_is_learned(made):
    x = made.drawn(30, 12).requires_grad_()
    tensors = (made.drawn(3, 8, 4), made.drawn(3, 4, 5), made.drawn(5))
    layer = LutLinear.from_tensors(*tensors)
    layer(x).square().sum().backward()
    found = {name: float(p.grad.abs().sum()) for name, p in layer.named_parameters()}
    assert set(found) == {"centroids", "weight", "bias", "theta"}
    assert all(value > 0 for value in found.values())
    assert float(x.grad.abs().sum()) > 0
    settings = LutSettings(learn_weight=False, learn_temperature=False, gradient="hard")
    layer = LutLinear.from_tensors(*tensors, settings=settings)
    x.grad = None
    layer(x).square().sum().backward()
    assert {n for n, p in layer.named_parameters() if p.grad is not None} == {"centroids", "bias"}
    assert not x.grad.any()


def test_a_temperature_is_learned_in_float32_in_a_layer_of_half_precision():
    for dtype in (torch.float16, torch.bfloat16):
        assert LutLinear(16, 2, dtype=dtype).theta.dtype == torch.float32


def test_a_drawn_layer_begins_as_a_dense_one_does():
    def layer():
        return LutLinear(64, 3, length=8, generator=torch.Generator().manual_seed(1))

    first, second = layer(), layer()
    assert torch.equal(first.weight, second.weight)
    assert torch.equal(first.bias, second.bias)
    assert 0.1 < float(first.weight.detach().abs().max()) <= 1 / 8
    assert float(first.bias.detach().abs().max()) <= 1 / 8
    assert first.temperature == pytest.approx(0.065)
    assert not first.ready
    assert not bool(first.centroids.any())


def test_centroids_that_were_never_set_are_refused(made):
    message = (
        r"^centroids: never set; init_centroids\(rows\), set_centroids\(centroids\) or "
        "load_state_dict come first$"
    )
    layer = LutLinear(12, 5, length=4)
    for work in (layer.freeze, lambda: layer(torch.ones(1, 12))):
        with pytest.raises(ValueError, match=message):
            work()
    layer.init_centroids(made.drawn(50, 12))
    assert layer(torch.ones(1, 12)).shape == (1, 5)
    other = LutLinear(12, 5, length=4)
    unset = copy.deepcopy(other.state_dict())
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other(torch.ones(1, 12)), layer(torch.ones(1, 12)))
    other.load_state_dict(unset)
    with pytest.raises(ValueError, match=message):
        other(torch.ones(1, 12))


def test_centroids_that_are_all_0_are_set_too(made):
    layer = LutLinear(12, 5, length=4)
    layer.set_centroids(torch.zeros(3, 16, 4))
    other = LutLinear(12, 5, length=4)
    other.load_state_dict(layer.state_dict())
    for one in (layer, other, copy.deepcopy(layer)):
        assert one.ready
        expected = one.bias.expand(2, 5)
        torch.testing.assert_close(one(made.drawn(2, 12)), expected, rtol=0, atol=1e-7)


def test_a_lazy_layer_is_dense_until_it_is_trained(made):
    layer = LutLinear(12, 5, length=4)
    layer.lazy = True
    x = made.drawn(50, 12)
    dense = x @ layer.weight.flatten(0, 1) + layer.bias
    torch.testing.assert_close(layer.eval()(x), dense)
    assert not layer.ready
    torch.testing.assert_close(layer.train()(x[:15]), dense[:15])  # fewer rows than centroids
    assert not layer.ready
    assert not torch.allclose(layer(x), dense)
    assert layer.ready
    expected = LutLinear(12, 5, length=4)
    expected.init_centroids(x)
    assert torch.equal(layer.centroids, expected.centroids)
    before = layer.centroids.clone()
    layer(x + 1)
    assert torch.equal(layer.centroids, before)


def test_k_means_makes_a_good_approximation(made):
    x = made.drawn(2000, 8)
    dense = nn.Linear(8, 5)
    layer = LutLinear.from_linear(dense, 2, 16)
    layer.init_centroids(x)
    error = (layer(x) - dense(x)).norm() / dense(x).norm()
    assert 0.05 < float(error.detach()) < 0.4
    again = LutLinear.from_linear(dense, 2, 16)
    again.init_centroids(x)
    assert torch.equal(again.centroids, layer.centroids)


def test_states_and_copies_are_the_layer(made):
    layer = LutLinear.from_tensors(made.drawn(3, 8, 4), made.drawn(3, 4, 5), made.drawn(5))
    x = made.drawn(9, 12)
    copied = copy.deepcopy(layer)
    other = LutLinear(12, 5, length=4, clusters=8)
    assert set(other.state_dict()) == {"centroids", "weight", "bias", "theta"}
    other.load_state_dict(layer.state_dict())
    for one in (copied, other):
        assert torch.equal(one(x), layer(x))
        assert torch.equal(one.freeze()(x), layer.freeze()(x))
    with torch.no_grad():
        layer.centroids.zero_()
    assert bool(copied.centroids.any())
    double = copy.deepcopy(copied).double()
    assert double(x).dtype == torch.float64
    torch.testing.assert_close(double(x), copied(x).double(), rtol=1e-5, atol=1e-5)


def test_frozen_gives_what_the_trained_layer_gives(made):
    for bias, table_scale in ((None, "per_layer"), (made.drawn(5), "per_output")):
        layer = LutLinear.from_tensors(
            made.drawn(3, 8, 4), made.drawn(3, 4, 5, seed=1), bias, table_scale=table_scale
        )
        x = made.drawn(4, 50, 12, seed=2)
        clear = made.is_clear(x.reshape(-1, 12), layer.centroids)
        found, expected = layer.freeze()(x), layer.eval()(x).detach()
        made.assert_alike(found.reshape(-1, 5), expected.reshape(-1, 5), clear)
        assert found.shape == (4, 50, 5)


def test_more_than_16_centroids_run_in_torch(made):
    layer = LutLinear.from_tensors(made.drawn(2, 40, 3), made.drawn(2, 3, 4), made.drawn(4))
    x = made.drawn(100, 6, seed=1)
    frozen = layer.freeze()
    assert not frozen.packed.native
    clear = made.is_clear(x, layer.centroids)
    made.assert_alike(frozen(x), layer(x).detach(), clear)


def test_an_input_that_is_not_finite_has_the_same_codes_trained_and_frozen():
    centroids = torch.tensor([[[0.0], [-1.0], [2.0]]])
    layer = LutLinear.from_tensors(centroids, torch.ones(1, 1, 2))
    x = torch.tensor([[float("nan")], [float("inf")], [-float("inf")]])
    assert torch.equal(layer(x).detach(), layer.freeze()(x))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: LutLinear(10, 3, length=4),
            "length: 4 (V), expected a divisor of in_features 10; pad=True adds 2 zeros",
        ),
        (
            lambda: LutLinear.from_linear(nn.Linear(15, 3), 16),
            "length: 16 (V), expected a divisor of in_features 15; pad=True adds 1 zero",
        ),
        (lambda: LutLinear(10, 3, length=0), "length: 0, expected at least 1"),
        (
            lambda: LutLinear(16, 3, clusters=1),
            "clusters: 1 (K), expected 2 to 16 for the compiled kernel and at most 256 in torch",
        ),
        (
            lambda: LutLinear(16, 3, clusters=257),
            "clusters: 257 (K), expected 2 to 16 for the compiled kernel and at most 256 in torch",
        ),
        (
            lambda: LutLinear(16, 3).set_centroids(torch.ones(1, 4, 16)),
            "centroids: shape (1, 4, 16), expected (1, 16, 16) (C, K, V)",
        ),
        (
            lambda: LutLinear(16, 3).set_centroids(torch.full((1, 16, 16), float("nan"))),
            "centroids: finite numbers are expected",
        ),
        (
            lambda: LutLinear.from_tensors(torch.ones(2, 3), torch.ones(2, 3, 4)),
            "centroids: shape (2, 3), expected (C, K, V)",
        ),
        (
            lambda: LutLinear.from_tensors(torch.ones(2, 5, 3), torch.ones(2, 4, 4)),
            "weight: shape (2, 4, 4), expected (2, 3, M)",
        ),
        (
            lambda: LutLinear.from_tensors(torch.ones(2, 5, 3), torch.ones(2, 3, 4), torch.ones(3)),
            "bias: shape (3,), expected (4,)",
        ),
        (
            lambda: LutSettings(distance="euclidian"),
            "distance: 'euclidian', expected one of euclidean, squared; did you mean 'euclidean'?",
        ),
        (
            lambda: LutSettings(gradient="sof"),
            "gradient: 'sof', expected one of soft, hard; did you mean 'soft'?",
        ),
        (
            lambda: LutSettings(table_scale="per_outputs"),
            "table_scale: 'per_outputs', expected one of per_layer, per_output; did you mean "
            "'per_output'?",
        ),
        (
            lambda: LutSettings(temperature=1.0),
            "temperature: 1.0, expected a number between 0 and 1",
        ),
    ],
)
def test_what_is_not_so_is_refused(make, message):
    with pytest.raises(ValueError) as error:
        make()
    assert str(error.value) == message


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.ones(3, 11), "x: 11 features in shape (3, 11), expected in_features 12"),
        (torch.tensor(1.0), "x: 0 features in shape (), expected in_features 12"),
    ],
)
def test_inputs_of_another_width_are_refused(made, frozen, x, message):
    layer = LutLinear.from_tensors(made.drawn(3, 8, 4), made.drawn(3, 4, 5))
    with pytest.raises(ValueError) as error:
        (layer.freeze() if frozen else layer)(x)
    assert str(error.value) == message


def test_layers_show_their_sizes(made):
    layer = LutLinear.from_tensors(made.drawn(3, 8, 4), made.drawn(3, 4, 5))
    sizes = "codebooks=3, clusters=8, length=4"
    assert str(layer) == f"LutLinear(in_features=12, out_features=5, {sizes}, bias=False)"
    assert str(layer.freeze()) == f"FrozenLutLinear(outputs=5, {sizes}, search='float')"


def test_hard_and_soft_gradients_lower_a_loss(made):
    """The direction is right: a few steps of gradient descent come nearer to the dense layer."""
    x, dense = made.drawn(200, 8), nn.Linear(8, 4)
    with torch.no_grad():
        dense.weight.copy_(made.drawn(4, 8, seed=1))
    target = dense(x).detach()
    for gradient in ("soft", "hard"):
        layer = LutLinear.from_linear(dense, 4, 8, settings=LutSettings(gradient=gradient))
        layer.init_centroids(x)
        losses = []
        for _ in range(40):
            loss = functional.mse_loss(layer(x), target)
            grads = torch.autograd.grad(loss, [layer.centroids, layer.weight])
            with torch.no_grad():
                for value, grad in zip((layer.centroids, layer.weight), grads, strict=True):
                    value -= 0.3 * grad
            losses.append(float(loss.detach()))
        assert losses[-1] < 0.95 * losses[0], gradient
