from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from heliostat.errors import DataError
from heliostat_methods.pnag.supernet import weights
from heliostat_methods.pnag.supernet.flat_parameters import FlatParameters


def test_weights_come_back_bit_for_bit(build: Any, gated: Any, images: Tensor) -> None:
    first, second = build(gated, seed=0), build(gated, seed=1)
    blocks = (((7, 4),), ((3, 2),))
    FlatParameters(first)  # under training, all parameters share one buffer
    weights.load(second, weights.save(first))
    assert torch.equal(first(images, blocks), second(images, blocks))
    assert weights.save(first) == weights.save(second)


def test_weights_of_another_network_are_refused(build: Any, space: Any, gated: Any) -> None:
    net, data = build(space), weights.save(build(space))
    with pytest.raises(DataError, match=r"kernel.weight' is \(20, 1, 7, 7\), this network's"):
        weights.load(net, weights.save(build(gated)))
    with pytest.raises(DataError, match=r"weights: 'other' is not of this network"):
        weights.load(net, save({**load(data), "other": torch.zeros(1)}))
    values = load(data)
    values["classifier_bias"] = torch.zeros(9)
    with pytest.raises(DataError, match=r"'classifier_bias' is \(9,\), this network's \(4,\)"):
        weights.load(net, save(values))
    values["classifier_bais"] = values.pop("classifier_bias")
    with pytest.raises(DataError, match=r"'classifier_bias' is missing; did you mean .*bais"):
        weights.load(net, save(values))


@pytest.mark.parametrize("data", [b"", b"\x80\x04N.", b"not at all safetensors, but long enough"])
def test_bytes_that_are_no_safetensors_are_refused(build: Any, space: Any, data: bytes) -> None:
    with pytest.raises(DataError, match="weights: not safetensors"):
        weights.load(build(space), data)
