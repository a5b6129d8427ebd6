"""How a layer by table lookup is made and trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from heliostat.errors import did_you_mean
from heliostat_methods.lutnn.codebooks.soft_assignment import Distance, Gradient
from heliostat_methods.lutnn.codebooks.tables import TableScale, check_table_scale
from heliostat_methods.lutnn.codebooks.temperature import theta_of

TEMPERATURE = 0.065
"""Where convolutional networks begin, by the authors' code; 1/11 for BERT."""


@dataclass(frozen=True)
class LutSettings:
    """What training does with centroids, tables and temperature; checked when made.

    ``quantise_tables``: training sees the int8 tables, else float ones. ``learn_temperature``: or
    it stays as it is. ``learn_weight``: or centroids alone (and the bias) are learned. ``gradient``
    "hard" gives one to the chosen entries alone. ``composed``: through torch's own operators,
    slower and larger, for gradients of gradients and for torch.func.
    """

    temperature: float = TEMPERATURE
    distance: Distance = "euclidean"
    table_scale: TableScale = "per_layer"
    quantise_tables: bool = True
    learn_temperature: bool = True
    learn_weight: bool = True
    gradient: Gradient = "soft"
    composed: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError naming what is not so."""
        theta_of(self.temperature)
        check_choice("distance", self.distance, get_args(Distance))
        check_choice("gradient", self.gradient, get_args(Gradient))
        check_table_scale(self.table_scale)

    @property
    def tables(self) -> TableScale | None:
        """How tables are quantised in training, None for float ones."""
        return self.table_scale if self.quantise_tables else None


def check_choice(name: str, value: str, known: Sequence[str]) -> None:
    """Raise ValueError unless a value is one of those known."""
    if value not in known:
        raise ValueError(
            f"{name}: {value!r}, expected one of {', '.join(known)}; "
            + did_you_mean(str(value), tuple(known))
        )
