"""A data set of the platform as subgroups: its attributes, its columns, its recipe.

Any data set will do: `attributes` say who a row is about, and every input that has a name can be
an attribute as well, usually cut into bands.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.contract import Dataset
from heliostat.errors import ConfigError, DataError, did_you_mean, listed
from heliostat_methods.fams.groups.arguments import ArgumentError, ArrayError
from heliostat_methods.fams.groups.builder import BuiltGroups, build_groups
from heliostat_methods.fams.groups.recipes import RECIPES
from heliostat_methods.fams.groups.settings import GroupSettings
from heliostat_search.names_of_data import MISSING_TEXT, column_names

FEW_ROWS = 5
"""Rows below which a subgroup says next to nothing."""
MANY_VALUES = 10
"""Different numbers above which an attribute is worth cutting."""


def attribute_columns(dataset: Dataset) -> dict[str, NDArray[Any]]:
    """Return the columns of a data set by name, its attributes before its inputs.

    An input that has the name of an attribute is left out. Categories of a table come as texts,
    None where a cell is missing, NaN where a number is; so do texts of attributes.
    """
    attributes: Mapping[str, NDArray[Any]] = getattr(dataset, "attributes", None) or {}
    columns = {name: _with_gaps(values) for name, values in attributes.items()}
    for name, values in _inputs(dataset).items():
        columns.setdefault(name, values)
    return columns


def groups_of(dataset: Dataset, settings: GroupSettings) -> BuiltGroups:
    """Return the subgroups of a data set; `by` is its recipe's or all its attributes by default.

    With an empty `by` the recipe of the data set, by its name, gives what the settings do not set.
    Raises ConfigError naming what is no attribute, DataError for a data set without any.
    """
    settings = _with_recipe(dataset, settings)
    columns = attribute_columns(dataset)
    for place, name in enumerate(settings.by):
        if name not in columns:
            raise ConfigError(
                f"groups.by[{place}]", name, f"an attribute or a column of {dataset.name}",
                did_you_mean(name, columns),
            )  # fmt: skip
    by = settings.by or tuple(getattr(dataset, "attributes", None) or ())
    if not by:
        raise DataError(
            f"{dataset.name} has no attributes: name columns to make groups of, such as "
            f"groups.by = [{next(iter(columns), 'NAME')!r}]"
        )
    try:
        return build_groups(
            {name: columns[name] for name in by},
            by, settings.bands, settings.min_group_size, settings.merge, settings.missing,
        )  # fmt: skip
    except ArgumentError as error:
        raise ArgumentError(
            f"groups.{error.field}", error.got, error.expected, error.hint
        ) from None
    except ArrayError as error:
        raise ArrayError(_as_set(str(error), dataset.name, by)) from None


def _as_set(message: str, dataset: str, by: Sequence[str]) -> str:
    """Return what `build_groups` says of its arguments in the words of a configuration."""
    for name in by:
        message = message.replace(f"columns[{name!r}]", f"attribute {name!r}", 1)
    message = message.replace("missing = 'group' makes", "groups.missing = 'group' makes", 1)
    return f"{dataset}: {message}"


def hint_at_bands(dataset: Dataset, settings: GroupSettings, built: BuiltGroups) -> str:
    """Return a sentence where half of the subgroups are small for numbers not cut, else nothing."""
    if np.median(built.subgroups.sizes) >= FEW_ROWS:
        return ""
    settings = _with_recipe(dataset, settings)
    columns = attribute_columns(dataset)
    by = settings.by or tuple(getattr(dataset, "attributes", None) or ())
    uncut = {name: _different(columns[name]) for name in by if name not in settings.bands}
    many = [name for name, count in uncut.items() if count > MANY_VALUES]
    if not many:
        return ""
    told = listed([f"{name} ({uncut[name]:,} different values)" for name in many])
    key = many[0] if many[0].isidentifier() and many[0].isascii() else json.dumps(many[0])
    return (
        f"Half of the {len(built.subgroups):,} subgroups have fewer than {FEW_ROWS} rows: cut "
        f"{told} into bands, such as groups.bands = {{{key} = 5}}."
    )


def _different(values: NDArray[Any]) -> int:
    """Return how many different numbers an attribute has, 0 for one of texts."""
    return len(np.unique(values)) if values.dtype.kind in "iuf" else 0


def _with_recipe(dataset: Dataset, settings: GroupSettings) -> GroupSettings:
    recipe = RECIPES.get(dataset.name)
    if settings.by or recipe is None:
        return settings
    own = {name: getattr(settings, name) for name in settings.model_fields_set if name != "by"}
    # of bands those of the recipe that nobody sets otherwise
    own["bands"] = {**recipe.bands, **settings.bands}
    return GroupSettings.model_validate({**recipe.model_dump(), **own})


def _inputs(dataset: Dataset) -> Mapping[str, NDArray[Any]]:
    raw = getattr(dataset, "raw", None)
    if raw is not None:
        return {column.name: _cells(column) for column in raw.columns}
    if dataset.inputs.ndim != 2:
        return {}
    return dict(zip(column_names(dataset), dataset.inputs.T, strict=True))


def _with_gaps(values: NDArray[Any]) -> NDArray[Any]:
    """Return an attribute with None in place of the text that says a cell is missing."""
    if values.dtype.kind != "U" or not (gone := values == MISSING_TEXT).any():
        return values
    cells = values.astype(object)
    cells[gone] = None
    return cells


def _cells(column: Any) -> NDArray[Any]:
    if column.how == "number":
        numbers: NDArray[Any] = column.values
        return numbers
    # place -1, a missing cell, takes the last entry
    cells: NDArray[Any] = np.array([*column.levels, None], dtype=object)[column.values]
    return cells
