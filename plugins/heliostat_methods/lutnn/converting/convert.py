"""A model with layers by table lookup in place of dense ones, ready to be fine-tuned or frozen.

The model that is given stays as it is: what comes back is a copy, with an account of every linear
layer and convolution: what it costs in both forms, how far its output moved, or why it stayed.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from heliostat.errors import did_you_mean
from heliostat_methods.lutnn.codebooks.codes import nearest_centroids
from heliostat_methods.lutnn.converting.calibration import Seen, batches_of, seen_by_layers
from heliostat_methods.lutnn.converting.cost import (
    MARGIN,
    Shape,
    predicted,
    probed,
    variant_here,
)
from heliostat_methods.lutnn.converting.policy import LutPolicy
from heliostat_methods.lutnn.layers.convolution import LutConv2d
from heliostat_methods.lutnn.layers.frozen import FrozenLut
from heliostat_methods.lutnn.layers.linear import LutLinear
from heliostat_methods.lutnn.layers.settings import LutSettings
from heliostat_methods.lutnn.layers.trainable import LutLayer

Dense = nn.Linear | nn.Conv2d
_WRONG = 0.005
"""Share of pieces with a centroid that is not the nearest, above which it is said."""


@dataclass(frozen=True)
class ConvertedLayer:
    """A layer by name that became a lookup; costs are of the largest call of calibration.

    ``relative_error`` is that of its outputs before any fine-tuning, |y - y'| / |y| over rows of
    calibration. ``dense_ns`` and ``lookup_ns`` are what decided, 0 where nothing did.
    """

    name: str
    kind: str
    shape: Shape
    relative_error: float
    dense_ns: float = 0.0
    lookup_ns: float = 0.0


@dataclass(frozen=True)
class SkippedLayer:
    """A layer by name that stayed dense, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class LutConversion:
    """The converted copy, and what became of each layer, in the model's order."""

    model: nn.Module
    converted: tuple[ConvertedLayer, ...]
    skipped: tuple[SkippedLayer, ...]

    def table(self) -> str:
        """Return the account as lines of text."""
        head = f"{'layer':<28} {'V':>3} {'MACs':>7} {'bytes':>7} {'vs int8':>7} {'error':>6}"
        lines = [head] if self.converted else []
        for one in self.converted:
            shape = one.shape
            lines.append(
                f"{one.name:<28} {shape.length:>3} "
                f"{shape.dense_macs / max(1, shape.lookup_macs):>6.1f}x "
                f"{shape.dense_bytes / shape.lookup_bytes:>6.1f}x "
                f"{shape.int8_bytes / shape.lookup_bytes:>6.1f}x {one.relative_error:>6.3f}"
            )
        lines += [f"{one.name}: stays, {one.reason}" for one in self.skipped]
        return "\n".join(lines)


def convert_lut(
    model: nn.Module, policy: LutPolicy, calibration: Any, *, seed: int = 0
) -> LutConversion:
    """Return a copy of a model whose layers look their products up, as a policy says.

    ``calibration``: inputs of the model, a tensor or several batches (tensors, sequences of
    positional arguments, or mappings of named ones); centroids are those of k-means over what
    layers see. Hooks of the dense layers are left behind. Raises ValueError naming what is not so:
    an unknown name in ``keep``, fewer rows than centroids, inputs that are not finite.
    """
    left_out = _checked_names(model, policy.keep)
    batches = batches_of(calibration)
    copied = copy.deepcopy(model)
    skipped: dict[str, str] = {}
    made = _made(copied, policy, left_out, skipped)
    rows = {name: layer.rows for name, layer in made.items()}
    seen = seen_by_layers(copied, rows, batches, policy.rows, seed)
    if made and not any(one.per_call for one in seen.values()):
        raise ValueError("calibration: no layer saw a row, expected inputs of the model")
    converted: list[ConvertedLayer] = []
    modules = dict(copied.named_modules())
    swaps: dict[nn.Module, nn.Module] = {}
    for place, (name, layer) in enumerate(made.items()):
        dense = modules[name]
        assert isinstance(dense, Dense)
        if seen[name].per_call == 0:
            skipped[name] = "no input of calibration reached it"
            continue
        account = _account(name, dense, layer, seen[name], policy)
        if policy.only_faster != "no" and account.lookup_ns > MARGIN * account.dense_ns:
            skipped[name] = (
                f"a lookup is not faster: {account.lookup_ns / 1e3:.0f} us beside "
                f"{account.dense_ns / 1e3:.0f} us, by the {policy.only_faster.replace('_', ' ')}"
            )
            continue
        _set_centroids(name, layer, seen[name].rows, policy, seed + place)
        converted.append(_with_error(account, dense, layer, seen[name].rows))
        layer.train(dense.training)
        swaps[dense] = layer
    order = [n for n, m in copied.named_modules() if isinstance(m, Dense) and n in skipped]
    return LutConversion(
        replaced(copied, swaps), tuple(converted),
        tuple(SkippedLayer(name, skipped[name]) for name in order),
    )  # fmt: skip


