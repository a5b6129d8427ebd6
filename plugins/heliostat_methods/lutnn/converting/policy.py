"""Which layers of a model become tables, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from heliostat_methods.lutnn.layers.settings import LutSettings, check_choice

OnlyFaster = Literal["cost_model", "probe", "no"]
Init = Literal["kmeans", "random"]


@dataclass(frozen=True)
class LutPolicy:
    """What `convert_lut` does with each layer; V and K as in the paper.

    ``linear`` and ``pointwise`` are V of linear layers and 1x1 convolutions, ``convolution`` of
    others (None: a channel's patch). ``keep`` names layers, or modules that hold them, that stay
    dense; ``keep_first`` keeps the first layer if it is a convolution, ``keep_last`` the last layer
    of all, as the authors do. ``only_faster``: a layer is converted only if the cost model, or a
    probe on this machine, says that it gets faster for as many rows as calibration brings.
    ``pad`` adds zeros where V does not divide. ``rows`` of inputs at most are clustered for a
    layer; ``init="random"`` takes drawn rows as centroids instead.
    """

    linear: int = 16
    convolution: int | None = None
    pointwise: int = 4
    clusters: int = 16
    keep: tuple[str, ...] = ()
    keep_first: bool = True
    keep_last: bool = True
    only_faster: OnlyFaster = "cost_model"
    pad: bool = False
    rows: int = 16_384
    init: Init = "kmeans"
    settings: LutSettings = field(default_factory=LutSettings)

    def __post_init__(self) -> None:
        """Raise ValueError naming what is not so."""
        check_choice("only_faster", self.only_faster, get_args(OnlyFaster))
        check_choice("init", self.init, get_args(Init))
        if isinstance(self.keep, str):
            raise ValueError(f"keep: {self.keep!r}, expected names in a tuple, ({self.keep!r},)")
        for name, value, least in (
            ("linear", self.linear, 1),
            ("convolution", 1 if self.convolution is None else self.convolution, 1),
            ("pointwise", self.pointwise, 1),
            ("clusters", self.clusters, 2),
            ("rows", self.rows, self.clusters),
        ):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{name}: {value!r}, expected a whole number, at least {least}")
        if self.clusters > 256:
            raise ValueError(f"clusters: {self.clusters}, expected at most 256")
