"""The elastic inverted residual block: one set of weights for every kernel and every width.

The channels inside are cut into strips at the widths that can be chosen: a block of widths 24 and
48 has strips 0-24 and 24-48. A width is its first strips, and its output is the sum of what each
contributes, so what two choices have in common is computed once and has the same bits in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from heliostat.errors import ConfigError, did_you_mean
from heliostat_methods.pnag.spaces.layout import BlockShape
from heliostat_methods.pnag.supernet.activations import activate
from heliostat_methods.pnag.supernet.depthwise import depthwise
from heliostat_methods.pnag.supernet.elastic_kernel import ElasticKernel
from heliostat_methods.pnag.supernet.normalisation import Norm
from heliostat_methods.pnag.supernet.parameters import Affine, he_normal
from heliostat_methods.pnag.supernet.part_layer import Layer, PartLayer
from heliostat_methods.pnag.supernet.squeeze_excite import ElasticSqueezeExcite

Choice = tuple[int | str, int]
"""Kernel and expand ratio of a block."""
Run = Callable[..., Any]
"""`run(stage, *values)` applies `stage(*tensors, norm)` to what a walk carries."""


def order_of(choice: Choice) -> tuple[bool, Any, int]:
    """Return the sort key of a choice: kernels by size, then layers by name, then width."""
    kernel, expand = choice
    return isinstance(kernel, str), kernel, expand


class ElasticBlock(nn.Module):
    """Expand 1x1, depthwise or a layer part, squeeze-and-excite if wanted, project 1x1.

    `middle`: channels inside by expand ratio. `layers`: the layer parts that kernels name; each
    makes one module for every expand ratio.
    """

    def __init__(
        self, name: str, shape: BlockShape, middle: Callable[[BlockShape, int], int],
        generator: torch.Generator, layers: Mapping[str, Layer],
    ) -> None:  # fmt: skip
        super().__init__()
        self.name, self.shape = name, shape
        self.widths = {expand: middle(shape, expand) for expand in sorted(shape.expands)}
        self.edges = (0, *sorted(set(self.widths.values())))
        most, sizes = self.edges[-1], [k for k in shape.kernels if isinstance(k, int)]
        if shape.expands != (1,):
            self.expand_weight = he_normal(
                (most, shape.channels_in, 1, 1), shape.channels_in, generator
            )
            self.expand_norm = Affine(most)
        if sizes:
            self.kernel = ElasticKernel(most, sizes, generator)
        self.layers = self._part_layers(layers, generator)
        self.inner_norm = Affine(most)
        if shape.squeeze_excite:
            self.gate = ElasticSqueezeExcite(most, generator)
        self.project_weight = he_normal((shape.channels_out, most, 1, 1), most, generator)
        self.project_norm = Affine(shape.channels_out)

    @property
    def expands(self) -> bool:
        """Whether there is an expanding convolution."""
        return self.shape.expands != (1,)

    @property
    def only(self) -> Choice:
        """The largest choice, which is the only one of a block that every architecture has."""
        return max(self.shape.kernels, key=lambda k: order_of((k, 0))), self.shape.expands[-1]

    def strips(self, expand: int) -> int:
        """Return how many strips a width is."""
        return self.edges.index(self.widths[expand])

    def part(self, name: str, expand: int) -> nn.Module:
        """Return the module that a layer part made for an expand ratio."""
        return self.layers[self._key(name, expand)]

    def check(self, choice: Choice) -> None:
        """Raise ConfigError for a kernel or an expand ratio that the block has not."""
        kernel, expand = choice
        for field, got, choices in (
            ("kernel", kernel, self.shape.kernels), ("expand", expand, self.shape.expands),
        ):  # fmt: skip
            if got not in choices:
                names = [str(c) for c in choices]
                hint = did_you_mean(str(got), names)
                raise ConfigError(f"{self.name}.{field}", got, " or ".join(names), hint)

    def outputs(self, x: Any, choices: Sequence[Choice], run: Run) -> Iterator[Any]:
        """Yield the block's output for each of some choices, which are in the order `order_of`.

        `x` and the outputs are what `run` carries.
        """
        expanded: list[Any] = []
        for kernel, group in groupby(choices, lambda choice: choice[0]):
            parts: list[Any] = []
            for _, expand in group:
                wanted = self.strips(expand)
                while len(expanded) < wanted:
                    expanded.append(run(partial(self._expand, *self._strip(len(expanded))), x))
                if isinstance(kernel, str):
                    stage = partial(self._by_layer, self.part(kernel, expand))
                    yield run(self._close, x, run(stage, *expanded[:wanted]))
                    continue
                while len(parts) < wanted:
                    stage = partial(self._by_filters, kernel, *self._strip(len(parts)))
                    parts.append(run(stage, expanded[len(parts)]))
                yield run(self._close, x, *parts[:wanted])

    @torch.no_grad()
    def sort_channels(self) -> None:
        """Order channels by falling L1 norm of their projection; the largest block stays the same.

        So the first channels, which narrower blocks keep, are those that matter most (Cai et al.
        2020, section 3). Blocks with layer parts stay as they are, as do those of one width.
        """
        if len(self.edges) == 2 or len(self.layers) or not self.expands:
            return
        norms = self.project_weight.abs().sum(dim=(0, 2, 3))
        order = torch.argsort(norms, descending=True, stable=True)
        self.expand_weight.copy_(self.expand_weight[order])
        self.project_weight.copy_(self.project_weight[:, order])
        self.expand_norm.reorder(order)
        self.kernel.reorder(order)
        self.inner_norm.reorder(order)
        if self.shape.squeeze_excite:
            self.gate.reorder(order)

    def _strip(self, index: int) -> tuple[int, int]:
        return self.edges[index], self.edges[index + 1]

    def _expand(self, start: int, end: int, x: Tensor, norm: Norm) -> Tensor:
        if not self.expands:
            return x[:, start:end]
        h = F.conv2d(x, self.expand_weight[start:end])
        h = norm(f"{self.name}.expand", h, *self.expand_norm(start, end))
        return activate(h, self.shape.activation)

    def _by_filters(self, kernel: int, start: int, end: int, h: Tensor, norm: Norm) -> Tensor:
        h = depthwise(h, self.kernel.filters(kernel, start, end), self.shape.stride)
        return self._contribution(start, end, h, norm)

    def _by_layer(self, layer: nn.Module, *strips_and_norm: Any) -> Tensor:
        *strips, norm = strips_and_norm
        h: Tensor = layer(strips[0] if len(strips) == 1 else torch.cat(strips, 1))
        return self._contribution(0, h.shape[1], h, norm)

    def _contribution(self, start: int, end: int, h: Tensor, norm: Norm) -> Tensor:
        """Return what channels add to the output, or themselves where a gate comes between."""
        h = norm(f"{self.name}.inner", h, *self.inner_norm(start, end))
        h = activate(h, self.shape.activation)
        return h if self.shape.squeeze_excite else F.conv2d(h, self.project_weight[:, start:end])

    def _close(self, x: Tensor, *parts_and_norm: Any) -> Tensor:
        """Return the block's output from what its strips give."""
        *parts, norm = parts_and_norm
        if self.shape.squeeze_excite:
            parts = self._gated(parts)
        total: Tensor = sum(parts[1:], parts[0])
        y: Tensor = norm(f"{self.name}.project", total, *self.project_norm(0, None))
        if self.shape.adds_input:
            y.add_(x)
        return y

    def _gated(self, parts: list[Tensor]) -> list[Tensor]:
        gates = self.gate.gates(torch.cat([h.mean((2, 3)) for h in parts], 1))
        found, start = [], 0
        for h in parts:
            end = start + h.shape[1]
            scaled = h * gates[:, start:end, None, None]
            found.append(F.conv2d(scaled, self.project_weight[:, start:end]))
            start = end
        return found

    def _part_layers(
        self, layers: Mapping[str, Layer], generator: torch.Generator
    ) -> nn.ModuleDict:
        made = nn.ModuleDict()
        for name in (k for k in self.shape.kernels if isinstance(k, str)):
            if name not in layers:
                hint = did_you_mean(name, layers) if layers else "no layers were given"
                raise ConfigError(f"{self.name}.kernel", name, "the name of a given layer", hint)
            for expand, width in self.widths.items():
                part = PartLayer(name, layers[name], width, self.shape, generator)
                made[self._key(name, expand)] = part
        return made

    def _key(self, layer: str, expand: int) -> str:
        # Names of parts may hold a dot, names of modules may not.
        return f"kernel {self.shape.kernels.index(layer)} expand {expand}"
