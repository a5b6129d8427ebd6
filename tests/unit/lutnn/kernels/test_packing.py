"""A packed layer: its paddings, what it refuses, how it is copied."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

from heliostat_methods.lutnn.kernels import fallback
from heliostat_methods.lutnn.kernels.linear import lut_encode, lut_linear
from heliostat_methods.lutnn.kernels.packing import LANES, calibrated_scale, pack


def parts(c=3, k=5, v=4, m=7):
    generator = torch.Generator().manual_seed(0)
    return {
        "centroids": torch.randn(c, k, v, generator=generator),
        "tables": torch.randint(-127, 128, (c, k, m), generator=generator, dtype=torch.int8),
        "scale": 0.5,
    }


def test_codebooks_lanes_and_outputs_are_padded_with_what_never_counts():
    given = parts()
    packed = pack(**given)
    assert packed.centroids.shape == (3, 4, LANES)
    assert torch.isinf(packed.half_norms[:, 5:]).all()
    assert torch.isfinite(packed.half_norms[:, :5]).all()
    assert packed.rows.shape == (1, 3, LANES, 64)
    assert packed.quads is not None
    assert packed.quads.shape == (16, 1, 4, 64)
    # output 5 of quad 1: codebook 2, code 3
    assert int(packed.quads[1, 0, 1, 2 * 16 + 3]) == int(given["tables"][2, 3, 5])
    assert not packed.quads[:, :, :, 48:].any()


@pytest.mark.parametrize("k", [17, 64])
def test_more_than_16_centroids_run_in_torch(k):
    packed = pack(**parts(k=k))
    assert not packed.native
    x = torch.randn(9, 12, generator=torch.Generator().manual_seed(1))
    exact = ((x.reshape(9, 3, 1, 4) - packed.centroids.transpose(1, 2)) ** 2).sum(3).argmin(2)
    assert torch.equal(lut_encode(x, packed).long(), exact)
    assert torch.equal(lut_linear(x, packed), fallback.linear(packed, x))


def test_copies_have_addresses_of_their_own(kernels):
    packed = pack(**parts())
    x = torch.randn(5, 12, generator=torch.Generator().manual_seed(1))
    expected = lut_linear(x, packed, using=kernels)
    for other in (copy.deepcopy(packed), pickle.loads(pickle.dumps(packed))):
        assert other.rows.data_ptr() != packed.rows.data_ptr()
        assert other.view.rows == other.rows.data_ptr()
        assert torch.equal(lut_linear(x, other, using=kernels), expected)


def test_the_step_of_calibrated_inputs():
    assert calibrated_scale(torch.tensor([[-254.0, 3.0]])) == 2
    assert calibrated_scale(torch.zeros(3)) == calibrated_scale(torch.empty(0)) == 1
    with pytest.raises(ValueError, match="inputs: calibration needs finite numbers"):
        calibrated_scale(torch.tensor([1.0, torch.inf]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"centroids": torch.zeros(3, 4)}, r"centroids: shape \(3, 4\), expected \(C, K, V\)"),
        ({"centroids": torch.zeros(0, 5, 4)}, r"centroids: shape \(0, 5, 4\), expected"),
        ({"centroids": torch.full((3, 5, 4), torch.nan)}, "centroids: finite numbers"),
        ({"centroids": torch.zeros(3, 1, 4)}, "K = 1 of a codebook, expected 2 to 16"),
        ({"tables": torch.zeros(3, 5, 7)}, "tables: torch.float32, expected torch.int8"),
        ({"tables": torch.zeros(3, 4, 7, dtype=torch.int8)},
         r"tables: shape \(3, 4, 7\), expected \(3, 5, M\)"),
        ({"scale": torch.ones(6)}, r"scale: shape \(6,\), expected \(7,\)"),
        ({"bias": torch.ones(1)}, r"bias: shape \(1,\), expected \(7,\)"),
        ({"search": "bf16"}, "search: 'bf16', expected 'float' or 'int8'"),
        ({"search": "int8"}, "input_scale: None, expected a positive number"),
        ({"search": "int8", "input_scale": 0.0}, "input_scale: 0.0, expected a positive number"),
        ({**parts(k=17), "search": "int8", "input_scale": 1.0}, "'int8' needs K <= 16"),
    ],
)  # fmt: skip
def test_what_cannot_be_packed_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        pack(**{**parts(), **change})


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(2, 11), r"x: shape \(2, 11\), expected \(N, 12\) as the layer's in_features"),
        (torch.zeros(12), r"x: shape \(12,\), expected \(N, 12\)"),
        (torch.zeros(2, 12, dtype=torch.int32), "x: torch.int32, expected a floating-point type"),
        (torch.zeros(2, 12, device="meta"), "x: on meta, expected a tensor on the CPU"),
    ],
)
def test_what_is_no_input_is_refused(x, message):
    for call in (lut_linear, lut_encode):
        with pytest.raises(ValueError, match=message):
            call(x, pack(**parts()))
