"""Section 5 of the method's specification, in float64: values of dev1 and dev2, and gradients."""

from __future__ import annotations

import pytest
import torch

from heliostat_methods.lutnn.codebooks.codes import nearest_centroids
from heliostat_methods.lutnn.codebooks.soft_assignment import soft_lookup, soft_output
from heliostat_methods.lutnn.codebooks.tables import float_tables, quantised_tables
from heliostat_methods.lutnn.codebooks.temperature import beta_of, theta_of

TEMPERATURE = {"dev1": 0.5, "dev2": 0.25}
CODES = {
    "dev1": [[2, 2], [1, 2], [0, 3]],
    "dev2": [[0, 3, 9, 5], [12, 2, 9, 14], [12, 8, 9, 5], [12, 13, 9, 13], [12, 8, 9, 5]],
}
SCALE = {"dev1": 0.0218996063, "dev2": 0.02903543307}
FIRST_SUMS = {"dev1": [57, -91, 59, 20], "dev2": [15, 15, 25, 11, -25, 22, -15, 115]}
LAST_SUMS = {"dev1": [45, 17, 53, -68], "dev2": [29, 18, 29, 5, 29, 6, -17, -30]}
FLOAT_TABLES = {
    "dev1": [0.75, -1.5, 0.28125, 0.4375],
    "dev2": [-0.0625, 0.90625, -0.28125, 0.34375, 0.28125, 0.125, 0.0625, 2.3125],
}
PER_LAYER = {
    "dev1": [0.7482775591, -1.492864173, 0.2920767717, 0.437992126],
    "dev2": [-0.06446850394, 0.9355314961, -0.2741141732, 0.3193897638, 0.2741141732, 0.1387795276,
             0.06446850394, 2.339074803],
}  # fmt: skip
SUM = {
    "per_layer": {"dev1": -5.01476378, "dev2": -0.4414370079},
    "per_output": {"dev1": -5.022637795, "dev2": -0.5853838583},
}
SOFT = {
    "dev1": [0.2802466018, -0.2513959174, -0.04528361456, 0.7207809974],
    "dev2": [-0.8415582313, 1.156617878, -1.139861984, 0.2589159052, -0.01480688725, 0.2091582026,
             0.3230498481, 1.436701413],
}  # fmt: skip
SOFT_SUM = {
    "euclidean": {"dev1": -3.902911665, "dev2": 0.7217825641},
    "squared": {"dev1": -4.758824796, "dev2": -0.1293434034},
}
EXACT = {
    "dev1": [0.3125, -0.28125, -0.28125, 1.1875],
    "dev2": [-0.5625, 1.09375, -1.8125, -1.1875, 0.125, -0.03125, 0.9375, 0.09375],
}
SQUARES = {
    "dev1": (73.29247034, 480.0861569, 80.44988392),
    "dev2": (1407.124145, 2531.216102, 2021.958785),
}
GRAD_THETA = {"dev1": -0.5693835418, "dev2": -0.701791074}


@pytest.fixture(params=["dev1", "dev2"])
def oracle(request):
    return request.param, request.getfixturevalue(request.param)


def near(values):
    return pytest.approx(values, rel=1e-7)


def theta_for(name, **more):
    return torch.tensor(theta_of(TEMPERATURE[name]), dtype=torch.float64, **more)


def chosen_sums(tables, codes):
    return tables[torch.arange(len(tables)), codes.long()].sum(1)


def looked_up(name, device, **options):
    beta = beta_of(theta_for(name))
    return soft_lookup(device.x, device.centroids, device.weight, beta, **options) + device.bias


def test_codes(oracle):
    name, device = oracle
    codes = nearest_centroids(device.x, device.centroids)
    assert codes.dtype == torch.uint8
    assert codes.tolist() == CODES[name]


def test_step_and_whole_sums(oracle):
    name, device = oracle
    tables, step = quantised_tables(device.centroids, device.weight)
    assert tables.dtype == torch.int8
    assert step.dtype == torch.float64
    assert float(step) == near(SCALE[name])
    sums = chosen_sums(tables.long(), torch.tensor(CODES[name]))
    assert sums[0].tolist() == FIRST_SUMS[name]
    assert sums[-1].tolist() == LAST_SUMS[name]


def test_outputs_of_float_tables_and_without_tables(oracle):
    name, device = oracle
    assert looked_up(name, device, tables=None)[0].tolist() == near(FLOAT_TABLES[name])
    exact = device.x @ device.weight.flatten(0, 1) + device.bias
    assert exact[0].tolist() == near(EXACT[name])
    chosen = chosen_sums(float_tables(device.centroids, device.weight), torch.tensor(CODES[name]))
    assert torch.equal(chosen + device.bias, looked_up(name, device, tables=None))


@pytest.mark.parametrize("gradient", ["soft", "hard"])
@pytest.mark.parametrize("tables", ["per_layer", "per_output"])
def test_outputs_of_int8_tables(oracle, tables, gradient):
    name, device = oracle
    y = looked_up(name, device, tables=tables, gradient=gradient)
    assert float(y.sum()) == near(SUM[tables][name])
    if tables == "per_layer":
        assert y[0].tolist() == near(PER_LAYER[name])


@pytest.mark.parametrize("distance", ["euclidean", "squared"])
def test_soft_outputs(oracle, distance):
    name, device = oracle
    beta = beta_of(theta_for(name))
    soft = soft_output(device.x, device.centroids, device.weight, beta, distance) + device.bias
    assert float(soft.sum()) == near(SOFT_SUM[distance][name])
    if distance == "euclidean":
        assert soft[0].tolist() == near(SOFT[name])


@pytest.mark.parametrize("tables", ["per_layer", "per_output", None])
def test_gradients_whatever_the_tables(oracle, tables):
    name, device = oracle
    values = (device.centroids, device.weight, device.x)
    centroids, weight, x = (v.clone().requires_grad_() for v in values)
    theta = theta_for(name, requires_grad=True)
    out = soft_lookup(x, centroids, weight, beta_of(theta), tables=tables) + device.bias
    factors = (3 * torch.arange(out.numel()) + 2) % 7 - 3
    (factors.reshape(out.shape) * out).sum().backward()
    squares = [float(v.grad.square().sum()) for v in (centroids, weight, x)]
    assert squares == near(list(SQUARES[name]))
    assert float(theta.grad) == near(GRAD_THETA[name])
