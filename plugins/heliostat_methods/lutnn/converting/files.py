"""A converted model in a safetensors file: plain tensors, and which layers look up.

The file has no code. A model of the same architecture, dense as it was, is given when loading; the
layers that the file names are replaced, trained or frozen as they were saved, and all numbers taken
from the file.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from heliostat.errors import did_you_mean
from heliostat_methods.lutnn.converting.convert import replaced
from heliostat_methods.lutnn.kernels.packing import LAYOUT_VERSION
from heliostat_methods.lutnn.layers.convolution import LutConv2d
from heliostat_methods.lutnn.layers.frozen import (
    FrozenLut,
    FrozenLutConv2d,
    FrozenLutLinear,
    FrozenNumbers,
)
from heliostat_methods.lutnn.layers.geometry import Geometry
from heliostat_methods.lutnn.layers.linear import LutLinear
from heliostat_methods.lutnn.layers.settings import LutSettings
from heliostat_methods.lutnn.layers.trainable import LutLayer

_KEY = "heliostat_lutnn"


def save_lut(model: nn.Module, path: str | Path) -> None:
    """Write a model with layers by table lookup into a safetensors file."""
    layers = {name: _account(layer) for name, layer in lookups(model).items()}
    about = {"version": LAYOUT_VERSION, "layers": layers}
    # A safetensors file takes no two tensors of one memory, which tied weights are.
    tensors = {n: t.detach().cpu().clone().contiguous() for n, t in model.state_dict().items()}
    save_file(tensors, str(path), metadata={_KEY: json.dumps(about)})


def load_lut(model: nn.Module, path: str | Path) -> nn.Module:
    """Return a copy of a dense model with the lookups and all numbers of a file.

    Raises ValueError naming what does not fit: a file without lookups, a layer that the model does
    not have or that is of another kind or size.
    """
    about = _about(path)
    copied = copy.deepcopy(model)
    modules = dict(copied.named_modules())
    tensors = load_file(str(path))
    made: dict[nn.Module, nn.Module] = {}
    for name, account in about["layers"].items():
        if name not in modules:
            hint = did_you_mean(name, [n for n in modules if n])
            raise ValueError(f"model: no layer {name!r}, which the file looks up; {hint}")
        try:
            made[modules[name]] = _built(modules[name], account, _numbers_of(tensors, name))
        except KeyError as error:
            raise ValueError(f"model: layer {name!r}: the file has no {error} of it") from None
        except ValueError as error:
            raise ValueError(f"model: layer {name!r}: {error}") from None
    copied = replaced(copied, made)
    try:
        copied.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(
            f"model: its numbers do not fit those of {Path(path).name}: {error}"
        ) from (None)
    return copied.eval() if any(isinstance(m, FrozenLut) for m in made.values()) else copied


def lookups(model: nn.Module) -> dict[str, LutLayer | FrozenLut]:
    """Return the layers of a model that look up, by name."""
    return {n: m for n, m in model.named_modules() if isinstance(m, LutLayer | FrozenLut)}


def _account(layer: LutLayer | FrozenLut) -> dict[str, Any]:
    linear = isinstance(layer, LutLinear | FrozenLutLinear)
    kind = "Linear" if linear else "Conv2d"
    if isinstance(layer, FrozenLut):
        return {"form": "frozen", "kind": kind, "search": layer.search}
    _, clusters, length = layer.centroids.shape
    return {
        "form": "trained", "kind": kind, "length": length, "clusters": clusters,
        "settings": asdict(layer.settings),
    }  # fmt: skip


def _about(path: str | Path) -> Mapping[str, Any]:
    try:
        with safetensors.safe_open(str(path), "pt") as opened:
            metadata = opened.metadata() or {}
    except safetensors.SafetensorError as error:
        raise ValueError(f"path: {path} is not a safetensors file: {error}") from None
    if _KEY not in metadata:
        raise ValueError(f"path: {path} has no layers by table lookup; save_lut writes such files")
    about: Mapping[str, Any] = json.loads(metadata[_KEY])
    if about["version"] > LAYOUT_VERSION:
        raise ValueError(
            f"path: {path} is of version {about['version']}, expected at most {LAYOUT_VERSION}: "
            "a later Heliostat wrote it"
        )
    return about


def _numbers_of(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    prefix = f"{name}." if name else ""
    own = ("centroids", "tables", "scale", "bias", "input_scale")
    return {key: tensors[prefix + key] for key in own if prefix + key in tensors}


def _built(
    dense: nn.Module, account: Mapping[str, Any], numbers: Mapping[str, Tensor]
) -> nn.Module:
    if not isinstance(dense, nn.Linear | nn.Conv2d):
        raise ValueError(f"a {type(dense).__name__}, expected a Linear or Conv2d")
    if account["kind"] != type(dense).__name__:
        raise ValueError(f"a {type(dense).__name__}, in the file it is a {account['kind']}")
    if account["form"] == "trained":
        settings = LutSettings(**account["settings"])
        length, clusters = account["length"], account["clusters"]
        if isinstance(dense, nn.Linear):
            return LutLinear.from_linear(dense, length, clusters, pad=True, settings=settings)
        return LutConv2d.from_convolution(dense, length, clusters, pad=True, settings=settings)
    step = float(numbers["input_scale"])
    frozen = FrozenNumbers(
        numbers["centroids"], numbers["tables"], numbers["scale"], numbers.get("bias"),
        account["search"], step if step > 0 else None,
    )  # fmt: skip
    outputs = dense.out_features if isinstance(dense, nn.Linear) else dense.out_channels
    features = (
        dense.in_features
        if isinstance(dense, nn.Linear)
        else dense.in_channels * dense.kernel_size[0] * dense.kernel_size[1]
    )
    codebooks, _, length = frozen.centroids.shape
    if frozen.tables.shape[2] != outputs or not 0 <= codebooks * length - features < length:
        raise ValueError(
            f"{features} features and {outputs} outputs, the file has {codebooks} codebooks of "
            f"length {length} and {frozen.tables.shape[2]} outputs"
        )
    if isinstance(dense, nn.Linear):
        return FrozenLutLinear(features, frozen)
    return FrozenLutConv2d(dense.in_channels, Geometry.of(dense), frozen)


def state_bytes(model: nn.Module) -> int:
    """Return the bytes of all numbers of a model, as a file holds them."""
    tensors = [t for t in model.state_dict().values() if isinstance(t, torch.Tensor)]
    return sum(t.numel() * t.element_size() for t in tensors)
