"""What a network costs, layer by layer, for one sample: multiply-adds and bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor, nn

from heliostat import stored
from heliostat_methods.lutnn.baselines.maddness_layer import MaddnessLinear
from heliostat_methods.lutnn.baselines.maddness_trees import LEVELS
from heliostat_methods.lutnn.converting.convert import LutConversion
from heliostat_methods.lutnn.converting.files import state_bytes


@stored("lutnn.layer")
@dataclass(frozen=True)
class LayerAccount:
    """A layer that looks up: sizes, multiply-adds of a sample and bytes in both forms.

    ``error`` is |y - y'| / |y| of its products, bias left out, before fine-tuning.
    """

    name: str
    kind: str
    features: int
    outputs: int
    length: int
    codebooks: int
    dense_macs: int
    lookup_macs: int
    dense_bytes: int
    int8_bytes: int
    lookup_bytes: int
    error: float


def layer_accounts(
    conversion: LutConversion, batch: int, float_tables: bool = False
) -> tuple[LayerAccount, ...]:
    """Return the account of each converted layer; calibration ran on batches of one size.

    ``float_tables``: tables are kept as they are, in four bytes a number and without a scale.
    """
    return tuple(
        LayerAccount(
            one.name, one.kind, one.shape.features, one.shape.outputs, one.shape.length,
            one.shape.codebooks, one.shape.dense_macs // batch, one.shape.lookup_macs // batch,
            one.shape.dense_bytes, one.shape.int8_bytes,
            one.shape.float_lookup_bytes if float_tables else one.shape.lookup_bytes,
            one.relative_error,
        )
        for one in conversion.converted
    )  # fmt: skip


def maddness_accounts(
    module: nn.Module, layers: tuple[LayerAccount, ...], errors: Mapping[str, float]
) -> tuple[LayerAccount, ...]:
    """Return accounts of the same layers by MADDNESS: comparisons instead of centroids.

    ``errors``: those of its own products, by layer.
    """
    made = []
    for one in layers:
        parts = module.get_submodule(one.name).modules()
        linear = next(part for part in parts if isinstance(part, MaddnessLinear))
        rows = one.dense_macs // (one.features * one.outputs)
        bias = 0 if linear.bias is None else 4 * linear.out_features
        made.append(replace(
            one, length=linear.in_features // linear.codebooks, codebooks=linear.codebooks,
            lookup_macs=rows * linear.codebooks * (LEVELS + linear.out_features),
            lookup_bytes=state_bytes(linear) - bias, error=errors[one.name],
        ))  # fmt: skip
    return tuple(made)


@stored("lutnn.cost")
@dataclass(frozen=True)
class NetworkCost:
    """Multiply-adds of a sample in linear layers and convolutions, and bytes of all numbers."""

    macs: int
    bytes: int


def dense_cost(module: nn.Module, sample: Tensor) -> tuple[NetworkCost, dict[str, int]]:
    """Return the cost of a dense network on one sample (1, ...), and multiply-adds by layer."""
    found: dict[str, int] = {}

    def watch(name: str, fan_in: int) -> object:
        def hook(_: nn.Module, inputs: object, output: Tensor) -> None:
            found[name] = found.get(name, 0) + output.numel() * fan_in

        return hook

    handles = []
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Linear):
            handles.append(layer.register_forward_hook(watch(name, layer.in_features)))  # type: ignore[arg-type]
        elif isinstance(layer, nn.Conv2d):
            fan_in = layer.weight[0].numel()
            handles.append(layer.register_forward_hook(watch(name, fan_in)))  # type: ignore[arg-type]
    mode = module.training
    module.eval()
    try:
        with torch.no_grad():
            module(sample)
    finally:
        module.train(mode)
        for handle in handles:
            handle.remove()
    return NetworkCost(sum(found.values()), state_bytes(module)), found


def lookup_cost(dense: NetworkCost, layers: tuple[LayerAccount, ...]) -> NetworkCost:
    """Return what is left of a dense network's cost with some layers by table lookup."""
    return NetworkCost(
        dense.macs + sum(one.lookup_macs - one.dense_macs for one in layers),
        dense.bytes + sum(one.lookup_bytes - one.dense_bytes for one in layers),
    )


def int8_cost(dense: NetworkCost, module: nn.Module) -> NetworkCost:
    """Return a dense network's cost with int8 weights in its linear layers."""
    less = sum(
        3 * layer.weight.numel() - 4 for layer in module.modules() if isinstance(layer, nn.Linear)
    )
    return NetworkCost(dense.macs, dense.bytes - less)


def plain_numbers(numbers: Mapping[str, Tensor]) -> dict[str, npt.NDArray[Any]]:
    """Return a state dict's tensors as arrays."""
    return {name: part.detach().cpu().numpy().copy() for name, part in numbers.items()}
