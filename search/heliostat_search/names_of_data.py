"""Names that a data set may know: of its columns, of its classes, of what is missing."""

from __future__ import annotations

from heliostat.contract import Dataset

MISSING_TEXT = "(missing)"
"""What a text of an attribute is called that is not there; a number is NaN."""


def column_names(dataset: Dataset) -> tuple[str, ...]:
    """Return the name of each feature: its own, or its place where a data set knows none."""
    count = dataset.inputs.shape[1]
    return _names(dataset, "columns", count) or tuple(f"column {i}" for i in range(count))


def class_names(dataset: Dataset) -> tuple[str, ...]:
    """Return the name of each class: its own, or its number where a data set knows none."""
    count = dataset.classes
    return _names(dataset, "labels", count) or tuple(map(str, range(count)))


def class_text(dataset: Dataset, number: int) -> str:
    """Return how a sentence calls a class: by its name, and its number if that is another."""
    name = class_names(dataset)[number]
    return f"class {number}" if name == str(number) else f"class {name!r} (number {number})"


def _names(dataset: Dataset, field: str, count: int) -> tuple[str, ...]:
    # No part of the protocol: whoever builds a data set may leave it out, or set it to None.
    found = getattr(dataset, field, None)
    names = () if found is None else tuple(map(str, found))
    return names if len(names) == count else ()