def convertible_layers(model: nn.Module, policy: LutPolicy) -> tuple[list[str], list[SkippedLayer]]:
    """Return the layers that a policy would convert, whatever it costs, and those that stay."""
    skipped: dict[str, str] = {}
    made = _made(model, policy, _checked_names(model, policy.keep), skipped)
    return list(made), [SkippedLayer(name, reason) for name, reason in skipped.items()]


def with_lookups(
    model: nn.Module, lengths: Mapping[str, int], clusters: int, settings: LutSettings
) -> nn.Module:
    """Return a copy of a dense model whose named layers look up, with codebooks of given V.

    Their centroids are still to be set or loaded.
    """
    copied = copy.deepcopy(model)
    modules = dict(copied.named_modules())
    made: dict[nn.Module, nn.Module] = {}
    for name, length in lengths.items():
        layer = modules[name]
        if isinstance(layer, nn.Linear):
            made[layer] = LutLinear.from_linear(
                layer, length, clusters, pad=True, settings=settings
            )
        elif isinstance(layer, nn.Conv2d):
            made[layer] = LutConv2d.from_convolution(
                layer, length, clusters, pad=True, settings=settings
            )
        else:
            raise ValueError(f"a {type(layer).__name__}, expected a Linear or Conv2d")
    return replaced(copied, made)


def replaced(model: nn.Module, made: Mapping[nn.Module, nn.Module]) -> nn.Module:
    """Return the model with modules replaced wherever they stand, shared ones as one."""
    for parent in list(model.modules()):
        for name, child in parent._modules.items():
            if child is not None and child in made:
                parent._modules[name] = made[child]
    return made.get(model, model)


def _made(
    model: nn.Module, policy: LutPolicy, left_out: tuple[str, ...], skipped: dict[str, str]
) -> dict[str, LutLinear | LutConv2d]:
    dense = [(n, m) for n, m in model.named_modules() if isinstance(m, Dense)]
    # among all that multiply, those that look up already included
    every = [
        (n, m) for n, m in model.named_modules() if isinstance(m, Dense | LutLayer | FrozenLut)
    ]
    first = every[0][0] if every and isinstance(every[0][1], nn.Conv2d) else None
    last = every[-1][0] if every else None
    last = last or None  # a model that is a layer itself has no classifier
    direct = _used_directly(model)
    holders = _holders(model)
    made: dict[str, LutLinear | LutConv2d] = {}
    for name, layer in dense:
        reason = _reason(name, layer, left_out)
        if reason is None and layer in direct:
            reason = f"its {direct[layer]} computes with its weights by itself"
        if reason is None and holders[layer.weight] > 1:
            reason = "its weight is shared with another module"
        if reason is None and policy.keep_first and name == first:
            reason = "it is the first convolution (keep_first)"
        if reason is None and policy.keep_last and name == last:
            reason = "it is the last layer (keep_last)"
        if reason is None:
            made_or_why = _lookup_of(name, layer, policy)
            if not isinstance(made_or_why, str):
                made[name] = made_or_why
                continue
            reason = made_or_why
        skipped[name] = reason
    return made


def _lookup_of(name: str, layer: Dense, policy: LutPolicy) -> LutLinear | LutConv2d | str:
    pad, settings, clusters = policy.pad, policy.settings, policy.clusters
    if isinstance(layer, nn.Linear):
        if layer.in_features % policy.linear and not pad:
            return (
                f"V = {policy.linear} does not divide its {layer.in_features} features, and pad "
                "is False"
            )
        return LutLinear.from_linear(layer, policy.linear, clusters, pad=pad, settings=settings)
    taps = layer.kernel_size[0] * layer.kernel_size[1]
    length = policy.pointwise if taps == 1 else policy.convolution
    features = layer.in_channels * taps
    if length is not None and features % length and not pad:
        return f"V = {length} does not divide its {features} features, and pad is False"
    return LutConv2d.from_convolution(layer, length, clusters, pad=pad, settings=settings)


def _reason(name: str, layer: Dense, left_out: tuple[str, ...]) -> str | None:
    if type(layer) not in (nn.Linear, nn.Conv2d):
        return f"it is a {type(layer).__name__}, which may compute in another way"
    if any(name == given or name.startswith(given + ".") for given in left_out):
        return "it is named in keep"
    if "weight" not in layer._parameters:
        return "its weight is computed from other parameters"
    if isinstance(layer, nn.Conv2d) and layer.groups != 1:
        return f"it has {layer.groups} groups"
    if not layer.weight.dtype.is_floating_point:
        return f"its weight is {layer.weight.dtype}"
    return None


