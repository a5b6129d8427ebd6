"""What linear layers and convolutions by table lookup share while they train."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from heliostat_methods.lutnn.codebooks.kmeans import kmeans_init
from heliostat_methods.lutnn.codebooks.soft_assignment import soft_lookup
from heliostat_methods.lutnn.codebooks.tables import quantised_tables
from heliostat_methods.lutnn.codebooks.temperature import beta_of, theta_of
from heliostat_methods.lutnn.finite import NotFiniteError
from heliostat_methods.lutnn.kernels.encoding import encode
from heliostat_methods.lutnn.kernels.packing import LANES, Search
from heliostat_methods.lutnn.layers.frozen import FrozenNumbers
from heliostat_methods.lutnn.layers.settings import LutSettings

_MARK = 2.0**-24
"""The smallest number of half precision, which a layer may be cast to."""


class LutLayer(nn.Module):
    """C codebooks of K centroids of length V, and the weights whose products the tables hold.

    ``centroids`` (C, K, V), ``weight`` (C, V, M), ``bias`` (M,) or None and ``theta`` () are the
    parameters; centroids that were never set are 0, and refused rather than trained from nothing.
    ``lazy``: such a layer is dense until it is first trained, and takes its centroids from the rows
    that it sees then.
    """

    centroids: nn.Parameter
    weight: nn.Parameter
    bias: nn.Parameter | None
    theta: nn.Parameter

    def __init__(
        self, codebooks: int, clusters: int, length: int, outputs: int, bias: bool,
        settings: LutSettings, **where: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        if not 2 <= clusters <= 256:
            raise ValueError(
                f"clusters: {clusters} (K), expected 2 to 16 for the compiled kernel and at most "
                "256 in torch"
            )
        self.settings, self.lazy, self._seen_ready = settings, False, False
        self.centroids = nn.Parameter(torch.zeros(codebooks, clusters, length, **where))
        self.weight = nn.Parameter(
            torch.empty(codebooks, length, outputs, **where), requires_grad=settings.learn_weight
        )
        # A temperature in half precision would hardly move.
        kind = torch.promote_types(self.weight.dtype, torch.float32)
        theta = torch.tensor(theta_of(settings.temperature), **{**where, "dtype": kind})
        self.theta = nn.Parameter(theta, requires_grad=settings.learn_temperature)
        self.register_parameter(
            "bias", nn.Parameter(torch.zeros(outputs, **where)) if bias else None
        )
        self.register_load_state_dict_post_hook(_seen_again)  # type: ignore[no-untyped-call]

    @property
    def ready(self) -> bool:
        """Whether centroids were set, by whatever way numbers came in."""
        if not self._seen_ready:
            numbers = self.centroids.detach()
            self._seen_ready = bool(numbers.any()) and bool(torch.isfinite(numbers).all())
        return self._seen_ready

    @property
    def temperature(self) -> float:
        """The temperature t = 1/beta that training has come to."""
        return 1 / float(beta_of(self.theta.detach()))

    def set_centroids(self, centroids: Tensor) -> None:
        """Take centroids (C, K, V)."""
        if centroids.shape != self.centroids.shape:
            raise ValueError(
                f"centroids: shape {tuple(centroids.shape)}, expected "
                f"{tuple(self.centroids.shape)} (C, K, V)"
            )
        if not bool(torch.isfinite(centroids).all()):
            raise NotFiniteError("centroids: finite numbers are expected")
        with torch.no_grad():
            self.centroids.copy_(centroids)
            if not bool(centroids.any()):  # set all the same: a number that changes nothing
                self.centroids.view(-1)[0] = _MARK
        self._seen_ready = True

    def init_centroids(self, rows: Tensor, seed: int = 0) -> None:
        """Take the centroids of k-means over inputs as rows (N, C V)."""
        codebooks, clusters, _ = self.centroids.shape
        self.set_centroids(kmeans_init(rows, codebooks, clusters, seed))

    def tables(self) -> tuple[Tensor, Tensor]:
        """Return int8 tables (C, K, M) and their step, as freezing keeps them."""
        return quantised_tables(
            self.centroids.detach(), self.weight.detach(), self.settings.table_scale
        )

    def check_ready(self) -> None:
        """Raise ValueError where centroids were never set."""
        if not self.ready:
            raise ValueError(
                "centroids: never set; init_centroids(rows), set_centroids(centroids) or "
                "load_state_dict come first"
            )

    def reset_weight(self, fan_in: int, generator: torch.Generator | None) -> None:
        """Draw weights and bias as `torch.nn.Linear` does."""
        bound = 1 / math.sqrt(fan_in)
        with torch.no_grad():
            self.weight.uniform_(-bound, bound, generator=generator)
            if self.bias is not None:
                self.bias.uniform_(-bound, bound, generator=generator)

    def learn_as(self, dense: nn.Linear | nn.Conv2d) -> None:
        """Learn what a dense layer learns: a weight or bias that stays there stays here."""
        if not dense.weight.requires_grad:
            self.weight.requires_grad_(False)
        if self.bias is not None and dense.bias is not None:
            self.bias.requires_grad_(dense.bias.requires_grad)

    def lookup(self, rows: Tensor) -> Tensor:
        """Return outputs (N, M) of rows (N, C V)."""
        rows = rows.to(self.weight.dtype)
        if self.lazy and not self.ready and self.training and len(rows) >= self.centroids.shape[1]:
            self.init_centroids(rows)
        if self.lazy and not self.ready:
            found = rows @ self.weight.reshape(-1, self.weight.shape[2])
        else:
            self.check_ready()
            # what is frozen computes in float32, whatever an autocast says
            with torch.autocast(rows.device.type, enabled=False):
                found = soft_lookup(
                    rows, self.centroids, self.weight, beta_of(self.theta).to(rows.dtype),
                    distance=self.settings.distance, tables=self.settings.tables,
                    gradient=self.settings.gradient, composed=self.settings.composed,
                    codes=self._codes(rows),
                )  # fmt: skip
        return found if self.bias is None else found + self.bias

    def _codes(self, rows: Tensor) -> Tensor | None:
        """Return codes by the compiled search, where it takes such rows; None elsewhere."""
        taken = (
            not self.settings.composed
            and rows.is_cpu
            and rows.dtype == torch.float32
            and self.centroids.shape[1] <= LANES
            and not torch.compiler.is_compiling()
        )
        return encode(rows.detach(), self.centroids.detach()) if taken else None

    def frozen_numbers(self, search: Search, input_scale: float | None) -> FrozenNumbers:
        """Return what a frozen layer keeps; ValueError where centroids were never set."""
        self.check_ready()
        if search == "int8" and input_scale is not None and not input_scale > 0:
            raise ValueError(
                f"input_scale: {input_scale!r}, expected a positive number for search='int8'"
            )
        tables, step = self.tables()
        bias = None if self.bias is None else self.bias.detach().float().cpu().clone()
        return FrozenNumbers(
            self.centroids.detach().float().cpu().clone(), tables.cpu(), step.float().cpu(), bias,
            search, input_scale,
        )  # fmt: skip


def checked_bias(bias: Tensor | None, outputs: int) -> None:
    """Raise ValueError unless a bias is (M,)."""
    if bias is not None and tuple(bias.shape) != (outputs,):
        raise ValueError(f"bias: shape {tuple(bias.shape)}, expected ({outputs},)")


def _seen_again(module: nn.Module, keys: Any) -> None:
    assert isinstance(module, LutLayer)
    module._seen_ready = False
