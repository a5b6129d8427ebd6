"""What holds for layers by table lookup whatever their numbers: section 5 of the specification."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.lutnn.codebooks.codes import nearest_centroids
from heliostat_methods.lutnn.codebooks.soft_assignment import soft_output
from heliostat_methods.lutnn.codebooks.temperature import beta_of
from heliostat_methods.lutnn.layers.linear import LutLinear
from heliostat_methods.lutnn.layers.settings import LutSettings
from heliostat_methods.lutnn.training.annealing import set_temperature

SUM = {
    "per_layer": {"dev1": -5.01476378, "dev2": -0.4414370079},
    "per_output": {"dev1": -5.022637795, "dev2": -0.5853838583},
}
FIRST_OUTPUT = {
    "dev1": [0.7482775591, -1.492864173, 0.2920767717, 0.437992126],
    "dev2": [-0.06446850394, 0.9355314961, -0.2741141732, 0.3193897638, 0.2741141732, 0.1387795276,
             0.06446850394, 2.339074803],
}  # fmt: skip
FLOAT_TABLES = LutSettings(quantise_tables=False)


@pytest.fixture(params=["dev1", "dev2"])
def oracle(request):
    return request.param, request.getfixturevalue(request.param)


@st.composite
def layers(draw, settings=None):
    """A layer in float64 and inputs of it, drawn."""
    n, c, k, v, m = (draw(st.integers(*ends)) for ends in ((1, 6), (1, 5), (2, 9), (1, 4), (1, 5)))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    x, centroids, weight, bias = (
        torch.randn(*shape, generator=generator, dtype=torch.float64)
        for shape in ((n, c * v), (c, k, v), (c, v, m), (m,))
    )
    if settings is None:
        settings = LutSettings(table_scale=draw(st.sampled_from(["per_layer", "per_output"])))
    return LutLinear.from_tensors(centroids, weight, bias, settings=settings), x


def exact(layer, x):
    return x @ layer.weight.detach().flatten(0, 1) + layer.bias.detach()


@pytest.mark.parametrize("table_scale", ["per_layer", "per_output"])
@pytest.mark.parametrize("frozen", [False, True])
def test_oracles_of_outputs_through_layers(oracle, table_scale, frozen):
    name, device = oracle
    layer = LutLinear.from_tensors(
        device.centroids, device.weight, device.bias, table_scale=table_scale
    )
    assert layer.centroids.dtype == torch.float64
    y = (layer.freeze() if frozen else layer)(device.x)
    assert y.dtype == torch.float64
    rel = 1e-5 if frozen else 1e-7  # the kernel adds whole numbers, but scales them in float32
    assert float(y.sum().detach()) == pytest.approx(SUM[table_scale][name], rel=rel)
    if table_scale == "per_layer":
        assert y[0].tolist() == pytest.approx(FIRST_OUTPUT[name], rel=rel)


@settings(max_examples=40, deadline=None)
@given(made=layers(FLOAT_TABLES), data=st.data())
def test_inputs_that_are_centroids_give_what_the_dense_layer_gives(made, data):
    layer, x = made
    c, k, _ = layer.centroids.shape
    at = torch.tensor(data.draw(st.lists(st.integers(0, k - 1), min_size=c, max_size=c)))
    row = layer.centroids.detach()[torch.arange(c), at].reshape(1, -1)
    torch.testing.assert_close(layer(row).detach(), exact(layer, row), rtol=1e-12, atol=1e-12)
    # which says something: other inputs are given another output
    assert not torch.allclose(layer(row + x[:1]).detach(), exact(layer, row + x[:1]))


@settings(max_examples=40, deadline=None)
@given(made=layers(), seed=st.integers(0, 2**32))
def test_permuted_centroids_change_codes_and_not_outputs(made, seed):
    layer, x = made
    generator = torch.Generator().manual_seed(seed)
    c, k, _ = layer.centroids.shape
    order = torch.stack([torch.randperm(k, generator=generator) for _ in range(c)])
    centroids = layer.centroids.detach()
    permuted = torch.stack([centroids[i, order[i]] for i in range(c)])
    other = LutLinear.from_tensors(permuted, layer.weight, layer.bias, settings=layer.settings)
    codes, new = nearest_centroids(x, centroids).long(), nearest_centroids(x, permuted).long()
    assert torch.equal(torch.stack([order[i, new[:, i]] for i in range(c)], dim=1), codes)
    torch.testing.assert_close(other(x), layer(x), rtol=1e-12, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(made=layers())
def test_the_error_is_within_that_of_centroids_and_tables(made):
    layer, x = made
    c, _, v = layer.centroids.shape
    centroids, weight = layer.centroids.detach(), layer.weight.detach()
    at = nearest_centroids(x, centroids).long()
    away = (x.reshape(-1, c, v) - centroids[torch.arange(c), at]).norm(dim=2)
    _, step = layer.tables()
    bound = away @ weight.norm(dim=1) + c * step / 2
    error = (layer(x).detach() - exact(layer, x)).abs()
    assert bool((error <= bound * (1 + 1e-9) + 1e-12).all())


def test_outputs_do_not_depend_on_the_temperature_and_soft_ones_come_to_them():
    generator = torch.Generator().manual_seed(0)
    centroids, weight, x = (
        torch.randn(*shape, generator=generator, dtype=torch.float64)
        for shape in ((3, 8, 2), (3, 2, 4), (20, 6))
    )
    layer = LutLinear.from_tensors(centroids, weight, settings=FLOAT_TABLES)
    outputs, distances = [], []
    for temperature in (0.999, 0.3, 1e-5):
        set_temperature(layer, temperature)
        assert layer.temperature == pytest.approx(temperature)
        outputs.append(layer(x).detach())
        soft = soft_output(x, centroids, weight, beta_of(layer.theta.detach()))
        distances.append(float((soft - outputs[0]).abs().max()))
    assert torch.equal(outputs[0], outputs[1])
    assert torch.equal(outputs[0], outputs[2])
    assert distances[0] > distances[1] > 0.1
    assert distances[2] < 1e-9


def test_evaluation_is_the_same_as_training():
    layer, x = LutLinear.from_tensors(torch.eye(4)[None], torch.ones(1, 4, 2)), torch.ones(3, 4)
    assert torch.equal(layer.eval()(x), layer.train()(x))
