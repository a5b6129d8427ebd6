"""Extracted subnets as TorchScript and ONNX, read back and compared with what was written."""

from __future__ import annotations

import copy
import importlib.util
import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from heliostat.errors import DataError

TOLERANCE = 1e-4
"""By how much logits of a file may differ, relative to the greatest logit."""
OPSET = 17


def to_torchscript(module: nn.Module, images: Tensor) -> bytes:
    """Return a module as TorchScript, traced on images (batch, channels, height, width)."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # it is deprecated, and what phones still take
        trace: Callable[..., torch.jit.ScriptModule] = torch.jit.trace
        traced = trace(_evaluated(module), images, check_trace=False)
        torch.jit.save(traced, buffer)
    return buffer.getvalue()


def to_onnx(module: nn.Module, images: Tensor) -> bytes:
    """Return a module as ONNX, inputs "images" and outputs "logits", of any batch.

    Raises DataError where the package onnx is missing.
    """
    _need_onnx()
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        # Its stub knows no buffers.
        export: Callable[..., object] = torch.onnx.export
        export(
            _evaluated(module), (images,), buffer, dynamo=False, opset_version=OPSET,
            input_names=["images"], output_names=["logits"],
            dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}},
        )  # fmt: skip
    return buffer.getvalue()


def check_torchscript(data: bytes, module: nn.Module, images: Tensor) -> float:
    """Return by how much logits of the file differ from the module's, relative to the greatest.

    Raises DataError if it is more than `TOLERANCE`.
    """
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        loaded = torch.jit.load(io.BytesIO(data))  # type: ignore[no-untyped-call]
        return _difference("TorchScript", loaded(images).numpy(), module, images)


def check_onnx(data: bytes, module: nn.Module, images: Tensor) -> float:
    """Return by how much logits of the file differ, evaluated by onnx's reference.

    Raises DataError if it is more than `TOLERANCE`, or where the package onnx is missing.
    """
    _need_onnx()
    import onnx
    from onnx.reference import ReferenceEvaluator

    model = onnx.load_from_string(data)
    onnx.checker.check_model(model)
    run: Callable[..., Any] = ReferenceEvaluator(model).run
    return _difference("ONNX", run(None, {"images": images.numpy()})[0], module, images)


def _difference(kind: str, found: NDArray[Any], module: nn.Module, images: Tensor) -> float:
    with torch.no_grad():
        wanted = _evaluated(module)(images).numpy()
    apart = float(np.abs(found - wanted).max() / max(1.0, float(np.abs(wanted).max())))
    if not apart <= TOLERANCE:
        raise DataError(f"{kind}: logits differ by {apart:.2g} from the module that was written")
    return apart


def _evaluated(module: nn.Module) -> nn.Module:
    return copy.deepcopy(module).eval()


def _need_onnx() -> None:
    if importlib.util.find_spec("onnx") is None:
        raise DataError("ONNX needs the package onnx: pip install 'heliostat[onnx]'")
