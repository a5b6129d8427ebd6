"""A way to run a network, as a value: which layers look up, and how they are trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from heliostat import stored
from heliostat_methods.lutnn.converting.policy import LutPolicy
from heliostat_methods.lutnn.layers.settings import LutSettings
from heliostat_methods.lutnn.names import DENSE, UNTRAINED, VARIANTS


@stored("lutnn.variant")
@dataclass(frozen=True)
class Variant:
    """One of `names.VARIANTS` with the settings of a configuration."""

    kind: str
    linear: int
    convolution: int | None
    pointwise: int
    clusters: int
    keep: tuple[str, ...]
    keep_first: bool
    keep_last: bool
    convert: Literal["all", "cost_model"]
    temperature: float

    @property
    def sentence(self) -> str:
        """What it is."""
        return VARIANTS[self.kind]

    @property
    def trained(self) -> bool:
        """Whether it takes steps after the dense training."""
        return self.kind not in UNTRAINED

    @property
    def looks_up(self) -> bool:
        """Whether it has layers by table lookup."""
        return self.kind not in DENSE

    @property
    def settings(self) -> LutSettings:
        """How its layers are made and trained."""
        return LutSettings(
            self.temperature,
            distance="squared" if self.kind == "squared" else "euclidean",
            table_scale="per_output" if self.kind == "per_output" else "per_layer",
            quantise_tables=self.kind != "float_tables",
            learn_temperature=self.kind not in ("constant", "annealed"),
            learn_weight=self.kind != "fixed_weight",
            gradient="hard" if self.kind == "hard" else "soft",
        )

    def policy(self, rows: int) -> LutPolicy:
        """Return which layers become tables, from at most ``rows`` rows of each."""
        every = self.kind == "all_layers"
        return LutPolicy(
            self.linear, self.convolution, self.pointwise, self.clusters, self.keep,
            self.keep_first and not every, self.keep_last and not every,
            "cost_model" if self.convert == "cost_model" else "no", True, rows,
            "random" if self.kind == "random_init" else "kmeans", self.settings,
        )  # fmt: skip