def _used_directly(model: nn.Module) -> dict[nn.Module, str]:
    """Return layers whose parent reads their weights instead of calling them, with its kind."""
    kinds = (nn.TransformerEncoderLayer, nn.MultiheadAttention)
    return {
        child: type(parent).__name__
        for parent in model.modules()
        if isinstance(parent, kinds)
        for child in parent.children()
    }


def _account(
    name: str, dense: Dense, layer: LutLinear | LutConv2d, seen: Seen, policy: LutPolicy
) -> ConvertedLayer:
    codebooks, clusters, length = layer.centroids.shape
    features = codebooks * length - layer.padding
    outputs = layer.weight.shape[2]
    shape = Shape(
        seen.per_call, features, outputs, length, clusters,
        policy.settings.table_scale == "per_output",
    )  # fmt: skip
    if isinstance(layer, LutConv2d):
        simple = layer.geometry.simple
        if simple is not None and length == layer.geometry.taps and len(seen.shape) == 4:
            shape = Shape(
                *(shape.rows, features, outputs, length, clusters, shape.per_output),
                image=seen.shape, stride=simple[0], padding=simple[1],
            )  # fmt: skip
    times = (0.0, 0.0)
    if policy.only_faster == "cost_model":
        times = predicted(shape, variant_here())
    elif policy.only_faster == "probe":
        times = probed(shape)
    return ConvertedLayer(name, type(dense).__name__, shape, 0.0, *times)


def _set_centroids(name: str, layer: LutLayer, rows: Tensor, policy: LutPolicy, seed: int) -> None:
    try:
        if policy.init == "kmeans":
            layer.init_centroids(rows, seed)
            return
        codebooks, clusters, length = layer.centroids.shape
        if len(rows) < clusters:
            raise ValueError(f"{len(rows)} rows, expected at least {clusters}")
        drawn = torch.randn(
            codebooks, clusters, length, generator=torch.Generator().manual_seed(seed)
        )
        layer.set_centroids(drawn)
    except ValueError as error:
        raise type(error)(f"calibration: layer {name or 'the model'}: {error}") from None


def _with_error(
    account: ConvertedLayer, dense: Dense, layer: LutLayer, rows: Tensor
) -> ConvertedLayer:
    """Return the account with the error of outputs over the rows of calibration."""
    with torch.no_grad():
        some = rows[:4096].to(layer.weight.device, layer.weight.dtype)
        exact = some @ layer.weight.reshape(-1, layer.weight.shape[2])
        made = layer.lookup(some) - (0.0 if layer.bias is None else layer.bias)
        size = float(exact.double().norm())
        error = float((made - exact).double().norm()) / size if size > 0 else 0.0
    _warn_far(account.name, layer, rows[:1024])
    return ConvertedLayer(
        account.name, account.kind, account.shape, error, account.dense_ns, account.lookup_ns
    )


def _warn_far(name: str, layer: LutLayer, rows: Tensor) -> None:
    """Warn where float32 tells centroids apart too badly: inputs far from 0 beside their spread."""
    codebooks, _, length = layer.centroids.shape
    pieces = rows.double().reshape(len(rows), codebooks, length).transpose(0, 1)
    away = torch.cdist(
        pieces, layer.centroids.detach().double().cpu(), compute_mode="donot_use_mm_for_euclid_dist"
    )
    codes = nearest_centroids(rows, layer.centroids.detach().float().cpu()).long().T
    chosen = away.gather(2, codes[:, :, None])[:, :, 0]
    wrong = float((chosen > 1.01 * away.amin(2)).double().mean())
    if wrong > _WRONG:
        warnings.warn(
            f"layer {name or 'the model'}: {100 * wrong:.1f} % of pieces take another centroid "
            "than the nearest, for inputs lie far from 0 beside their spread; take a mean off "
            "before it",
            stacklevel=4,
        )


def _checked_names(model: nn.Module, keep: tuple[str, ...]) -> tuple[str, ...]:
    known = [name for name, _ in model.named_modules(remove_duplicate=False)]
    for name in keep:
        if name not in known:
            hint = did_you_mean(str(name), [n for n in known if n])
            raise ValueError(f"keep: {name!r}, expected names of modules of the model; {hint}")
    return keep


def _holders(model: nn.Module) -> dict[Tensor, int]:
    counts: dict[Tensor, int] = {}
    for module in model.modules():
        if isinstance(module, FrozenLut):
            continue
        for parameter in module._parameters.values():
            if parameter is not None:
                counts[parameter] = counts.get(parameter, 0) + 1
    return counts
