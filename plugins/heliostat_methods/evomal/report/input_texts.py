"""What an exported loss says of the inputs of the model: their names, and how rows become them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from heliostat.errors import DataError
from heliostat_search.preprocessing import FittedColumn, Preprocessing

_ALONE = 12  # inputs up to which each gets a line with its numbers
_WIDE = 88


def input_lines(labels: Mapping[str, Any] | None, run: str = "") -> list[str]:
    """Return lines that name a model's inputs and say how to get them; none where it is unknown.

    `labels` are those of a loss, `run` is where it was found.
    """
    data = (labels or {}).get("data")
    if not isinstance(data, Mapping) or not isinstance(kept := data.get("preprocessing"), Mapping):
        return []
    try:
        fitted = Preprocessing.from_plain(kept)
    except DataError:
        return []
    if not fitted.columns:
        return _pixels(fitted, data.get("shape", ()))
    features = fitted.features
    plain = len(features) <= _ALONE and all(column.how == "number" for column in fitted.columns)
    if plain and len(fitted.mean) == len(features):
        head = f"inputs of the model: {len(features)}, standardised by the training rows:"
        return [head, *_numbers(fitted), *_new_rows(run)]
    names = ", ".join(features[: 4 * _ALONE])
    more = len(features) - 4 * _ALONE
    text = f"inputs of the model: {len(features)}, encoded and scaled by the training rows: {names}"
    text += f" and {more} more" if more > 0 else ""
    return [*textwrap.wrap(text, _WIDE, subsequent_indent="  "), *_new_rows(run)]


def _pixels(fitted: Preprocessing, shape: Sequence[int]) -> list[str]:
    size = " x ".join(map(str, shape))
    what = f"images {size}" if size else "as the data set has them"
    if len(fitted.mean) != 1:
        return [f"inputs of the model: {what}"]
    scaled = _scaled("x", fitted.mean[0], fitted.deviation[0])
    return [f"inputs of the model: {what}, each pixel as {scaled}"]


def _numbers(fitted: Preprocessing) -> list[str]:
    lines, place = [], 0
    for column in fitted.columns:
        for name in column.features:
            mean, deviation = fitted.mean[place], fitted.deviation[place]
            is_flag = name != column.name
            lines.append(f"  {_scaled(name, mean, deviation)}{_remark(column, is_flag)}")
            place += 1
    return lines


def _remark(column: FittedColumn, is_flag: bool) -> str:
    if is_flag:
        return "  # 1 where it is missing, else 0"
    unit = f"  # {column.unit}" if column.unit else ""
    if column.indicator and column.fill is not None:
        return f"{unit or '  #'}{',' if unit else ''} {column.fill:.6g} where it is missing"
    return unit


def _scaled(name: str, mean: float, deviation: float) -> str:
    return f"({name} {'+' if mean < 0 else '-'} {abs(mean):.6g}) / {deviation:.6g}"


def _new_rows(run: str) -> list[str]:
    return [
        "rows of a CSV file as inputs, by labels.data.preprocessing of the JSON export:",
        *([f"  heliostat losses export {run} -o loss.json"] if run else []),
        "  heliostat_methods.parts.csv_table.csv_inputs(path, preprocessing)",
    ]
