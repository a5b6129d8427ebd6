from typing import Any

import pytest
import torch
from torch import Tensor, nn

from heliostat.errors import DataError
from heliostat_methods.pnag.supernet import exporting, weights
from heliostat_methods.pnag.supernet.extraction import extract
from heliostat_methods.pnag.supernet.recalibration import recalibrate

BLOCKS = (((7, 4), (5, 3)), ((3, 2),))


@pytest.fixture
def module(build: Any, gated: Any, images: Tensor) -> nn.Module:
    net = build(gated)
    return extract(net, BLOCKS, recalibrate(net, BLOCKS, images))


def test_torchscript_says_the_same_on_other_batches(module: nn.Module, images: Tensor) -> None:
    data = exporting.to_torchscript(module, images[:2])
    assert exporting.check_torchscript(data, module, images[:7]) <= 1e-5


def test_onnx_says_the_same_on_other_batches(module: nn.Module, images: Tensor) -> None:
    pytest.importorskip("onnx")
    data = exporting.to_onnx(module, images[:2])
    assert exporting.check_onnx(data, module, images[:3]) <= 1e-5


def test_a_file_of_other_weights_is_noticed(module: nn.Module, images: Tensor) -> None:
    data = exporting.to_torchscript(module, images[:2])
    with torch.no_grad():
        next(module.parameters()).add_(1.0)
    with pytest.raises(DataError, match=r"TorchScript: logits differ by [\d.]+"):
        exporting.check_torchscript(data, module, images[:3])


def test_without_onnx_the_message_says_how_to_get_it(
    module: nn.Module, images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"pip install 'heliostat\[onnx\]'"):
        exporting.to_onnx(module, images)


def test_an_export_leaves_the_module_as_it_was(module: nn.Module, images: Tensor) -> None:
    module.train()
    before = weights.save(module)
    exporting.to_torchscript(module, images[:2])
    assert module.training and weights.save(module) == before
