"""What the label `y` of a loss stands for: a standardised target, or a class by its number.

A loss is found for labels on this scale; in other units it is another loss, mostly a useless one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heliostat.contract import Dataset
from heliostat_search.splits import Split

UNITS = "y standardised"
"""What stands beside a squared error: it is in units of the target's variance."""


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


def scale_text(labels: Mapping[str, Any] | None) -> str:
    """Return the expression for a regression's `y` in numbers, as far as they are known."""
    if not labels or labels.get("mean") is None:
        return "(target - mean) / deviation"
    mean = labels["mean"]
    sign = "+" if mean < 0 else "-"
    return f"(target {sign} {abs(mean):.6g}) / {labels['deviation']:.6g}"


def labels_text(task: str, labels: Mapping[str, Any] | None) -> str:
    """Return a line that says what `y` is; empty for classes without names."""
    if task == "regression":
        return f"y = {scale_text(labels)}: standardised by the training rows"
    names = [str(name) for name in (labels or {}).get("names", ())]
    if not names or names == [str(number) for number in range(len(names))]:
        return ""
    return "classes " + ", ".join(f"{number}: {name}" for number, name in enumerate(names))


def metric_text(metric: str) -> str:
    """Return a metric's name with what its number is measured in."""
    return f"{metric} ({UNITS})" if metric == "mse" else metric
