"""A data set of two classes with attributes, from a table of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat_methods.parts.datasets import ArrayDataset
from heliostat_methods.parts.number_table import NumberTable


def attributed_dataset(
    name: str,
    table: NumberTable,
    target: str,
    labels: tuple[str, str],
    attributes: Mapping[str, NDArray[Any]],
    told_by: Sequence[str],
    left_out: Mapping[str, str],
    attributes_as_inputs: bool,
) -> ArrayDataset:
    """Return a table as a data set that predicts its column `target`, 0 or 1, called `labels`.

    Inputs are all columns but the target's, those that begin with a key of `left_out` (its value
    says why), and, without `attributes_as_inputs`, those that begin with one of `told_by`.
    """
    gone = [target, *left_out, *(() if attributes_as_inputs else told_by)]
    columns, inputs = table.without(*gone)
    return ArrayDataset(
        name=name,
        task="classification",
        inputs=np.ascontiguousarray(inputs),
        targets=table.yes_or_no(target),
        classes=2,
        columns=columns,
        labels=labels,
        about={"left_out": [f"{column} ({why})" for column, why in left_out.items()]},
        attributes=attributes,
    )
