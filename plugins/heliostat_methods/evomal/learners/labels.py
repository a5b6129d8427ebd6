"""What the label `y` of a loss stands for: a standardised target, or a class by its number.

A loss is found for labels on this scale; in other units it is another loss, mostly a useless one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from heliostat.contract import Dataset
from heliostat_search.splits import Split


@dataclass(frozen=True)
class Labels:
    """Regression: `mean` and `deviation` of the training rows, taken out of all targets.

    Classification: `names` of the class numbers, empty where the data set knows none.
    """

    mean: float | None = None
    deviation: float | None = None
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, dataset: Dataset, parts: Split) -> Labels:
        """Return what the labels of a data set's parts stand for."""
        if parts.target_scale is None:
            return cls(names=tuple(getattr(dataset, "labels", ())))
        return cls(float(parts.target_scale.mean), float(parts.target_scale.deviation))

    def plain(self) -> dict[str, Any]:
        """Return it as a product and a result keep it."""
        if self.mean is not None:
            return {"mean": self.mean, "deviation": self.deviation}
        return {"names": list(self.names)}
