"""What the label `y` of a loss stands for: a standardised target, or a class by its number.

A loss is found for labels on this scale; in other units it is another loss, mostly a useless one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from heliostat.contract import Dataset
from heliostat_search.data_account import data_account
from heliostat_search.splits import Split


@dataclass(frozen=True)
class Labels:
    """Regression: `mean` and `deviation` of the training rows, taken out of all targets.

    Classification: `names` of the class numbers, empty where the data set knows none. `data`: the
    account of the data set and its split, with what makes inputs of new rows.
    """

    mean: float | None = None
    deviation: float | None = None
    names: tuple[str, ...] = ()
    data: dict[str, Any] | None = None

    @classmethod
    def of(cls, dataset: Dataset, parts: Split) -> Labels:
        """Return what the labels of a data set's parts stand for."""
        data = data_account(dataset, parts)
        if parts.target_scale is None:
            names = getattr(dataset, "labels", None)
            return cls(names=() if names is None else tuple(map(str, names)), data=data)
        return cls(float(parts.target_scale.mean), float(parts.target_scale.deviation), data=data)

    def plain(self) -> dict[str, Any]:
        """Return it as a product and a result keep it."""
        data = {} if self.data is None else {"data": self.data}
        if self.mean is not None:
            return {"mean": self.mean, "deviation": self.deviation, **data}
        return {"names": list(self.names), **data}
