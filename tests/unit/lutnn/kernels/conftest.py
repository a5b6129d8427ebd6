"""Every compiled variant that this machine can run, and layers with known answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch

from heliostat.contract.instructions import portable_variables
from heliostat.contract.toolchain import find_compiler
from heliostat_methods.lutnn.kernels.library import LIBRARY
from heliostat_search.compiled import FALLBACK, Kernels

VARIANTS = [variant.name for variant in LIBRARY.variants]


@pytest.fixture(scope="session", params=[*VARIANTS, FALLBACK])
def kernels(request: pytest.FixtureRequest) -> Iterator[Kernels]:
    """The functions of one variant, or of the fallback."""
    with pytest.MonkeyPatch.context() as patch:
        # The level `portable` of tests ends at AVX2; what it has is built for it, once.
        for name in portable_variables() if request.param not in LIBRARY.runnable else ():
            patch.delenv(name, raising=False)
        if request.param not in LIBRARY.runnable:
            pytest.skip(f"this CPU has no {request.param}")
        if request.param != FALLBACK and find_compiler("C++") is None:
            pytest.skip("no C++ compiler is here")
        found = LIBRARY.load(variant=request.param)
        assert found.variant == request.param, found.sentence
        yield found


@dataclass(frozen=True)
class Device:
    """A small layer by the specification's integer formulas, in float64."""

    x: torch.Tensor
    centroids: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor

    @property
    def tables(self) -> torch.Tensor:
        """T[c, k, :] = P_k^c w^c."""
        return torch.einsum("ckv,cvm->ckm", self.centroids, self.weight)

    def scale(self, of: str) -> torch.Tensor:
        """max|T|/127, of the layer or of each output."""
        size = self.tables.abs()
        return (size.amax((0, 1)) if of == "output" else size.max()) / 127

    def int8_tables(self, of: str) -> torch.Tensor:
        return (self.tables / self.scale(of)).clamp(-128, 127).round().to(torch.int8)


def device(n: int, c: int, v: int, k: int, m: int, a: int, b: int, g: int) -> Device:
    def numbers(count: int) -> torch.Tensor:
        return torch.arange(count, dtype=torch.int64)

    i = numbers(c * k * v)
    centroids = ((a * i + i * i // 5 + 4) % 23 - 11).double() / 4
    weight = ((b * numbers(c * v * m) + 3) % 11 - 5).double() / 8
    i = numbers(n * c * v)
    x = ((g * i * i + 2 * i + 1) % 13 - 6).double() / 4
    bias = ((2 * numbers(m) + 1) % 5 - 2).double() / 2
    return Device(x.reshape(n, c * v), centroids.reshape(c, k, v), weight.reshape(c, v, m), bias)


@pytest.fixture(scope="session")
def dev1() -> Device:
    return device(3, 2, 3, 4, 4, 3, 5, 1)


@pytest.fixture(scope="session")
def dev2() -> Device:
    return device(5, 4, 4, 16, 8, 3, 5, 3)
