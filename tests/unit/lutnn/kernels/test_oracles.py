"""Section 5 of the method's specification: codes, whole sums and outputs of dev1 and dev2."""

from __future__ import annotations

import pytest
import torch

from heliostat_methods.lutnn.kernels import fallback
from heliostat_methods.lutnn.kernels.linear import lut_encode, lut_linear
from heliostat_methods.lutnn.kernels.packing import pack

CODES = {
    "dev1": [[2, 2], [1, 2], [0, 3]],
    "dev2": [[0, 3, 9, 5], [12, 2, 9, 14], [12, 8, 9, 5], [12, 13, 9, 13], [12, 8, 9, 5]],
}
SCALE = {"dev1": 0.0218996063, "dev2": 0.02903543307}
FIRST_SUMS = {"dev1": [57, -91, 59, 20], "dev2": [15, 15, 25, 11, -25, 22, -15, 115]}
LAST_SUMS = {"dev1": [45, 17, 53, -68], "dev2": [29, 18, 29, 5, 29, 6, -17, -30]}
FIRST_OUTPUT = {
    "dev1": [0.7482775591, -1.492864173, 0.2920767717, 0.437992126],
    "dev2": [-0.06446850394, 0.9355314961, -0.2741141732, 0.3193897638, 0.2741141732, 0.1387795276,
             0.06446850394, 2.339074803],
}  # fmt: skip
SUM_PER_LAYER = {"dev1": -5.01476378, "dev2": -0.4414370079}
SUM_PER_OUTPUT = {"dev1": -5.022637795, "dev2": -0.5853838583}
FLOAT_TABLES = {
    "dev1": [0.75, -1.5, 0.28125, 0.4375],
    "dev2": [-0.0625, 0.90625, -0.28125, 0.34375, 0.28125, 0.125, 0.0625, 2.3125],
}


@pytest.fixture(params=["dev1", "dev2"])
def oracle(request):
    return request.param, request.getfixturevalue(request.param)


def packed_of(device, of="layer", bias=True):
    return pack(device.centroids, device.int8_tables(of), device.scale(of),
                device.bias if bias else None)  # fmt: skip


def test_codes(oracle, kernels):
    name, device = oracle
    assert lut_encode(device.x, packed_of(device), using=kernels).tolist() == CODES[name]


def test_scale_of_the_tables(oracle):
    name, device = oracle
    assert float(device.scale("layer")) == pytest.approx(SCALE[name], rel=1e-7)


def test_whole_sums(oracle, kernels):
    name, device = oracle
    sums = lut_linear(device.x, pack(device.centroids, device.int8_tables("layer"), 1.0),
                      using=kernels)  # fmt: skip
    assert sums[0].tolist() == FIRST_SUMS[name]
    assert sums[-1].tolist() == LAST_SUMS[name]
    codes = torch.tensor(CODES[name])
    assert fallback.sums(packed_of(device), codes).tolist() == sums.tolist()


@pytest.mark.parametrize(("of", "total"), [("layer", SUM_PER_LAYER), ("output", SUM_PER_OUTPUT)])
def test_outputs_with_a_scale_of_the_layer_and_of_each_output(oracle, kernels, of, total):
    name, device = oracle
    tables, scale = device.int8_tables(of), device.scale(of)
    sums = lut_linear(device.x, pack(device.centroids, tables, 1.0), using=kernels)
    exact = sums.double() * scale + device.bias
    assert float(exact.sum()) == pytest.approx(total[name], rel=1e-7)
    if of == "layer":
        assert exact[0].tolist() == pytest.approx(FIRST_OUTPUT[name], rel=1e-7)
    y = lut_linear(device.x, packed_of(device, of), using=kernels)
    assert y.dtype == torch.float32
    assert float((y - exact).abs().max()) < 1e-6


def test_float_tables_by_the_same_codes(oracle):
    name, device = oracle
    chosen = device.tables[torch.arange(len(device.tables)), torch.tensor(CODES[name])[0]]
    assert (chosen.sum(0) + device.bias).tolist() == pytest.approx(FLOAT_TABLES[name], rel=1e-7)


def test_output_error_is_within_that_of_centroids_and_tables(oracle, kernels):
    _, device = oracle
    codebooks, _, length = device.centroids.shape
    pieces = device.x.reshape(-1, codebooks, length)
    codes = lut_encode(device.x, packed_of(device), using=kernels).long()
    near = device.centroids[torch.arange(codebooks), codes]
    distances = (pieces - near).norm(dim=2)  # (N, C)
    bound = distances @ device.weight.norm(dim=1) + codebooks * device.scale("layer") / 2
    exact = torch.einsum("ncv,cvm->nm", pieces, device.weight) + device.bias
    error = (lut_linear(device.x, packed_of(device), using=kernels) - exact).abs()
    assert bool((error <= bound + 1e-6).all())
    assert float((error / bound).max()) > 0.1  # the bound says something
