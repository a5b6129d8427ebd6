"""What a layer costs, dense and by table lookup: multiplications, bytes, and time by a model.

    dense     N D M multiply-adds, 4 D M bytes (D M in int8)
    lookup    N D K multiply-adds to search, N C M additions to look up
              C K M bytes of tables, 4 D K of centroids, 4 of the scale of a layer or an output

So against float32 weights tables are 4 V / K times smaller, against int8 weights V / K times: with
K = 16 as large at V = 16, and larger below. Times are of one thread, from how fast each part ran in
this project's benchmark; they say which is faster, not by how much.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from heliostat_methods.lutnn.kernels.backend import backend
from heliostat_methods.lutnn.kernels.convolution import lut_conv3x3
from heliostat_methods.lutnn.kernels.linear import lut_linear
from heliostat_methods.lutnn.kernels.packing import LANES, pack

MARGIN = 0.9
"""A lookup counts as faster below this share of the dense time."""
_PROBES = 7


@dataclass(frozen=True)
class Shape:
    """N rows of D numbers in C = D/V codebooks of K centroids, M outputs; bias left out.

    ``image`` (B, C, H, W), stride and padding of a 3x3 convolution that is not unfolded.
    """

    rows: int
    features: int
    outputs: int
    length: int
    clusters: int
    per_output: bool = False
    image: tuple[int, ...] = ()
    stride: int = 1
    padding: int = 0

    @property
    def codebooks(self) -> int:
        """C, with the last one padded."""
        return -(-self.features // self.length)

    @property
    def dense_macs(self) -> int:
        """Multiply-adds of the dense layer."""
        return self.rows * self.features * self.outputs

    @property
    def lookup_macs(self) -> int:
        """Multiply-adds of the search and additions of the lookup, as the authors count."""
        search = self.codebooks * self.length * self.clusters
        return self.rows * (search + self.codebooks * self.outputs)

    @property
    def dense_bytes(self) -> int:
        """Bytes of float32 weights."""
        return 4 * self.features * self.outputs

    @property
    def int8_bytes(self) -> int:
        """Bytes of int8 weights with one scale, as torch's dynamic int8 has them."""
        return self.features * self.outputs + 4

    @property
    def float_lookup_bytes(self) -> int:
        """Bytes of float32 tables and centroids."""
        entries = self.codebooks * self.clusters * self.outputs
        return 4 * (entries + self.codebooks * self.length * self.clusters)

    @property
    def lookup_bytes(self) -> int:
        """Bytes of tables, centroids and scales."""
        tables = self.codebooks * self.clusters * self.outputs
        centroids = 4 * self.codebooks * self.length * self.clusters
        return tables + centroids + 4 * (self.outputs if self.per_output else 1)


@dataclass(frozen=True)
class Rates:
    """Work a nanosecond of one thread: multiply-adds of a search, additions of the lookup.

    ``patch_search`` is of a 3x3 convolution that is not unfolded.
    """

    search: float
    patch_search: float
    lookup: float


RATES = {
    "AVX-512 VBMI": Rates(90.0, 42.0, 58.0),
    "AVX2": Rates(58.0, 22.0, 37.0),
    "NEON": Rates(15.0, 8.0, 10.0),
    "scalar": Rates(1.0, 1.0, 0.5),
}
"""By variant of the kernel; NEON and scalar are estimates."""
IN_TORCH = Rates(10.0, 10.0, 2.5)
"""The fallback, and what runs for K above 16; an estimate."""
_DENSE_MACS, _DENSE_BYTES = 50.0, 54.0
"""Multiply-adds a nanosecond, and bytes of weights where these are what takes the time."""
_DENSE_CALL, _LOOKUP_CALL, _IMAGE_CALL = 5_000.0, 11_000.0, 5_000.0
"""Nanoseconds around a call of a module, and more of them around images."""


def predicted(shape: Shape, variant: str) -> tuple[float, float]:
    """Return predicted nanoseconds, dense and by lookup, of a variant of the kernel."""
    rates = RATES.get(variant, IN_TORCH) if shape.clusters <= LANES else IN_TORCH
    around = _IMAGE_CALL if shape.image else 0.0
    macs = shape.rows * shape.codebooks * shape.length * max(LANES, shape.clusters)
    search = macs / (rates.patch_search if shape.image else rates.search)
    lookup = shape.rows * shape.codebooks * shape.outputs / rates.lookup
    dense = max(shape.dense_macs / _DENSE_MACS, shape.dense_bytes / _DENSE_BYTES)
    return _DENSE_CALL + around + dense, _LOOKUP_CALL + around + search + lookup


def probed(shape: Shape, seed: int = 0) -> tuple[float, float]:
    """Return measured nanoseconds, dense and by lookup, of layers with drawn numbers here."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(*sizes: int) -> torch.Tensor:
        return torch.randn(*sizes, generator=generator)

    packed = pack(
        drawn(shape.codebooks, shape.clusters, shape.length),
        torch.randint(
            -127, 128, (shape.codebooks, shape.clusters, shape.outputs), generator=generator,
            dtype=torch.int8,
        ),
        0.01,
    )  # fmt: skip
    if shape.image:
        x, weight = drawn(*shape.image), drawn(shape.outputs, shape.image[1], 3, 3)
        s, p = shape.stride, shape.padding
        dense: Callable[[], object] = lambda: functional.conv2d(x, weight, None, s, p)  # noqa: E731
        lookup: Callable[[], object] = lambda: lut_conv3x3(x, packed, stride=s, padding=p)  # noqa: E731
    else:
        x, weight = drawn(shape.rows, packed.in_features), drawn(shape.outputs, packed.in_features)
        dense = lambda: functional.linear(x, weight)  # noqa: E731
        lookup = lambda: lut_linear(x, packed)  # noqa: E731
    least = [math.inf, math.inf]
    with torch.no_grad():
        for _ in range(_PROBES):
            for place, work in enumerate((dense, lookup)):
                work()
                began = time.perf_counter_ns()
                work()
                least[place] = min(least[place], float(time.perf_counter_ns() - began))
    return least[0], least[1]


def variant_here() -> str:
    """Return the variant of the kernel that runs in this process."""
    return backend().variant
