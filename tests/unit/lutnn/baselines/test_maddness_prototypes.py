"""Prototypes: dense least squares with a ridge, what a codebook alone gives, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from heliostat_methods.lutnn.baselines.maddness_prototypes import learned_prototypes


def drawn(rows, features, codebooks, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, features, generator=generator)
    codes = torch.randint(0, 16, (rows, codebooks), generator=generator).to(torch.uint8)
    return x, codes


def one_hot(codes):
    dense = np.zeros((len(codes), codes.shape[1] * 16))
    for row, of in enumerate(codes.tolist()):
        for codebook, code in enumerate(of):
            dense[row, codebook * 16 + code] = 1.0
    return dense


@pytest.mark.parametrize("ridge", [1.0, 0.05])
@pytest.mark.parametrize(("rows", "codebooks"), [(200, 1), (90, 3), (20, 4)])
def test_prototypes_are_those_of_dense_least_squares_with_a_ridge(rows, codebooks, ridge):
    x, codes = drawn(rows, 6, codebooks)
    dense = one_hot(codes)
    # sqrt(ridge) I below the one-hot rows, and zeros below the inputs
    padded = np.vstack([dense, math.sqrt(ridge) * np.eye(dense.shape[1])])
    targets = np.vstack([x.double().numpy(), np.zeros((dense.shape[1], 6))])
    expected = np.linalg.lstsq(padded, targets, rcond=None)[0].reshape(codebooks, 16, 6)
    found = learned_prototypes(x, codes, ridge)
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-11)


def test_one_codebook_has_the_shrunk_means_of_its_codes():
    x, codes = drawn(300, 4, 1)
    found = learned_prototypes(x, codes, ridge=2.0)
    for code in range(16):
        some = x[codes[:, 0] == code].double()
        assert torch.allclose(found[0, code], some.sum(0) / (len(some) + 2.0), rtol=1e-12)


def test_codes_that_never_occur_have_prototypes_of_zero():
    x, codes = drawn(100, 4, 2)
    found = learned_prototypes(x, codes % 8)
    assert not found[:, 8:].any()


def test_prototypes_follow_the_inputs_linearly():
    x, codes = drawn(100, 4, 2)
    weight = torch.randn(4, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = learned_prototypes(x.double() @ weight, codes)
    assert torch.allclose(found, learned_prototypes(x, codes) @ weight, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": torch.zeros(4)}, r"inputs: shape \(4,\), expected \(N, D\)"),
        ({"inputs": torch.full((20, 4), math.inf)}, "inputs: finite numbers are expected"),
        ({"codes": torch.zeros(19, 2)}, r"codes: shape \(19, 2\), expected \(20, C\)"),
        ({"codes": torch.full((20, 2), 16)}, "codes: from 16 to 16, expected 0 to 15"),
        ({"codes": torch.full((20, 2), -1)}, "codes: from -1 to -1, expected 0 to 15"),
        ({"ridge": 0.0}, "ridge: 0.0, expected a positive number"),
        ({"ridge": math.nan}, "ridge: nan, expected a positive number"),
        ({"ridge": 1e-30}, "ridge: 1e-30, expected a larger one beside 20 rows"),
    ],
)
def test_refusals_name_the_argument(change, message):
    x, codes = drawn(20, 4, 2)
    with pytest.raises(ValueError, match=message):
        learned_prototypes(**{"inputs": x, "codes": codes} | change)
