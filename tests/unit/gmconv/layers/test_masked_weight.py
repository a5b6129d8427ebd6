"""The masked kernel's own backward pass: against finite differences, autograd, and its blocks."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.func import functional_call, grad, jvp, stack_module_state, vmap

from heliostat_methods.gmconv import GMConv2d, gaussian_mask
from heliostat_methods.gmconv.layers import masked_weight as module
from heliostat_methods.gmconv.layers.masked_weight import masked_weight
from heliostat_methods.gmconv.masks.parametrisation import PARAMETRISATIONS, sigma_of
from heliostat_methods.gmconv.masks.taps import squared_distances
from heliostat_search.unrolled.forward_derivative import derivative_along

shapes = st.sampled_from([(3, 2, 3, 3), (4, 1, 2, 5), (2, 3, 4), (2, 2, 3, 1, 2), (5, 7, 1, 3)])


def by_autograd(weight, stored, r2, how):
    sigma = sigma_of(stored, how).reshape(-1, *[1] * (weight.dim() - 1))
    return weight * torch.exp(-r2 / (2 * sigma**2))


@pytest.mark.parametrize("how", PARAMETRISATIONS)
@pytest.mark.parametrize("stored", [1.3, -0.7, [0.8, -1.1, 2.5]])
def test_first_and_second_derivatives_are_those_of_finite_differences(how, stored):
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(3, 2, 2, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    sigma = torch.tensor(stored, dtype=torch.float64, requires_grad=True)
    r2 = squared_distances((2, 3))

    def function(weight, sigma):
        return masked_weight(weight, sigma, r2, how)

    assert torch.autograd.gradcheck(
        function, (weight, sigma), check_forward_ad=True, check_batched_grad=True
    )
    assert torch.autograd.gradgradcheck(function, (weight, sigma))


@settings(max_examples=40, deadline=None)
@given(
    shapes,
    st.sampled_from(PARAMETRISATIONS),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([4, 30, 1 << 18]),
    st.integers(0, 99),
)
def test_gradients_in_blocks_are_those_of_autograd(
    shape, how, per_channel, overwrite, last, block, seed
):
    generator = torch.Generator().manual_seed(seed)
    exact = {"generator": generator, "dtype": torch.float64}
    r2 = squared_distances(shape[2:])
    weight, gradient = torch.randn(shape, **exact), torch.randn(shape, **exact)
    if last:
        weight, gradient = (
            t.movedim(1, -1).contiguous().movedim(-1, 1) for t in (weight, gradient)
        )
    stored = torch.randn(shape[:1] if per_channel else (), **exact)
    leaves = [weight.requires_grad_(), stored.requires_grad_()]
    wanted = torch.autograd.grad(by_autograd(*leaves, r2, how), leaves, gradient)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", block)
        product = masked_weight(*leaves, r2, how, overwrite=overwrite)
        found = torch.autograd.grad(product, leaves, gradient.clone())
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)
    assert found[0].stride() == weight.stride()


@pytest.mark.parametrize("kind", ["weight", "sigma"])
@pytest.mark.parametrize("overwrite", [True, False])
def test_the_gradient_of_one_alone_needs_not_the_other(kind, overwrite):
    weight, sigma, r2 = torch.randn(3, 2, 3, 3), torch.tensor(1.5), squared_distances(3)
    leaf = weight if kind == "weight" else sigma
    leaf.requires_grad_()
    gradient = torch.randn(3, 2, 3, 3)
    (wanted,) = torch.autograd.grad(by_autograd(weight, sigma, r2, "raw"), leaf, gradient)
    product = masked_weight(weight, sigma, r2, overwrite=overwrite)
    (found,) = torch.autograd.grad(product, leaf, gradient.clone())
    torch.testing.assert_close(found, wanted)


def test_a_gradient_that_others_may_read_is_left_as_it_is():
    weight = torch.randn(3, 2, 3, 3, requires_grad=True)
    gradient = torch.randn(3, 2, 3, 3)
    before = gradient.clone()
    masked_weight(weight, torch.tensor(1.0, requires_grad=True), squared_distances(3)).backward(
        gradient
    )
    assert torch.equal(gradient, before)


def test_the_public_kernel_of_a_layer_can_be_used_twice():
    layer = GMConv2d(2, 3, 3, sigma_init=1.0)
    kernel = layer.masked_weight()
    (kernel.sum() + kernel.square().sum()).backward()
    mask = gaussian_mask(3, 1.0)
    wanted = mask * (1 + 2 * layer.weight.detach() * mask)
    torch.testing.assert_close(layer.weight.grad, wanted)


def test_two_backward_passes_through_one_graph_agree():
    layer = GMConv2d(2, 3, 3, sigma_init=1.0)
    loss = layer(torch.randn(2, 2, 5, 5)).square().sum()
    first = torch.autograd.grad(loss, list(layer.parameters()), retain_graph=True)
    second = torch.autograd.grad(loss, list(layer.parameters()))
    assert all(map(torch.equal, first, second))


def test_layers_stacked_by_vmap_give_what_each_gives():
    layers = [GMConv2d(2, 3, 3, sigma_init=s) for s in (0.7, 1.0, 3.0)]
    x = torch.randn(2, 2, 5, 5)
    for mode in (True, False):
        for layer in layers:
            layer.train(mode)
        parameters, buffers = stack_module_state(layers)

        def output(parameters, buffers):
            return functional_call(layers[0], (parameters, buffers), (x,))

        with torch.set_grad_enabled(mode):
            found = vmap(output)(parameters, buffers)
            for row, layer in zip(found, layers, strict=True):
                torch.testing.assert_close(row, layer(x), rtol=1e-4, atol=1e-5)


def test_gradients_by_sample_and_along_directions():
    layer, x = GMConv2d(2, 3, 3, sigma_init=1.0).double(), torch.randn(4, 2, 5, 5).double()
    parameters = {name: p.detach() for name, p in layer.named_parameters()}

    def loss(parameters, x):
        return functional_call(layer, parameters, (x,)).square().sum()

    whole = grad(loss)(parameters, x)
    each = vmap(grad(loss), in_dims=(None, 0))(parameters, x.unsqueeze(1))
    for name, slope in whole.items():
        torch.testing.assert_close(each[name].sum(0), slope)
    ones = {name: torch.ones_like(p) for name, p in parameters.items()}
    _, turned = jvp(lambda p: grad(loss)(p, x), (parameters,), (ones,))
    step = 1e-5
    ahead, behind = (
        grad(loss)({k: p + s for k, p in parameters.items()}, x)["sigma"] for s in (step, -step)
    )
    torch.testing.assert_close(turned["sigma"], (ahead - behind) / (2 * step), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("learned", [True, False])
def test_a_change_of_parameters_moves_the_outputs_forwards(training, learned):
    layer = GMConv2d(2, 3, 3, sigma_init=1.0, learn_sigma=learned).double().train(training)
    x = torch.randn(2, 2, 5, 5).double()
    state = dict(layer.state_dict())
    change = {name: torch.ones_like(value) for name, value in state.items()}
    with torch.no_grad():
        layer(x)

    def output(state):
        return functional_call(layer, state, (x,))

    found = derivative_along(output, state, change)
    step = 1e-6
    with torch.no_grad():
        ahead, behind = (output({k: v + s for k, v in state.items()}) for s in (step, -step))
    torch.testing.assert_close(found, (ahead - behind) / (2 * step), rtol=1e-6, atol=1e-6)
    # Nothing of it is kept.
    with torch.no_grad():
        torch.testing.assert_close(layer(x), output(state), rtol=0, atol=1e-12)
