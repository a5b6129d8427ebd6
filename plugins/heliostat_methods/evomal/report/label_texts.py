"""What a page or a terminal says of labels and of the numbers that depend on their scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNITS = "y standardised"
"""What stands beside a squared error: it is in units of the target's variance."""


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


_MEASURES = {
    "mse": "mse",
    "rmse": "RMSE",
    "mae": "MAE",
    "error_rate": "error rate",
    "balanced_error": "balanced acc.",
    "cross_entropy": "log-loss",
    "auc_error": "AUC",
}
_MINIMISED = {"balanced_error": "1 - balanced accuracy", "auc_error": "1 - AUC"}


def measure_text(name: str) -> str:
    """Return what a table calls a measure."""
    return _MEASURES.get(name, name)


def metric_text(metric: str) -> str:
    """Return a metric's name, as it is minimised, with what its number is measured in."""
    if metric in ("mse", "rmse", "mae"):
        return f"{metric} ({UNITS})"
    return _MINIMISED.get(metric, measure_text(metric))
